// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilCore

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
    }

    private struct State {
        var asOf: UInt64 = 0
        var entries: [String: Entry] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Takes in what has become durable.
    ///
    /// - Parameters:
    ///   - changes: in the order of the log.
    ///   - asOf: the last durable offset.
    package func apply(_ changes: some Sequence<FlagChange>, asOf: UInt64) {
        state.withLock { state in
            for change in changes {
                switch change.transition {
                case .raised, .updated:
                    let review = state.entries[change.flagID]?.review
                    state.entries[change.flagID] = Entry(
                        flagID: change.flagID, topic: change.topic, newest: change.offset,
                        review: review)
                case .reviewed: state.entries[change.flagID]?.review = change.offset
                case .resolved where change.goesOn: break
                case .resolved: state.entries[change.flagID] = nil
                }
            }
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
        state.withLock { state in
            let entries = state.entries.values.filter { entry in
                (cursor.map { entry.flagID > $0 } ?? true)
                    && (prefixes?.contains { entry.topic.utf8.starts(with: $0.utf8) } ?? true)
                    && mayRead(entry.topic)
            }
            return (state.asOf, entries.sorted { $0.flagID < $1.flagID })
        }
    }

    /// How many flags are open.
    package var count: Int {
        state.withLock { $0.entries.count }
    }

    /// The last durable offset.
    package var asOf: UInt64 {
        state.withLock { $0.asOf }
    }
}
