// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of an episode and of what it is made of: see `StateCodable`.

extension Episode: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(count)
        state.write(open)
        state.write(override)
        state.write(pending)
        state.write(isQuiet)
        state.write(stableUntil)
        state.write(truth)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            count: try state.read(), open: try state.read(), override: try state.read(),
            pending: try state.read(), isQuiet: try state.read(),
            stableUntil: try state.read(), truth: try state.read())
    }
}

extension EpisodeTable: StateCodable {
    func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(entries.count))
        for (rule, episode) in entries {
            state.write(rule)
            state.write(episode)
        }
    }

    init(state: inout StateReader) throws(StateError) {
        var entries: [(rule: Int, episode: Episode)] = []
        for _ in 0..<(try state.readCount()) {
            entries.append((try state.read(), try state.read()))
        }
        self.init(entries: entries)
    }
}

extension Truth: StateCodable {}

extension Episode.PastOverride: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(review)
        state.write(hazardCodings)
        state.write(diagnosisCodings)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            review: try state.read(), hazardCodings: try state.read(),
            diagnosisCodings: try state.read())
    }
}

extension Episode.Pending: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(since)
        state.writeShared(reason)
        state.write(settlesAt)
        state.write(corrects)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            since: try state.read(), reason: try state.readShared(),
            settlesAt: try state.read(), corrects: try state.read())
    }
}

extension OpenEpisode: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(flagID)
        state.write(openedAt)
        state.writeShared(practice)
        state.write(evidence)
        state.write(group)
        state.write(isFromBaseline)
        state.write(hazardCodings)
        state.write(review)
        state.write(inherited)
        state.write(severity)
        state.write(diagnosisCodings)
        state.write(assessment)
        state.write(occurredAt)
        state.write(remindAt)
        state.write(reminder)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            flagID: try state.read(), openedAt: try state.read(),
            practice: try state.readShared(), evidence: try state.read(),
            group: try state.read(), isFromBaseline: try state.read(),
            hazardCodings: try state.read(), review: try state.read(),
            inherited: try state.read(), severity: try state.read(),
            diagnosisCodings: try state.read(), assessment: try state.read(),
            occurredAt: try state.read(), remindAt: try state.read(),
            reminder: try state.read())
    }
}

extension Reminder: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(flagID)
        state.write(openedAt)
        state.write(review)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            flagID: try state.read(), openedAt: try state.read(), review: try state.read())
    }
}

extension StandingReview: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(content)
        state.write(instant)
        state.write(offset)
        state.write(endsAt)
        state.write(hasEnded)
    }

    package init(state: inout StateReader) throws(StateError) {
        content = try state.read()
        instant = try state.read()
        offset = try state.read()
        endsAt = try state.read()
        hasEnded = try state.read()
    }
}

extension Evidence: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(role)
        state.writeShared(display)
        state.write(isHazard)
        state.write(records)
        state.write(ageYears)
    }

    package init(state: inout StateReader) throws(StateError) {
        role = try state.readShared()
        display = try state.readShared()
        isHazard = try state.read()
        records = try state.read()
        ageYears = try state.read()
    }
}

extension EvidenceRecord: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(offset)
        state.write(day)
        state.write(precision)
    }

    package init(state: inout StateReader) throws(StateError) {
        offset = try state.read()
        day = try state.read()
        precision = try state.read()
    }
}
