// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The bytes of a patient's resources and facts: by far the most of a patient's state.
///
/// What is as usual takes a bit: a fact is of a resource that stands beside it, a medicine has one
/// version, a status or an amount is that of an earlier fact like it. Days, times and offsets are
/// written as differences.
///
/// Facts and resources are wide: they are looked at where they stand, by place, and never copied.
enum PackedRecords {
    /// Room for what comes next, so that the first record does not double what an open patient
    /// takes.
    private static let spare = 2

    /// - Parameters:
    ///   - facts: the patient's.
    ///   - resources: the patient's.
    ///   - known: what of them a record holds already; nil for nothing.
    ///   - record: that record.
    ///   - state: where to.
    static func write(
        _ facts: [Fact], _ resources: ResourceTable, after known: PackedExtent?,
        of record: ArraySlice<UInt8>, to state: inout StateWriter
    ) {
        let entries = resources.entries
        let known = known ?? PackedExtent()
        let owners = Self.owners(of: facts, among: entries, after: known)
        // A medicine's codes are those of its first fact, unless its newest version is no fact.
        var firstFacts: [Int?] = Array(
            repeating: nil, count: entries.count - known.resourceCount)
        for place in owners.indices.reversed() {
            if let owner = owners[place] {
                firstFacts[owner - known.resourceCount] = known.factCount + place
            }
        }
        state.writeNumber(UInt64(entries.count))
        state.append(known.resources(in: record))
        for place in known.resourceCount..<entries.count {
            var isCoded = false
            if let fact = firstFacts[place - known.resourceCount] {
                isCoded = entries[place].state.life.codings == facts[fact].codings
            }
            let earlier = place > 0 ? place - 1 : nil
            PackedResource.write(place, of: entries, after: earlier, isCoded: isCoded, to: &state)
        }
        state.writeNumber(UInt64(facts.count))
        state.append(known.facts(in: record))
        var factWriter = PackedFactWriter(after: known, of: facts)
        for place in known.factCount..<facts.count {
            factWriter.write(
                place, of: facts, owner: owners[place - known.factCount], among: entries,
                to: &state)
        }
    }

    /// - Returns: also where in the bytes they stand; nil where nothing can be written behind them.
    static func read(
        from state: inout StateReader
    ) throws(StateError) -> (facts: [Fact], resources: ResourceTable, extent: PackedExtent?) {
        let resourceCount = try state.readCount()
        var extent = PackedExtent()
        extent.resourceCount = resourceCount
        extent.resourceStart = state.passedCount
        var entries: [ResourceTable.Entry] = []
        entries.reserveCapacity(resourceCount + spare)
        var lacking: [Bool] = []
        lacking.reserveCapacity(resourceCount)
        for _ in 0..<resourceCount {
            try PackedResource.read(from: &state, into: &entries, lacksCodings: &lacking)
        }
        extent.resourceEnd = state.passedCount
        let factCount = try state.readCount()
        extent.factCount = factCount
        extent.factStart = state.passedCount
        var facts: [Fact] = []
        facts.reserveCapacity(factCount + spare)
        var factReader = PackedFactReader()
        var isWhole = false
        for place in 0..<factCount {
            let owner = try factReader.read(
                from: &state, entries: entries, into: &facts)
            isWhole = isWhole || owner == nil
            if let owner { extent.lastOwner = owner }
            if let owner, lacking[owner] {
                entries[owner].state.life = .single(entries[owner].key.id, facts[place].codings)
                lacking[owner] = false
            }
        }
        guard !lacking.contains(true) else { throw StateError() }
        extent.factEnd = state.passedCount
        return (facts, ResourceTable(entries: entries), isWhole ? nil : extent)
    }

    /// Of each further fact the place of its resource: both are mostly in the same order.
    private static func owners(
        of facts: [Fact], among entries: [ResourceTable.Entry], after known: PackedExtent
    ) -> [Int?] {
        let first = known.resourceCount
        // Apart from the wide entries they are quick to look through.
        let offsets = (first..<entries.count).map { entries[$0].state.factOffset ?? .max }
        var owners: [Int?] = []
        owners.reserveCapacity(facts.count - known.factCount)
        var (next, last) = (0, UInt64.max)
        for fact in known.factCount..<facts.count {
            let offset = facts[fact].offset
            // Of an order's repeats each is as the one before.
            if offset == last, next > 0 { next -= 1 }
            var found = offsets[next...].firstIndex(of: offset)
            if found == nil { found = offsets[..<next].firstIndex(of: offset) }
            if let place = found {
                (next, last) = (place + 1, offset)
                if entries[first + place].key.type != facts[fact].type { found = nil }
            }
            owners.append(found.map { first + $0 })
        }
        return owners
    }
}

/// Where in a patient's record its resources and facts stand, in bytes from its beginning.
///
/// While none of them has changed, the record's next bytes are these and behind them what has come
/// since: as a rule one of each.
struct PackedExtent: Sendable {
    fileprivate(set) var resourceCount = 0
    fileprivate(set) var factCount = 0
    fileprivate var resourceStart = 0
    fileprivate var resourceEnd = 0
    fileprivate var factStart = 0
    fileprivate var factEnd = 0
    /// The place of the last fact's resource; nil where there is no fact.
    fileprivate(set) var lastOwner: Int?

    fileprivate init() {}

    fileprivate func resources(in record: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        record[record.startIndex + resourceStart..<record.startIndex + resourceEnd]
    }

    fileprivate func facts(in record: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        record[record.startIndex + factStart..<record.startIndex + factEnd]
    }
}

/// What there is of a packed resource; the lowest four bits are its type.
struct PackedResourceParts: OptionSet {
    let rawValue: UInt64

    static let sameSource = PackedResourceParts(rawValue: 1 << 4)
    /// The newest version is the fact.
    static let isFact = PackedResourceParts(rawValue: 1 << 5)
    /// A medicine of one version, that names no other.
    static let singleMedicine = PackedResourceParts(rawValue: 1 << 6)
    static let number = PackedResourceParts(rawValue: 1 << 7)
    /// Its number is 1.
    static let first = PackedResourceParts(rawValue: 1 << 8)
    /// `meta.lastUpdated` is the event's time.
    static let updatedThen = PackedResourceParts(rawValue: 1 << 9)
    static let updated = PackedResourceParts(rawValue: 1 << 10)
    static let withdrawn = PackedResourceParts(rawValue: 1 << 11)
    static let olderFact = PackedResourceParts(rawValue: 1 << 12)
    static let ownCodings = PackedResourceParts(rawValue: 1 << 13)
    static let medicine = PackedResourceParts(rawValue: 1 << 14)
    static let ending = PackedResourceParts(rawValue: 1 << 15)
}

/// The bytes of one resource behind those of another.
private enum PackedResource {
    /// - Parameters:
    ///   - place: which is written.
    ///   - entries: all of the patient.
    ///   - earlier: the place of the one before; nil for the first.
    ///   - isCoded: whether its medicine's codes are those of its first fact.
    ///   - state: where to.
    static func write(
        _ place: Int, of entries: [ResourceTable.Entry], after earlier: Int?, isCoded: Bool,
        to state: inout StateWriter
    ) {
        let version = entries[place].state.version
        let parts = parts(place, of: entries, isCoded: isCoded)
        let isSameSource = earlier.map { entries[$0].key.source == entries[place].key.source }
        let written = isSameSource ?? false ? parts.union(.sameSource) : parts
        state.writeNumber(written.rawValue)
        if !written.contains(.sameSource) { state.write(entries[place].key.source) }
        state.write(entries[place].key.id)
        let time = earlier.map { entries[$0].state.version.time.milliseconds } ?? 0
        let offset = earlier.map { entries[$0].state.version.offset } ?? 0
        state.writeSpan(version.time.milliseconds &- time)
        state.writeDifference(Int64(bitPattern: version.offset &- offset))
        if parts.contains(.number), let number = version.number { state.write(number) }
        if parts.contains(.updated), let updated = version.lastUpdated {
            state.writeSpan(updated.milliseconds &- version.time.milliseconds)
        }
        if parts.contains(.olderFact), let offset = entries[place].state.factOffset {
            state.writeDifference(Int64(bitPattern: version.offset &- offset))
        }
        switch entries[place].state.life {
        case .none: break
        case .single(_, let codings): if !isCoded { state.write(codings) }
        case .medicine(let history): state.write(history)
        case .condition(let history): state.write(history)
        }
    }

    private static func parts(
        _ place: Int, of entries: [ResourceTable.Entry], isCoded: Bool
    ) -> PackedResourceParts {
        let version = entries[place].state.version
        var parts = PackedResourceParts(rawValue: UInt64(entries[place].key.type.number))
        if entries[place].state.isWithdrawn { parts.insert(.withdrawn) }
        if let offset = entries[place].state.factOffset {
            parts.insert(offset == version.offset ? .isFact : .olderFact)
        }
        if let number = version.number { parts.insert(number == 1 ? .first : .number) }
        if let updated = version.lastUpdated {
            parts.insert(updated == version.time ? .updatedThen : .updated)
        }
        switch entries[place].state.life {
        case .none: break
        case .single: parts.formUnion(isCoded ? .singleMedicine : [.singleMedicine, .ownCodings])
        case .medicine: parts.insert(.medicine)
        case .condition: parts.insert(.ending)
        }
        return parts
    }

    /// Appends the resource, and whether its codes are those of its fact.
    static func read(
        from state: inout StateReader, into entries: inout [ResourceTable.Entry],
        lacksCodings: inout [Bool]
    ) throws(StateError) {
        let parts = PackedResourceParts(rawValue: try state.readNumber())
        let last = entries.count - 1
        var source: ExactText?
        if parts.contains(.sameSource), last >= 0 { source = entries[last].key.source }
        if !parts.contains(.sameSource) { source = try state.read(ExactText.self) }
        guard let source, let type = ResourceType(number: Int(parts.rawValue & 15)) else {
            throw StateError()
        }
        let key = Patient.ResourceKey(source: source, type: type, id: try state.read())
        var (time, offset) = (Int64(0), UInt64(0))
        if last >= 0 {
            time = entries[last].state.version.time.milliseconds
            offset = entries[last].state.version.offset
        }
        time = time &+ (try state.readSpan())
        offset = offset &+ UInt64(bitPattern: try state.readDifference())
        var number: VersionNumber? = parts.contains(.first) ? 1 : nil
        if parts.contains(.number) { number = try state.read(VersionNumber.self) }
        var version = ResourceVersion(
            number: number, lastUpdated: nil, time: Instant(milliseconds: time), offset: offset)
        if parts.contains(.updatedThen) { version.lastUpdated = version.time }
        if parts.contains(.updated) {
            version.lastUpdated = Instant(milliseconds: time &+ (try state.readSpan()))
        }
        var factOffset: UInt64? = parts.contains(.isFact) ? offset : nil
        if parts.contains(.olderFact) {
            factOffset = offset &- UInt64(bitPattern: try state.readDifference())
        }
        // Filled in where it stands: a wide value would be copied there.
        entries.append(
            ResourceTable.Entry(
                key: key,
                state: Patient.ResourceState(
                    version: version, isWithdrawn: parts.contains(.withdrawn),
                    factOffset: factOffset)))
        if parts.isSuperset(of: [.singleMedicine, .ownCodings]) {
            entries[last + 1].state.life = .single(key.id, try state.read())
        }
        if parts.contains(.medicine) { entries[last + 1].state.life = .medicine(try state.read()) }
        if parts.contains(.ending) { entries[last + 1].state.life = .condition(try state.read()) }
        lacksCodings.append(parts.contains(.singleMedicine) && !parts.contains(.ownCodings))
    }
}

extension Patient.Life {
    /// The codes of a medicine; nil of what is none.
    fileprivate var codings: [CodingID]? {
        switch self {
        case .single(_, let codings): codings
        case .medicine(let history): history.codings
        case .none, .condition: nil
        }
    }
}
