// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of an episode and of what it is made of: see `StateCodable`.

extension Episode: StateCodable {
    /// What there is of it, and in the lowest two bits what the last judgement said.
    private struct Parts: OptionSet {
        let rawValue: UInt64

        static let count = Parts(rawValue: 1 << 2)
        static let open = Parts(rawValue: 1 << 3)
        static let quiet = Parts(rawValue: 1 << 4)
        static let pending = Parts(rawValue: 1 << 5)
        static let overrides = Parts(rawValue: 1 << 6)
    }

    func write(to state: inout StateWriter) {
        var parts = Parts(rawValue: truth == .no ? 0 : truth == .yes ? 1 : 2)
        if count != 0 { parts.insert(.count) }
        if open != nil { parts.insert(.open) }
        if isQuiet { parts.insert(.quiet) }
        if pending != nil { parts.insert(.pending) }
        if !overrides.isEmpty { parts.insert(.overrides) }
        state.writeNumber(parts.rawValue)
        state.writeSpan(stableUntil.milliseconds)
        if count != 0 { state.write(count) }
        if let open { state.write(open) }
        if let pending { state.write(pending) }
        if !overrides.isEmpty { state.write(overrides) }
    }

    init(state: inout StateReader) throws(StateError) {
        let parts = Parts(rawValue: try state.readNumber())
        truth = parts.rawValue & 3 == 0 ? .no : parts.rawValue & 3 == 1 ? .yes : .unknown
        isQuiet = parts.contains(.quiet)
        stableUntil = Instant(milliseconds: try state.readSpan())
        if parts.contains(.count) { count = try state.read() }
        if parts.contains(.open) { open = try state.read(OpenEpisode.self) }
        if parts.contains(.pending) { pending = try state.read(Pending.self) }
        if parts.contains(.overrides) { overrides = try state.read() }
    }
}

extension EpisodeTable: StateCodable {
    func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(entries.count))
        for (rule, episode) in entries {
            state.writeNumber(UInt64(rule))
            state.write(episode)
        }
    }

    init(state: inout StateReader) throws(StateError) {
        var entries: [(rule: Int, episode: Episode)] = []
        let count = try state.readCount()
        entries.reserveCapacity(count)
        for _ in 0..<count {
            guard let rule = Int(exactly: try state.readNumber()) else { throw StateError() }
            entries.append((rule, try state.read()))
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
        state.write(endedThrough)
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
            inherited: try state.read(), endedThrough: try state.read(), severity: try state.read(),
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
