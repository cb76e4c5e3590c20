// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization
package import VigilLog

/// Writes a snapshot now and then, on a thread of its own, and one at a clean stop.
package final class SnapshotKeeper {
    /// A snapshot is due after so many records, where nothing else is set.
    package static let recordsDefault: UInt64 = 1 << 20
    /// At a stop fewer new records than this are left to the next start to fold.
    private static let stopRecordsMin: UInt64 = 4096
    /// How often it asks whether the log is durable up to the snapshot's place, in microseconds.
    private static let waitMicroseconds: useconds_t = 5000

    private final class Progress: Sendable {
        private let isWriting = Mutex(false)
        private let isStopping = Mutex(false)

        var isBusy: Bool { isWriting.withLock { $0 } }
        var isToStop: Bool { isStopping.withLock { $0 } }
        func begin() { isWriting.withLock { $0 = true } }
        func end() { isWriting.withLock { $0 = false } }
        func stop() { isStopping.withLock { $0 = true } }
    }

    private let store: SnapshotStore
    private let treeHead: DurableTreeHead
    private let records: UInt64
    private let tell: @Sendable (String) -> Void
    private let progress = Progress()
    private var thread: OwnThread?
    /// The records of the newest snapshot that was begun.
    private var newest: UInt64

    /// A keeper of a log's snapshots.
    ///
    /// - Parameters:
    ///   - directory: the data directory.
    ///   - treeHead: tells of the places that are durable.
    ///   - newest: how many records the snapshot has that the log was opened from; 0 for none.
    ///   - records: after how many more one is due.
    ///   - tell: gets a sentence where one could not be written.
    package init(
        directory: String, treeHead: DurableTreeHead, newest: UInt64, records: UInt64,
        tell: @escaping @Sendable (String) -> Void
    ) {
        store = SnapshotStore(directory: directory)
        self.treeHead = treeHead
        self.newest = newest
        self.records = records
        self.tell = tell
    }

    deinit {
        progress.stop()
        thread?.join()
    }

    /// Whether one is to be written of the log's first records, of this number.
    func isDue(at size: UInt64) -> Bool {
        size - newest >= records && !progress.isBusy
    }

    /// Has the log remember the place behind so many records, whose commit is about to be
    /// submitted.
    func mark(_ size: UInt64) {
        treeHead.keepMark(of: size)
    }

    /// Writes a snapshot at the place that was marked, once the log is durable up to there.
    ///
    /// - Parameters:
    ///   - state: at the place.
    ///   - openFlags: as of what is durable.
    ///   - changes: what has happened to flags since, up to the place.
    func begin(
        _ state: SequencerState, _ openFlags: OpenFlagTable, changes: ArraySlice<FlagChange>
    ) {
        newest = state.size
        thread?.join()
        thread = nil
        progress.begin()
        let (store, treeHead, progress, tell) = (store, treeHead, progress, tell)
        do throws(LogError) {
            thread = try OwnThread(name: "vigil-snapshot") {
                defer { progress.end() }
                while treeHead.keptMark == nil {
                    if progress.isToStop { return }
                    usleep(Self.waitMicroseconds)
                }
                guard let mark = treeHead.keptMark else { return }
                var table = openFlags
                for change in changes { table.apply(change) }
                Self.write(state, table, at: mark, to: store, rests: true, tell) {
                    progress.isToStop
                }
            }
        } catch {
            progress.end()
            tell("no snapshot was written: \(error)")
        }
    }

    /// Ends what is being written, and writes the state of the whole log where that is worth it.
    func finish(_ state: SequencerState, _ openFlags: OpenFlagTable) {
        let isWorthIt = state.size - newest >= min(Self.stopRecordsMin, records)
        if isWorthIt { progress.stop() }
        thread?.join()
        thread = nil
        guard isWorthIt, let mark = treeHead.mark, mark.size == state.size else { return }
        Self.write(state, openFlags, at: mark, to: store, rests: false, tell) { false }
    }

    private static func write(
        _ state: SequencerState, _ openFlags: OpenFlagTable, at mark: LogMark,
        to store: SnapshotStore, rests: Bool, _ tell: (String) -> Void,
        until isStopping: @escaping () -> Bool
    ) {
        do {
            _ = try store.write(size: state.size, rests: rests, until: isStopping) { file in
                try Snapshot.write(state, openFlags, at: mark, to: file)
            }
        } catch {
            tell("no snapshot was written: \(error); the next start takes longer, no more")
        }
    }
}
