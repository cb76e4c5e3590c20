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

extension OpenedLog {
    /// Opens a log, or begins one, folds it, and puts packs in force.
    ///
    /// - Parameters:
    ///   - directory: the data directory; made where there is none.
    ///   - identity: what a new log is begun with, and an existing one must have been.
    ///   - packs: the packs to be in force; those in force and not named are deactivated.
    ///   - settings: the settings to be in force.
    ///   - eventBytesMax: the longest event that is taken.
    ///   - options: of the log's files.
    /// - Returns: the log, with what its start has to write.
    /// - Throws: `LogError`, `PackError` or `OpeningError`.
    package static func open(
        directory: String, identity: LogIdentity, packs: [PackSource],
        settings: FoldSettings = FoldSettings(), eventBytesMax: Int,
        options: LogOptions = LogOptions()
    ) throws -> OpenedLog {
        // The packs are compiled first: a pack that fails leaves the log as it was.
        let changes = try packs.map { try PackChange(activating: $0, settings: settings) }
        var together = PackSet()
        for change in changes { together.apply(change) }
        if let why = together.sharedRule { throw OpeningError.sharedRule(why) }
        let progress = try CommitProgress()
        let reader = LogReader(directory: directory, durableHead: nil)
        let lookup = RecordLookup { try reader.record(at: $0) }
        let decoder = EventDecoder()
        var folded: Sequencer?
        var inputs: [(source: String, id: String, offset: UInt64)] = []
        var lastOutput: UInt64 = 0
        var toldTails: Set<String> = []
        let (writer, recovery) = try LogWriter.open(
            directory: directory, options: options, report: { progress.take($0) }
        ) { view in
            let record = view.record
            if folded == nil {
                let found = try Sequencer(begunBy: record, lookup: lookup)
                guard found.identity.admits(identity) else {
                    throw OpeningError.otherIdentity(asked: identity, found: found.identity)
                }
                folded = found
            }
            do throws(ReplayDifference) {
                try folded?.refold(record, comparing: .place, decoder: decoder)
            } catch {
                throw OpeningError.difference(error)
            }
            switch record.entry.kind {
            case .input:
                inputs.append((record.entry.source, record.entry.eventID, record.entry.offset))
            case .output: lastOutput = record.entry.offset
            case .observation:
                lastOutput = record.entry.offset
                if let load = LoadMessage(topic: record.entry.topic, payload: record.payload) {
                    inputs.append((load.source, load.id, record.entry.offset))
                }
            case .control:
                if let file = StartWork.tailFile(in: record) { toldTails.insert(file) }
            }
        }
        let sequencer = folded ?? Sequencer(identity: identity, describe: lookup.describe)
        if let head = recovery.durableHead { reader.extend(durableHead: head) }
        var intake = Intake(sequencer: sequencer, lookup: lookup, eventBytesMax: eventBytesMax)
        for input in inputs {
            intake.remember(source: input.source, id: input.id, offset: input.offset)
        }
        let start = StartWork(
            isNew: folded == nil, settings: settings, changes: changes,
            tails: recovery.setAside.filter { !toldTails.contains($0.name) })
        return OpenedLog(
            writer: writer, quarantine: QuarantineWriter(directory: directory),
            lookup: lookup, progress: progress, intake: intake, start: start, reader: reader,
            recovery: recovery, durableThrough: recovery.durableHead, lastOutput: lastOutput)
    }
}

extension Sequencer {
    /// A sequencer for a log whose first record this is.
    ///
    /// - Throws: `OpeningError` where the record is no genesis, or of other semantics.
    package init(begunBy record: Record, lookup: RecordLookup) throws(OpeningError) {
        self.init(
            identity: try LogIdentity(genesis: record.payload), describe: lookup.describe)
    }
}
