// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilLog

@testable import VigilEngine

/// What becomes of single messages.
struct IntakeTests {
    private let morning: Instant

    init() throws {
        morning = try at("2024-03-01T08:00:00Z")
    }

    /// Ann, 84, with naproxen since 09:05, and the flag that it raised.
    private func flagged(
        _ clock: ClockMode = .event
    ) throws -> (desk: Desk, flag: String, raised: UInt64) {
        var desk = try Desk(clock, now: morning)
        let wall = try at("2024-03-01T09:05:00Z")
        desk.send(Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: wall)
        desk.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: wall)
        if clock == .event {
            desk.send(
                Events.clock("2024-03-01T10:00:00Z", id: "c1"), topic: "system.clock", wall: wall)
        } else {
            desk.intake.tick(wall: try at("2024-03-01T10:00:00Z"))
            desk.flush()
        }
        let change = try #require(desk.intake.sequencer.flagChanges.last)
        return (desk, change.flagID.text, change.offset)
    }

    private func status(_ outcome: Intake.Outcome) -> String {
        switch outcome {
        case .accepted: "accepted"
        case .duplicate(_, let offset): "duplicate \(offset)"
        case .rejected(let rejection, _): rejection.code.rawValue
        case .busy: "busy"
        }
    }

    @Test func theSameEventIsADuplicateForEverAndAnotherOfItsNameAConflict() throws {
        var (desk, _, _) = try flagged()
        let event = Events.naproxen("2024-03-01T09:05:00Z", id: "1")
        let again = desk.send(event, topic: "prescription.A81001", wall: morning)
        #expect(status(again) == "duplicate 3")
        let other = desk.send(
            Events.naproxen("2024-03-01T09:06:00Z", id: "1"), topic: "prescription.A81001",
            wall: morning)
        #expect(status(other) == "id-conflict")
        // Before the type is looked at.
        let strange = desk.send(
            Events.text("com.example.other", id: "1", time: "2024-03-01T09:05:00Z", data: nil),
            topic: "nonsense", wall: morning)
        #expect(status(strange) == "id-conflict")

        var restarted = try Desk(.event, after: desk.units, now: morning)
        let later = restarted.send(event, topic: "prescription.A81001", wall: morning)
        #expect(status(later) == "duplicate 3")
        try restarted.refold(.event)
    }

    @Test func aRejectedReviewDoesNotMoveAnEventClock() throws {
        var (desk, _, _) = try flagged()
        let before = desk.records.count
        let outcome = desk.send(
            Events.review("2090-01-01T00:00:00Z", id: "r", flag: "nonesuch"),
            topic: "review.A81001", wall: morning)
        #expect(status(outcome) == "unknown-flag")
        #expect(desk.intake.sequencer.clock == (try at("2024-03-01T10:00:00Z")))
        #expect(desk.records.dropFirst(before).map(\.entry.topic) == ["system.rejected"])
    }

    @Test func theLogsTimeNeverGoesBack() throws {
        var (desk, _, _) = try flagged(.wall)
        let behind = try at("2024-02-01T00:00:00Z")
        desk.intake.tick(wall: behind)
        desk.send(
            Events.naproxen("2024-03-02T09:05:00Z", id: "2"), topic: "prescription.A81001",
            wall: behind)
        _ = desk.intake.refuse(frames: [], socket: "ingest", wall: behind)
        desk.flush()
        let times = desk.records.map(\.entry.recorded)
        #expect(times == times.sorted())
        #expect(times.last == (try at("2024-03-01T10:00:00Z")))
    }

    @Test func aClockEventIsForEventClocksAndCountsInItsSourcesNumbering() throws {
        var wall = try Desk(.wall, now: morning)
        let clock = Events.clock("2024-03-01T10:00:00Z", id: "c1", more: #","sequence":"2""#)
        #expect(
            status(wall.send(clock, topic: "system.clock", wall: morning)) == "unsupported-type")
        var desk = try Desk(.event, now: morning)
        desk.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1", more: #","sequence":"1""#),
            topic: "prescription.A81001", wall: morning)
        desk.send(clock, topic: "system.clock", wall: morning)
        desk.send(
            Events.naproxen("2024-03-01T10:05:00Z", id: "2", more: #","sequence":"3""#),
            topic: "prescription.A81001", wall: morning)
        #expect(desk.outputs.isEmpty)
        desk.send(
            Events.clock("2024-03-01T11:00:00Z", id: "c5", more: #","sequence":"5""#),
            topic: "system.clock", wall: morning)
        desk.send(
            Events.clock("2024-03-01T11:00:00Z", id: "c4", more: #","sequence":"4""#),
            topic: "system.clock", wall: morning)
        #expect(desk.outputs.map(\.entry.topic) == ["system.gap", "system.gap-closed"])
        try desk.refold(.event)
    }

    @Test func whatIsReceivedIsAccountedForBySource() throws {
        var (desk, _, _) = try flagged()
        let event = Events.naproxen("2024-03-01T09:05:00Z", id: "1")
        desk.send(event, topic: "prescription.A81001", wall: morning)
        desk.send(event + [0x20], topic: "prescription.A81001", wall: morning)
        desk.send(Array("{".utf8), topic: "prescription.A81001", wall: morning)
        _ = desk.intake.refuse(frames: [[1]], socket: "events", wall: morning)
        desk.flush()
        desk.intake.isFull = true
        let records = desk.records.count
        let busy = desk.send(event, topic: "prescription.A81001", wall: morning)
        guard case .busy(id: "1") = busy else {
            Issue.record("not busy with its id: \(busy)")
            return
        }
        #expect(desk.records.count == records)
        let known = try #require(desk.intake.counts["urn:test"])
        #expect(known.accepted == 3)
        #expect(known.duplicate == 1)
        #expect(known.rejected == 1)
        #expect(known.busy == 1)
        #expect(desk.intake.counts[""]?.received == 2)
        #expect(desk.intake.takeQuarantined().count == 3)
    }

    @Test func aSourceAnswersOnlyForWhatItsOwnPublishersSent() throws {
        var desk = try Desk(.event, now: morning)
        let stranger = Sender.principal(
            Grants(
                name: "other", sources: [SourceGrant("urn:other")],
                topics: [try InboundGrant("*")], outputs: [], inbound: []))
        let owner = Sender.principal(
            Grants(
                name: "own", sources: [SourceGrant("urn:test")], topics: [try InboundGrant("*")],
                outputs: [], inbound: []))
        // Its source can be read, and it is no event: `specversion` is another.
        let text = String(
            decoding: Events.naproxen("2024-03-01T09:05:00Z", id: "1"), as: UTF8.self)
        let faulty = Array(text.replacing(#""1.0""#, with: #""0.3""#).utf8)
        func send(_ sender: Sender) -> Intake.Outcome {
            desk.intake.receive(
                topic: Array("prescription.A81001".utf8), event: faulty, socket: "ingest",
                from: sender, wall: morning)
        }
        #expect(status(send(stranger)) == "not-cloudevents")
        #expect(desk.intake.counts["urn:test"] == nil)
        #expect(status(send(owner)) == "not-cloudevents")
        desk.intake.isFull = true
        #expect(status(send(stranger)) == "busy")
        #expect(status(send(owner)) == "busy")
        #expect(desk.intake.takeQuarantined().map(\.source) == [nil, "urn:test"])
        for source in ["", "urn:test"] {
            #expect(desk.intake.counts[source]?.rejected == 1)
            #expect(desk.intake.counts[source]?.busy == 1)
        }
        #expect(desk.intake.counts.count == 2)
    }

    @Test func beyondAHundredASecondRejectionsAreMergedAndToldAtTheTurnOrTheEnd() throws {
        var desk = try Desk(.wall, now: morning)
        func told() -> [String] {
            desk.records.filter { $0.entry.topic == "system.rejected" }
                .map { String(decoding: $0.payload, as: UTF8.self) }
        }
        desk.intake.tick(wall: morning)
        for _ in 0..<130 {
            desk.send(Array("{".utf8), topic: "x", wall: morning)
        }
        #expect(told().count == 100)
        desk.intake.tick(wall: morning.adding(milliseconds: 1000))
        desk.flush()
        #expect(told().count == 101)
        #expect(told().last?.contains(#""code":"malformed-json","count":30"#) == true)
        for _ in 0..<107 {
            desk.send(Array("{".utf8), topic: "x", wall: morning.adding(milliseconds: 1000))
        }
        desk.intake.finish(wall: morning.adding(milliseconds: 1001))
        desk.flush()
        #expect(told().count == 202)
        #expect(told().last?.contains(#""count":7"#) == true)
        try desk.refold(.wall)
    }

    @Test(
        arguments: [
            ("accept", "", nil, 0, "accepted"),
            ("snooze", "2024-03-20", nil, 0, "accepted"),
            ("snooze", "2024-05-30", nil, 0, "accepted"),
            ("snooze", "2024-05-31", nil, 0, "invalid-element"),
            ("snooze", "2024-03-01", nil, 0, "invalid-element"),
            ("override", "2025-03-02", nil, 0, "accepted"),
            ("override", "2025-03-03", nil, 0, "invalid-element"),
            ("accept", "", "2024-03-01T09:00:00Z", 0, "invalid-element"),
            ("accept", "", "2024-03-01T10:06:00Z", 0, "accepted"),
            ("accept", "", nil, -1, "stale-review"),
        ] as [(String, String, String?, Int64, String)])
    func reviewsAreHeldAgainstTheFlag(
        action: String, until: String, time: String?, seen: Int64, expected: String
    ) throws {
        var (desk, flag, raised) = try flagged()
        var extras =
            until.isEmpty
            ? "" : #"{"url":"urn:vigil:until","valueDate":"\#(until)"}"#
        if action == "override" {
            extras += #",{"url":"urn:vigil:reason","valueCode":"will-monitor"}"#
        }
        let outcome = desk.send(
            Events.review(
                time ?? "2024-03-01T10:00:00Z", id: "r", flag: flag, action: action,
                extras: extras, seen: UInt64(Int64(raised) + seen)),
            topic: "review.A81001", wall: morning)
        #expect(status(outcome) == expected)
    }

    @Test(arguments: [
        ("ann", "review.B82002", "topic-mismatch"), ("bob", "review.A81001", "subject-mismatch"),
    ])
    func reviewsOfOthersAreRejected(subject: String, topic: String, code: String) throws {
        var (desk, flag, _) = try flagged()
        let outcome = desk.send(
            Events.review("2024-03-01T10:00:00Z", id: "r", flag: flag, subject: subject),
            topic: topic, wall: morning)
        #expect(status(outcome) == code)
    }

    @Test func aReviewDatedAfterTheWallClockIsRejected() throws {
        var (desk, flag, _) = try flagged(.wall)
        let now = try at("2024-03-01T10:00:00Z")
        for (id, time, expected) in [
            ("r1", "2024-03-01T10:05:00Z", "accepted"),
            ("r2", "2024-03-01T10:05:01Z", "invalid-element"),
        ] {
            let outcome = desk.send(
                Events.review(time, id: id, flag: flag), topic: "review.A81001", wall: now)
            #expect(status(outcome) == expected)
        }
    }
}
