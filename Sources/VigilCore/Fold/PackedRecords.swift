// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The bytes of a patient's resources and facts: by far the most of a patient's state.
///
/// What is as usual takes a bit: a fact is of a resource that stands beside it, a medicine has one
/// version, a status or an amount is that of the fact before. Days, times and offsets are written
/// as differences.
enum PackedRecords {
    static func write(
        _ facts: [Fact], _ resources: ResourceTable, to state: inout StateWriter
    ) {
        let entries = resources.entries
        let owners = Self.owners(of: facts, among: entries)
        // A medicine's codes are those of its fact, unless its newest version is no fact.
        var codings: [[CodingID]?] = Array(repeating: nil, count: entries.count)
        for (place, owner) in owners.enumerated() {
            if let owner { codings[owner] = facts[place].codings }
        }
        state.writeNumber(UInt64(entries.count))
        var resourceWriter = PackedResourceWriter()
        for (place, entry) in entries.enumerated() {
            resourceWriter.write(entry, codings: codings[place], to: &state)
        }
        state.writeNumber(UInt64(facts.count))
        var factWriter = PackedFactWriter()
        for (place, fact) in facts.enumerated() {
            factWriter.write(fact, owner: owners[place].map { ($0, entries[$0]) }, to: &state)
        }
    }

    static func read(
        from state: inout StateReader
    ) throws(StateError) -> (facts: [Fact], resources: ResourceTable) {
        let resourceCount = try state.readCount()
        var entries: [ResourceTable.Entry] = []
        entries.reserveCapacity(resourceCount)
        var lacking: [Bool] = []
        lacking.reserveCapacity(resourceCount)
        var resourceReader = PackedResourceReader()
        for _ in 0..<resourceCount {
            let (entry, lacksCodings) = try resourceReader.read(from: &state)
            entries.append(entry)
            lacking.append(lacksCodings)
        }
        let factCount = try state.readCount()
        var facts: [Fact] = []
        facts.reserveCapacity(factCount)
        var factReader = PackedFactReader()
        for _ in 0..<factCount {
            let (fact, owner) = try factReader.read(from: &state, entries: entries)
            if let owner, lacking[owner] {
                entries[owner].state.medicine?.codings = fact.codings
                lacking[owner] = false
            }
            facts.append(fact)
        }
        guard !lacking.contains(true) else { throw StateError() }
        return (facts, ResourceTable(entries: entries))
    }

    /// Of each fact the place of its resource: both are mostly in the same order.
    private static func owners(
        of facts: [Fact], among entries: [ResourceTable.Entry]
    ) -> [Int?] {
        var owners: [Int?] = []
        owners.reserveCapacity(facts.count)
        var next = 0
        for fact in facts {
            var found: Int?
            for step in 0..<entries.count {
                let place = next + step < entries.count ? next + step : next + step - entries.count
                if entries[place].state.factOffset == fact.offset,
                    entries[place].key.type == fact.type
                {
                    found = place
                    break
                }
            }
            owners.append(found)
            if let found { next = found + 1 == entries.count ? 0 : found + 1 }
        }
        return owners
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
    static let updated = PackedResourceParts(rawValue: 1 << 8)
    /// `meta.lastUpdated` is the event's time.
    static let updatedThen = PackedResourceParts(rawValue: 1 << 9)
    static let withdrawn = PackedResourceParts(rawValue: 1 << 10)
    static let olderFact = PackedResourceParts(rawValue: 1 << 11)
    static let ownCodings = PackedResourceParts(rawValue: 1 << 12)
    static let medicine = PackedResourceParts(rawValue: 1 << 13)
    static let ending = PackedResourceParts(rawValue: 1 << 14)
}

private struct PackedResourceWriter {
    private var source: ExactText?
    private var time: Int64 = 0
    private var offset: UInt64 = 0

    mutating func write(
        _ entry: ResourceTable.Entry, codings: [CodingID]?, to state: inout StateWriter
    ) {
        let (key, resource) = entry
        let version = resource.version
        var parts = PackedResourceParts(rawValue: UInt64(key.type.number))
        if key.source == source { parts.insert(.sameSource) }
        if resource.isWithdrawn { parts.insert(.withdrawn) }
        if let offset = resource.factOffset {
            parts.insert(offset == version.offset ? .isFact : .olderFact)
        }
        if version.number != nil { parts.insert(.number) }
        if let updated = version.lastUpdated {
            parts.insert(updated == version.time ? .updatedThen : .updated)
        }
        if let medicine = resource.medicine {
            parts.insert(
                medicine.isSingle(version, id: key.id) ? .singleMedicine : .medicine)
            if parts.contains(.singleMedicine), medicine.codings != codings {
                parts.insert(.ownCodings)
            }
        }
        if resource.ending != nil { parts.insert(.ending) }
        state.writeNumber(parts.rawValue)
        if !parts.contains(.sameSource) { state.write(key.source) }
        state.write(key.id)
        state.writeSpan(version.time.milliseconds &- time)
        state.writeDifference(Int64(bitPattern: version.offset &- offset))
        if let number = version.number { state.write(number) }
        if parts.contains(.updated) { state.write(version.lastUpdated) }
        if parts.contains(.olderFact) { state.write(resource.factOffset) }
        if parts.contains(.ownCodings) { state.write(resource.medicine?.codings) }
        if parts.contains(.medicine) { state.write(resource.medicine) }
        if parts.contains(.ending) { state.write(resource.ending) }
        (source, time, offset) = (key.source, version.time.milliseconds, version.offset)
    }
}

private struct PackedResourceReader {
    private var source: ExactText?
    private var time: Int64 = 0
    private var offset: UInt64 = 0

    /// - Returns: the resource, and whether its codes are those of its fact.
    mutating func read(
        from state: inout StateReader
    ) throws(StateError) -> (entry: ResourceTable.Entry, lacksCodings: Bool) {
        let parts = PackedResourceParts(rawValue: try state.readNumber())
        if !parts.contains(.sameSource) { source = try state.read(ExactText.self) }
        guard let source, let type = ResourceType(number: Int(parts.rawValue & 15)) else {
            throw StateError()
        }
        let key = Patient.ResourceKey(source: source, type: type, id: try state.read())
        time = time &+ (try state.readSpan())
        offset = offset &+ UInt64(bitPattern: try state.readDifference())
        var version = ResourceVersion(
            number: parts.contains(.number) ? try state.read(VersionNumber.self) : nil,
            lastUpdated: nil, time: Instant(milliseconds: time), offset: offset)
        if parts.contains(.updatedThen) { version.lastUpdated = version.time }
        if parts.contains(.updated) { version.lastUpdated = try state.read() }
        var resource = Patient.ResourceState(
            version: version, isWithdrawn: parts.contains(.withdrawn),
            factOffset: parts.contains(.isFact) ? offset : nil, medicine: nil, ending: nil)
        if parts.contains(.olderFact) { resource.factOffset = try state.read() }
        if parts.contains(.singleMedicine) {
            resource.medicine = MedicineHistory(single: version, id: key.id)
        }
        if parts.contains(.ownCodings) {
            resource.medicine?.codings = try state.read([CodingID]?.self) ?? []
        }
        if parts.contains(.medicine) { resource.medicine = try state.read() }
        if parts.contains(.ending) { resource.ending = try state.read() }
        let lacksCodings = parts.contains(.singleMedicine) && !parts.contains(.ownCodings)
        return ((key, resource), lacksCodings)
    }
}
