// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// The snapshots of a log: `snapshots/<records, 20 digits>.snapshot`, the newest two.
///
/// They follow from the log: whoever removes them costs the next start a whole fold and nothing
/// else. A file has its name once it is whole and durable.
package struct SnapshotStore: Sendable {
    /// What is wrong with a snapshot, as a sentence without its end.
    package struct Unusable: Error, Hashable, Sendable {
        package var why: String

        package init(_ why: String) { self.why = why }
    }

    private static let kept = 2

    private let disk: any Disk
    private let folder: String

    /// The snapshots of the log in a data directory.
    package init(directory: String, disk: any Disk = LinuxDisk()) {
        self.disk = disk
        folder = directory + "/snapshots"
    }

    /// How many records each of them is of, the newest first.
    package func sizes() throws(LogError) -> [UInt64] {
        try disk.list(folder).compactMap(Self.size(ofName:)).sorted(by: >)
    }

    /// The path of the snapshot of so many records.
    package func path(_ size: UInt64) -> String { folder + "/" + Self.name(size) }

    /// Hands out the sections of a snapshot, the bytes of each checked, while a thread reads those
    /// that follow; only once it returns is the snapshot known to be whole.
    ///
    /// Throws `Unusable`, `LogError` where the file cannot be read at all, or what `visit` throws.
    package func read(_ size: UInt64, visit: (SnapshotSection) throws -> Void) throws {
        let file = try disk.open(path(size), for: .read)
        let ahead = try SectionsAhead(of: SnapshotFileReader(file: file), size: size)
        while let sections = try ahead.next() {
            for section in sections { try visit(section) }
        }
    }

    /// Writes a snapshot of so many records and removes all but the newest two.
    ///
    /// - Parameters:
    ///   - size: how many records it is of; they are durable.
    ///   - rests: whether it leaves most of the disk's time to others.
    ///   - isStopping: asked now and then: it ends early where it says so.
    ///   - body: hands over the sections, in order.
    /// - Returns: whether it was written whole; not where it was stopped.
    /// - Throws: `LogError`, `noSpace` also where little would be left for the log.
    package func write(
        size: UInt64, rests: Bool, until isStopping: @escaping () -> Bool,
        body: (SnapshotFileWriter) throws -> Void
    ) throws -> Bool {
        try disk.makeDirectory(folder)
        let unfinished = folder + "/unfinished"
        do {
            let writer = try SnapshotFileWriter(
                disk: disk, path: unfinished, size: size, rests: rests, isStopping: isStopping)
            try body(writer)
            try writer.finish()
        } catch {
            try? disk.remove(unfinished)
            if error is SnapshotFileWriter.Stopped { return false }
            throw error
        }
        try disk.rename(unfinished, to: path(size))
        try disk.synchroniseDirectory(folder)
        for old in try sizes().dropFirst(Self.kept) { try disk.remove(path(old)) }
        return true
    }

    private static func name(_ size: UInt64) -> String { LogFormat.padded(size) + ".snapshot" }

    private static func size(ofName name: String) -> UInt64? {
        guard name.hasSuffix(".snapshot"), let size = UInt64(name.dropLast(9)),
            self.name(size) == name
        else { return nil }
        return size
    }
}

/// A part of a snapshot.
package struct SnapshotSection: Sendable {
    package var tag: UInt32
    package var bytes: [UInt8]
}

/// The frames of a snapshot's file: the text is `schemas/log-format.md`.
private enum SnapshotFormat {
    static let magic: StaticString = "VIGILSNP"
    static let version: UInt16 = 1
    static let headerLength = 32
    static let sectionHeaderLength = 16
    static let sectionLengthMax = 1 << 30
    /// Ends the file; no section of a caller's has it.
    static let endTag: UInt32 = 0

    static func header(size: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerLength)
        bytes.storeText(magic, at: 0)
        bytes.store(version, at: 8)
        bytes.store(size, at: 16)
        bytes.store(checksum(bytes, in: 0..<28), at: 28)
        return bytes
    }
}

/// Puts sections into a file, one after the other.
package final class SnapshotFileWriter {
    struct Stopped: Error {}

    /// Written and synced in pieces of this length, in bytes, so that no commit waits behind much.
    private static let pieceLength = 1 << 20
    /// What must stay free, in bytes: a snapshot is not to fill the disk.
    private static let spareBytesMin: UInt64 = 256 << 20

    private let disk: any Disk
    private let path: String
    private let file: any DiskFile
    private let rests: Bool
    private let isStopping: () -> Bool
    private var buffer: [UInt8]
    private var position: UInt64 = 0
    private var running: UInt32

    init(
        disk: any Disk, path: String, size: UInt64, rests: Bool, isStopping: @escaping () -> Bool
    ) throws(LogError) {
        self.disk = disk
        self.path = path
        self.rests = rests
        self.isStopping = isStopping
        file = try disk.open(path, for: .create)
        try file.resize(to: 0)
        buffer = SnapshotFormat.header(size: size)
        running = checksum(buffer, in: 0..<buffer.count)
    }

    /// Puts a section behind the last.
    package func append(tag: UInt32, _ bytes: [UInt8]) throws {
        let start = buffer.count
        buffer.append(contentsOf: [UInt8](repeating: 0, count: SnapshotFormat.sectionHeaderLength))
        buffer.store(tag, at: start)
        buffer.store(UInt64(bytes.count), at: start + 8)
        // Each checksum goes on from the one before: no section can be missing or moved.
        running = checksum(buffer, in: start..<start + 4, after: running)
        running = checksum(buffer, in: start + 8..<start + 16, after: running)
        running = checksum(bytes, in: 0..<bytes.count, after: running)
        buffer.store(running, at: start + 4)
        buffer += bytes
        if buffer.count >= Self.pieceLength { try writePiece() }
    }

    func finish() throws {
        try append(tag: SnapshotFormat.endTag, [])
        try writePiece()
    }

    private func writePiece() throws {
        if isStopping() { throw Stopped() }
        let needed = Self.spareBytesMin + UInt64(buffer.count)
        guard try disk.freeBytes(at: path) >= needed else { throw LogError.noSpace(path: path) }
        let start = ContinuousClock.now
        try file.write(buffer, at: position)
        try file.synchronise()
        position += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
        if rests { DiskRest.take(after: start.duration(to: .now)) }
    }
}

/// Has a thread of its own read sections, some ahead of whoever takes them.
private final class SectionsAhead {
    /// Handed over together, in bytes, and so many times at most before anybody takes them.
    private static let pieceLength = 1 << 20
    private static let piecesMax = 8

    private struct State {
        var pieces: ArraySlice<[SnapshotSection]> = []
        var end: Result<Void, any Error>?
        var isStopping = false
    }

    private struct Stopped: Error {}

    private let state = Monitor(State())
    private let thread: OwnThread

    init(of reader: SnapshotFileReader, size: UInt64) throws(LogError) {
        let state = state
        thread = try OwnThread(name: "vigil-restore") {
            let end = Result {
                var piece: [SnapshotSection] = []
                var length = 0
                try reader.read(size: size) { section in
                    piece.append(section)
                    length += section.bytes.count
                    guard length >= Self.pieceLength else { return }
                    try Self.hand(piece, to: state)
                    (piece, length) = ([], 0)
                }
                try Self.hand(piece, to: state)
            }
            state.change { $0.end = end }
        }
    }

    deinit {
        state.change { $0.isStopping = true }
        thread.join()
    }

    private static func hand(_ piece: [SnapshotSection], to state: Monitor<State>) throws {
        let isStopping = state.wait { state -> Bool? in
            if state.isStopping { return true }
            return state.pieces.count < piecesMax ? false : nil
        }
        if isStopping { throw Stopped() }
        state.change { $0.pieces.append(piece) }
    }

    /// The sections that follow; nil behind the last, once all of the file is found to be whole.
    func next() throws -> [SnapshotSection]? {
        let piece = state.wait { state -> [SnapshotSection]?? in
            if let piece = state.pieces.first { return .some(piece) }
            return state.end == nil ? .none : .some(nil)
        }
        guard let piece else {
            try state.read(\.end)?.get()
            return nil
        }
        state.change { _ = $0.pieces.removeFirst() }
        return piece
    }
}

/// Reads the sections of a snapshot's file and checks every byte of it.
private struct SnapshotFileReader {
    let file: any DiskFile

    func read(size: UInt64, visit: (SnapshotSection) throws -> Void) throws {
        let length = try file.size()
        let expected = SnapshotFormat.header(size: size)
        let header = try file.read(SnapshotFormat.headerLength, at: 0)
        guard header == expected else { throw SnapshotStore.Unusable("its header is bad") }
        var running = checksum(header, in: 0..<header.count)
        var position = UInt64(header.count)
        while true {
            let frame = try file.read(SnapshotFormat.sectionHeaderLength, at: position)
            guard frame.count == SnapshotFormat.sectionHeaderLength else {
                throw SnapshotStore.Unusable("it is cut short")
            }
            position += UInt64(frame.count)
            let tag = frame.load(UInt32.self, at: 0)
            let count = frame.load(UInt64.self, at: 8)
            guard count <= SnapshotFormat.sectionLengthMax, count <= length - position else {
                throw SnapshotStore.Unusable("it is cut short")
            }
            let bytes = try file.read(Int(count), at: position)
            guard bytes.count == Int(count) else {
                throw SnapshotStore.Unusable("it is cut short")
            }
            position += count
            running = checksum(frame, in: 0..<4, after: running)
            running = checksum(frame, in: 8..<16, after: running)
            running = checksum(bytes, in: 0..<bytes.count, after: running)
            guard frame.load(UInt32.self, at: 4) == running else {
                throw SnapshotStore.Unusable("a checksum fails")
            }
            if tag == SnapshotFormat.endTag {
                guard position == length else {
                    throw SnapshotStore.Unusable("something follows its end")
                }
                return
            }
            try visit(SnapshotSection(tag: tag, bytes: bytes))
        }
    }
}
