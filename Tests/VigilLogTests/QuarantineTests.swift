// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilLog

struct QuarantineTests {
    private static let path = "/data/quarantine/rejected.ndjson"

    private func message(_ event: [UInt8], source: String? = "urn:a") -> RejectedMessage {
        RejectedMessage(
            at: Instant(milliseconds: 1_700_000_000_123), socket: "events",
            code: "malformed-json", message: "a \"quoted\"\ttext \\ é\u{1}", pointer: "/data/0",
            source: source, id: nil, topic: Array("device.A81001".utf8), event: event)
    }

    @Test func aLineHoldsTheMessageWholeAndIsJSON() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = QuarantineWriter(directory: "/data", disk: disk)
        let event: [UInt8] = [0, 255, 10, 34, 97]
        writer.append(message(event))
        try writer.sync()
        let lines = try #require(disk.afterPowerLoss().bytes(Self.path)).split(separator: 10)
        #expect(lines.count == 1)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(lines[0])) as? [String: Any])
        #expect(object["at"] as? String == "2023-11-14T22:13:20.123Z")
        #expect(object["message"] as? String == "a \"quoted\"\ttext \\ é\u{1}")
        #expect(object["source"] as? String == "urn:a")
        #expect(object["id"] is NSNull)
        #expect(object["length"] as? Int == 5)
        #expect(object["sha256"] as? String == hexadecimal(SHA256.digest(of: event)))
        #expect(object["topic"] as? String == Data("device.A81001".utf8).base64EncodedString())
        #expect(object["event"] as? String == Data(event).base64EncodedString())
    }

    @Test func whatWasSyncedOutlivesAPowerLoss() throws {
        var disk = SimulatedDisk(seed: 1)
        for round in 1...20 {
            let writer = QuarantineWriter(
                directory: "/data", fileLengthMax: 1200, disk: disk)
            writer.append(message([UInt8(round)]))
            try writer.sync()
            writer.append(message([0]))
            disk = disk.afterPowerLoss()
            let files = disk.paths.filter { $0.hasPrefix("/data/quarantine/") }
            let lines = files.flatMap { (disk.bytes($0) ?? []).split(separator: 10) }
            #expect(lines.count == round)
        }
        #expect(disk.paths.contains("/data/quarantine/rejected.1.ndjson"))
        #expect(disk.paths.contains("/data/quarantine/rejected.2.ndjson"))
    }

    @Test func aLineCutShortDoesNotSpoilTheNext() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.setBytes(Self.path, Array("{\"at\":\"20".utf8))
        let writer = QuarantineWriter(directory: "/data", disk: disk)
        writer.append(message([1]))
        try writer.sync()
        let lines = try #require(disk.bytes(Self.path)).split(separator: 10)
        #expect(lines.count == 2)
        #expect(try JSONSerialization.jsonObject(with: Data(lines[1])) is [String: Any])
    }

    @Test func aFileThatWasMovedAwayOrRemovedIsBegunAnew() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = QuarantineWriter(directory: "/data", disk: disk)
        let aside = "/data/quarantine/yesterday.ndjson"
        writer.append(message([1]))
        try writer.sync()
        try disk.rename(Self.path, to: aside)
        for event: UInt8 in 2...3 {
            writer.append(message([event]))
            try writer.sync()
        }
        var left = disk.afterPowerLoss()
        #expect(left.bytes(aside)?.split(separator: 10).count == 1)
        #expect(left.bytes(Self.path)?.split(separator: 10).count == 2)
        try disk.remove(Self.path)
        writer.append(message([4]))
        try writer.sync()
        left = disk.afterPowerLoss()
        #expect(left.bytes(Self.path)?.split(separator: 10).count == 1)
    }

    @Test func aFullDiskKeepsNobodyFromStarting() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = QuarantineWriter(directory: "/data", disk: disk)
        disk.refuseNewFiles(true)
        try writer.prepare()
        disk.refuseNewFiles(false)
        writer.append(message([1]))
        try writer.sync()
        #expect(disk.afterPowerLoss().bytes(Self.path) != nil)
    }

    @Test func aFailureStays() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = QuarantineWriter(directory: "/data", disk: disk)
        disk.setFault(.failedSync(after: 0))
        writer.append(message([1]))
        #expect(throws: LogError.self) { try writer.sync() }
        #expect(throws: LogError.self) { try writer.sync() }
    }
}
