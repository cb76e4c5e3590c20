// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of facts and of what they are made of: see `StateCodable`.

extension ResourceType: StateCodable {}
extension ClinicalTime.Precision: StateCodable {}

extension Instant: StateCodable {
    package func write(to state: inout StateWriter) { state.write(milliseconds) }
    package init(state: inout StateReader) throws(StateError) {
        self.init(milliseconds: try state.read())
    }
}

extension CivilDay: StateCodable {
    package func write(to state: inout StateWriter) { state.write(number) }
    package init(state: inout StateReader) throws(StateError) {
        self.init(number: try state.read())
    }
}

extension ClinicalTime: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(writtenDay)
        state.write(precision)
        state.write(instant)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            writtenDay: try state.read(), precision: try state.read(),
            instant: try state.read())
    }
}

extension CodingID: StateCodable {
    package func write(to state: inout StateWriter) { state.write(index) }
    package init(state: inout StateReader) throws(StateError) {
        self.init(index: try state.read())
    }
}

extension ResourceVersion: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(number)
        state.write(lastUpdated)
        state.write(time)
        state.write(offset)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            number: try state.read(), lastUpdated: try state.read(), time: try state.read(),
            offset: try state.read())
    }
}

extension Coding: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeShared(system)
        state.writeShared(code)
        state.writeShared(display)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            system: try state.readShared(), code: try state.readShared(),
            display: try state.readSharedOptional())
    }
}

extension ObservedQuantity: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(value)
        state.writeShared(comparator)
        state.writeShared(unit)
    }

    package convenience init(state: inout StateReader) throws(StateError) {
        self.init(
            value: try state.read(), comparator: try state.readSharedOptional(),
            unit: try state.readSharedOptional())
    }
}

extension ObservedValue: StateCodable {
    package func write(to state: inout StateWriter) {
        switch self {
        case .quantity(let quantity):
            state.write(0 as UInt8)
            state.write(quantity)
        case .codings(let codings):
            state.write(1 as UInt8)
            state.write(codings)
        case .text(let text):
            state.write(2 as UInt8)
            state.write(text)
        case .boolean(let boolean):
            state.write(3 as UInt8)
            state.write(boolean)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        switch try state.readByte() {
        case 0: self = .quantity(try state.read())
        case 1: self = .codings(try state.read())
        case 2: self = .text(try state.read())
        case 3: self = .boolean(try state.read())
        default: throw StateError()
        }
    }
}

extension ObservedComponent: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(codings)
        state.write(value)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(codings: try state.read(), value: try state.read())
    }
}

extension SupplyIdentity: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(source)
        state.write(id)
        state.write(names)
    }

    package convenience init(state: inout StateReader) throws(StateError) {
        self.init(
            source: try state.read(), id: try state.read(), names: try state.read())
    }
}

extension Fact: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(type)
        state.write(offset)
        state.write(codings)
        state.write(date)
        state.write(day)
        state.write(endDay)
        state.write(endsAt)
        state.write(stoppedOn)
        state.write(issue)
        state.write(supplyEnd)
        state.write(supply != nil)
        if let supply { state.write(supply) }
        state.write(details.issued)
        state.writeShared(details.status)
        state.write(details.value)
        state.write(details.components)
        state.writeShared(details.encounterClass)
        state.write(details.referenceHigh)
        state.write(details.quantity)
        state.writeShared(details.directions)
        state.write(details.isInhaled)
        state.write(known)
    }

    package init(state: inout StateReader) throws(StateError) {
        type = try state.read()
        offset = try state.read()
        codings = try state.read()
        date = try state.read()
        day = try state.read()
        endDay = try state.read()
        endsAt = try state.read()
        stoppedOn = try state.read()
        issue = try state.read()
        supplyEnd = try state.read()
        if try state.read(Bool.self) { supply = try state.read(SupplyIdentity.self) }
        let issued = try state.read(Instant?.self)
        let status = try state.readSharedOptional()
        let value = try state.read(ObservedValue?.self)
        let components = try state.read([ObservedComponent].self)
        let encounterClass = try state.readSharedOptional()
        let referenceHigh = try state.read(ObservedQuantity?.self)
        let quantity = try state.read(ObservedQuantity?.self)
        let directions = try state.readSharedOptional()
        details = FactDetails(
            status: status, issued: issued, value: value, components: components,
            referenceHigh: referenceHigh, encounterClass: encounterClass, quantity: quantity,
            directions: directions, isInhaled: try state.read())
        known = try state.read()
    }
}

extension PatientFacts: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(facts)
        writePerson(to: &state)
    }

    package init(state: inout StateReader) throws(StateError) {
        let facts = try state.read([Fact].self)
        try self.init(person: &state)
        self.facts = facts
    }

    /// All but the facts.
    func writePerson(to state: inout StateWriter) {
        state.write(birth)
        state.write(birthOffset)
        state.writeShared(gender)
        state.write(deathDay)
        state.write(registrationDay)
        state.write(deregistrationDay)
    }

    /// What `writePerson` wrote.
    init(person state: inout StateReader) throws(StateError) {
        self.init(
            birth: try state.read(), birthOffset: try state.read(),
            gender: try state.readSharedOptional(), deathDay: try state.read(),
            registrationDay: try state.read(), deregistrationDay: try state.read())
    }
}

extension PatientContent.Deceased: StateCodable {
    package func write(to state: inout StateWriter) {
        switch self {
        case .boolean(let boolean):
            state.write(0 as UInt8)
            state.write(boolean)
        case .at(let time):
            state.write(1 as UInt8)
            state.write(time)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        switch try state.readByte() {
        case 0: self = .boolean(try state.read())
        case 1: self = .at(try state.read())
        default: throw StateError()
        }
    }
}

extension PatientContent: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(birthDate)
        state.writeShared(gender)
        state.write(active)
        state.write(deceased)
        state.write(namesPractice)
        state.write(links)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            birthDate: try state.read(), gender: try state.readSharedOptional(),
            active: try state.read(), deceased: try state.read(),
            namesPractice: try state.read(), links: try state.read())
    }
}

extension ReviewContent: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(flagID)
        state.writeShared(action)
        state.write(seen)
        state.write(date)
        state.write(until)
        state.writeBytes(mitigation)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            flagID: try state.read(), action: try state.readShared(), seen: try state.read(),
            date: try state.read(), until: try state.read(),
            mitigation: Array(try state.readBytes()))
    }
}

extension PatientLink.Direction: StateCodable {}

extension PatientLink: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(direction)
        state.write(names)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(direction: try state.read(), names: try state.read())
    }
}
