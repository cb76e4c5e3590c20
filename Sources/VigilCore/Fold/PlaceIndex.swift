// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where patients stand in a table, by a hash of what names them, their subjects or their flags:
/// eight bytes each, with some room.
///
/// The names themselves are with the patients, and are compared there. There are many small hash
/// tables, so that a copy costs little: a change after it copies a four-thousandth.
struct PlaceIndex: Sendable {
    private static let shardBits: UInt64 = 12

    private struct Shard: Sendable {
        /// Of each name half its hash, and one more than its place; 0 where there is none.
        var slots: [UInt64] = []
        var count = 0

        init() {}

        init(of entries: ArraySlice<UInt64>) {
            count = entries.count
            var room = 4
            while count * 4 > room * 3 { room *= 2 }
            slots = Array(repeating: 0, count: room)
            for entry in entries { PlaceIndex.put(entry, in: &slots) }
        }
    }

    private var shards = Array(repeating: Shard(), count: 1 << Int(shardBits))

    init() {}

    /// The index of names by their places, with room for each made once.
    init(_ hashes: [IdentifierHash]) {
        precondition(hashes.count <= Int(UInt32.max), "A table has fewer patients than that.")
        // Shard by shard: each is small enough to be filled in a processor's own memory.
        for hash in hashes { shards[Self.shard(of: hash)].count += 1 }
        var ends = shards.map(\.count)
        for shard in ends.indices.dropFirst() { ends[shard] += ends[shard - 1] }
        var entries = Array(repeating: UInt64(0), count: hashes.count)
        for (place, hash) in hashes.enumerated() {
            let shard = Self.shard(of: hash)
            ends[shard] -= 1
            entries[ends[shard]] = Self.entry(hash, place)
        }
        for (shard, start) in ends.enumerated() where shards[shard].count > 0 {
            shards[shard] = Shard(of: entries[start..<start + shards[shard].count])
        }
    }

    /// The place of a name.
    ///
    /// - Parameters:
    ///   - hash: of the name.
    ///   - isIt: whether the patient at a place is who is named.
    /// - Returns: nil where it has none.
    func place(of hash: IdentifierHash, where isIt: (Int) -> Bool) -> Int? {
        let shard = shards[Self.shard(of: hash)]
        guard !shard.slots.isEmpty else { return nil }
        let mask = shard.slots.count - 1
        var slot = Self.half(hash) & mask
        while shard.slots[slot] != 0 {
            let entry = shard.slots[slot]
            let place = Int(entry & 0xFFFF_FFFF) - 1
            if Int(entry >> 32) == Self.half(hash), isIt(place) { return place }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a name that has no place yet.
    mutating func add(_ hash: IdentifierHash, at place: Int) {
        precondition(place < Int(UInt32.max), "A table has fewer patients than that.")
        let shard = Self.shard(of: hash)
        shards[shard].count += 1
        if shards[shard].count * 4 > shards[shard].slots.count * 3 {
            let old = shards[shard].slots
            shards[shard].slots = Array(repeating: 0, count: Swift.max(4, old.count * 2))
            for entry in old where entry != 0 { Self.put(entry, in: &shards[shard].slots) }
        }
        Self.put(Self.entry(hash, place), in: &shards[shard].slots)
    }

    private static func entry(_ hash: IdentifierHash, _ place: Int) -> UInt64 {
        UInt64(half(hash)) << 32 | UInt64(place + 1)
    }

    private static func put(_ entry: UInt64, in slots: inout [UInt64]) {
        let mask = slots.count - 1
        var slot = Int(entry >> 32) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
    }

    private static func shard(of hash: IdentifierHash) -> Int {
        Int(hash.bits >> (64 - shardBits))
    }

    private static func half(_ hash: IdentifierHash) -> Int {
        Int(hash.bits & 0xFFFF_FFFF)
    }
}

extension PlaceIndex: StateCodable {
    func write(to state: inout StateWriter) {
        for shard in shards {
            state.writeNumber(UInt64(shard.count))
            for entry in shard.slots where entry != 0 { state.writeWord(entry) }
        }
    }

    init(state: inout StateReader) throws(StateError) {
        var entries: [UInt64] = []
        for shard in shards.indices {
            entries.removeAll(keepingCapacity: true)
            for _ in 0..<(try state.readCount()) { entries.append(try state.readWord()) }
            if !entries.isEmpty { shards[shard] = Shard(of: entries[...]) }
        }
    }

    /// Whether nobody stands beyond the end of a table of so many.
    func isWithin(_ count: Int) -> Bool {
        shards.allSatisfy { $0.slots.allSatisfy { $0 & 0xFFFF_FFFF <= UInt64(count) } }
    }
}
