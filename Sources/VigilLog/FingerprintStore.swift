// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// The runs of fingerprints of the messages that a log took: `index/<first>-<end>.run`, and the
/// key.
///
/// They follow from the log: what is missing or damaged is made again from it. Runs of similar
/// length are merged, so that a lookup asks few filters however long the log is.
package struct FingerprintStore: Sendable {
    private static let keyMagic: StaticString = "VIGILKEY"
    /// Fingerprints that a rebuilding holds at once: 16 MiB of them.
    private static let rebuildCount = 1 << 20
    /// So often a rebuilding asks whether it is to stop.
    private static let recordsPerLook: UInt64 = 1 << 12
    /// A run is merged with the one before it unless that is so many times as long.
    private static let mergeFactor: UInt64 = 3

    private let disk: any Disk
    private let directory: String
    private let folder: String
    /// The key of this log's fingerprints.
    package let key: FingerprintKey

    /// The store in a data directory; a key is drawn where there is none.
    ///
    /// With another key no run is of use any more, and all are made again.
    package init(directory: String, disk: any Disk = LinuxDisk()) throws(LogError) {
        self.disk = disk
        self.directory = directory
        folder = directory + "/index"
        if let known = try Self.readKey(folder, disk) {
            key = known
        } else {
            let words = disk.randomWords(2)
            key = FingerprintKey(first: words[0], second: words[1])
            do throws(LogError) {
                try disk.makeDirectory(folder)
                var bytes = [UInt8](repeating: 0, count: 28)
                bytes.storeText(Self.keyMagic, at: 0)
                bytes.store(key.first, at: 8)
                bytes.store(key.second, at: 16)
                bytes.store(checksum(bytes, in: 0..<24), at: 24)
                try disk.replace(folder + "/key", in: folder, with: bytes)
            } catch {
                // A full disk keeps no log from being read: the next start draws another.
                guard case .noSpace = error else { throw error }
            }
        }
    }

    /// Whether an error is of the index's files, and not of the log.
    package func isOfItsFiles(_ error: any Error) -> Bool {
        guard case LogError.system(_, let path, _) = error else { return false }
        return path.hasPrefix(folder)
    }

    private static func readKey(
        _ folder: String, _ disk: any Disk
    ) throws(LogError) -> FingerprintKey? {
        guard try disk.list(folder).contains("key") else { return nil }
        let bytes = try disk.open(folder + "/key", for: .read).read(29, at: 0)
        guard bytes.count == 28, bytes.hasText(keyMagic, at: 0),
            bytes.load(UInt32.self, at: 24) == checksum(bytes, in: 0..<24)
        else { return nil }
        return FingerprintKey(first: bytes.load(at: 8), second: bytes.load(at: 16))
    }

    /// The runs that follow each other from offset 0 on and are this log's, which has so many
    /// records; files that are anything else are removed.
    ///
    /// `tell` gets a sentence about each file that was of no use. Throws where the log or a file
    /// cannot be read at all.
    package func runs(
        recordCount: UInt64, tell: (String) -> Void
    ) throws -> [FingerprintRun] {
        let reader = LogReader(
            directory: directory, durableHead: recordCount == 0 ? nil : recordCount - 1,
            disk: disk)
        var found: [FingerprintRun] = []
        for name in try disk.list(folder) where name.hasSuffix(".run") {
            let path = folder + "/" + name
            do {
                let run = try FingerprintRun(
                    file: try disk.open(path, for: .read), path: path, key: key)
                guard run.range.end > run.range.first, run.range.end <= recordCount,
                    try leaf(of: run.range.end - 1, reader) == run.range.lastLeaf
                else { throw FingerprintRun.Damaged() }
                found.append(run)
            } catch is FingerprintRun.Damaged {
                tell("\(path) is not of this log, or damaged: it is made again")
                try? disk.remove(path)
            }
        }
        // Of two that begin alike the longer is the merged one.
        found.sort { ($0.range.first, $1.range.end) < ($1.range.first, $0.range.end) }
        var kept: [FingerprintRun] = []
        for run in found {
            if run.range.first == kept.last?.range.end ?? 0 {
                kept.append(run)
            } else {
                try? disk.remove(run.path)
            }
        }
        return kept
    }

    private func leaf(of offset: UInt64, _ reader: LogReader) throws -> MerkleHash? {
        var leaf: MerkleHash?
        try reader.scan(from: offset, to: offset + 1) { record in
            leaf = .leaf(record.entryBytes.span)
            return .stop
        }
        return leaf
    }

    /// Writes a run, and merges it with those before it where they are not much longer.
    ///
    /// The part has the fingerprints of all messages of a stretch that is durable; `runs` are those
    /// before it. Returns the runs in their place. Throws `LogError`, or `FingerprintRun.Damaged`
    /// where one that is to be merged is.
    package func adding(
        _ part: FingerprintIndexer.Part, to runs: [FingerprintRun]
    ) throws -> [FingerprintRun] {
        let reader = LogReader(directory: directory, durableHead: part.end - 1, disk: disk)
        guard let leaf = try leaf(of: part.end - 1, reader) else { return runs }
        let range = FingerprintRange(first: part.first, end: part.end, lastLeaf: leaf)
        let writer = try FingerprintRunWriter(
            disk: disk, folder: folder, range: range, count: UInt64(part.entries.count), key: key)
        for entry in part.entries.sorted() { try writer.append(entry) }
        var result = runs + [try writer.finish()]
        while result.count > 1 {
            let (older, newer) = (result[result.count - 2], result[result.count - 1])
            guard older.count / Self.mergeFactor < max(1, newer.count) else { break }
            let merged = try merge(older, newer)
            result.removeLast(2)
            result.append(merged)
            try disk.remove(older.path)
            try disk.remove(newer.path)
        }
        return result
    }

    private func merge(_ older: FingerprintRun, _ newer: FingerprintRun) throws -> FingerprintRun {
        let range = FingerprintRange(
            first: older.range.first, end: newer.range.end, lastLeaf: newer.range.lastLeaf)
        let writer = try FingerprintRunWriter(
            disk: disk, folder: folder, range: range, count: older.count + newer.count, key: key)
        var left = FingerprintCursor(older)
        var right = FingerprintCursor(newer)
        var (first, second) = (try left.next(), try right.next())
        while let candidate = first ?? second {
            if let other = second, first == nil || other < candidate {
                try writer.append(other)
                second = try right.next()
            } else {
                try writer.append(candidate)
                first = try left.next()
            }
        }
        return try writer.finish()
    }

    /// The runs, those that are damaged made again from the log.
    ///
    /// Until the new ones are whole the damaged ones keep their files. Throws `LogError`, or
    /// `CancellationError` once `isStopping` says so.
    package func mended(
        _ runs: [FingerprintRun], until isStopping: () -> Bool
    ) throws -> [FingerprintRun] {
        var result: [FingerprintRun] = []
        for run in runs {
            do {
                try run.check()
                result.append(run)
            } catch is FingerprintRun.Damaged {
                try FingerprintRunWriter.requireRoom(for: run.count, on: disk, in: folder)
                result += try rebuilt(
                    from: run.range.first, to: run.range.end, until: isStopping)
            }
        }
        return result
    }

    /// Makes the runs of a stretch of the log again, from the log.
    func rebuilt(
        from first: UInt64, to end: UInt64, until isStopping: () -> Bool = { false }
    ) throws -> [FingerprintRun] {
        let reader = LogReader(directory: directory, durableHead: end - 1, disk: disk)
        var runs: [FingerprintRun] = []
        var part = FingerprintIndexer.Part(entries: [], first: first, end: end)
        try reader.scan(from: first, to: end) { record in
            if record.offset % Self.recordsPerLook == 0, isStopping() {
                throw CancellationError()
            }
            if part.entries.count >= Self.rebuildCount {
                part.end = record.offset
                runs = try adding(part, to: runs)
                part.entries.removeAll(keepingCapacity: true)
                (part.first, part.end) = (record.offset, end)
            }
            if let message = record.message {
                part.entries.append(
                    Fingerprint(
                        value: key.fingerprint(message.source, message.id),
                        offset: record.offset))
            }
            return .next
        }
        runs = try adding(part, to: runs)
        for name in try disk.list(folder) where name.hasSuffix(".run") {
            // One file would else be taken for the whole of them at the next start.
            let path = folder + "/" + name
            if name.hasPrefix("\(first)-"), !runs.contains(where: { $0.path == path }) {
                try disk.remove(path)
            }
        }
        return runs
    }
}

/// Reads a run's entries from the first to the last.
private struct FingerprintCursor {
    private let run: FingerprintRun
    private var block = 0
    private var entries: ArraySlice<Fingerprint> = []

    init(_ run: FingerprintRun) { self.run = run }

    mutating func next() throws -> Fingerprint? {
        if entries.isEmpty, block < run.blockCount {
            entries = try run.entries(ofBlock: block)[...]
            block += 1
        }
        return entries.popFirst()
    }
}

/// Writes a run's file from sorted entries, in pieces.
private final class FingerprintRunWriter {
    private static let pieceLength = 1 << 20
    /// What must stay free, in bytes: an index is not to fill the disk.
    private static let spareBytesMin: UInt64 = 128 << 20

    private let disk: any Disk
    private let folder: String
    private let range: FingerprintRange
    private let count: UInt64
    private let key: FingerprintKey
    private let file: any DiskFile
    private var filter: FingerprintFilter
    private var fences: [UInt64] = []
    private var buffer: [UInt8] = []
    private var position = UInt64(FingerprintRun.headerLength)
    private var inBlock = 0

    init(
        disk: any Disk, folder: String, range: FingerprintRange, count: UInt64,
        key: FingerprintKey
    ) throws {
        self.disk = disk
        self.folder = folder
        self.range = range
        self.count = count
        self.key = key
        try Self.requireRoom(for: count, on: disk, in: folder)
        file = try disk.open(folder + "/unfinished", for: .create)
        try file.resize(to: 0)
        filter = FingerprintFilter(count: Int(count))
    }

    /// Throws `noSpace` where a run of so many fingerprints would leave too little of the disk.
    static func requireRoom(
        for count: UInt64, on disk: any Disk, in folder: String
    ) throws(LogError) {
        guard try disk.freeBytes(at: folder) >= spareBytesMin + count * 20 else {
            throw .noSpace(path: folder)
        }
    }

    func append(_ entry: Fingerprint) throws {
        if inBlock == FingerprintRun.entriesPerBlock { try endBlock() }
        if inBlock == 0 {
            fences.append(entry.value)
            buffer.append(contentsOf: [UInt8](repeating: 0, count: FingerprintRun.blockLength))
        }
        let place = buffer.count - FingerprintRun.blockLength + inBlock * 16
        buffer.store(entry.value, at: place)
        buffer.store(entry.offset, at: place + 8)
        filter.insert(entry.value)
        inBlock += 1
    }

    private func endBlock() throws {
        guard inBlock > 0 else { return }
        let start = buffer.count - FingerprintRun.blockLength
        buffer.store(UInt64(fences.count - 1), at: buffer.count - 16)
        buffer.store(checksum(buffer, in: start..<buffer.count - 4), at: buffer.count - 4)
        inBlock = 0
        if buffer.count >= Self.pieceLength { try writePiece() }
    }

    private func writePiece() throws {
        try file.write(buffer, at: position)
        try file.synchronise()
        position += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    func finish() throws -> FingerprintRun {
        try endBlock()
        try writePiece()
        var rest = [UInt8](repeating: 0, count: (fences.count + filter.words.count) * 8)
        for (index, word) in (fences + filter.words).enumerated() {
            rest.store(word, at: index * 8)
        }
        try file.write(rest, at: position)
        let header = FingerprintRun.header(
            range: range, count: count, key: key,
            restChecksum: checksum(rest, in: 0..<rest.count))
        try file.write(header, at: 0)
        try file.synchronise()
        let path = "\(folder)/\(range.first)-\(range.end).run"
        try disk.rename(folder + "/unfinished", to: path)
        try disk.synchroniseDirectory(folder)
        return FingerprintRun(
            range: range, count: count, file: file, path: path, fences: fences, filter: filter)
    }
}
