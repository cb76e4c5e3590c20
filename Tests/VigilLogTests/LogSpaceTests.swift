// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilLog

struct LogSpaceTests {
    private static let segment = "/data/log/00000000000000000000.vlog"

    @Test func segmentsAreFilledAheadWhereThereIsRoomAndNotWhereThereIsNone() throws {
        for hasRoom in [false, true] {
            let disk = SimulatedDisk(seed: 1)
            disk.setFreeByteCount(hasRoom ? .max : 1 << 20)
            var generator = SeededGenerator(seed: 2)
            let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 8192)
            let records = try write(commits: 30, to: writer, using: &generator)
            try writer.close()
            #expect(disk.bytes(Self.segment)?.count == 8192 || !hasRoom)
            let used = try #require(disk.bytes(Self.segment)).count
            #expect(hasRoom || used < 8192)
            let (_, recovery, read) = try openLog(on: disk.afterPowerLoss())
            #expect(read == records)
            #expect(recovery.tornTail == nil, "zeros behind the last commit are no torn tail")
        }
    }

    @Test func aTornTailWaitsWhereAFullDiskHasNoRoomToSetItAside() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        var records: [Record] = []
        do {
            let (writer, _, _) = try openLog(on: disk)
            records = try write(commits: 3, to: writer, using: &generator)
            try writer.close()
        }
        let whole = try #require(disk.bytes(Self.segment))
        disk.setBytes(Self.segment, whole + [UInt8](repeating: 9, count: 600))
        disk.refuseNewFiles(true)
        let (writer, recovery, read) = try openLog(on: disk)
        #expect(read == records)
        #expect(recovery.tornTail == nil)
        #expect(disk.bytes(Self.segment)?.count == whole.count + 600, "nothing was cut")
        #expect(throws: LogError.self) { try writer.repair() }
        try writer.seal()
        #expect(disk.bytes(Self.segment)?.count == whole.count + 600, "nothing was written")
        try writer.append(unit: makeUnit(at: writer.nextOffset, using: &generator))
        #expect(throws: LogError.noSpace(path: "/data/log/torn")) { try writer.submit() }
        disk.refuseNewFiles(false)
        let torn = try #require(try writer.repair())
        #expect(disk.bytes(torn.path) == [UInt8](repeating: 9, count: 600))
        try writer.submit()
        try writer.drain()
        try writer.close()
        let (_, _, again) = try openLog(on: disk.afterPowerLoss())
        #expect(again.starts(with: records))
        #expect(again.count > records.count)
    }

    @Test func aTailThatWasSetAsideIsFoundByEveryLaterStart() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        do {
            let (writer, _, _) = try openLog(on: disk)
            _ = try write(commits: 3, to: writer, using: &generator)
        }
        let whole = try #require(disk.bytes(Self.segment))
        disk.setBytes(Self.segment, whole + [1, 2, 3])
        let (_, first, _) = try openLog(on: disk)
        let (_, second, _) = try openLog(on: disk)
        #expect(first.tornTail?.byteCount == 3)
        #expect(second.tornTail == nil)
        #expect(second.setAside == first.setAside)
        #expect(second.setAside.map(\.name) == [first.tornTail?.name])
    }
}

struct LogInspectionTests {
    @Test func anInspectionAddsUpToTheLog() throws {
        let disk = SimulatedDisk(seed: 3)
        disk.setFreeByteCount(.max)
        var generator = SeededGenerator(seed: 4)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 8192)
        let records = try write(commits: 30, to: writer, using: &generator)
        let reader = try LogReader(directory: "/data", disk: disk)
        var segments: [SegmentInspection] = []
        try reader.inspectSegments { segments.append($0) }
        #expect(segments.count > 2)
        #expect(segments.reduce(0) { $0 + $1.recordCount } == UInt64(records.count))
        #expect(segments.reduce(0) { $0 + $1.commitCount } == 30)
        for segment in segments {
            let first = records[Int(segment.firstOffset)].entry
            #expect(segment.firstRecorded == first.recorded)
            #expect(segment.lastRecorded == records[Int(segment.endOffset) - 1].entry.recorded)
            #expect(segment.usedByteCount <= segment.fileByteCount)
        }
        withExtendedLifetime(writer) {}
    }

    @Test func aSubjectsChainLeadsThroughAllItsRecords() throws {
        let disk = SimulatedDisk(seed: 3)
        var generator = SeededGenerator(seed: 4)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 4096)
        var offsets: [String: [UInt64]] = [:]
        for offset in 0..<UInt64(200) {
            var record = makeRecord(offset: offset, cause: offset, using: &generator)
            let subject = offset < 100 ? "p\(generator.next() % 9)" : "late"
            record.entry.subject = subject
            record.entry.previous = offsets[subject]?.last
            offsets[subject, default: []].append(offset)
            try writer.append(unit: [record])
            if offset % 5 == 4 {
                try writer.drain()
                try writer.submit()
            }
        }
        try writer.close()
        let reader = try LogReader(directory: "/data", disk: disk)
        for (subject, expected) in offsets {
            #expect(try reader.offsets(ofSubject: subject) == expected)
        }
        #expect(try reader.offsets(ofSubject: "nobody").isEmpty)
    }
}
