// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// What can be set about a log's files.
package struct LogOptions: Sendable {
    /// A segment is closed before it grows beyond this, in bytes; one commit it always takes.
    package var segmentLengthMax: UInt64

    /// The defaults: segments of 64 MiB.
    package init(segmentLengthMax: UInt64 = 64 << 20) {
        self.segmentLengthMax = segmentLengthMax
    }
}

/// What opening a log found.
package struct Recovery: Hashable, Sendable {
    /// The records in the log: all below this offset were handed to the visitor, from where the
    /// opening began to read.
    package var recordCount: UInt64
    /// The last durable offset, nil for an empty log.
    package var durableHead: UInt64? { recordCount == 0 ? nil : recordCount - 1 }
    /// What was left of a commit that was never acknowledged, nil where the log ended cleanly.
    package var tornTail: TornTail?
    /// All tails that this and earlier recoveries have set aside, in the order of their names.
    package var setAside: [TornTail]
}

/// A torn tail that was set aside.
package struct TornTail: Hashable, Sendable {
    /// The offset that the torn commit would have begun with.
    package var offset: UInt64
    /// How many bytes were cut from the log.
    package var byteCount: UInt64
    /// The file that holds them now.
    package var path: String
}

/// The one writer of a log: records go in as units and come out durable, in commits.
///
/// One thread owns it (the engine's). The commits are written by a thread of the writer's own,
/// which reports what has become durable.
package final class LogWriter {
    private let disk: any Disk
    private let paths: LogPaths
    /// Nil once closed.
    private var lock: (any DiskFile)?
    private let committer: Committer
    private let preparer: SegmentPreparer
    private var tear: PendingTear?
    private var filling: CommitBuffer
    private var salts: [UInt64] = []
    private var isSealed: Bool
    private var isClosed = false

    /// The tree over what is durable, for whoever signs it.
    package let treeHead: DurableTreeHead

    /// The offset of the next record.
    package private(set) var nextOffset: UInt64

    /// Opens a log, making an empty one where there is none, and recovers it.
    ///
    /// Every record, from the place on that `resume` gives, is handed to `visit` in order before
    /// this returns; what precedes that place is not read. `resume` is asked once the log is
    /// locked. `report` is called on the committer's thread. Throws `LogError`, `TreeError` where
    /// the log is not the one that was signed, or what `visit` throws.
    package static func open(
        directory: String, options: LogOptions = LogOptions(), disk: any Disk = LinuxDisk(),
        from resume: () throws -> LogMark? = { nil },
        report: @escaping @Sendable (LogReport) -> Void,
        visit: (LogRecordView) throws -> Void
    ) throws -> sending (writer: LogWriter, recovery: Recovery) {
        let paths = LogPaths(directory: directory)
        try disk.makeDirectory(paths.log)
        let lock = try disk.lock(paths.lock)
        let resume = try resume()
        let (tail, recovery) = try recoverLog(
            on: disk, paths: paths, segmentLengthMax: options.segmentLengthMax, from: resume,
            visit: visit)
        let treeHead = DurableTreeHead(tail.tree.head, mark: tail.mark)
        let preparer = try SegmentPreparer(disk: disk, paths: paths)
        let appender = SegmentAppender(
            disk: disk, paths: paths, segmentLengthMax: options.segmentLengthMax,
            preparer: preparer, tail: tail, treeHead: treeHead)
        let committer: Committer
        do throws(LogError) {
            committer = try Committer(appender: appender, report: report)
        } catch {
            preparer.stop()
            throw error
        }
        let writer = LogWriter(
            disk: disk, paths: paths, lock: lock, committer: committer, preparer: preparer,
            tail: tail, treeHead: treeHead)
        return (writer, recovery)
    }

    private init(
        disk: any Disk, paths: LogPaths, lock: any DiskFile, committer: Committer,
        preparer: SegmentPreparer, tail: LogTail, treeHead: DurableTreeHead
    ) {
        self.disk = disk
        self.paths = paths
        self.lock = lock
        self.committer = committer
        self.preparer = preparer
        self.treeHead = treeHead
        tear = tail.tear
        nextOffset = tail.durableEnd
        isSealed = tail.isSealed
        filling = CommitBuffer(firstOffset: tail.durableEnd)
    }

    deinit {
        if !isClosed { stopThreads() }
    }

    /// The bytes of the units that were appended since the last submission.
    package var bufferedByteCount: Int { filling.filledLength }

    /// The records that were appended since the last submission.
    package var bufferedRecordCount: Int { Int(filling.recordCount) }

    /// Whether a commit can be submitted now: few are on their way, and nothing has failed.
    package var canSubmit: Bool { !isClosed && committer.canSubmit }

    /// The failure that ended writing, nil while there is none.
    package var failure: LogError? { committer.failure }

    /// Puts a unit into the commit that is being filled: nothing is written yet.
    ///
    /// The records' offsets continue the log from `nextOffset`. On an error nothing was appended.
    package func append(unit: [Record]) throws(LogError) {
        guard !isClosed else { throw .closed }
        guard !unit.isEmpty else { throw .emptyUnit }
        let before = filling.bytes.count
        var expected = nextOffset
        do throws(LogError) {
            let records = unit.span
            for index in records.indices {
                let offset = records[index].entry.offset
                guard offset == expected else {
                    throw .notContiguous(expected: expected, found: offset)
                }
                try encode(records[index], endsUnit: index == records.count - 1)
                expected += 1
            }
            guard filling.filledLength <= LogFormat.bodyLengthMax else { throw .commitTooLarge }
        } catch {
            filling.bytes.removeSubrange(before...)
            throw error
        }
        filling.recordCount += UInt32(unit.count)
        nextOffset = expected
    }

    /// Hands what was appended to the committer; nothing happens where nothing was.
    ///
    /// Throws `busy` unless `canSubmit`, and the failure that ended writing, for ever.
    package func submit() throws(LogError) {
        guard filling.recordCount > 0 else {
            if let failure = committer.failure { throw failure }
            return
        }
        // Whoever asks for space before deciding never comes here with a tear.
        guard tear == nil else { throw .noSpace(path: paths.torn) }
        try committer.submit(&filling, next: nextOffset)
        isSealed = false
    }

    /// Claims in the log itself that what was submitted is durable: the last that `close` does.
    ///
    /// Nothing happens where records wait to be submitted, nothing can be, or the last commit was a
    /// seal.
    package func seal() throws(LogError) {
        guard !isSealed, tear == nil, filling.recordCount == 0, canSubmit else { return }
        try committer.submit(&filling, next: nextOffset)
        isSealed = true
    }

    /// Waits until everything submitted is durable and reported; throws the failure if one came.
    package func drain() throws(LogError) {
        try committer.drain()
    }

    /// Sets a torn tail aside that the opening found no room for; nil where there was none.
    ///
    /// Called once there is room and before the first submission. Throws `noSpace` where there
    /// is too little still; it may be called again then.
    package func repair() throws(LogError) -> TornTail? {
        guard let tear else { return nil }
        let tornTail = try tear.setAside(on: disk, paths: paths)
        try tear.cut()
        self.tear = nil
        return tornTail
    }

    /// The bytes that may still be written to the log's device.
    package func freeBytes() throws(LogError) -> UInt64 {
        try disk.freeBytes(at: paths.log)
    }

    /// Makes what was appended durable, seals the log, ends the committer's thread and unlocks.
    package func close() throws(LogError) {
        guard !isClosed else { return }
        defer {
            isClosed = true
            stopThreads()
            lock = nil
        }
        try drain()
        try submit()
        try drain()
        try seal()
        try drain()
    }

    private func stopThreads() {
        committer.stop()
        preparer.stop()
    }

    private func encode(_ record: Record, endsUnit: Bool) throws(LogError) {
        if salts.count < 2 { salts = disk.randomWords(512) }
        let salt = RecordSalt(first: salts.removeLast(), second: salts.removeLast())
        do throws(LogRecordError) {
            try encodeLogRecord(record, salt: salt, endsUnit: endsUnit, to: &filling.bytes)
        } catch {
            throw .record(error)
        }
    }
}
