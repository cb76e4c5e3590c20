// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What there is of a packed fact.
private struct PackedFactParts: OptionSet {
    let rawValue: UInt64

    /// Its date is a day, the one that it is put under.
    static let plainDate = PackedFactParts(rawValue: 1 << 0)
    static let singleCoding = PackedFactParts(rawValue: 1 << 1)
    /// As the fact before.
    static let sameStatus = PackedFactParts(rawValue: 1 << 2)
    static let sameQuantity = PackedFactParts(rawValue: 1 << 3)
    /// Of its resource's source and id, and of no other record.
    static let ownSupply = PackedFactParts(rawValue: 1 << 4)
    static let supplyEnd = PackedFactParts(rawValue: 1 << 5)
    static let value = PackedFactParts(rawValue: 1 << 6)
    static let endDay = PackedFactParts(rawValue: 1 << 7)
    static let stopped = PackedFactParts(rawValue: 1 << 8)
    static let issue = PackedFactParts(rawValue: 1 << 9)
    static let supply = PackedFactParts(rawValue: 1 << 10)
    static let issued = PackedFactParts(rawValue: 1 << 11)
    static let components = PackedFactParts(rawValue: 1 << 12)
    static let encounterClass = PackedFactParts(rawValue: 1 << 13)
    static let referenceHigh = PackedFactParts(rawValue: 1 << 14)
    /// Of no resource that is kept: all of it is written.
    static let whole = PackedFactParts(rawValue: 1 << 15)
    /// As of the fact before.
    static let sameDirections = PackedFactParts(rawValue: 1 << 16)
    static let endsAt = PackedFactParts(rawValue: 1 << 17)
    static let inhaled = PackedFactParts(rawValue: 1 << 18)
    /// Of a form that is known and is not inhaled.
    static let notInhaled = PackedFactParts(rawValue: 1 << 19)
}

struct PackedFactWriter {
    private var day: Int32 = 0
    private var owner = 0
    private var status: String?
    private var quantity: ObservedQuantity?
    private var directions: String?

    /// - Parameters:
    ///   - fact: what is written.
    ///   - owner: its resource and the place of that; nil where none has it as its fact.
    ///   - state: where to.
    mutating func write(
        _ fact: Fact, owner: (place: Int, entry: ResourceTable.Entry)?,
        to state: inout StateWriter
    ) {
        guard let (place, entry) = owner else {
            state.writeNumber(PackedFactParts.whole.rawValue)
            state.write(fact)
            return
        }
        let parts = parts(of: fact, entry.key)
        state.writeNumber(parts.rawValue)
        state.writeDifference(Int64(place - self.owner))
        state.writeDifference(Int64(fact.day.number) - Int64(day))
        if parts.contains(.singleCoding) {
            state.writeNumber(UInt64(fact.codings[0].index))
        } else {
            state.write(fact.codings)
        }
        state.writeSpan(fact.known.milliseconds &- entry.state.version.time.milliseconds)
        if !parts.contains(.plainDate) { state.write(fact.date) }
        if !parts.contains(.sameStatus) { state.writeShared(fact.status) }
        if !parts.contains(.sameQuantity) { state.write(fact.quantity) }
        if let end = fact.supplyEnd {
            state.writeDifference(Int64(end.number) - Int64(fact.day.number))
        }
        if let value = fact.value { state.write(value) }
        if let day = fact.endDay { state.write(day) }
        if let moment = fact.endsAt { state.write(moment) }
        if let day = fact.stoppedOn { state.write(day) }
        if fact.issue != 0 { state.write(fact.issue) }
        if parts.contains(.supply), let supply = fact.supply { state.write(supply) }
        if let issued = fact.issued { state.write(issued) }
        if !fact.components.isEmpty { state.write(fact.components) }
        if parts.contains(.encounterClass) { state.writeShared(fact.encounterClass) }
        if let high = fact.referenceHigh { state.write(high) }
        (day, self.owner) = (fact.day.number, place + 1)
        if !parts.contains(.sameDirections) { state.writeShared(fact.directions) }
        (status, quantity, directions) = (fact.status, fact.quantity, fact.directions)
    }

    private func parts(of fact: Fact, _ key: Patient.ResourceKey) -> PackedFactParts {
        var parts: PackedFactParts = []
        if fact.date == ClinicalTime(writtenDay: fact.day, precision: .day) {
            parts.insert(.plainDate)
        }
        if fact.codings.count == 1 { parts.insert(.singleCoding) }
        if fact.status.isSame(as: status) { parts.insert(.sameStatus) }
        if fact.quantity.isSame(as: quantity) { parts.insert(.sameQuantity) }
        if fact.directions.isSame(as: directions) { parts.insert(.sameDirections) }
        if let supply = fact.supply {
            let isOwn = supply.names.isEmpty && supply.id == key.id && supply.source == key.source
            parts.insert(isOwn ? .ownSupply : .supply)
        }
        if fact.supplyEnd != nil { parts.insert(.supplyEnd) }
        if fact.value != nil { parts.insert(.value) }
        if fact.endDay != nil { parts.insert(.endDay) }
        if fact.endsAt != nil { parts.insert(.endsAt) }
        if fact.stoppedOn != nil { parts.insert(.stopped) }
        if fact.issue != 0 { parts.insert(.issue) }
        if fact.issued != nil { parts.insert(.issued) }
        if !fact.components.isEmpty { parts.insert(.components) }
        if fact.encounterClass != nil { parts.insert(.encounterClass) }
        if fact.referenceHigh != nil { parts.insert(.referenceHigh) }
        if let isInhaled = fact.isInhaled { parts.insert(isInhaled ? .inhaled : .notInhaled) }
        return parts
    }
}

struct PackedFactReader {
    private var day: Int32 = 0
    private var owner = 0
    private var status: String?
    private var quantity: ObservedQuantity?
    private var directions: String?
    /// That of the issues of one order, which share it.
    private var supply: SupplyIdentity?

    /// - Returns: the fact, and the place of its resource; nil where none has it as its fact.
    mutating func read(
        from state: inout StateReader, entries: [ResourceTable.Entry]
    ) throws(StateError) -> (fact: Fact, owner: Int?) {
        let parts = PackedFactParts(rawValue: try state.readNumber())
        if parts.contains(.whole) { return (try state.read(), nil) }
        let place = owner &+ Int(try state.readDifference())
        guard entries.indices.contains(place), let offset = entries[place].state.factOffset else {
            throw StateError()
        }
        owner = place + 1
        let key = entries[place].key
        day = try Self.day(day, adding: try state.readDifference())
        let codings = try Self.codings(parts, from: &state)
        let known =
            entries[place].state.version.time.milliseconds &+ (try state.readSpan())
        let today = CivilDay(number: day)
        var date = ClinicalTime(writtenDay: today, precision: .day)
        if !parts.contains(.plainDate) { date = try state.read() }
        var fact = Fact(type: key.type, offset: offset, codings: codings, date: date, day: today)
        fact.known = Instant(milliseconds: known)
        if !parts.contains(.sameStatus) { status = try state.readSharedOptional() }
        if !parts.contains(.sameQuantity) { quantity = try state.read(ObservedQuantity?.self) }
        fact.status = status
        fact.quantity = quantity
        if parts.contains(.supplyEnd) {
            fact.supplyEnd = CivilDay(
                number: try Self.day(day, adding: try state.readDifference()))
        }
        if parts.contains(.value) { fact.value = try state.read(ObservedValue.self) }
        if parts.contains(.endDay) { fact.endDay = try state.read(CivilDay.self) }
        if parts.contains(.endsAt) { fact.endsAt = try state.read(Instant.self) }
        if parts.contains(.stopped) { fact.stoppedOn = try state.read(CivilDay.self) }
        if parts.contains(.issue) { fact.issue = try state.read() }
        if parts.contains(.ownSupply) {
            if supply?.id != key.id || supply?.source != key.source || supply?.names != [] {
                supply = SupplyIdentity(source: key.source, id: key.id, names: [])
            }
            fact.supply = supply
        }
        if parts.contains(.supply) { fact.supply = try state.read(SupplyIdentity.self) }
        if parts.contains(.issued) { fact.issued = try state.read(Instant.self) }
        if parts.contains(.components) { fact.components = try state.read() }
        if parts.contains(.encounterClass) {
            fact.encounterClass = try state.readSharedOptional()
        }
        if parts.contains(.referenceHigh) {
            fact.referenceHigh = try state.read(ObservedQuantity.self)
        }
        if !parts.contains(.sameDirections) { directions = try state.readSharedOptional() }
        fact.directions = directions
        if parts.contains(.inhaled) { fact.isInhaled = true }
        if parts.contains(.notInhaled) { fact.isInhaled = false }
        return (fact, place)
    }

    private static func codings(
        _ parts: PackedFactParts, from state: inout StateReader
    ) throws(StateError) -> [CodingID] {
        guard parts.contains(.singleCoding) else { return try state.read() }
        let number = try state.readNumber()
        guard let index = Int32(exactly: number) else { throw StateError() }
        return Int(index) < state.singleCodings.count
            ? state.singleCodings[Int(index)] : [CodingID(index: index)]
    }

    private static func day(_ day: Int32, adding days: Int64) throws(StateError) -> Int32 {
        guard let sum = Int32(exactly: Int64(day) &+ days) else { throw StateError() }
        return sum
    }
}

extension ResourceType {
    private static let numbered = ResourceType.allCases

    /// Its place among the cases.
    var number: Int { ResourceTypes(self).rawValue.trailingZeroBitCount }

    /// The type of a number; nil where none has it.
    init?(number: Int) {
        guard Self.numbered.indices.contains(number) else { return nil }
        self = Self.numbered[number]
    }
}

extension String? {
    /// Whether it is the same, byte by byte.
    fileprivate func isSame(as other: String?) -> Bool {
        switch (self, other) {
        case (nil, nil): true
        case (let left?, let right?): left.isExactly(right)
        default: false
        }
    }
}

extension ObservedQuantity? {
    /// Whether it is the same, byte by byte.
    fileprivate func isSame(as other: ObservedQuantity?) -> Bool {
        switch (self, other) {
        case (nil, nil): true
        case (let left?, let right?):
            left.value.isExactly(right.value) && left.comparator.isSame(as: right.comparator)
                && left.unit.isSame(as: right.unit)
        default: false
        }
    }
}
