// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A dictionary in many small ones, so that a copy of it costs little.
///
/// Of a plain Dictionary the first change after a copy copies all of it: a snapshot would hold up
/// the events that come while it is written. Here it copies a four-thousandth.
package struct ShardedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    // What follows is inlinable so that other modules call it for their own keys and values.
    @usableFromInline var shards: [[Key: Value]]
    @usableFromInline var total = 0

    /// How many keys there are.
    package var count: Int { total }

    /// An empty table.
    package init() {
        shards = Array(repeating: [:], count: 4096)
    }

    /// The value of a key; nil takes the key out.
    @inlinable
    package subscript(key: Key) -> Value? {
        get { shards[Self.shard(of: key)][key] }
        _modify {
            let shard = Self.shard(of: key)
            let before = shards[shard].count
            defer { total += shards[shard].count - before }
            yield &shards[shard][key]
        }
    }

    /// Hands out all keys and values, in no order that means anything.
    package func forEach<Failure: Error>(
        _ body: (Key, Value) throws(Failure) -> Void
    ) throws(Failure) {
        for shard in shards {
            for (key, value) in shard { try body(key, value) }
        }
    }

    @usableFromInline
    static func shard(of key: Key) -> Int {
        Int(UInt(bitPattern: key.hashValue) >> UInt(UInt.bitWidth - 12))
    }
}
