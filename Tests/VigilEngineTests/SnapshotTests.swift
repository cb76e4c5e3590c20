// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing
import VigilCodec
import VigilLog

@testable import VigilCore
@testable import VigilEngine

/// Logs on disk that are opened from a snapshot, or in spite of one.
struct SnapshotTests {
    private let identity = Desk.identity(.event)
    private let now: Instant
    private let directory: DataDirectory
    private let told = Told()

    private final class Told: Sendable {
        private let all = Mutex<[String]>([])
        var sentences: [String] { all.withLock { $0 } }
        func tell(_ sentence: String) { all.withLock { $0.append(sentence) } }
    }

    init() throws {
        now = try at("2024-03-01T08:00:00Z")
        directory = try DataDirectory()
    }

    private var store: SnapshotStore { SnapshotStore(directory: directory.path) }

    private func open() throws -> OpenedLog {
        let told = told
        var log = try OpenedLog.open(
            directory: directory.path, identity: identity, packs: [Pincer.source()],
            eventBytesMax: Intake.eventBytesDefault, snapshotRecords: 1,
            tell: { told.tell($0) })
        try log.intake.begin(log.start, now: now)
        return log
    }

    /// Sends a month of prescriptions of some patients.
    private func send(_ month: Int, to log: inout OpenedLog) throws {
        for number in 0..<70 {
            let subject = "p\(month)-\(number)"
            let day = number % 27 + 1
            let time = "2024-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
            for event in [
                (
                    "patient",
                    Events.patient("\(time)T09:00:00Z", id: "q\(subject)", subject: subject)
                ),
                (
                    "prescription",
                    Events.naproxen("\(time)T09:05:00Z", id: "n\(subject)", subject: subject)
                ),
            ] {
                let outcome = log.send(event.1, topic: "\(event.0).A81001", wall: now)
                guard case .accepted = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
        }
    }

    /// Makes everything durable, and writes a snapshot and the index as a clean stop does.
    private func stop(_ log: inout OpenedLog) throws -> [Record] {
        let records = try log.finish()
        let head = log.intake.sequencer.nextOffset - 1
        try log.intake.duplicates.close(durableThrough: head)
        var flags = log.openFlags
        for change in log.intake.sequencer.flagChanges { flags.apply(change) }
        log.snapshots.finish(log.intake.sequencer.state, flags)
        return records
    }

    /// A log of one month that was stopped: so many records.
    private func begin() throws -> UInt64 {
        var log = try open()
        try send(3, to: &log)
        return UInt64(try stop(&log).count)
    }

    @Test func aStartFromASnapshotGoesOnAsAFoldOfTheWholeLogDoes() throws {
        let size = try begin()
        var log = try open()
        #expect(log.resumedAt == size)
        #expect(log.lastOutput > 0)
        let again = log.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "np3-0", subject: "p3-0"),
            topic: "prescription.A81001", wall: now)
        guard case .duplicate = again else {
            Issue.record("\(again)")
            return
        }
        try send(4, to: &log)
        let open = log.openFlags
        let after = try stop(&log)
        #expect(after.count > 200)
        #expect(try store.sizes() == [size + UInt64(after.count), size])

        var check = Replay.Options()
        check.comparison = .bytes
        let whole = try Replay(directory: directory.path, options: check).run()
        #expect(whole.recordCount == size + UInt64(after.count))
        check.untilOffset = size - 1
        let then = try Replay(directory: directory.path, options: check).run()
        #expect(then.openFlagCount == open.count)
        #expect(then.openFlagCount > 10)
        #expect(told.sentences.isEmpty)
    }

    @Test func aStopWhileItIsReadIsNoFaultOfIts() throws {
        let size = try begin()
        let told = told
        #expect(throws: CancellationError.self) {
            try OpenedLog.open(
                directory: directory.path, identity: identity, packs: [Pincer.source()],
                eventBytesMax: Intake.eventBytesDefault, isStopping: { true },
                tell: { told.tell($0) })
        }
        #expect(told.sentences.isEmpty)
        #expect(try open().resumedAt == size)
    }

    @Test func aSnapshotOfAnotherVersionOfOtherPacksOrOfAnotherLogIsIgnored() throws {
        let size = try begin()
        let log = try open()
        let mark = try #require(log.treeHead.mark)
        try log.writer.close()
        let state = log.intake.sequencer.state
        func rewrite(_ body: (SnapshotFileWriter) throws -> Void) throws {
            _ = try store.write(size: size, rests: false, until: { false }, body: body)
        }
        var other = state
        other.packs[0].hash = "sha256:0"
        try rewrite { try Snapshot.write(other, log.openFlags, at: mark, to: $0) }
        #expect(try open().resumedAt == 0)
        #expect(told.sentences.last?.contains("it is of other packs than the log's") == true)

        for (version, semantics) in [(0, 1), (Fold.stateVersion, LogIdentity.semantics + 1)] {
            try rewrite { file in
                var key = StateWriter()
                key.write(version)
                key.write(semantics)
                for tag in 1...4 as ClosedRange<UInt32> {
                    try file.append(tag: tag, tag == 1 ? key.bytes : [])
                }
            }
            #expect(try open().resumedAt == 0)
            #expect(told.sentences.last?.contains("another version") == true)
        }

        try rewrite { try Snapshot.write(state, log.openFlags, at: mark, to: $0) }
        #expect(try open().resumedAt == size)
        // The same events in another log are other records: it starts without it.
        let kept = try #require(FileManager.default.contents(atPath: store.path(size)))
        try FileManager.default.removeItem(atPath: directory.path + "/log")
        _ = try begin()
        try kept.write(to: URL(filePath: store.path(size)))
        #expect(try open().resumedAt == 0)
        #expect(told.sentences.last?.contains("it is of another log") == true)
    }

    @Test func aBadSnapshotLeavesTheStartToTheOneBeforeIt() throws {
        let size = try begin()
        var log = try open()
        try send(4, to: &log)
        let newest = size + UInt64(try stop(&log).count)
        var bytes = try #require(FileManager.default.contents(atPath: store.path(newest)))
        bytes[bytes.count / 2] ^= 4
        try bytes.write(to: URL(filePath: store.path(newest)))
        var second = try open()
        #expect(second.resumedAt == size)
        #expect(told.sentences.last?.contains("a checksum fails") == true)
        #expect(second.recovery.recordCount == newest)
        try send(5, to: &second)
        _ = try stop(&second)
        var check = Replay.Options()
        check.comparison = .bytes
        _ = try Replay(directory: directory.path, options: check).run()
    }

    @Test func duplicatesOfEveryRunAreKnownAndADamagedRunIsMadeAgain() throws {
        _ = try begin()
        var log = try open()
        try send(4, to: &log)
        _ = try stop(&log)
        let folder = directory.path + "/index"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".run") }
        let path = folder + "/" + (try #require(names.first))
        var bytes = try #require(FileManager.default.contents(atPath: path))
        // Within the first block of entries: the start does not read it, a lookup does.
        bytes[600] ^= 1
        try bytes.write(to: URL(filePath: path))
        var again = try open()
        #expect(told.sentences.isEmpty)
        for month in [3, 4] {
            for number in 0..<70 {
                let time = "2024-0\(month)-\(number % 27 + 1 < 10 ? "0" : "")\(number % 27 + 1)"
                let event = Events.naproxen(
                    "\(time)T09:05:00Z", id: "np\(month)-\(number)",
                    subject: "p\(month)-\(number)")
                var outcome = again.send(event, topic: "prescription.A81001", wall: now)
                if case .busy = outcome {
                    try again.intake.duplicates.finishMending()
                    outcome = again.send(event, topic: "prescription.A81001", wall: now)
                }
                guard case .duplicate = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
        }
        #expect(told.sentences.count == 1)
        #expect(told.sentences.first?.contains("damaged: made again") == true)
    }

    @Test func theTraceIsToldEverySoManyRecordsAndComparedByAReplay() throws {
        var log = try open()
        for month in 1...12 { try send(month, to: &log) }
        let extra = (0..<2500).map { number in
            Events.clock("2025-01-01T00:00:00Z", id: "c\(number)", more: #","sequence":"1""#)
        }
        for event in extra {
            _ = log.send(event, topic: "system.clock", wall: now)
        }
        let records = try log.finish()
        let traces = records.filter { $0.entry.topic == "system.trace" }
        #expect(traces.count == records.count / Int(Sequencer.recordsPerTrace))
        let first = String(decoding: try #require(traces.first).payload, as: UTF8.self)
        #expect(first.contains(#""from":0,"#))
        #expect(!first.contains(#""decisions":0,"#))
        var check = Replay.Options()
        check.comparison = .bytes
        let outcome = try Replay(directory: directory.path, options: check).run()
        #expect(outcome.recordCount == UInt64(records.count))

        // A judgement that brings no output about is found at the next digest.
        var altered = DecisionTrace()
        altered.note(subject: "ann", rule: "gi-p3a", from: .no, to: .unknown)
        var same = altered
        same.note(subject: "ann", rule: "gi-p3a", from: .unknown, to: .no)
        altered.cause = 1
        altered.note(subject: "ann", rule: "gi-p3a", from: .unknown, to: .no)
        #expect(altered.digest != same.digest)
        #expect(altered.count == same.count)
    }
}
