// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing
import VigilCodec
import VigilCore

@testable import VigilEngine
@testable import VigilLog

/// The index of duplicates while a part of it is damaged.
struct DuplicateIndexTests {
    private static let eventCount = 1200
    private let now: Instant
    private let directory: DataDirectory

    init() throws {
        now = try at("2024-03-01T08:00:00Z")
        directory = try DataDirectory()
    }

    private func open() throws -> OpenedLog {
        try directory.open(Desk.identity(.event), packs: [], now: now)
    }

    private func event(_ number: Int) -> [UInt8] {
        Events.patient("2024-03-01T09:00:00Z", id: "q\(number)", subject: "p\(number)")
    }

    /// What became of events, by their numbers.
    private struct Told {
        var accepted: [Int] = []
        var duplicate: [Int] = []
        var busy: [Int] = []
    }

    private func send(_ numbers: some Sequence<Int>, to intake: inout Intake) throws -> Told {
        var told = Told()
        for number in numbers {
            let outcome = intake.receive(
                topic: Array("patient.A81001".utf8), event: event(number), socket: "ingest",
                wall: now)
            switch outcome {
            case .accepted: told.accepted.append(number)
            case .duplicate: told.duplicate.append(number)
            case .busy: told.busy.append(number)
            case .rejected(let rejection, _): Issue.record("\(rejection)")
            }
        }
        return told
    }

    /// A stopped log with some events whose index has a damaged block; where that lies.
    private func damage() throws -> String {
        var log = try open()
        let told = try send(0..<Self.eventCount, to: &log.intake)
        #expect(told.accepted.count == Self.eventCount)
        _ = try log.finish()
        try log.intake.duplicates.close(
            durableThrough: log.intake.sequencer.nextOffset - 1)
        let folder = directory.path + "/index"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".run") }
        #expect(names.count == 1)
        let path = folder + "/" + (try #require(names.first))
        var bytes = try #require(FileManager.default.contents(atPath: path))
        // Within the second block of entries, of five.
        bytes[FingerprintRun.headerLength + FingerprintRun.blockLength + 600] ^= 1
        try bytes.write(to: URL(filePath: path))
        return path
    }

    /// An intake of the log whose index is read and made again through a disk.
    private func intake(of log: OpenedLog, on disk: any Disk) throws -> Intake {
        let index = try DuplicateIndex(
            directory: directory.path, recordCount: log.intake.sequencer.nextOffset, disk: disk,
            tell: { _ in })
        return Intake(
            sequencer: log.intake.sequencer, lookup: log.lookup,
            eventBytesMax: Intake.eventBytesDefault, duplicates: index)
    }

    @Test func intakeGoesOnWhileADamagedRunIsMadeAgainAndNoDuplicatePasses() throws {
        let path = try damage()
        let log = try open()
        let disk = GatedDisk()
        var intake = try intake(of: log, on: disk)
        disk.close()
        // Of all that is known the damaged block's fifth cannot be told; nothing is taken twice.
        let known = try send(0..<Self.eventCount, to: &intake)
        #expect(known.accepted.isEmpty)
        #expect(known.busy.count > 0 && known.busy.count <= 2 * FingerprintRun.entriesPerBlock)
        disk.waitForSomebody()
        // What is new is taken, but for the few that the filter takes for known.
        let fresh = try send(Self.eventCount..<2 * Self.eventCount, to: &intake)
        #expect(fresh.duplicate.isEmpty)
        #expect(fresh.accepted.count > Self.eventCount * 9 / 10)
        let again = try send(fresh.accepted, to: &intake)
        #expect(again.duplicate == fresh.accepted)
        disk.open()
        try intake.duplicates.finishMending()
        let after = try send(0..<2 * Self.eventCount, to: &intake)
        #expect(after.busy.isEmpty)
        #expect(after.duplicate.count == Self.eventCount + fresh.accepted.count)
        #expect(after.accepted == fresh.busy)
        let mended = try FingerprintRun(
            file: try LinuxDisk().open(path, for: .read), path: path,
            key: try FingerprintStore(directory: directory.path).key)
        try mended.check()
        withExtendedLifetime(log) {}
    }
}

/// The machine's disk, which keeps those waiting who open a segment while its gate is closed.
private final class GatedDisk: Disk {
    private struct Gate: Sendable {
        var isClosed = false
        var isWaitedFor = false
    }

    private let disk = LinuxDisk()
    private let gate = Monitor(Gate())

    func close() { gate.change { $0.isClosed = true } }

    func open() { gate.change { $0.isClosed = false } }

    /// Returns once somebody waits.
    func waitForSomebody() { gate.wait { $0.isWaitedFor ? () : nil } }

    func open(_ path: String, for access: DiskAccess) throws(LogError) -> any DiskFile {
        if path.hasSuffix(".vlog") {
            gate.change { $0.isWaitedFor = $0.isClosed }
            gate.wait { $0.isClosed ? nil : () }
        }
        return try disk.open(path, for: access)
    }

    func lock(_ path: String) throws(LogError) -> any DiskFile { try disk.lock(path) }
    func list(_ directory: String) throws(LogError) -> [String] { try disk.list(directory) }
    func makeDirectory(_ path: String) throws(LogError) { try disk.makeDirectory(path) }

    func synchroniseDirectory(_ path: String) throws(LogError) {
        try disk.synchroniseDirectory(path)
    }

    func rename(_ path: String, to other: String) throws(LogError) {
        try disk.rename(path, to: other)
    }

    func remove(_ path: String) throws(LogError) { try disk.remove(path) }
    func freeBytes(at path: String) throws(LogError) -> UInt64 { try disk.freeBytes(at: path) }
    func randomWords(_ count: Int) -> [UInt64] { disk.randomWords(count) }
    func clockMilliseconds() -> Int64 { disk.clockMilliseconds() }
}
