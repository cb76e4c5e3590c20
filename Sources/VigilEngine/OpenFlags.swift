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
        package var flagID: String
        package var topic: String
        /// The newest raise or update.
        package var newest: UInt64
        /// The newest review.
        package var review: UInt64?

        fileprivate var isShadow: Bool { topic.hasPrefix("shadow.") }
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

    /// The open flags under topic prefixes after a cursor.
    ///
    /// - Parameters:
    ///   - prefixes: nil for all.
    ///   - cursor: the last flag of the page before.
    ///   - mayRead: whether a topic may be given away.
    /// - Returns: the flags by their identity, and the offset as of which they are open.
    package func page(
        prefixes: [String]?, after cursor: String?, mayRead: (String) -> Bool = { _ in true }
    ) -> (asOf: UInt64, entries: [Entry]) {
        // A copy: who writes does not wait while it is searched.
        let state = state.withLock { $0 }
        let entries = state.table.sorted { entry in
            (cursor.map { entry.flagID > $0 } ?? true)
                && (prefixes?.contains { entry.topic.utf8.starts(with: $0.utf8) } ?? true)
                && mayRead(entry.topic)
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
    private var entries = ShardedTable<String, OpenFlags.Entry>()
    private var shadowCount = 0

    /// No flags.
    package init() {}

    /// How many flags are open, those of rules on trial left out.
    package var count: Int { entries.count - shadowCount }

    /// Takes in what has happened to a flag.
    package mutating func apply(_ change: FlagChange) {
        switch change.transition {
        case .raised, .updated:
            let review = entries[change.flagID]?.review
            set(
                OpenFlags.Entry(
                    flagID: change.flagID, topic: change.topic, newest: change.offset,
                    review: review),
                for: change.flagID)
        case .reviewed: entries[change.flagID]?.review = change.offset
        case .resolved where change.goesOn: break
        case .resolved: set(nil, for: change.flagID)
        }
    }

    private mutating func set(_ entry: OpenFlags.Entry?, for flagID: String) {
        if entries[flagID]?.isShadow ?? false { shadowCount -= 1 }
        if entry?.isShadow ?? false { shadowCount += 1 }
        entries[flagID] = entry
    }

    /// The flags that a condition holds for, by their identity.
    package func sorted(
        where matches: (OpenFlags.Entry) -> Bool = { _ in true }
    ) -> [OpenFlags.Entry] {
        var found: [OpenFlags.Entry] = []
        entries.forEach { _, entry in
            if matches(entry) { found.append(entry) }
        }
        return found.sorted { $0.flagID < $1.flagID }
    }
}

extension OpenFlagTable: StateCodable {
    /// Writes the flags by their identity.
    package func write(to state: inout StateWriter) { state.write(sorted()) }

    package init(state: inout StateReader) throws(StateError) {
        for entry in try state.read([OpenFlags.Entry].self) { set(entry, for: entry.flagID) }
    }
}

extension OpenFlags.Entry: StateCodable {
    /// Writes what it consists of.
    package func write(to state: inout StateWriter) {
        state.write(flagID)
        state.writeShared(topic)
        state.write(newest)
        state.write(review)
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init(
            flagID: try state.read(), topic: try state.readShared(), newest: try state.read(),
            review: try state.read())
    }
}
