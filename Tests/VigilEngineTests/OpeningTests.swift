// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilLog
import VigilPacks
import VigilTransport

@testable import VigilEngine

/// A data directory that goes when the test ends.
final class DataDirectory {
    let path = FileManager.default.temporaryDirectory
        .appending(path: "vigil-engine-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open(
        _ identity: LogIdentity, packs: [PackSource], settings: FoldSettings = FoldSettings(),
        now: Instant
    ) throws -> OpenedLog {
        var log = try OpenedLog.open(
            directory: path, identity: identity, packs: packs, settings: settings,
            eventBytesMax: Intake.eventBytesDefault)
        try log.intake.begin(log.start, now: now)
        return log
    }
}

extension OpenedLog {
    /// Makes durable what is staged, and closes the log.
    mutating func finish() throws -> [Record] {
        var written: [Record] = []
        for unit in intake.takeStaged() {
            try writer.append(unit: unit)
            written += unit
        }
        try writer.close()
        return written
    }

    mutating func send(_ event: [UInt8], topic: String, wall: Instant) -> Intake.Outcome {
        intake.receive(topic: Array(topic.utf8), event: event, socket: "ingest", wall: wall)
    }
}

/// Logs on disk, opened and opened again.
struct OpeningTests {
    private let identity = Desk.identity(.event)
    private let now: Instant
    private let directory: DataDirectory

    init() throws {
        now = try at("2024-03-01T08:00:00Z")
        directory = try DataDirectory()
    }

    /// A log with an open flag of Ann's and one that settles, Bob's.
    private func begin(packs: [PackSource]? = nil) throws -> [Record] {
        var log = try directory.open(identity, packs: packs ?? [Pincer.source()], now: now)
        for event in [
            ("patient", Events.patient("2024-03-01T09:00:00Z")),
            ("prescription", Events.naproxen("2024-03-01T09:05:00Z", id: "1")),
            ("patient", Events.patient("2024-03-01T09:10:00Z", id: "p2", subject: "bob")),
            ("prescription", Events.naproxen("2024-03-01T09:30:00Z", id: "2", subject: "bob")),
        ] {
            let outcome = log.send(event.1, topic: "\(event.0).A81001", wall: now)
            guard case .accepted = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
        return try log.finish()
    }

    private func replacing(_ list: String, by rows: String) throws -> PackSource {
        try Pincer.source().replacingLists(
            files: [PackFile(name: "pincer-\(list).csv", bytes: Array(rows.utf8))])
    }

    @Test func openingAgainWithTheSamePacksWritesNothing() throws {
        #expect(try begin().count == 8)
        var log = try directory.open(identity, packs: [Pincer.source()], now: now)
        #expect(log.recovery.recordCount == 8)
        #expect(log.lastOutput == 6)
        // The duplicate's first appearance was in another life of the daemon.
        let again = log.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: now)
        guard case .duplicate(id: "1", offset: 3) = again else {
            Issue.record("\(again)")
            return
        }
        #expect(try log.finish().isEmpty)
    }

    @Test func aLogOfAnotherNameClockOrZoneIsRefusedAndLeftAsItIs() throws {
        _ = try begin()
        var others = [identity, identity, identity]
        others[0].origin = "vigil/other"
        others[1].clockMode = .wall
        others[2].zone.name = "Europe/Dublin"
        for other in others {
            #expect(throws: OpeningError.self) {
                try directory.open(other, packs: [Pincer.source()], now: now)
            }
        }
        var log = try directory.open(identity, packs: [Pincer.source()], now: now)
        #expect(try log.finish().isEmpty)
    }

    @Test func aMachineThatKnowsMoreOfTheZoneOpensTheLogWithTheLogsOwnTable() throws {
        _ = try begin()
        var updated = identity
        updated.zone.transitions.append(
            ZoneTable.Transition(unixSeconds: 1_774_746_000, offsetSeconds: 3600))
        let log = try directory.open(updated, packs: [Pincer.source()], now: now)
        #expect(log.intake.sequencer.identity == identity)
    }

    @Test func theIdentityReadsBackFromTheGenesis() throws {
        let genesis = try #require(try begin().first)
        #expect(try LogIdentity(genesis: genesis.payload) == identity)
        #expect(throws: OpeningError.self) { try LogIdentity(genesis: Array("{}".utf8)) }
        let later = String(decoding: genesis.payload, as: UTF8.self)
            .replacing(
                #""semantics":\#(LogIdentity.semantics)"#,
                with: #""semantics":\#(LogIdentity.semantics + 1)"#)
        #expect(throws: OpeningError.self) { try LogIdentity(genesis: Array(later.utf8)) }
    }

    @Test func otherCodeListsRaiseAndResolveAsRulesAndOnlyWhatTheyChange() throws {
        _ = try begin()
        // Without naproxen in the list Ann's flag has no ground; what settles for Bob neither.
        let lists = try replacing("nsaid", by: "system,code,term\nbnf,1001010J0AAADAD,Ibuprofen\n")
        var log = try directory.open(identity, packs: [lists], now: now)
        let changed = try log.finish()
        #expect(
            changed.map(\.entry.topic) == [
                "system.pack", "system.step", "flag.A81001.moderate.gi-p3a",
            ])
        #expect(reasons(changed) == ["resolved rules"])
        // And back again: Ann's second episode has an identity of its own.
        var back = try directory.open(identity, packs: [Pincer.source()], now: now)
        let restored = try back.finish()
        #expect(reasons(restored) == ["raised rules", "raised rules"])
        let first = FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: 1)
        #expect(
            changed.dropFirst(2).allSatisfy {
                String(decoding: $0.payload, as: UTF8.self).contains(first.text)
            })
        #expect(
            !restored.contains { String(decoding: $0.payload, as: UTF8.self).contains(first.text) })
        var check = Replay.Options()
        check.comparison = .bytes
        let outcome = try Replay(directory: directory.path, options: check).run()
        #expect(outcome.openFlagCount == 2)
    }

    @Test func aPackThatChangesNothingForAPatientRaisesNothingEarly() throws {
        _ = try begin()
        let lists = try replacing("hf", by: "system,code,term\nsct,84114007,Heart failure\n")
        var log = try directory.open(identity, packs: [lists], now: now)
        _ = log.send(
            Events.clock("2024-03-01T10:00:00Z", id: "c"), topic: "system.clock", wall: now)
        let records = try log.finish()
        // Bob's flag was settling, and is raised as what it is.
        #expect(reasons(records) == ["raised event"])
        #expect(
            records.map(\.entry.topic) == [
                "system.pack", "system.step", "system.clock", "flag.A81001.moderate.gi-p3a",
                "system.clock",
            ])
    }

    @Test func aPackThatIsNoLongerNamedEndsItsFlagsAndEpisodesCountOn() throws {
        _ = try begin()
        var without = try directory.open(identity, packs: [], now: now)
        let ended = try without.finish()
        #expect(reasons(ended) == ["resolved rules"])
        #expect(ended.first?.entry.topic == "system.pack")
        var again = try directory.open(identity, packs: [Pincer.source()], now: now)
        let raised = try again.finish()
        let second = FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: 2)
        #expect(
            raised.contains { String(decoding: $0.payload, as: UTF8.self).contains(second.text) })
        var check = Replay.Options()
        check.comparison = .bytes
        _ = try Replay(directory: directory.path, options: check).run()
    }

    @Test func aReplayWithTheSamePackInPlaceOfTheLogsOwnGivesTheSameState() throws {
        let records = try begin()
        var options = Replay.Options()
        options.listsIndicators = true
        let own = try Replay(directory: directory.path, options: options).run()
        #expect(!own.indicators.isEmpty)
        options.packs = [try Pincer.source()]
        let other = try Replay(directory: directory.path, options: options).run()
        #expect(other.openFlagCount == own.openFlagCount)
        #expect(other.indicators == own.indicators)
        #expect(other.outputCount == own.outputCount)
        #expect(own.outputCount == UInt64(records.count { $0.entry.kind == .output }))
        // Until a moment after the end, without a word of it in the log.
        options.packs = nil
        options.until = try at("2024-06-03T00:00:00Z")
        let later = try Replay(directory: directory.path, options: options).run()
        #expect(later.openFlagCount == 0)
    }

    private func reasons(_ records: [Record]) -> [String] {
        records.filter { $0.entry.kind == .output }.map { record in
            let text = String(decoding: record.payload, as: UTF8.self)
            let transition = ["raised", "updated", "resolved"].first {
                text.contains(#""type":"health.vigil.flag.\#($0).v1""#)
            }
            let reason = ["rules", "event", "corrected"].first {
                text.contains(#""reason":"\#($0)""#)
            }
            return "\(transition ?? "-") \(reason ?? "-")"
        }
    }
}
