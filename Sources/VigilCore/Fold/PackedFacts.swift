// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What there is of a packed fact.
private struct PackedFactParts: OptionSet {
    let rawValue: UInt64

    // Of most facts there is nothing but these, which take one byte.
    /// Its date is a day, the one that it is put under.
    static let plainDate = PackedFactParts(rawValue: 1 << 0)
    static let singleCoding = PackedFactParts(rawValue: 1 << 1)
    /// As of the fact like it.
    static let sameStatus = PackedFactParts(rawValue: 1 << 2)
    static let sameQuantity = PackedFactParts(rawValue: 1 << 3)
    static let sameDirections = PackedFactParts(rawValue: 1 << 4)
    /// Of its resource's source and id, and of no other record.
    static let ownSupply = PackedFactParts(rawValue: 1 << 5)
    static let supplyEnd = PackedFactParts(rawValue: 1 << 6)
    // With these it takes two.
    static let value = PackedFactParts(rawValue: 1 << 7)
    static let inhaled = PackedFactParts(rawValue: 1 << 8)
    /// Of a form that is known and is not inhaled.
    static let notInhaled = PackedFactParts(rawValue: 1 << 9)
    static let issue = PackedFactParts(rawValue: 1 << 10)
    static let issued = PackedFactParts(rawValue: 1 << 11)
    static let stopped = PackedFactParts(rawValue: 1 << 12)
    static let endDay = PackedFactParts(rawValue: 1 << 13)
    // With these three.
    static let endsAt = PackedFactParts(rawValue: 1 << 14)
    static let encounterClass = PackedFactParts(rawValue: 1 << 15)
    static let supply = PackedFactParts(rawValue: 1 << 16)
    static let components = PackedFactParts(rawValue: 1 << 17)
    static let referenceHigh = PackedFactParts(rawValue: 1 << 18)
    /// Of no resource that is kept: all of it is written.
    static let whole = PackedFactParts(rawValue: 1 << 19)

    static let sameDetails: PackedFactParts = [.sameStatus, .sameQuantity, .sameDirections]
    /// What of details is not as of the fact like it, and one bit.
    static let inhalation: PackedFactParts = [.inhaled, .notInhaled]
    /// The same of which more is written.
    static let ownDetails: PackedFactParts = [
        .value, .issued, .encounterClass, .components, .referenceHigh,
    ]

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// What there is of details, whatever those of the fact like it are.
    init(of details: FactDetails) {
        self = []
        if let isInhaled = details.isInhaled { insert(isInhaled ? .inhaled : .notInhaled) }
        if details.value != nil { insert(.value) }
        if details.issued != nil { insert(.issued) }
        if details.encounterClass != nil { insert(.encounterClass) }
        if !details.components.isEmpty { insert(.components) }
        if details.referenceHigh != nil { insert(.referenceHigh) }
    }
}

/// Which earlier fact a fact is likely to be like: the last of its type and first code, else the
/// last of its type.
private struct LikelyFacts {
    private var ofType: [Int?] = Array(repeating: nil, count: ResourceType.allCases.count)
    private var ofCode: [(type: ResourceType, code: CodingID, place: Int)] = []

    /// The place of the fact that one is like, which is from now on like that one itself.
    mutating func replace(
        type: ResourceType, code: CodingID?, by place: Int
    ) -> Int? {
        let last = ofType[type.number]
        ofType[type.number] = place
        guard let code else { return last }
        if let known = ofCode.firstIndex(where: { $0.code == code && $0.type == type }) {
            defer { ofCode[known].place = place }
            return ofCode[known].place
        }
        ofCode.append((type, code, place))
        return last
    }
}

struct PackedFactWriter {
    private var day: Int32 = 0
    private var owner = 0
    private var likely = LikelyFacts()

    /// - Parameters:
    ///   - known: what is written already.
    ///   - facts: all of the patient, those that are written first.
    init(after known: PackedExtent, of facts: [Fact]) {
        guard let last = known.lastOwner else { return }
        day = facts[known.factCount - 1].day.number
        owner = last + 1
        for place in 0..<known.factCount {
            _ = likely.replace(
                type: facts[place].type, code: facts[place].codings.first, by: place)
        }
    }

    /// - Parameters:
    ///   - place: of the fact that is written.
    ///   - facts: all of the patient.
    ///   - owner: the place of its resource; nil where none has it as its fact.
    ///   - entries: all resources.
    ///   - state: where to.
    mutating func write(
        _ place: Int, of facts: [Fact], owner: Int?, among entries: [ResourceTable.Entry],
        to state: inout StateWriter
    ) {
        guard let owner else {
            state.writeNumber(PackedFactParts.whole.rawValue)
            state.write(facts[place])
            return
        }
        var parts = Self.parts(place, of: facts, owner: owner, among: entries)
        let like = likely.replace(
            type: facts[place].type, code: facts[place].codings.first, by: place)
        parts.formUnion(Self.same(place, like, of: facts))
        state.writeNumber(parts.rawValue)
        state.writeDifference(Int64(owner - self.owner))
        state.writeDifference(Int64(facts[place].day.number) - Int64(day))
        if parts.contains(.singleCoding) {
            state.writeNumber(UInt64(facts[place].codings[0].index))
        } else {
            state.write(facts[place].codings)
        }
        state.writeSpan(
            facts[place].known.milliseconds &- entries[owner].state.version.time.milliseconds)
        if !parts.contains(.plainDate) { state.write(facts[place].date) }
        facts[place].details.write(parts, to: &state)
        if let end = facts[place].supplyEnd {
            state.writeDifference(Int64(end.number) - Int64(facts[place].day.number))
        }
        if parts.rawValue >= PackedFactParts.value.rawValue {
            if facts[place].issue != 0 { state.write(facts[place].issue) }
            if let day = facts[place].stoppedOn { state.write(day) }
            if let day = facts[place].endDay { state.write(day) }
            if let moment = facts[place].endsAt { state.write(moment) }
            if parts.contains(.supply), let supply = facts[place].supply { state.write(supply) }
        }
        (day, self.owner) = (facts[place].day.number, owner + 1)
    }

    private static func parts(
        _ place: Int, of facts: [Fact], owner: Int, among entries: [ResourceTable.Entry]
    ) -> PackedFactParts {
        var parts: PackedFactParts = []
        if facts[place].date == ClinicalTime(writtenDay: facts[place].day, precision: .day) {
            parts.insert(.plainDate)
        }
        if facts[place].codings.count == 1 { parts.insert(.singleCoding) }
        if let supply = facts[place].supply {
            let isOwn =
                supply.names.isEmpty && supply.id == entries[owner].key.id
                && supply.source == entries[owner].key.source
            parts.insert(isOwn ? .ownSupply : .supply)
        }
        if facts[place].supplyEnd != nil { parts.insert(.supplyEnd) }
        if facts[place].endDay != nil { parts.insert(.endDay) }
        if facts[place].endsAt != nil { parts.insert(.endsAt) }
        if facts[place].stoppedOn != nil { parts.insert(.stopped) }
        if facts[place].issue != 0 { parts.insert(.issue) }
        return parts.union(PackedFactParts(of: facts[place].details))
    }

    /// What is as of the fact that it is like; where there is no such fact, what there is none of.
    private static func same(
        _ place: Int, _ like: Int?, of facts: [Fact]
    ) -> PackedFactParts {
        let (details, other) = (facts[place].details, like.map { facts[$0].details })
        if details === other { return .sameDetails }
        var parts: PackedFactParts = []
        if details.status.isSame(as: other?.status) { parts.insert(.sameStatus) }
        if details.quantity.isSame(as: other?.quantity) { parts.insert(.sameQuantity) }
        if details.directions.isSame(as: other?.directions) { parts.insert(.sameDirections) }
        return parts
    }
}

struct PackedFactReader {
    private var day: Int32 = 0
    private var owner = 0
    private var likely = LikelyFacts()
    /// That of the issues of one order, which share it.
    private var supply: SupplyIdentity?

    /// Appends the next fact.
    ///
    /// - Returns: the place of its resource; nil where none has it as its fact.
    mutating func read(
        from state: inout StateReader, entries: [ResourceTable.Entry],
        into facts: inout [Fact]
    ) throws(StateError) -> Int? {
        let parts = PackedFactParts(rawValue: try state.readNumber())
        if parts.contains(.whole) {
            facts.append(try state.read())
            return nil
        }
        let place = owner &+ Int(try state.readDifference())
        guard entries.indices.contains(place), let offset = entries[place].state.factOffset else {
            throw StateError()
        }
        owner = place + 1
        let type = entries[place].key.type
        day = try Self.day(day, adding: try state.readDifference())
        let codings = try Self.codings(parts, from: &state)
        let like = likely.replace(type: type, code: codings.first, by: facts.count)
        let known =
            entries[place].state.version.time.milliseconds &+ (try state.readSpan())
        let today = CivilDay(number: day)
        var date = ClinicalTime(writtenDay: today, precision: .day)
        if !parts.contains(.plainDate) { date = try state.read() }
        let details = try FactDetails.read(parts, like.map { facts[$0].details }, from: &state)
        var fact = Fact(
            type: type, offset: offset, codings: codings, date: date, day: today,
            details: details)
        fact.known = Instant(milliseconds: known)
        if parts.contains(.supplyEnd) {
            fact.supplyEnd = CivilDay(
                number: try Self.day(day, adding: try state.readDifference()))
        }
        if parts.contains(.ownSupply) { fact.supply = ownSupply(entries[place].key) }
        if parts.rawValue >= PackedFactParts.value.rawValue {
            if parts.contains(.issue) { fact.issue = try state.read() }
            if parts.contains(.stopped) { fact.stoppedOn = try state.read(CivilDay.self) }
            if parts.contains(.endDay) { fact.endDay = try state.read(CivilDay.self) }
            if parts.contains(.endsAt) { fact.endsAt = try state.read(Instant.self) }
            if parts.contains(.supply) { fact.supply = try state.read(SupplyIdentity.self) }
        }
        facts.append(fact)
        return place
    }

    private mutating func ownSupply(_ key: Patient.ResourceKey) -> SupplyIdentity {
        if let supply, supply.id == key.id, supply.source == key.source { return supply }
        let own = SupplyIdentity(source: key.source, id: key.id, names: [])
        supply = own
        return own
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

extension FactDetails {
    /// Writes what is not as of the fact like it.
    fileprivate func write(_ parts: PackedFactParts, to state: inout StateWriter) {
        if !parts.contains(.sameStatus) { state.writeShared(status) }
        if !parts.contains(.sameQuantity) { state.write(quantity) }
        if !parts.contains(.sameDirections) { state.writeShared(directions) }
        guard !parts.isDisjoint(with: .ownDetails) else { return }
        if let value { state.write(value) }
        if let issued { state.write(issued) }
        if encounterClass != nil { state.writeShared(encounterClass) }
        if !components.isEmpty { state.write(components) }
        if let referenceHigh { state.write(referenceHigh) }
    }

    /// What `write` wrote; the details of the fact that it is like themselves where they are the
    /// same.
    fileprivate static func read(
        _ parts: PackedFactParts, _ like: FactDetails?, from state: inout StateReader
    ) throws(StateError) -> FactDetails {
        let inhalation = parts.intersection(.inhalation)
        if let like, parts.isSuperset(of: .sameDetails), parts.isDisjoint(with: .ownDetails),
            inhalation == PackedFactParts(of: like)
        {
            return like
        }
        let status =
            parts.contains(.sameStatus) ? like?.status : try state.readSharedOptional()
        let quantity =
            parts.contains(.sameQuantity)
            ? like?.quantity : try state.read(ObservedQuantity?.self)
        let directions =
            parts.contains(.sameDirections) ? like?.directions : try state.readSharedOptional()
        let value = parts.contains(.value) ? try state.read(ObservedValue.self) : nil
        let issued = parts.contains(.issued) ? try state.read(Instant.self) : nil
        let encounterClass =
            parts.contains(.encounterClass) ? try state.readSharedOptional() : nil
        let components =
            parts.contains(.components) ? try state.read([ObservedComponent].self) : []
        return FactDetails(
            status: status, issued: issued, value: value, components: components,
            referenceHigh: parts.contains(.referenceHigh)
                ? try state.read(ObservedQuantity.self) : nil,
            encounterClass: encounterClass, quantity: quantity, directions: directions,
            isInhaled: inhalation.isEmpty ? nil : inhalation.contains(.inhaled))
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
            left === right
                || left.value.isExactly(right.value) && left.unit.isSame(as: right.unit)
                    && left.comparator.isSame(as: right.comparator)
        default: false
        }
    }
}
