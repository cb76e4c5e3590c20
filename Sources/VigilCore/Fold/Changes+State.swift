// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of settings, suspensions and merged patients: see `StateCodable`.

extension EventKind: StateCodable {}
extension FoldSettings.Source.Subjects: StateCodable {}
extension FoldSettings.Source.Registration: StateCodable {}

extension FoldSettings: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(sources)
        state.write(parameters)
        state.write(coverage)
        state.write(budgets)
        state.write(unreviewedMilliseconds)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            sources: try state.read(), parameters: try state.read(),
            coverage: try state.read(), budgets: try state.read())
        unreviewedMilliseconds = try state.read()
    }
}

extension FoldSettings.Source: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(source)
        state.write(subjects)
        state.write(registration)
        state.write(zone)
        state.write(rhythmMilliseconds)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(source: try state.read())
        subjects = try state.read()
        registration = try state.read()
        zone = try state.read()
        rhythmMilliseconds = try state.read()
    }
}

extension FoldSettings.Parameter: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(pack)
        state.write(name)
        state.write(value)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(pack: try state.read(), name: try state.read(), value: try state.read())
    }
}

extension FoldSettings.Coverage: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(practice)
        state.write(kind)
        state.write(from)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(practice: try state.read(), kind: try state.read(), from: try state.read())
    }
}

extension FoldSettings.Budget: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(practice)
        state.write(severity)
        state.write(raisesPerDay)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            practice: try state.read(), severity: try state.read(),
            raisesPerDay: try state.read())
    }
}

extension Suspension: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(rule)
        state.write(practice)
        state.write(reason)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(rule: try state.read(), practice: try state.read(), reason: try state.read())
    }
}

extension MergeTable: StateCodable {
    func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(named.count))
        named.forEach { name, patient in
            state.write(name)
            state.write(patient)
        }
        state.write(stated)
        state.write(statedAbout)
        state.writeNumber(UInt64(waiting.count))
        for (name, patients) in waiting {
            state.write(name)
            state.write(patients)
        }
        state.write(members)
    }

    init(state: inout StateReader) throws(StateError) {
        for _ in 0..<(try state.readCount()) {
            let name = try state.read(Name.self)
            named[name] = try state.read(Int.self)
        }
        stated = try state.read()
        statedAbout = try state.read()
        for _ in 0..<(try state.readCount()) {
            let name = try state.read(ExactText.self)
            waiting[name] = try state.read([Int].self)
        }
        members = try state.read()
    }
}

extension MergeTable.Name: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(source)
        state.write(name.text)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(source: try state.read(), name: ExactText(try state.read()))
    }
}

extension MergeTable.Stated: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(link)
        state.write(source)
        state.write(time)
        state.write(offset)
        state.write(other)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            link: try state.read(), source: try state.read(), time: try state.read(),
            offset: try state.read(), other: try state.read())
    }
}

extension ZoneTable: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(name)
        state.write(initialOffsetSeconds)
        state.write(transitions)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            name: try state.readShared(), initialOffsetSeconds: try state.read(),
            transitions: try state.read())
    }
}

extension ZoneTable.Transition: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(unixSeconds)
        state.write(offsetSeconds)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(unixSeconds: try state.read(), offsetSeconds: try state.read())
    }
}
