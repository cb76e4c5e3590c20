// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilLog

/// A log of version 1 that is kept in the repository: it opens for ever.
struct GoldenLogTests {
    static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Python/golden-log").path

    /// The records that the golden log was made of; `test_log_reader.py` expects the same.
    static let units: [[Record]] = [
        [record(0, .control, "system.genesis", "vigil/golden", "0", "", 0, nil, "{\"format\":1}")],
        [
            record(1, .input, "patient.A81001", "urn:gp:one", "p-1", "pät", 1, nil, "{\"n\": 1}"),
            record(2, .output, "flag.A81001.high.r", "vigil/golden", "2", "pät", 1, 1, "{}"),
        ],
        [record(3, .observation, "system.rejected", "vigil/golden", "3", "", 3, nil, "")],
        [record(4, .input, "device.A81001", "urn:gp:one", "d-1", "pät", 4, 2, "{\"n\": 2}")],
    ]

    @Test func theGoldenLogOpens() throws {
        let copy = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: Self.directory, toPath: copy.path)
        let (writer, recovery, records) = try openLog(
            copy.path, on: LinuxDisk(), segmentLengthMax: 1536)
        #expect(records == Self.units.flatMap { $0 })
        #expect(recovery.tornTail == nil)
        #expect(try copy.segments().count == 2)
        try writer.close()
    }

    @Test func theGoldenLogReads() throws {
        let reader = try LogReader(directory: Self.directory)
        for record in Self.units.flatMap({ $0 }) {
            #expect(try reader.record(at: record.entry.offset) == record)
        }
    }

    private static func record(
        _ offset: UInt64, _ kind: RecordKind, _ topic: String, _ source: String, _ id: String,
        _ subject: String, _ causation: UInt64, _ previous: UInt64?, _ payload: String
    ) -> Record {
        Record(
            entry: RecordEntry(
                offset: offset,
                recorded: Instant(milliseconds: 1_700_000_000_000 + Int64(offset)), kind: kind,
                topic: topic, source: source, eventID: id, subject: subject,
                causation: causation, previous: previous),
            payload: Array(payload.utf8))
    }
}
