// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// What a log amounts to while it is being opened: from a snapshot on, or from its first record.
struct LogOpening {
    /// So often the index of duplicates is asked whether it has something to write, and the
    /// caller whether to go on.
    private static let recordsPerSettling: UInt64 = 4096

    private let directory: String
    private let identity: LogIdentity
    private let lookup: RecordLookup
    private let reader: LogReader
    private let isStopping: () -> Bool
    private let tell: @Sendable (String) -> Void
    private let decoder = EventDecoder()
    private(set) var sequencer: Sequencer?
    private(set) var duplicates: DuplicateIndex?
    private(set) var openFlags = OpenFlagTable()
    private(set) var lastOutput: UInt64 = 0
    /// How many records the snapshot has; 0 where there is none.
    private(set) var resumedAt: UInt64 = 0

    init(
        directory: String, identity: LogIdentity, lookup: RecordLookup, reader: LogReader,
        isStopping: @escaping () -> Bool, tell: @escaping @Sendable (String) -> Void
    ) {
        self.directory = directory
        self.identity = identity
        self.lookup = lookup
        self.reader = reader
        self.isStopping = isStopping
        self.tell = tell
    }

    /// Looks for a snapshot and the index, once the log is locked.
    ///
    /// - Returns: where the log is to be read from.
    mutating func begin() throws -> LogMark? {
        let claimed = try LogReader(directory: directory)
        if let head = claimed.durableHead { reader.extend(durableHead: head) }
        let snapshot = try Snapshot.newest(
            in: directory, lookup: lookup, isStopping: isStopping, tell: tell)
        let duplicates = try DuplicateIndex(
            directory: directory, recordCount: claimed.durableEnd, tell: tell)
        self.duplicates = duplicates
        guard let snapshot else { return nil }
        try requireIdentity(snapshot.sequencer)
        sequencer = snapshot.sequencer
        openFlags = snapshot.openFlags
        lastOutput = snapshot.sequencer.lastOutput
        resumedAt = snapshot.mark.size
        claimed.extend(durableHead: resumedAt - 1)
        reader.extend(durableHead: resumedAt - 1)
        try claimed.scan(from: duplicates.end, to: resumedAt) { view in
            try index(view)
            return .next
        }
        return snapshot.mark
    }

    /// Folds the next record.
    mutating func take(_ view: LogRecordView) throws {
        let record = view.record
        if sequencer == nil {
            let found = try Sequencer(begunBy: record, lookup: lookup)
            try requireIdentity(found)
            sequencer = found
        }
        try OpeningError.requireKnownSemantics(of: record)
        do throws(ReplayDifference) {
            try sequencer?.refold(record, comparing: .place, decoder: decoder)
        } catch {
            throw OpeningError.difference(error)
        }
        if view.kind == .output || view.kind == .observation { lastOutput = view.offset }
        try index(view)
        openFlags.settle(&sequencer, through: view.offset)
    }

    private func requireIdentity(_ found: Sequencer) throws(OpeningError) {
        guard found.identity.admits(identity) else {
            throw .otherIdentity(asked: identity, found: found.identity)
        }
    }

    private func index(_ view: LogRecordView) throws {
        guard let duplicates else { return }
        if view.offset >= duplicates.end, let message = view.message {
            duplicates.insert(source: message.source, id: message.id, offset: view.offset)
        }
        if view.offset % Self.recordsPerSettling == 0 {
            if isStopping() { throw CancellationError() }
            try duplicates.settle(durableThrough: view.offset)
        }
    }
}

extension OpenFlagTable {
    /// Takes over from a sequencer that reads a log what has happened to flags up to an offset.
    mutating func settle(_ sequencer: inout Sequencer?, through offset: UInt64) {
        guard var changes = sequencer?.flagChanges, !changes.isEmpty else { return }
        let settled = changes.prefix { $0.offset <= offset }
        for change in settled { apply(change) }
        changes.removeFirst(settled.count)
        sequencer?.flagChanges = changes
    }
}
