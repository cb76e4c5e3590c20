// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore

@testable import VigilLog

/// Snapshots' files: whole or of no use, never more than two, never the disk's last room.
struct SnapshotStoreTests {
    private let disk = SimulatedDisk(seed: 1)
    private let store: SnapshotStore

    init() {
        disk.setFreeByteCount(1 << 40)
        store = SnapshotStore(directory: "/data", disk: disk)
    }

    private func save(_ size: UInt64, isStopping: @escaping () -> Bool = { false }) throws -> Bool {
        try store.write(size: size, rests: false, until: isStopping) { file in
            try file.append(tag: 1, Array("key".utf8))
            for number in 0..<3 {
                try file.append(tag: 2, [UInt8](repeating: UInt8(number), count: 200 * number))
            }
            try file.append(tag: 3, [])
        }
    }

    @Test func theNewestTwoStayAndReadBack() throws {
        for size in [5, 9, 12] as [UInt64] { #expect(try save(size)) }
        #expect(try store.sizes() == [12, 9])
        let sections = try store.sections(12)
        #expect(sections.map(\.tag) == [1, 2, 2, 2, 3])
        #expect(sections.map(\.bytes.count) == [3, 0, 200, 400, 0])
    }

    @Test func anyFlippedByteAndAnyCutIsFound() throws {
        #expect(try save(5))
        let file = try disk.open(store.path(5), for: .write)
        let whole = try file.read(10_000, at: 0)
        for position in whole.indices {
            let bit: UInt8 = 1 << UInt8(position % 8)
            try file.write([whole[position] ^ bit], at: UInt64(position))
            #expect(throws: SnapshotStore.Unusable.self, "byte \(position)") {
                try store.sections(5)
            }
            try file.write([whole[position]], at: UInt64(position))
        }
        for count in stride(from: whole.count - 1, through: 0, by: -1) {
            try file.resize(to: UInt64(count))
            #expect(throws: SnapshotStore.Unusable.self, "cut at \(count)") {
                try store.sections(5)
            }
        }
        // A file under another's name is of other records.
        #expect(try save(7))
        try disk.rename(store.path(7), to: store.path(8))
        #expect(throws: SnapshotStore.Unusable.self) { try store.sections(8) }
    }

    /// More than is read ahead: whoever gives up leaves no thread behind that waits, and who goes
    /// on gets all, in order, before the damage at the end is known.
    @Test func sectionsAreReadAheadOfWhoeverTakesThem() throws {
        struct Enough: Error {}
        let isWhole = try store.write(size: 5, rests: false, until: { false }) { file in
            for number in 0..<32 {
                try file.append(
                    tag: 1 + UInt32(number), [UInt8](repeating: UInt8(number), count: 1 << 20))
            }
        }
        #expect(isWhole)
        #expect(try store.sections(5).map(\.tag) == Array(1...32))

        var taken: [UInt32] = []
        #expect(throws: Enough.self) {
            try store.read(5) { section in
                taken.append(section.tag)
                if taken.count == 2 { throw Enough() }
            }
        }
        #expect(taken == [1, 2])

        let file = try disk.open(store.path(5), for: .write)
        try file.resize(to: try file.size() - 1)
        taken = []
        #expect(throws: SnapshotStore.Unusable.self) {
            try store.read(5) { taken.append($0.tag) }
        }
        #expect(taken == Array(1...32))
    }

    @Test func withoutRoomOrWhenItIsStoppedNothingIsLeft() throws {
        #expect(try save(5))
        disk.setFreeByteCount(100 << 20)
        let error = #expect(throws: LogError.self) { try save(9) }
        guard case .noSpace = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        disk.setFreeByteCount(1 << 40)
        #expect(try save(9, isStopping: { true }) == false)
        #expect(try disk.list("/data/snapshots") == ["00000000000000000005.snapshot"])
    }

    @Test(arguments: 0..<12)
    func aLossOfPowerLeavesAWholeOneOrNone(after changes: Int) throws {
        #expect(try save(5))
        disk.setFault(.powerLoss(after: changes))
        _ = try? save(9)
        let after = SnapshotStore(directory: "/data", disk: disk.afterPowerLoss())
        for size in try after.sizes() { #expect(try after.sections(size).count == 5) }
        #expect(try after.sizes().contains(5))
    }

    @Test func aStartFromAMarkReadsWhatFollowsAndChecksWhatPrecedesByItsHeaders() throws {
        let disk = SimulatedDisk(seed: 7)
        var generator = SeededGenerator(seed: 7)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 8192)
        _ = try write(commits: 12, to: writer, using: &generator)
        let mark = try #require(writer.treeHead.mark)
        #expect(mark.size == writer.nextOffset)
        let later = try write(commits: 9, to: writer, using: &generator)
        try writer.close()
        #expect(try mark.isPlace(inLogAt: "/data", disk: disk))

        var read: [Record] = []
        func open(_ mark: LogMark) throws -> (LogWriter, Recovery) {
            read = []
            let (writer, recovery) = try LogWriter.open(
                directory: "/data", options: LogOptions(segmentLengthMax: 8192), disk: disk,
                from: { mark }, report: { _ in }, visit: { read.append($0.record) })
            return (writer, recovery)
        }
        let (again, recovery) = try open(mark)
        #expect(read == later)
        #expect(recovery.recordCount == mark.size + UInt64(later.count))
        // It goes on as the same log: the tree is right, and a whole reading finds nothing wrong.
        _ = try write(commits: 3, to: again, using: &generator)
        let end = try #require(again.treeHead.mark)
        try again.close()
        let verified = try LogVerification(directory: "/data", disk: disk).run()
        #expect(verified.root == end.tree.root)

        var forged = mark
        forged.tree = MerkleFrontier()
        for number in 0..<mark.size {
            forged.tree.append(.leaf(Array("other \(number)".utf8).span))
        }
        #expect(try forged.isPlace(inLogAt: "/data", disk: disk) == false)
        // A segment before the mark that is gone is damage at the start.
        let first = try disk.list("/data/log").first { $0.hasSuffix(".vlog") }
        try disk.remove("/data/log/" + (try #require(first)))
        #expect(throws: LogError.self) { try open(mark) }
    }
}

extension SnapshotStore {
    /// All sections of a snapshot that is whole.
    fileprivate func sections(_ size: UInt64) throws -> [SnapshotSection] {
        var sections: [SnapshotSection] = []
        try read(size) { sections.append($0) }
        return sections
    }
}
