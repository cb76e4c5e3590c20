// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of a patient and of what it is made of: see `StateCodable`.

extension Patient: StateCodable {
    /// What most patients have none of, a bit each.
    private struct Presence: OptionSet {
        let rawValue: UInt64

        static let generation = Presence(rawValue: 1 << 0)
        static let halts = Presence(rawValue: 1 << 1)
        static let repeats = Presence(rawValue: 1 << 2)
        static let loads = Presence(rawValue: 1 << 3)
        static let view = Presence(rawValue: 1 << 4)
        static let mergedInto = Presence(rawValue: 1 << 5)
        static let pastEpisodes = Presence(rawValue: 1 << 6)
        static let reminders = Presence(rawValue: 1 << 7)
        static let reviews = Presence(rawValue: 1 << 8)
        static let toldUnreadable = Presence(rawValue: 1 << 9)
        static let series = Presence(rawValue: 1 << 10)
        static let tracks = Presence(rawValue: 1 << 11)
        static let flags = Presence(rawValue: 1 << 12)
    }

    private var presence: Presence {
        var found: Presence = []
        if generation != 0 { found.insert(.generation) }
        if hasHalts { found.insert(.halts) }
        if hasRepeats { found.insert(.repeats) }
        if !loads.isEmpty { found.insert(.loads) }
        if view != nil { found.insert(.view) }
        if mergedInto != nil { found.insert(.mergedInto) }
        if !pastEpisodes.isEmpty { found.insert(.pastEpisodes) }
        if reminderCount != 0 { found.insert(.reminders) }
        if !flags.isEmpty { found.insert(.flags) }
        if !reviews.isEmpty { found.insert(.reviews) }
        if !toldUnreadable.isEmpty { found.insert(.toldUnreadable) }
        if !series.series.isEmpty { found.insert(.series) }
        if !tracks.follows { found.insert(.tracks) }
        return found
    }

    func write(to state: inout StateWriter) {
        write(to: &state, after: nil, of: [])
    }

    /// First when it is due and its subject, which a start reads of everybody.
    ///
    /// - Parameters:
    ///   - state: where to.
    ///   - known: what of the resources and facts a record holds already; nil for nothing.
    ///   - record: that record.
    func write(
        to state: inout StateWriter, after known: PackedExtent?, of record: ArraySlice<UInt8>
    ) {
        state.writeSpan(due.milliseconds)
        state.write(subject)
        state.writeShared(practice)
        let presence = presence
        state.writeNumber(presence.rawValue)
        if presence.contains(.generation) { state.write(generation) }
        if presence.contains(.loads) { state.write(loads) }
        if let view { state.write(view) }
        if let mergedInto { state.write(mergedInto) }
        if presence.contains(.pastEpisodes) { state.write(pastEpisodes) }
        if presence.contains(.reminders) { state.write(reminderCount) }
        if presence.contains(.flags) { state.write(flags) }
        if presence.contains(.reviews) { state.write(reviews) }
        if presence.contains(.toldUnreadable) { state.write(toldUnreadable) }
        state.write(episodes)
        state.write(registrations)
        facts.writePerson(to: &state)
        PackedRecords.write(facts.facts, resources, after: known, of: record, to: &state)
        if presence.contains(.series) { state.write(series) }
        if presence.contains(.tracks) { state.write(tracks) }
    }

    init(state: inout StateReader) throws(StateError) {
        // It follows from the episodes.
        _ = try state.readSpan()
        let subject = try state.read(String.self)
        self.init(subject: subject, practice: try state.readShared())
        let presence = Presence(rawValue: try state.readNumber())
        hasHalts = presence.contains(.halts)
        hasRepeats = presence.contains(.repeats)
        if presence.contains(.generation) { generation = try state.read() }
        if presence.contains(.loads) { loads = try state.read() }
        if presence.contains(.view) { view = try state.read(PatientFacts.self) }
        if presence.contains(.mergedInto) { mergedInto = try state.read(Int.self) }
        if presence.contains(.pastEpisodes) { pastEpisodes = try state.read() }
        if presence.contains(.reminders) { reminderCount = try state.read() }
        if presence.contains(.flags) { flags = try state.read() }
        if presence.contains(.reviews) { reviews = try state.read() }
        if presence.contains(.toldUnreadable) { toldUnreadable = try state.read() }
        episodes = try state.read()
        registrations = try state.read()
        facts = try PatientFacts(person: &state)
        (facts.facts, resources, packed) = try PackedRecords.read(from: &state)
        if presence.contains(.series) { series = try state.read() }
        if presence.contains(.tracks) { tracks = try state.read() }
    }
}

extension Patient.ResourceKey: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(source)
        state.write(type)
        state.write(id)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(source: try state.read(), type: try state.read(), id: try state.read())
    }
}

extension Patient.PatientEvent: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(resource)
        state.write(version)
        state.writeShared(practice)
        state.write(content)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            resource: try state.read(), version: try state.read(),
            practice: try state.readShared(), content: try state.read())
    }
}

extension HeldReview: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(key)
        state.write(version)
        state.write(content)
        state.write(offset)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            key: try state.read(), version: try state.read(), content: try state.read(),
            offset: try state.read())
    }
}

extension EndedHistory: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(ended)
        state.write(lastCurrent)
        state.write(abatedOn)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            ended: try state.read(), lastCurrent: try state.read(), abatedOn: try state.read())
    }
}
