// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

@testable import VigilLog

struct TileTests {
    @Test(arguments: [
        "0 0 - tile/0/000", "0 5 - tile/0/005", "1 999 - tile/1/999",
        "0 1000 - tile/0/x001/000", "0 1234067 - tile/0/x001/x234/067",
        "63 1234067 255 tile/63/x001/x234/067.p/255", "2 0 1 tile/2/000.p/1",
    ])
    func pathsAreThoseOfTheSpecification(row: String) throws {
        let parts = row.split(separator: " ").map(String.init)
        let level = try #require(Int(parts[0]))
        let index = try #require(UInt64(parts[1]))
        let path = TilePath.tile(level: level, index: index, width: Int(parts[2]))
        #expect(path == parts[3])
        let entries = TilePath.entries(index: index, width: Int(parts[2]))
        #expect(entries == parts[3].replacing("tile/\(level)/", with: "tile/entries/"))
    }

    @Test func tilesGrowWithTheLogAndAlwaysCoverTheirCheckpoint() throws {
        let log = try GrowingLog()
        let out = try TemporaryDirectory()
        // 256 and its neighbours, a run that fills several tiles, one with nothing new.
        for size in [1, 2, 255, 256, 257, 700, 700, 1024, 1100] {
            try log.grow(to: size)
            let head = try TileExport(directory: log.path, to: out.path).run()
            #expect(head == log.writer.treeHead.value)
            try Mirror(out.path).check(log.entries)
        }
        // All at once gives the same files as bit by bit, but for partial tiles of earlier sizes.
        let fresh = try TemporaryDirectory()
        _ = try TileExport(directory: log.path, to: fresh.path).run()
        for name in try Mirror(fresh.path).files() {
            #expect(try Mirror(fresh.path).read(name) == Mirror(out.path).read(name), "\(name)")
        }
    }

    @Test func aFileThatCannotBeReadIsNotTakenForAShortOne() throws {
        let out = try TemporaryDirectory()
        let tiles = try TileDirectory(out.path)
        #expect(try tiles.read("checkpoint") == nil)
        let path = out.path + "/checkpoint"
        try FileManager.default.createDirectory(
            atPath: path + "/folder", withIntermediateDirectories: true)
        #expect(throws: LogError.system(call: "pread", path: path, code: EISDIR)) {
            try tiles.read("checkpoint")
        }
    }

    @Test func everySignedSizeHasItsPartialTiles() throws {
        let log = try GrowingLog()
        let key = try KeyFile(directory: log.path).loadOrMake(origin: "vigil/test")
        for size in [100, 300, 310, 400] {
            try log.grow(to: size)
            _ = try SignedHistory(directory: log.path).sign(log.writer.treeHead.value, with: key)
        }
        try log.grow(to: 420)
        let out = try TemporaryDirectory()
        _ = try TileExport(directory: log.path, to: out.path).run()
        let files = try Mirror(out.path).files()
        for size in [300, 310, 400, 420] {
            #expect(files.contains("tile/0/001.p/\(size - 256)"))
            #expect(files.contains("tile/entries/001.p/\(size - 256)"))
        }
        #expect(files.contains("tile/0/000") && files.contains("tile/1/000.p/1"))
    }

    @Test func tilesOfAnotherHistoryAreNotContinued() throws {
        let log = try GrowingLog()
        try log.grow(to: 300)
        let out = try TemporaryDirectory()
        _ = try TileExport(directory: log.path, to: out.path).run()
        let other = try GrowingLog(topic: "other")
        try other.grow(to: 300)
        try other.grow(to: 310)
        #expect(throws: TreeError.self) {
            try TileExport(directory: other.path, to: out.path).run()
        }
        // With the same key: the log is whole, it is the tiles that are of another.
        try other.takeKey(of: log)
        let files = try Mirror(out.path).files()
        let expected = TreeError.tilesOfOtherHistory(directory: out.path, size: 300)
        #expect(throws: expected) {
            try TileExport(directory: other.path, to: out.path).run()
        }
        let shorter = try GrowingLog()
        try shorter.grow(to: 200)
        try shorter.takeKey(of: log)
        #expect(throws: expected) {
            try TileExport(directory: shorter.path, to: out.path).run()
        }
        // In the middle of a commit, and where what was signed has the size of the tiles.
        let middle = try TemporaryDirectory()
        _ = try TileExport(directory: other.path, to: middle.path).run()
        let longer = try GrowingLog(topic: "longer")
        try longer.grow(to: 900)
        try longer.takeKey(of: log)
        #expect(throws: TreeError.tilesOfOtherHistory(directory: middle.path, size: 310)) {
            try TileExport(directory: longer.path, to: middle.path).run()
        }
        let same = try GrowingLog(topic: "same")
        try same.grow(to: 300)
        try same.takeKey(of: log)
        let signed = try SignedHistory(directory: same.path).sign(
            same.writer.treeHead.value, with: KeyFile(directory: same.path).load())
        #expect(signed.head.size == 300)
        #expect(throws: expected) {
            try TileExport(directory: same.path, to: out.path).run()
        }
        #expect(try Mirror(out.path).files() == files, "nothing is written over another's tiles")
        try Mirror(out.path).check(log.entries)
    }

    @Test func aLogThatLostWhatItsTilesHaveIsToldFromTilesOfAnother() throws {
        let log = try SignedLog()
        let out = try TemporaryDirectory()
        _ = try TileExport(directory: log.path, to: out.path).run()
        let size = log.records.count
        let cut = try log.rewritten(Array(log.records.prefix(size / 2)))
        #expect(throws: TreeError.shorter(size: UInt64(size / 2), signed: UInt64(size))) {
            try TileExport(directory: cut.path, to: out.path).run()
        }
        var records = log.records
        records[size - 1].entry.topic += "x"
        let changed = try log.rewritten(records)
        let error = #expect(throws: TreeError.self) {
            try TileExport(directory: changed.path, to: out.path).run()
        }
        guard case .rewritten = error else {
            Issue.record("the log is what was changed, not \(error as Any)")
            return
        }
    }

    @Test func aDamagedPartialTileIsNotContinued() throws {
        let log = try GrowingLog()
        try log.grow(to: 300)
        let out = try TemporaryDirectory()
        _ = try TileExport(directory: log.path, to: out.path).run()
        let path = URL(fileURLWithPath: out.path + "/tile/0/001.p/44")
        var bytes = try Data(contentsOf: path)
        bytes[40] ^= 1
        try bytes.write(to: path)
        try log.grow(to: 310)
        #expect(throws: TreeError.self) {
            try TileExport(directory: log.path, to: out.path).run()
        }
    }

    @Test func proofsLeadToTheCheckpointTheyComeWith() throws {
        let log = try GrowingLog()
        try log.grow(to: 300)
        let before = log.writer.treeHead.value
        try log.grow(to: 333)
        let key = try KeyFile(directory: log.path).load().verifier
        for offset in [0, 1, 255, 256, 299, 332] as [UInt64] {
            let proof = try #require(
                try ProofOfLog.make(.inclusion(offset: offset), directory: log.path))
            #expect(proof.entry == log.entries[Int(offset)])
            #expect(proof.signed.note.isSigned(by: key))
            #expect(
                MerkleProof.holds(
                    leaf: .leaf(proof.entry.span), at: offset, size: 333,
                    root: proof.signed.head.root, proof: proof.hashes))
        }
        let proof = try #require(
            try ProofOfLog.make(.consistency(from: 300), directory: log.path))
        #expect(proof.subject == before.root)
        #expect(
            MerkleProof.holds(
                from: 300, oldRoot: before.root, to: 333, root: proof.signed.head.root,
                proof: proof.hashes))
        #expect(try ProofOfLog.make(.inclusion(offset: 333), directory: log.path) == nil)
        #expect(try ProofOfLog.make(.inclusion(offset: .max), directory: log.path) == nil)
        #expect(try ProofOfLog.make(.consistency(from: 334), directory: log.path) == nil)
        #expect(try ProofOfLog.make(.consistency(from: 0), directory: log.path) == nil)
    }

    @Test func aRunningSignerSignsAtTheStartAndAtTheEnd() throws {
        let log = try GrowingLog()
        try log.grow(to: 10)
        let signer = try CheckpointSigner(
            directory: log.path, origin: "vigil/test", head: log.writer.treeHead
        ) { Issue.record("\($0)") }
        try log.grow(to: 20)
        signer.stop()
        let newest = try #require(try SignedHistory(directory: log.path).newest())
        #expect(newest.head == log.writer.treeHead.value)
    }
}

/// A log that is open and grows by small records, several in a commit.
private final class GrowingLog {
    let directory: TemporaryDirectory
    var path: String { directory.path }
    let writer: LogWriter
    private let topic: String
    private(set) var entries: [[UInt8]] = []

    init(topic: String = "patient.A81001") throws {
        directory = try TemporaryDirectory()
        self.topic = topic
        writer = try openLog(directory.path, on: LinuxDisk(), segmentLengthMax: 64 << 10).writer
        _ = try KeyFile(directory: directory.path).loadOrMake(origin: "vigil/test")
    }

    deinit { try? writer.close() }

    /// Has another log's key, which has signed nothing of this one.
    func takeKey(of other: GrowingLog) throws {
        let files = FileManager.default
        for folder in ["/keys", "/signed"] { try files.removeItem(atPath: path + folder) }
        try files.copyItem(atPath: other.path + "/keys", toPath: path + "/keys")
        let key = try KeyFile(directory: path).load()
        try SignedHistory(directory: path).begin(with: key)
    }

    func grow(to size: Int) throws {
        while entries.count < size {
            var record = SignedLog.genesis
            record.entry.offset = UInt64(entries.count)
            record.entry.topic = topic
            record.entry.eventID = "e\(entries.count)"
            // The writer draws other salts: the entries are read back below.
            try writer.append(unit: [record])
            entries.append([])
        }
        try writer.submit()
        try writer.drain()
        entries.removeAll()
        let reader = try LogReader(directory: path)
        try reader.scan(from: 0) { record in
            entries.append(Array(record.entryBytes))
            return .next
        }
    }
}

/// A reader of published tiles that knows the specification and nothing else.
private struct Mirror {
    let path: String

    init(_ path: String) { self.path = path }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    func files() throws -> Set<String> {
        let all = FileManager.default.enumerator(atPath: path)
        var files: Set<String> = []
        while let name = all?.nextObject() as? String {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
            if !isDirectory.boolValue { files.insert(name) }
        }
        return files
    }

    /// Checks that the checkpoint's size and root are those of the entries and of the tiles.
    func check(_ entries: [[UInt8]]) throws {
        let signed = try #require(SignedCheckpoint(try read("checkpoint")))
        #expect(signed.head.size == UInt64(entries.count))
        var frontier = MerkleFrontier()
        var levels: [[UInt8]] = [[]]
        for entry in entries { levels[0] += MerkleHash.leaf(entry.span).bytes }
        for entry in entries { frontier.append(.leaf(entry.span)) }
        #expect(frontier.root == signed.head.root)
        var level = 0
        while !levels[level].isEmpty {
            var above: [UInt8] = []
            for start in stride(from: 0, to: levels[level].count, by: 8192) {
                let part = Array(levels[level][start..<min(start + 8192, levels[level].count)])
                let isFull = part.count == 8192
                let suffix = isFull ? "" : ".p/\(part.count / 32)"
                let number = "00\(start / 8192)".suffix(3)
                #expect(try read("tile/\(level)/\(number)\(suffix)") == part)
                guard isFull else { continue }
                var tile = MerkleFrontier()
                for hash in stride(from: 0, to: 8192, by: 32) {
                    tile.append(try #require(MerkleHash(part[hash..<hash + 32])))
                }
                above += tile.root.bytes
            }
            levels.append(above)
            level += 1
        }
        for start in stride(from: 0, to: entries.count, by: 256) {
            let part = entries[start..<min(start + 256, entries.count)]
            let suffix = part.count == 256 ? "" : ".p/\(part.count)"
            let number = "00\(start / 256)".suffix(3)
            let bundle = part.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
            #expect(try read("tile/entries/\(number)\(suffix)") == bundle)
        }
    }
}
