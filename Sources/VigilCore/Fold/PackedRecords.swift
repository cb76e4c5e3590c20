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

    static func write(
        _ facts: [Fact], _ resources: ResourceTable, to state: inout StateWriter
    ) {
        let owners = Self.owners(of: facts, among: resources.entries)
        let entries = resources.entries
        // A medicine's codes are those of its first fact, unless its newest version is no fact.
        var firstFacts: [Int?] = Array(repeating: nil, count: entries.count)
        for place in facts.indices.reversed() {
            if let owner = owners[place] { firstFacts[owner] = place }
        }
        state.writeNumber(UInt64(entries.count))
        for place in entries.indices {
            var isCoded = false
            if let fact = firstFacts[place] {
                isCoded = entries[place].state.medicine?.codings == facts[fact].codings
            }
            let earlier = place > 0 ? place - 1 : nil
            PackedResource.write(place, of: entries, after: earlier, isCoded: isCoded, to: &state)
        }
        state.writeNumber(UInt64(facts.count))
        var factWriter = PackedFactWriter()
        for place in facts.indices {
            factWriter.write(place, of: facts, owner: owners[place], among: entries, to: &state)
        }
    }

    static func read(
        from state: inout StateReader
    ) throws(StateError) -> (facts: [Fact], resources: ResourceTable) {
        let resourceCount = try state.readCount()
        var entries: [ResourceTable.Entry] = []
        entries.reserveCapacity(resourceCount + spare)
        var lacking: [Bool] = []
        lacking.reserveCapacity(resourceCount)
        for _ in 0..<resourceCount {
            try PackedResource.read(from: &state, into: &entries, lacksCodings: &lacking)
        }
        let factCount = try state.readCount()
        var facts: [Fact] = []
        facts.reserveCapacity(factCount + spare)
        var factReader = PackedFactReader()
        for place in 0..<factCount {
            let owner = try factReader.read(
                from: &state, entries: entries, into: &facts)
            if let owner, lacking[owner] {
                entries[owner].state.medicine?.codings = facts[place].codings
                lacking[owner] = false
            }
        }
        guard !lacking.contains(true) else { throw StateError() }
        return (facts, ResourceTable(entries: entries))
    }

    /// Of each fact the place of its resource: both are mostly in the same order.
    private static func owners(
        of facts: [Fact], among entries: [ResourceTable.Entry]
    ) -> [Int?] {
        // Apart from the wide entries they are quick to look through.
        let offsets = entries.indices.map { entries[$0].state.factOffset ?? .max }
        var owners: [Int?] = []
        owners.reserveCapacity(facts.count)
        var (next, last) = (0, UInt64.max)
        for fact in facts.indices {
            let offset = facts[fact].offset
            // Of an order's repeats each is as the one before.
            if offset == last, next > 0 { next -= 1 }
            var found = offsets[next...].firstIndex(of: offset)
            if found == nil { found = offsets[..<next].firstIndex(of: offset) }
            if let place = found {
                (next, last) = (place + 1, offset)
                if entries[place].key.type != facts[fact].type { found = nil }
            }
            owners.append(found)
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
        if parts.contains(.ownCodings), let medicine = entries[place].state.medicine {
            state.write(medicine.codings)
        }
        if parts.contains(.medicine), let medicine = entries[place].state.medicine {
            state.write(medicine)
        }
        if let ending = entries[place].state.ending { state.write(ending) }
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
        switch entries[place].state.medicine?.isSingle(version, id: entries[place].key.id) {
        case true?: parts.formUnion(isCoded ? .singleMedicine : [.singleMedicine, .ownCodings])
        case false?: parts.insert(.medicine)
        case nil: break
        }
        if entries[place].state.ending != nil { parts.insert(.ending) }
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
                    factOffset: factOffset, medicine: nil, ending: nil)))
        if parts.contains(.singleMedicine) {
            entries[last + 1].state.medicine = MedicineHistory(single: version, id: key.id)
            if parts.contains(.ownCodings) {
                entries[last + 1].state.medicine?.codings = try state.read()
            }
        }
        if parts.contains(.medicine) {
            entries[last + 1].state.medicine = try state.read(MedicineHistory.self)
        }
        if parts.contains(.ending) {
            entries[last + 1].state.ending = try state.read(EndedHistory.self)
        }
        lacksCodings.append(parts.contains(.singleMedicine) && !parts.contains(.ownCodings))
    }
}
