// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilLog

/// A directory that is gone with the test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("vigil-log-\(UUID().uuidString)")
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func segments() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/log")
            .filter { $0.hasSuffix(".vlog") }.sorted()
    }
}

struct LogWriterTests {
    @Test func aLogOnRealFilesComesBackWhole() throws {
        let directory = try TemporaryDirectory()
        var generator = SeededGenerator(seed: 1)
        var expected: [Record] = []
        for round in 0..<4 {
            let reports = Reports()
            let (writer, recovery, records) = try openLog(
                directory.path, on: LinuxDisk(), segmentLengthMax: 8192, reports: reports)
            #expect(records == expected)
            #expect(recovery.recordCount == UInt64(expected.count))
            #expect(recovery.tornTail == nil)
            expected += try write(commits: 10, to: writer, using: &generator)
            #expect(reports.durableCount == UInt64(expected.count))
            // Closed or only let go: what was reported is there either way.
            if round % 2 == 0 { try writer.close() }
        }
        let names = try directory.segments()
        #expect(names.count > 3)
        #expect(names.first == "00000000000000000000.vlog")
    }

    @Test func aDirectoryHasOneWriter() throws {
        let directory = try TemporaryDirectory()
        let (writer, _, _) = try openLog(directory.path, on: LinuxDisk())
        #expect(
            throws: LogError.locked(
                directory: directory.path, holder: Int(ProcessInfo.processInfo.processIdentifier))
        ) { try openLog(directory.path, on: LinuxDisk()) }
        try writer.close()
        _ = try openLog(directory.path, on: LinuxDisk())
        withExtendedLifetime(writer) {}
    }

    @Test func aLogLetGoCanBeOpenedAgain() throws {
        let directory = try TemporaryDirectory()
        _ = try openLog(directory.path, on: LinuxDisk())
        _ = try openLog(directory.path, on: LinuxDisk())
    }

    @Test func reportsComeInOrderAndCoverWholeCommits() throws {
        let reports = Reports()
        let (writer, _, _) = try openLog(on: SimulatedDisk(seed: 1), reports: reports)
        var generator = SeededGenerator(seed: 2)
        var ends: [LogReport] = []
        for _ in 0..<20 {
            try writer.append(unit: makeUnit(at: writer.nextOffset, using: &generator))
            try writer.append(unit: makeUnit(at: writer.nextOffset, using: &generator))
            try writer.submit()
            ends.append(.durable(through: writer.nextOffset - 1))
            try writer.drain()
        }
        #expect(reports.list == ends)
        try writer.seal()
        try writer.close()
        #expect(reports.list == ends, "a seal makes no record durable")
    }

    @Test func aPlaceThatIsKeptDoesNotHideTheNewestOne() throws {
        let (writer, _, _) = try openLog(on: SimulatedDisk(seed: 1))
        var generator = SeededGenerator(seed: 2)
        let unit = makeUnit(at: 0, using: &generator)
        writer.treeHead.keepMark(of: UInt64(unit.count))
        try writer.append(unit: unit)
        #expect(writer.treeHead.keptMark == nil)
        try writer.submit()
        try writer.drain()
        _ = try write(commits: 3, to: writer, using: &generator)
        try writer.close()
        #expect(writer.treeHead.keptMark?.size == UInt64(unit.count))
        #expect(writer.treeHead.mark?.size == writer.nextOffset)
    }

    @Test func aUnitThatDoesNotContinueTheLogIsRefusedWhole() throws {
        let (writer, _, _) = try openLog(on: SimulatedDisk(seed: 1))
        var generator = SeededGenerator(seed: 2)
        var unit = makeUnit(at: 0, using: &generator)
        unit.append(makeRecord(offset: 77, cause: 0, using: &generator))
        let before = writer.bufferedByteCount
        #expect(throws: LogError.notContiguous(expected: UInt64(unit.count) - 1, found: 77)) {
            try writer.append(unit: unit)
        }
        #expect(throws: LogError.emptyUnit) { try writer.append(unit: []) }
        #expect(writer.bufferedByteCount == before)
        #expect(writer.nextOffset == 0)
        try writer.append(unit: Array(unit.dropLast()))
        try writer.close()
    }

    @Test func theFirstFailureIsReportedOnceAndForEver() throws {
        for fault in [DiskFault.failedSync(after: 3), .full(after: 2000)] {
            let disk = SimulatedDisk(seed: 3)
            let reports = Reports()
            let (writer, _, _) = try openLog(on: disk, reports: reports)
            disk.setFault(fault)
            var generator = SeededGenerator(seed: 4)
            var failure: LogError?
            do {
                _ = try write(commits: 20, to: writer, using: &generator)
            } catch let error as LogError {
                failure = error
            }
            let first = try #require(failure)
            let durable = reports.durableCount
            disk.setFault(nil)
            #expect(reports.list.last == .failed(first))
            #expect(reports.list.count { $0 == .failed(first) } == 1)
            #expect(!writer.canSubmit)
            #expect(throws: first) { try writer.submit() }
            #expect(throws: first) { try writer.close() }
            if case .full = fault {
                guard case .noSpace = first else {
                    Issue.record("a full disk reported as \(first)")
                    continue
                }
            }
            #expect(reports.durableCount == durable, "nothing is acknowledged after a failure")
            let (_, recovery, _) = try openLog(on: disk.afterPowerLoss())
            #expect(recovery.recordCount >= durable)
        }
    }

    @Test func aSealLetsTheLogStandWithoutItsClaims() throws {
        let disk = SimulatedDisk(seed: 3)
        var generator = SeededGenerator(seed: 4)
        let (writer, _, _) = try openLog(on: disk)
        let records = try write(commits: 3, to: writer, using: &generator)
        try writer.close()
        let segment = "/data/log/00000000000000000000.vlog"
        let bytes = try #require(disk.bytes(segment))
        let after = disk.copy()
        after.setBytes("/data/log/durable", [])
        var flipped = bytes
        flipped[bytes.count - 512 - 600] ^= 4
        after.setBytes(segment, flipped)
        #expect(throws: LogError.self, "the last records are claimed by the seal") {
            try openLog(on: after)
        }
        let reader = try LogReader(
            directory: "/data",
            disk: {
                let lost = disk.copy()
                lost.setBytes("/data/log/durable", [])
                return lost
            }())
        #expect(reader.durableEnd == UInt64(records.count))
    }

    @Test func aLogIsSealedOnceHoweverOftenItIsOpened() throws {
        let disk = SimulatedDisk(seed: 3)
        var generator = SeededGenerator(seed: 4)
        let segment = "/data/log/00000000000000000000.vlog"
        do {
            let (writer, _, _) = try openLog(on: disk)
            _ = try write(commits: 1, to: writer, using: &generator)
        }
        let unsealed = try #require(disk.bytes(segment)).count
        for _ in 0..<3 {
            let (writer, _, _) = try openLog(on: disk)
            try writer.seal()
            try writer.close()
            #expect(disk.bytes(segment)?.count == unsealed + 512)
        }
    }

    @Test func freeBytesAreThoseOfTheDirectorysDevice() throws {
        let directory = try TemporaryDirectory()
        let (writer, _, _) = try openLog(directory.path, on: LinuxDisk())
        #expect(try writer.freeBytes() > 0)
        try writer.close()
    }
}
