// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilLog

struct LogReaderTests {
    @Test func aReaderSeesWhatIsDurableAndNoMore() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 4096)
        let reader = try LogReader(directory: "/data", disk: disk)
        #expect(reader.durableHead == nil)
        var durable: [Record] = []
        for _ in 0..<40 {
            durable += try write(commits: 1, to: writer, using: &generator)
            try writer.append(unit: makeUnit(at: writer.nextOffset, using: &generator))
            #expect(reader.durableEnd < UInt64(durable.count))
            try reader.refresh()
            #expect(reader.durableHead == UInt64(durable.count - 1))
            #expect(try reader.record(at: UInt64(durable.count)) == nil)
            #expect(try read(reader) == durable)
            try writer.submit()
            try writer.drain()
            // Durable by now, but this reader was not told yet.
            #expect(try read(reader) == durable)
            try reader.refresh()
            durable = try read(reader)
            #expect(durable.count == Int(writer.nextOffset))
        }
    }

    @Test func aReaderBesideABusyWriterSeesAGrowingPrefixOfWholeUnits() throws {
        let directory = try TemporaryDirectory()
        let reports = Reports()
        let (writer, _, _) = try openLog(
            directory.path, on: LinuxDisk(), segmentLengthMax: 20_000, reports: reports)
        let reader = try LogReader(directory: directory.path)
        var generator = SeededGenerator(seed: 7)
        var sent: [Record] = []
        var unitEnds: Set<Int> = [0]
        var seen = 0
        while sent.count < 1500 {
            let unit = makeUnit(at: writer.nextOffset, using: &generator)
            try writer.append(unit: unit)
            sent += unit
            unitEnds.insert(sent.count)
            if writer.canSubmit { try writer.submit() }
            // The committer is at work meanwhile.
            let acknowledged = reports.durableCount
            try reader.refresh()
            #expect(reader.durableEnd >= acknowledged)
            #expect(unitEnds.contains(Int(reader.durableEnd)))
            let more = try read(reader, from: seen, to: .max)
            #expect(more == Array(sent[seen..<Int(reader.durableEnd)]))
            seen += more.count
        }
        try writer.close()
        try reader.refresh()
        #expect(try read(reader) == sent)
        #expect(try directory.segments().count > 2)
    }

    @Test func aCommitThatWasWrittenButNotSyncedStaysUnseen() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        let (writer, _, _) = try openLog(on: disk)
        let durable = try write(commits: 3, to: writer, using: &generator)
        disk.setFault(.failedSync(after: 0))
        #expect(throws: LogError.self) {
            try write(commits: 1, to: writer, using: &generator)
        }
        let reader = try LogReader(directory: "/data", disk: disk)
        #expect(try read(reader) == durable)
        #expect(writer.nextOffset > reader.durableEnd)
    }

    @Test func anyRecordAndAnyRangeCanBeRead() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 200_000)
        // Small commits, so that the index keeps only some of them, and one that is large.
        var records = try write(
            commits: 600, to: writer, payloadLengthMax: 50, using: &generator)
        records += try write(
            commits: 1, to: writer, payloadLengthMax: 300_000, using: &generator)
        records += try write(commits: 100, to: writer, using: &generator)
        let head = UInt64(records.count - 1)
        let reader = LogReader(directory: "/data", durableHead: head, disk: disk)
        for _ in 0..<300 {
            let offset = generator.next() % (head + 1)
            #expect(try reader.record(at: offset) == records[Int(offset)])
        }
        for _ in 0..<30 {
            let start = Int(generator.next() % UInt64(records.count))
            let end = start + Int(generator.next() % UInt64(records.count - start + 1))
            #expect(try read(reader, from: start, to: end) == Array(records[start..<end]))
        }
        #expect(try read(reader, from: records.count + 5, to: .max).isEmpty)
    }

    @Test func aScanStopsWhereTheVisitorSaysSo() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 4096)
        _ = try write(commits: 20, to: writer, using: &generator)
        let reader = try LogReader(directory: "/data", disk: disk)
        var seen: [UInt64] = []
        try reader.scan(from: 3) { record in
            seen.append(record.offset)
            return record.offset == 9 ? .stop : .next
        }
        #expect(seen == Array(3...9))
    }

    @Test func aReaderTellsOfDamageAndServesNone() throws {
        let disk = SimulatedDisk(seed: 1)
        var generator = SeededGenerator(seed: 2)
        let (writer, _, _) = try openLog(on: disk)
        let records = try write(commits: 5, to: writer, using: &generator)
        try writer.close()
        let path = "/data/log/00000000000000000000.vlog"
        let bytes = try #require(disk.bytes(path))
        for position in stride(from: 0, to: bytes.count - 512, by: 3) {
            let flippedDisk = disk.copy()
            var flipped = bytes
            flipped[position] ^= 0x40
            flippedDisk.setBytes(path, flipped)
            let reader = try LogReader(directory: "/data", disk: flippedDisk)
            var seen: [Record] = []
            #expect(throws: LogError.self, "byte \(position)") {
                try reader.scan(from: 0) { record in
                    seen.append(record.record)
                    return .next
                }
            }
            #expect(records.starts(with: seen))
        }
    }

    @Test func aDirectoryWithoutALogReadsAsEmpty() throws {
        let reader = try LogReader(directory: "/nowhere/at/all")
        #expect(reader.durableHead == nil)
        #expect(try reader.record(at: 0) == nil)
        #expect(try read(reader).isEmpty)
    }

    private func read(
        _ reader: LogReader, from start: Int = 0, to end: Int = .max
    ) throws -> [Record] {
        var records: [Record] = []
        try reader.scan(from: UInt64(start), to: UInt64(end)) { record in
            records.append(record.record)
            return .next
        }
        return records
    }
}
