// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing
import VigilCodec
import VigilCore

@testable import VigilLog

/// A log on real files with a key, some of it signed.
struct SignedLog {
    let directory: TemporaryDirectory
    var path: String { directory.path }
    var records: [Record]
    /// What was signed before the last third was written, as an auditor keeps it.
    let older: SignedCheckpoint

    /// The first record, whose source is the log's name.
    static let genesis = Record(
        entry: RecordEntry(
            offset: 0, recorded: Instant(milliseconds: 0), kind: .control, topic: "system.genesis",
            source: "vigil/test", eventID: "0", subject: "", causation: 0, previous: nil),
        payload: Array("{}".utf8))

    init(units: Int = 30, segmentLengthMax: UInt64 = 16 << 10) throws {
        var generator = SeededGenerator(seed: 11)
        directory = try TemporaryDirectory()
        let (writer, _, _) = try openLog(
            directory.path, on: SaltedDisk(), segmentLengthMax: segmentLengthMax)
        records = [Self.genesis]
        try writer.append(unit: records)
        try writer.submit()
        try writer.drain()
        records += try write(commits: units * 2 / 3, to: writer, using: &generator)
        let key = try KeyFile(directory: directory.path).loadOrMake(origin: "vigil/test")
        let history = SignedHistory(directory: directory.path)
        older = try history.sign(writer.treeHead.value, with: key)
        records += try write(commits: units / 3, to: writer, using: &generator)
        _ = try history.sign(writer.treeHead.value, with: key)
        try writer.close()
    }

    /// A copy of all the files.
    func copy() throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        return copy
    }

    /// A directory with the same key and signed state, and a log of these records that is whole in
    /// itself: checksums, digests, roots and claims are all right.
    func rewritten(_ records: [Record], keepsState: Bool = true) throws -> TemporaryDirectory {
        let copy = try copy()
        try FileManager.default.removeItem(atPath: copy.path + "/log")
        if !keepsState { try FileManager.default.removeItem(atPath: copy.path + "/signed") }
        // Written elsewhere first: a log is not begun where a longer one was signed.
        let other = try TemporaryDirectory()
        let (writer, _, _) = try openLog(
            other.path, on: SaltedDisk(), segmentLengthMax: 16 << 10)
        for record in records { try writer.append(unit: [record]) }
        try writer.submit()
        try writer.close()
        try FileManager.default.moveItem(atPath: other.path + "/log", toPath: copy.path + "/log")
        return copy
    }

    /// What a verification says of a directory.
    static func verify(
        _ directory: TemporaryDirectory, against checkpoint: SignedCheckpoint? = nil
    ) throws -> VerificationFailure? {
        do {
            _ = try LogVerification(directory: directory.path, checkpoint: checkpoint).run()
            return nil
        } catch let failure as VerificationFailure {
            return failure
        }
    }
}

/// The machine's files, but with the same salts each time: two logs whose first records are the
/// same have the same first entries.
struct SaltedDisk: Disk {
    private let disk = LinuxDisk()
    private final class Salts: Sendable {
        let generator = Mutex(SeededGenerator(seed: 23))
    }
    private let salts = Salts()

    func open(_ path: String, for access: DiskAccess) throws(LogError) -> any DiskFile {
        try disk.open(path, for: access)
    }
    func lock(_ path: String) throws(LogError) -> any DiskFile { try disk.lock(path) }
    func list(_ directory: String) throws(LogError) -> [String] { try disk.list(directory) }
    func makeDirectory(_ path: String) throws(LogError) { try disk.makeDirectory(path) }
    func synchroniseDirectory(_ path: String) throws(LogError) {
        try disk.synchroniseDirectory(path)
    }
    func rename(_ path: String, to other: String) throws(LogError) {
        try disk.rename(path, to: other)
    }
    func remove(_ path: String) throws(LogError) { try disk.remove(path) }
    func freeBytes(at path: String) throws(LogError) -> UInt64 { try disk.freeBytes(at: path) }
    func clockMilliseconds() -> Int64 { disk.clockMilliseconds() }

    func randomWords(_ count: Int) -> [UInt64] {
        // A few at a time are nonces, which come at other places in another log.
        guard count > 8 else { return disk.randomWords(count) }
        return salts.generator.withLock { generator in (0..<count).map { _ in generator.next() } }
    }
}

/// A commit in a segment's bytes, to be altered and made to look whole again.
struct OpenedCommit {
    var bytes: [UInt8]
    let start: Int
    let header: CommitHeader

    /// The commits of a segment.
    static func all(in bytes: [UInt8]) -> [OpenedCommit] {
        var commits: [OpenedCommit] = []
        var start = LogFormat.sectorLength
        while case .frame(let header) = CommitHeader.read(bytes, at: start) {
            commits.append(OpenedCommit(bytes: bytes, start: start, header: header))
            start += header.paddedLength
        }
        return commits
    }

    var bodyStart: Int { start + LogFormat.commitHeaderLength }

    /// Puts the right checksum over what the commit now holds, and a root if one is given.
    mutating func reseal(root: MerkleHash? = nil) {
        var header = header
        if let root { header.root = root }
        var commit = Array(bytes[start..<start + header.paddedLength])
        header.write(
            over: &commit,
            bodyChecksum: checksum(commit, in: LogFormat.commitHeaderLength..<commit.count))
        bytes.replaceSubrange(start..<start + header.paddedLength, with: commit)
    }
}
