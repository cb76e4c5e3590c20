// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VigilCodec
import VigilCore
import VigilLog

/// Collects what a committer reports, from its thread.
final class Reports: Sendable {
    private let all = Mutex<[LogReport]>([])

    var take: @Sendable (LogReport) -> Void {
        { report in self.all.withLock { $0.append(report) } }
    }

    var list: [LogReport] { all.withLock { $0 } }

    /// How many records were reported as durable.
    var durableCount: UInt64 {
        list.reduce(0) { count, report in
            guard case .durable(let through) = report else { return count }
            return max(count, through + 1)
        }
    }
}

/// A record with random texts and payload.
func makeRecord(
    offset: UInt64, cause: UInt64, payloadLengthMax: Int = 700,
    using generator: inout SeededGenerator
) -> Record {
    let practices = ["A81001", "B82002", "prätis-Ω", ""]
    let number = generator.next() % 1000
    let entry = RecordEntry(
        offset: offset, recorded: Instant(milliseconds: Int64(bitPattern: generator.next())),
        kind: RecordKind.allCases[Int(number) % 4],
        topic: "prescription.\(practices[Int(number) % 4])", source: "urn:test:\(number % 7)",
        eventID: "e\(offset)", subject: number % 5 == 0 ? "" : "patient-\(number)",
        causation: cause, previous: number % 3 == 0 ? nil : generator.next())
    let length = Int(generator.next() % UInt64(payloadLengthMax + 1))
    let pattern = withUnsafeBytes(of: generator.next()) { Array($0) }
    var payload: [UInt8] = []
    while payload.count < length { payload += pattern }
    return Record(entry: entry, payload: Array(payload.prefix(length)))
}

/// A unit of one to four records that continues a log.
func makeUnit(
    at offset: UInt64, payloadLengthMax: Int = 700, using generator: inout SeededGenerator
) -> [Record] {
    let count = 1 + generator.next() % 4
    return (0..<count).map {
        makeRecord(
            offset: offset + $0, cause: offset, payloadLengthMax: payloadLengthMax,
            using: &generator)
    }
}

/// Opens a log and gives what it holds.
func openLog(
    _ directory: String = "/data", on disk: any Disk, segmentLengthMax: UInt64 = 64 << 20,
    reports: Reports = Reports()
) throws -> (writer: LogWriter, recovery: Recovery, records: [Record]) {
    var records: [Record] = []
    let (writer, recovery) = try LogWriter.open(
        directory: directory, options: LogOptions(segmentLengthMax: segmentLengthMax),
        disk: disk, report: reports.take
    ) { records.append($0.record) }
    return (writer, recovery, records)
}

/// Appends a number of commits of one unit each, every one durable before the next.
func write(
    commits: Int, to writer: LogWriter, payloadLengthMax: Int = 700,
    using generator: inout SeededGenerator
) throws -> [Record] {
    var records: [Record] = []
    for _ in 0..<commits {
        let unit = makeUnit(
            at: writer.nextOffset, payloadLengthMax: payloadLengthMax, using: &generator)
        try writer.append(unit: unit)
        try writer.submit()
        try writer.drain()
        records += unit
    }
    return records
}
