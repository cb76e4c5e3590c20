// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilLog
internal import VigilPacks

/// The state that a log's first records amount to, as it lies on disk.
///
/// A start that finds one folds only what follows. It is ignored unless its bytes are whole, it is
/// of this version of state and semantics, its place is one of this log, and the packs that it
/// names are those that the log says were in force.
struct Snapshot {
    var sequencer: Sequencer
    var openFlags: OpenFlagTable
    var mark: LogMark

    /// The sections of a snapshot's file, in their order.
    private enum Tag: UInt32 {
        case key = 1
        case patients, head, texts
    }

    /// What must be the same for the rest to be of use.
    private struct Key: StateCodable {
        var stateVersion: Int
        var semantics: Int
        var origin: String
        var mark: LogMark
        var settings: FoldSettings
        var packs: [SequencerState.Pack]

        init(_ state: SequencerState, mark: LogMark) {
            stateVersion = Fold.stateVersion
            semantics = LogIdentity.semantics
            origin = state.identity.origin
            self.mark = mark
            settings = state.fold.settings
            packs = state.packs
        }

        func write(to state: inout StateWriter) {
            state.write(stateVersion)
            state.write(semantics)
            state.write(origin)
            state.write(mark)
            state.write(settings)
            state.write(packs)
        }

        init(state: inout StateReader) throws(StateError) {
            stateVersion = try state.read()
            semantics = try state.read()
            // Of another version nothing more can be read.
            guard stateVersion == Fold.stateVersion, semantics == LogIdentity.semantics else {
                throw StateError()
            }
            origin = try state.read()
            mark = try state.read()
            settings = try state.read()
            packs = try state.read()
        }
    }

    /// Hands the sections of a state over to be written.
    static func write(
        _ state: SequencerState, _ openFlags: OpenFlagTable, at mark: LogMark,
        to file: SnapshotFileWriter
    ) throws {
        var key = StateWriter()
        key.write(Key(state, mark: mark))
        // It is read before the texts that the other parts share.
        var keyed = StateWriter()
        keyed.write(key.texts.texts)
        keyed.writeBytes(key.bytes)
        try file.append(tag: Tag.key.rawValue, keyed.bytes)
        var texts = state.fold.patientTexts
        for number in 0..<state.fold.patientBlockCount {
            let block = state.fold.patientBlock(number, texts: &texts)
            try file.append(tag: Tag.patients.rawValue, block)
        }
        var head = StateWriter(texts: texts)
        state.write(to: &head)
        head.write(openFlags)
        try file.append(tag: Tag.head.rawValue, head.bytes)
        var shared = StateWriter()
        shared.write(head.texts.texts)
        try file.append(tag: Tag.texts.rawValue, shared.bytes)
    }

    /// Reads the snapshot of so many records of a log that is locked.
    ///
    /// - Parameters:
    ///   - size: which one.
    ///   - directory: the data directory.
    ///   - lookup: reads the log.
    ///   - isStopping: asked with each part whether to give up.
    /// - Throws: `SnapshotStore.Unusable`, `CancellationError` where it was to give up, or what
    ///   kept it from being read.
    init(
        of size: UInt64, in directory: String, lookup: RecordLookup, isStopping: () -> Bool
    ) throws {
        var found: Begun?
        var patients = PatientBlocks()
        var rest: [Tag: [UInt8]] = [:]
        try SnapshotStore(directory: directory).read(size) { section in
            if isStopping() { throw CancellationError() }
            switch Tag(rawValue: section.tag) {
            case .key:
                found = try Snapshot.begin(section.bytes, size, in: directory, lookup: lookup)
            case .patients:
                try Snapshot.reading { () throws(StateError) in
                    try patients.append(section.bytes)
                }
            case let tag?: rest[tag] = section.bytes
            case nil: throw SnapshotStore.Unusable("a part of it is of no known kind")
            }
        }
        guard let found, let headBytes = rest[.head], let textBytes = rest[.texts] else {
            throw SnapshotStore.Unusable("a part of it is missing")
        }
        mark = found.mark
        (sequencer, openFlags) = try Snapshot.reading { () throws(StateError) in
            var textReader = StateReader(textBytes[...])
            let texts = try textReader.read([String].self)
            var head = StateReader(headBytes[...], texts: texts)
            var sequencer = found.sequencer
            try sequencer.restore(
                from: &head, packs: found.packs, patients: patients, texts: texts)
            let openFlags = try head.read(OpenFlagTable.self)
            guard head.isAtEnd, sequencer.nextOffset == size else { throw StateError() }
            return (sequencer, openFlags)
        }
    }

    /// What the first section says.
    private struct Begun {
        var mark: LogMark
        var sequencer: Sequencer
        var packs: PackSet
    }

    private static func begin(
        _ bytes: [UInt8], _ size: UInt64, in directory: String, lookup: RecordLookup
    ) throws -> Begun {
        guard let key = try? Snapshot.key(bytes) else {
            throw SnapshotStore.Unusable("another version has written it")
        }
        guard key.mark.size == size, try key.mark.isPlace(inLogAt: directory) else {
            throw SnapshotStore.Unusable("it is of another log")
        }
        guard let genesis = lookup.record(at: 0) else {
            throw SnapshotStore.Unusable("the log's first record cannot be read")
        }
        var packs = PackSet()
        for pack in key.packs {
            packs.apply(
                try Snapshot.pack(pack, key.settings, lookup: lookup), recordedAt: pack.offset)
        }
        return Begun(
            mark: key.mark, sequencer: try Sequencer(begunBy: genesis, lookup: lookup),
            packs: packs)
    }

    private static func reading<Result>(
        _ body: () throws(StateError) -> Result
    ) throws(SnapshotStore.Unusable) -> Result {
        do throws(StateError) {
            return try body()
        } catch {
            throw SnapshotStore.Unusable("its state cannot be read")
        }
    }

    private static func key(_ bytes: [UInt8]) throws(StateError) -> Key {
        var keyed = StateReader(bytes[...])
        let texts = try keyed.read([String].self)
        var reader = StateReader(try keyed.readBytes(), texts: texts)
        return try reader.read(Key.self)
    }

    private static func pack(
        _ pack: SequencerState.Pack, _ settings: FoldSettings, lookup: RecordLookup
    ) throws -> PackChange {
        guard let record = lookup.record(at: pack.offset), record.entry.topic == "system.pack",
            case .activate(let source, let compiled) = try PackChange(
                record: record.payload, settings: settings), compiled.hash == pack.hash
        else { throw SnapshotStore.Unusable("it is of other packs than the log's") }
        return .activate(source, compiled)
    }

    /// The newest snapshot of a log that is of use; nil where there is none.
    ///
    /// `tell` gets a sentence about each snapshot that is of no use.
    ///
    /// - Throws: `CancellationError` where it was to give up.
    static func newest(
        in directory: String, lookup: RecordLookup, isStopping: () -> Bool,
        tell: (String) -> Void
    ) throws -> Snapshot? {
        let store = SnapshotStore(directory: directory)
        guard let sizes = try? store.sizes() else { return nil }
        for size in sizes {
            do {
                return try Snapshot(
                    of: size, in: directory, lookup: lookup, isStopping: isStopping)
            } catch let error as CancellationError {
                throw error
            } catch {
                let why = (error as? SnapshotStore.Unusable)?.why ?? "\(error)"
                tell("\(store.path(size)) is ignored: \(why)")
            }
        }
        return nil
    }
}
