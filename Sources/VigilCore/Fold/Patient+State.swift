// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of a patient and of what it is made of: see `StateCodable`.

extension Patient: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(subject)
        state.write(facts)
        state.writeShared(practice)
        state.write(generation)
        state.write(loads)
        state.write(episodes)
        state.write(view)
        state.write(mergedInto)
        state.write(pastCounts)
        state.write(reminderCount)
        state.write(reviews)
        state.writeNumber(UInt64(resources.count))
        let inOrder = resources.sorted {
            ($0.value.version.offset, $0.key.id) < ($1.value.version.offset, $1.key.id)
        }
        for (key, resource) in inOrder {
            state.write(key)
            state.write(resource)
        }
        state.write(hasHalts)
        state.write(hasRepeats)
        state.write(registrations)
        state.write(toldUnreadable)
        state.write(series)
        state.write(tracks)
    }

    init(state: inout StateReader) throws(StateError) {
        let subject = try state.read(String.self)
        let facts = try state.read(PatientFacts.self)
        self.init(subject: subject, practice: try state.readShared())
        self.facts = facts
        generation = try state.read()
        loads = try state.read()
        episodes = try state.read()
        view = try state.read()
        mergedInto = try state.read()
        pastCounts = try state.read()
        reminderCount = try state.read()
        reviews = try state.read()
        let count = try state.readCount()
        resources.reserveCapacity(count)
        for _ in 0..<count {
            let key = try state.read(ResourceKey.self)
            resources[key] = try state.read(ResourceState.self)
        }
        hasHalts = try state.read()
        hasRepeats = try state.read()
        registrations = try state.read()
        toldUnreadable = try state.read()
        series = try state.read()
        tracks = try state.read()
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

extension Patient.ResourceState: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(version)
        state.write(isWithdrawn)
        state.write(factOffset)
        state.write(medicine)
        state.write(ending)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            version: try state.read(), isWithdrawn: try state.read(),
            factOffset: try state.read(), medicine: try state.read(),
            ending: try state.read())
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
