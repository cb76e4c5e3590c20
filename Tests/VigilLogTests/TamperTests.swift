// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

@testable import VigilLog

/// What somebody with the disk in hand may do, and how `vigil verify` finds it.
struct TamperTests {
    @Test func anUntouchedLogVerifies() throws {
        let log = try SignedLog()
        let verified = try LogVerification(directory: log.path, checkpoint: log.older).run()
        #expect(verified.recordCount == UInt64(log.records.count))
        #expect(verified.checkpointCount == 3)
        #expect(verified.areSignaturesChecked)
        #expect(try log.directory.segments().count > 1)
    }

    /// Histories that are whole in themselves: every checksum, digest and root was made anew.
    static let rewritings = """
        edit an entry      | 5
        edit a payload     | 5
        delete             | 9
        insert             | 9
        swap two           | 12
        truncate           | 20
        truncate to nearly nothing | 1
        fork the last      | last
        fork the first     | 1
        """

    @Test(arguments: rewritings.split(separator: "\n").map(String.init))
    func aRewrittenHistoryIsFoundByWhatWasSigned(row: String) throws {
        let parts = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        let log = try SignedLog()
        let place = Int(parts[1]) ?? log.records.count - 1
        let records = Self.renumber(try Self.rewrite(log.records, parts[0], at: place))
        let found = try SignedLog.verify(log.rewritten(records))
        let last = try #require(found?.lastOffset)
        #expect((found?.firstOffset ?? .max)...last ~= UInt64(place))
        // The key alone may have signed anything.
        let bare = try log.rewritten(records, keepsState: false)
        #expect(try SignedLog.verify(bare)?.finding.contains("signed/state is not there") == true)
        // Without either only the checkpoint kept elsewhere shows it, and only below its size.
        try FileManager.default.removeItem(atPath: bare.path + "/keys")
        #expect(try SignedLog.verify(bare) == nil)
        let isBelow = UInt64(place) < log.older.head.size
        #expect((try SignedLog.verify(bare, against: log.older) != nil) == isBelow)
    }

    @Test(arguments: rewritings.split(separator: "\n").map(String.init))
    func aRewrittenHistoryIsNotOpenedForWriting(row: String) throws {
        let parts = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        let log = try SignedLog()
        let place = Int(parts[1]) ?? log.records.count - 1
        let records = Self.renumber(try Self.rewrite(log.records, parts[0], at: place))
        let other = try log.rewritten(records)
        #expect(throws: TreeError.self) { _ = try openLog(other.path, on: LinuxDisk()) }
        let accepted = try #require(try AcceptedHistory.accept(directory: other.path))
        let old = try #require(accepted.key)
        #expect(FileManager.default.fileExists(atPath: old))
        let (writer, recovery, _) = try openLog(other.path, on: LinuxDisk())
        #expect(recovery.recordCount == UInt64(records.count))
        let file = KeyFile(directory: other.path)
        #expect(throws: TreeError.noKey(path: file.path)) { try file.load() }
        let key = try file.loadOrMake(origin: "vigil/test")
        _ = try SignedHistory(directory: other.path).sign(writer.treeHead.value, with: key)
        #expect(!log.older.note.isSigned(by: key.verifier), "one key never signs two histories")
    }

    @Test func aPayloadWithAnotherOnesChecksumIsFoundAtItsOffset() throws {
        let log = try SignedLog()
        try Self.forEachCommit(of: log, isOpened: true) { commit in
            guard commit.header.recordCount > 0 else { return nil }
            // The last byte of the body is the last payload's, or its salt's.
            commit.bytes[commit.bodyStart + Int(commit.header.bodyLength) - 1] ^= 1
            commit.reseal()
            return commit.header.endOffset - 1
        }
    }

    @Test func anEntryWithRightChecksumsIsFoundInItsCommitAndNotOpened() throws {
        let log = try SignedLog()
        try Self.forEachCommit(of: log) { commit in
            guard commit.header.recordCount > 0 else { return nil }
            // The recorded time of the first record.
            commit.bytes[commit.bodyStart + 8 + 12] ^= 1
            commit.reseal()
            return commit.header.firstOffset
        }
    }

    @Test func aRootThatIsNotTheRecordsIsFoundAndNotOpened() throws {
        let log = try SignedLog()
        try Self.forEachCommit(of: log) { commit in
            commit.reseal(root: .leaf([1].span))
            let header = commit.header
            return header.recordCount > 0 ? header.firstOffset : header.endOffset
        }
    }

    @Test func anyFlippedByteIsFound() throws {
        let log = try SignedLog(units: 6, segmentLengthMax: 4 << 10)
        let copy = try log.copy()
        let segments = try log.directory.segments()
        for name in segments {
            let path = copy.path + "/log/" + name
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let last = bytes.lastIndex { $0 != 0 } ?? 0
            let commitsEnd = (last / LogFormat.sectorLength + 1) * LogFormat.sectorLength
            for position in stride(from: 0, to: bytes.count, by: 3) {
                var flipped = bytes
                flipped[position] ^= 1 << UInt8(position % 8)
                try Data(flipped).write(to: URL(fileURLWithPath: path))
                // The zeros that the last segment is filled with ahead hold nothing yet.
                let holdsNothing = position >= commitsEnd && name == segments.last
                #expect(
                    try (SignedLog.verify(copy) == nil) == holdsNothing,
                    "byte \(position) of \(name)")
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }
        #expect(try SignedLog.verify(copy) == nil)
    }

    @Test func aMissingSegmentIsFound() throws {
        let log = try SignedLog()
        for name in try log.directory.segments() {
            let copy = try log.copy()
            try FileManager.default.removeItem(atPath: copy.path + "/log/" + name)
            let failure = try #require(try SignedLog.verify(copy))
            #expect(failure.firstOffset == LogFormat.firstOffset(ofSegment: name))
        }
    }

    @Test func aSegmentBehindTheEndIsFoundAndNotOpened() throws {
        let log = try SignedLog()
        let end = UInt64(log.records.count)
        let name = LogFormat.segmentName(firstOffset: end + 7)
        for bytes in [[], [UInt8](repeating: 7, count: 700)] {
            try Data(bytes).write(to: URL(fileURLWithPath: log.path + "/log/" + name))
            let failure = try #require(try SignedLog.verify(log.directory))
            #expect(failure.firstOffset == end)
            #expect(failure.lastOffset == end + 6)
            #expect(failure.finding.contains(name))
            #expect(throws: LogError.self) { _ = try openLog(log.path, on: LinuxDisk()) }
        }
    }

    @Test func aCheckpointOfAnotherKeyOrLogIsRefused() throws {
        let log = try SignedLog()
        let seed = [UInt8](repeating: 9, count: 32)
        let stranger = try #require(SigningKey(name: "vigil/test", seed: seed))
        let forged = SignedCheckpoint(log.older.checkpoint, signedBy: stranger)
        let finding = try #require(try SignedLog.verify(log.directory, against: forged)).finding
        #expect(finding.contains("is of another log or key: it is signed by vigil/test+"))
        // Also where the log does not have its root: that it is another's is what there is to say.
        let head = TreeHead(size: log.older.head.size, root: .empty)
        let of = { (origin: String, key: SigningKey) in
            SignedCheckpoint(Checkpoint(origin: origin, head: head), signedBy: key)
        }
        #expect(
            try SignedLog.verify(log.directory, against: of("vigil/test", stranger))?.finding
                == finding)
        #expect(
            try SignedLog.verify(log.directory, against: of("vigil/other", stranger))?.finding
                == finding)
        let other = Checkpoint(origin: "vigil/other", head: log.older.head)
        let key = try KeyFile(directory: log.path).load()
        #expect(
            try SignedLog.verify(
                log.directory, against: SignedCheckpoint(other, signedBy: key))?.finding
                == "the log is vigil/test, a checkpoint is of vigil/other")
        var altered = log.older
        altered.note.signatures[0].bytes[5] ^= 1
        #expect(
            try SignedLog.verify(log.directory, against: altered)?.finding
                .contains("is not what this log's key vigil/test+") == true)
        // The same among what was signed here.
        try Data(forged.note.bytes).write(
            to: URL(fileURLWithPath: SignedHistory(directory: log.path).path))
        #expect(
            try SignedLog.verify(log.directory)?.finding
                .contains("no signature of the log's key") == true)
    }

    /// Alters each commit in turn; the change says which offset must be named.
    private static func forEachCommit(
        of log: SignedLog, isOpened: Bool = false, _ change: (inout OpenedCommit) -> UInt64?
    ) throws {
        for name in try log.directory.segments() {
            let path = log.path + "/log/" + name
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            for var commit in OpenedCommit.all(in: bytes) {
                guard let offset = change(&commit) else { continue }
                try Data(commit.bytes).write(to: URL(fileURLWithPath: path))
                let failure = try SignedLog.verify(log.directory)
                #expect(failure?.firstOffset == offset, "commit at \(commit.start) of \(name)")
                // A payload is not read when a log is opened; its entry is.
                guard !isOpened else { continue }
                #expect(throws: LogError.self) { _ = try openLog(log.path, on: LinuxDisk()) }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }
    }

    private static func rewrite(
        _ records: [Record], _ what: String, at place: Int
    ) throws -> [Record] {
        var records = records
        switch what {
        case "edit an entry": records[place].entry.subject += "x"
        case "edit a payload": records[place].payload.append(0x20)
        case "delete": records.remove(at: place)
        case "insert": records.insert(records[3], at: place)
        case "swap two": records.swapAt(place, place + 1)
        case "truncate", "truncate to nearly nothing": records.removeSubrange(place...)
        case "fork the last", "fork the first":
            for index in place..<records.count { records[index].entry.topic += "x" }
        default: Issue.record("no tampering is called \(what)")
        }
        return records
    }

    private static func renumber(_ records: [Record]) -> [Record] {
        records.enumerated().map { index, record in
            var record = record
            record.entry.offset = UInt64(index)
            return record
        }
    }
}
