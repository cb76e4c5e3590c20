// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
package import VigilLog
package import VigilPacks
internal import VigilTransport

/// A log that is open for writing, with the state that it amounts to.
package struct OpenedLog {
    let writer: LogWriter
    let quarantine: QuarantineWriter
    let lookup: RecordLookup
    let progress: CommitProgress
    var intake: Intake
    /// What the start has to write, once there is room for it.
    let start: StartWork
    let reader: LogReader
    package let recovery: Recovery
    let snapshots: SnapshotKeeper
    /// The flags that were open when the log ended.
    let openFlags: OpenFlagTable
    /// How many records were not read, because a snapshot has what they amount to.
    package let resumedAt: UInt64
    var durableThrough: UInt64?
    /// The tree over what is durable, for whoever signs it.
    package var treeHead: DurableTreeHead { writer.treeHead }
    /// The last output event; 0 for none.
    var lastOutput: UInt64 = 0
}

/// Why a log cannot be served.
package enum OpeningError: Error, Sendable, CustomStringConvertible {
    case noLog(directory: String)
    case otherIdentity(asked: LogIdentity, found: LogIdentity)
    case unreadableGenesis
    case otherSemantics(Int)
    case difference(ReplayDifference)
    /// Two packs to be in force have a rule of the same id.
    case sharedRule(String)

    package var description: String {
        switch self {
        case .noLog(let directory):
            "there is no log in \(directory): name a daemon's data directory"
        case .otherIdentity(let asked, let found):
            "the log was begun as \(found.origin) with the \(found.clockMode.rawValue) clock in "
                + "\(found.zone.name), not as \(asked.origin) with the "
                + "\(asked.clockMode.rawValue) clock in \(asked.zone.name): use the same "
                + "settings, or another data directory"
        case .unreadableGenesis:
            "the log's first record is not a genesis that this version reads"
        case .otherSemantics(let number):
            "the log has semantics \(number), this version has \(LogIdentity.semantics): use the "
                + "version that wrote it"
        case .sharedRule(let why): why
        case .difference(let difference):
            "the log does not follow from its inputs at offset \(difference.offset): "
                + difference.what + "; run `vigil replay --check`"
        }
    }
}

extension OpeningError {
    /// A later version has taken the log over: this one cannot know what it decided.
    static func requireKnownSemantics(of record: Record) throws(OpeningError) {
        guard record.entry.topic == "system.semantics",
            let number = Sequencer.semantics(of: record), number > LogIdentity.semantics
        else { return }
        throw .otherSemantics(number)
    }
}

extension OpenedLog {
    /// Opens a log, or begins one, folds it, and puts packs in force.
    ///
    /// Where there is a snapshot that is of use, only what follows it is folded.
    ///
    /// - Parameters:
    ///   - directory: the data directory; made where there is none.
    ///   - identity: what a new log is begun with, and an existing one must have been.
    ///   - packs: the packs to be in force; those in force and not named are deactivated.
    ///   - settings: the settings to be in force.
    ///   - eventBytesMax: the longest event that is taken.
    ///   - options: of the log's files.
    ///   - snapshotRecords: after how many records a snapshot is due.
    ///   - isStopping: asked now and then whether to give up.
    ///   - tell: gets a sentence about each snapshot or index that is of no use.
    /// - Returns: the log, with what its start has to write.
    /// - Throws: `LogError`, `PackError`, `OpeningError`, or `CancellationError` where it was to
    ///   give up: the log is then as a process leaves it that is killed while it reads.
    package static func open(
        directory: String, identity: LogIdentity, packs: [PackSource],
        settings: FoldSettings = FoldSettings(), eventBytesMax: Int,
        options: LogOptions = LogOptions(),
        snapshotRecords: UInt64 = SnapshotKeeper.recordsDefault,
        isStopping: @escaping () -> Bool = { false },
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> OpenedLog {
        // The packs are compiled first: a pack that fails leaves the log as it was.
        let changes = try packs.map { try PackChange(activating: $0, settings: settings) }
        _ = try PackSet(of: changes)
        let quarantine = QuarantineWriter(directory: directory)
        let progress = try CommitProgress()
        let reader = LogReader(directory: directory, durableHead: nil)
        let lookup = RecordLookup { try reader.record(at: $0) }
        var opening = LogOpening(
            directory: directory, identity: identity, lookup: lookup, reader: reader,
            isStopping: isStopping, tell: tell)
        let (writer, recovery) = try LogWriter.open(
            directory: directory, options: options,
            from: {
                try quarantine.prepare()
                return try opening.begin()
            }, report: { progress.take($0) },
            visit: { try opening.take($0) })
        if let head = recovery.durableHead { reader.extend(durableHead: head) }
        if let failure = lookup.failure { throw failure }
        guard let duplicates = opening.duplicates else { throw LogError.closed }
        let sequencer =
            opening.sequencer ?? Sequencer(identity: identity, describe: lookup.describe)
        let start = StartWork(
            isNew: opening.sequencer == nil, settings: settings, changes: changes,
            tails: recovery.setAside.filter { !sequencer.toldTails.contains($0.name) })
        return OpenedLog(
            writer: writer, quarantine: quarantine, lookup: lookup, progress: progress,
            intake: Intake(
                sequencer: sequencer, lookup: lookup, eventBytesMax: eventBytesMax,
                duplicates: duplicates),
            start: start, reader: reader, recovery: recovery,
            snapshots: SnapshotKeeper(
                directory: directory, treeHead: writer.treeHead, newest: opening.resumedAt,
                records: snapshotRecords, tell: tell),
            openFlags: opening.openFlags, resumedAt: opening.resumedAt,
            durableThrough: recovery.durableHead, lastOutput: opening.lastOutput)
    }
}

extension Sequencer {
    /// A sequencer for a log whose first record this is.
    ///
    /// - Throws: `OpeningError` where the record is no genesis, or of later semantics.
    package init(begunBy record: Record, lookup: RecordLookup) throws(OpeningError) {
        self.init(
            identity: try LogIdentity(genesis: record.payload), describe: lookup.describe)
    }
}
