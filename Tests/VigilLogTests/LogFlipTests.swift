// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore
import VigilLog

/// A larger log with every kind of file that a data directory has, filled ahead.
struct LogFlipTests {
    /// The environment may ask for more.
    private static let flipCount =
        ProcessInfo.processInfo.environment["VIGIL_FLIPS"].flatMap(Int.init) ?? 1000

    private let disk = SimulatedDisk(seed: 21)
    private let records: [Record]

    init() throws {
        var generator = SeededGenerator(seed: 22)
        disk.setFreeByteCount(.max)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 16 << 10)
        var records = try write(commits: 60, to: writer, using: &generator)
        try writer.close()
        // A tail that an earlier start has set aside.
        let last = try #require(disk.paths.last { $0.hasSuffix(".vlog") })
        let bytes = try #require(disk.bytes(last))
        disk.setBytes(last, bytes.dropLast(512) + [UInt8](repeating: 7, count: 700))
        let (again, recovery, _) = try openLog(on: disk, segmentLengthMax: 16 << 10)
        #expect(recovery.setAside.count == 1)
        records += try write(commits: 20, to: again, using: &generator)
        try again.close()
        let quarantine = QuarantineWriter(directory: "/data", disk: disk)
        quarantine.append(
            RejectedMessage(
                at: Instant(milliseconds: 0), socket: "events", code: "malformed-json",
                message: "m", pointer: "", source: nil, id: nil, topic: [1], event: [2]))
        try quarantine.sync()
        self.records = records
        let kinds = ["/data/lock", "/durable", ".vlog", ".bytes", ".ndjson"]
        for kind in kinds { #expect(disk.paths.contains { $0.hasSuffix(kind) }) }
    }

    @Test func aFlippedBitAnywhereIsToldOrChangesNoRecord() throws {
        var generator = SeededGenerator(seed: 23)
        var damageCount = 0
        for number in 0..<Self.flipCount {
            let path = disk.paths[Int.random(in: 0..<disk.paths.count, using: &generator)]
            var bytes = try #require(disk.bytes(path))
            guard !bytes.isEmpty else { continue }
            let position = Int.random(in: bytes.indices, using: &generator)
            bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let flipped = disk.copy()
            flipped.setBytes(path, bytes)
            let read = try? recordsRead(from: flipped)
            #expect(
                read == nil || read == records, "reader, flip \(number): \(path) at \(position)")
            do {
                let (_, _, opened) = try openLog(on: flipped, segmentLengthMax: 16 << 10)
                #expect(opened == records, "flip \(number): \(path) at \(position)")
            } catch is LogError {
                damageCount += 1
                #expect(path.hasSuffix(".vlog"))
            }
        }
        #expect(damageCount > Self.flipCount / 4)
    }

    @Test func aFlipBehindTheLastCommitIsSetAsideAsATail() throws {
        let last = try #require(disk.paths.last { $0.hasSuffix(".vlog") })
        let unused = disk.copy()
        var bytes = try #require(unused.bytes(last))
        bytes += [UInt8](repeating: 0, count: 4096)
        bytes[bytes.count - 1000] = 1
        unused.setBytes(last, bytes)
        let (_, recovery, opened) = try openLog(on: unused, segmentLengthMax: 16 << 10)
        #expect(opened == records)
        #expect(recovery.tornTail != nil)
        #expect(recovery.setAside.count == 2)
    }

    private func recordsRead(from disk: SimulatedDisk) throws -> [Record] {
        let reader = try LogReader(directory: "/data", disk: disk)
        var all: [Record] = []
        try reader.scan(from: 0) { view in
            all.append(view.record)
            return .next
        }
        return all
    }
}
