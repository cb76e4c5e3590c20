// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import VigilCore

/// Which flags are open, as of the newest durable record: what the `open` query answers.
///
/// The engine's thread writes, the history's reads.
package final class OpenFlags: Sendable {
    /// An open flag and where its newest events are.
    package struct Entry: Hashable, Sendable {
        package var flagID: FlagID
        package var topic: String
        /// The newest raise or update.
        package var newest: UInt64
        /// The newest review.
        package var review: UInt64?
    }

    private struct State {
        var asOf: UInt64 = 0
        var table = OpenFlagTable()
    }

    private let state = Mutex(State())

    package init() {}

    /// Begins with the flags that a log has open.
    package func begin(_ table: OpenFlagTable, asOf: UInt64) {
        state.withLock { $0 = State(asOf: asOf, table: table) }
    }

    /// The flags as they are open now.
    package var table: OpenFlagTable { state.withLock { $0.table } }

    /// Takes in what has become durable.
    ///
    /// - Parameters:
    ///   - changes: in the order of the log.
    ///   - asOf: the last durable offset.
    package func apply(_ changes: some Sequence<FlagChange>, asOf: UInt64) {
        state.withLock { state in
            for change in changes { state.table.apply(change) }
            state.asOf = asOf
        }
    }

    /// The next open flags under topic prefixes after a cursor.
    ///
    /// - Parameters:
    ///   - prefixes: nil for all.
    ///   - cursor: the last flag of the page before, or any text.
    ///   - limit: so many at most.
    ///   - mayRead: whether a topic may be given away.
    /// - Returns: the flags by their identity, and the offset as of which they are open.
    package func page(
        prefixes: [String]?, after cursor: String?, limit: Int,
        mayRead: (String) -> Bool = { _ in true }
    ) -> (asOf: UInt64, entries: [Entry]) {
        // A copy: who writes does not wait while it is searched.
        let state = state.withLock { $0 }
        let entries = state.table.entries(after: cursor, limit: limit) { topic in
            (prefixes?.contains { topic.utf8.starts(with: $0.utf8) } ?? true) && mayRead(topic)
        }
        return (state.asOf, entries)
    }

    /// How many flags are open, those of rules on trial left out.
    package var count: Int {
        state.withLock { $0.table.count }
    }

    /// The last durable offset.
    package var asOf: UInt64 {
        state.withLock { $0.asOf }
    }
}

/// Open flags by their identity, and what each change of one does to them.
package struct OpenFlagTable: Sendable {
    private static let shardBits: UInt64 = 12

    private struct Slot: Sendable {
        var id: FlagID
        var newest: UInt64
        var review: UInt64?
        /// Its place in `topics`.
        var topic: Int32
    }

    /// Ascending: a page begins where the one before has ended, and a copy costs little.
    private var shards: [[Slot]] = Array(repeating: [], count: 1 << Int(shardBits))
    private var topics: [String] = []
    private var topicPlaces = ShardedTable<String, Int32>()
    private var shadowCount = 0
    private var total = 0

    /// No flags.
    package init() {}

    /// How many flags are open, those of rules on trial left out.
    package var count: Int { total - shadowCount }

    /// Takes in what has happened to a flag.
    package mutating func apply(_ change: FlagChange) {
        let shard = Self.shard(of: change.flagID)
        let (place, isOpen) = self.place(of: change.flagID, in: shard)
        switch change.transition {
        case .raised, .updated:
            let review = isOpen ? shards[shard][place].review : nil
            if isOpen { remove(place, of: shard) }
            let slot = Slot(
                id: change.flagID, newest: change.offset, review: review,
                topic: topicPlace(of: change.topic))
            insert(slot, at: place, of: shard)
        case .reviewed: if isOpen { shards[shard][place].review = change.offset }
        case .resolved where change.goesOn: break
        case .resolved: if isOpen { remove(place, of: shard) }
        }
    }

    /// The next flags after a cursor whose topics a condition holds for, by their identity.
    package func entries(
        after cursor: String? = nil, limit: Int = .max,
        where matches: (String) -> Bool = { _ in true }
    ) -> [OpenFlags.Entry] {
        let known = cursor.flatMap { FlagID($0) }
        let first = known.map { Self.shard(of: $0) } ?? 0
        // What is no flag's identity is a place among the texts all the same.
        var before = known == nil ? cursor : nil
        // Topics are few: each is asked about once.
        var answers: [Bool?] = Array(repeating: nil, count: topics.count)
        var found: [OpenFlags.Entry] = []
        for slots in shards[first...] {
            for slot in slots {
                if let known, slot.id <= known { continue }
                if let text = before, slot.id.text <= text { continue }
                before = nil
                let topic = Int(slot.topic)
                let answer = answers[topic] ?? matches(topics[topic])
                answers[topic] = answer
                guard answer else { continue }
                guard found.count < limit else { return found }
                found.append(entry(of: slot))
            }
        }
        return found
    }

    private func entry(of slot: Slot) -> OpenFlags.Entry {
        OpenFlags.Entry(
            flagID: slot.id, topic: topics[Int(slot.topic)], newest: slot.newest,
            review: slot.review)
    }

    private mutating func insert(_ slot: Slot, at place: Int, of shard: Int) {
        shards[shard].insert(slot, at: place)
        total += 1
        if isShadow(slot) { shadowCount += 1 }
    }

    private mutating func remove(_ place: Int, of shard: Int) {
        let slot = shards[shard].remove(at: place)
        total -= 1
        if isShadow(slot) { shadowCount -= 1 }
    }

    private func isShadow(_ slot: Slot) -> Bool { topics[Int(slot.topic)].hasPrefix("shadow.") }

    private mutating func topicPlace(of topic: String) -> Int32 {
        if let known = topicPlaces[topic] { return known }
        let place = Int32(topics.count)
        topicPlaces[topic] = place
        topics.append(topic)
        return place
    }

    private static func shard(of id: FlagID) -> Int { Int(id.prefix >> (64 - shardBits)) }

    /// Where a flag is in its shard or belongs, and whether it is there.
    private func place(of id: FlagID, in shard: Int) -> (place: Int, isOpen: Bool) {
        var (low, high) = (0, shards[shard].count)
        while low < high {
            let middle = (low + high) / 2
            if shards[shard][middle].id < id { low = middle + 1 } else { high = middle }
        }
        return (low, low < shards[shard].count && shards[shard][low].id == id)
    }
}

extension OpenFlagTable: StateCodable {
    /// Writes the flags by their identity.
    package func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(total))
        for slot in shards.joined() {
            state.write(slot.id)
            state.writeShared(topics[Int(slot.topic)])
            state.write(slot.newest)
            state.write(slot.review)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        for _ in 0..<(try state.readCount()) {
            let id = try state.read(FlagID.self)
            let topic = topicPlace(of: try state.readShared())
            let slot = Slot(
                id: id, newest: try state.read(), review: try state.read(), topic: topic)
            let shard = Self.shard(of: id)
            guard shards[shard].last.map({ $0.id < id }) ?? true else { throw StateError() }
            insert(slot, at: shards[shard].count, of: shard)
        }
    }
}
