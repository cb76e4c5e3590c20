// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

@testable import VigilEngine

/// What reviews do to a flag that is open.
struct ReviewTests {
    private var desk: Desk
    private var flag = ""
    private let wall: Instant

    init() throws {
        wall = try at("2024-03-01T08:00:00Z")
        desk = try Desk(.event, now: wall)
        desk.send(Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: wall)
        desk.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: wall)
        pass("2024-03-01T10:00:00Z")
        flag = try #require(desk.intake.sequencer.flagChanges.last?.flagID.text)
    }

    private mutating func pass(_ time: String) {
        desk.send(Events.clock(time, id: "c\(time)"), topic: "system.clock", wall: wall)
    }

    private mutating func review(
        _ time: String, _ id: String, _ action: String, until: String? = nil,
        type: String = "created"
    ) {
        let days = until.map { #"{"url":"urn:vigil:until","valueDate":"\#($0)"}"# }
        let reason =
            action == "override"
            ? #"{"url":"urn:vigil:reason","valueCode":"will-monitor"}"# : nil
        desk.send(
            Events.review(
                time, id: id, flag: flag, action: action,
                extras: [days, reason].compactMap { $0 }.joined(separator: ","), type: type),
            topic: "review.A81001", wall: wall)
    }

    /// The flag's events: transition, reason and state of review.
    private var story: [String] {
        desk.outputs.filter { $0.entry.topic.hasPrefix("flag.") }.map { record in
            let text = String(decoding: record.payload, as: UTF8.self)
            func value(after key: String) -> String {
                let parts = text.split(separator: key, maxSplits: 1)
                return parts.count < 2 ? "-" : String(parts[1].prefix { $0 != "\"" })
            }
            let type = value(after: #""type":"health.vigil.flag."#).split(separator: ".")[0]
            let reason = value(after: #""reason":""#)
            let state = value(after: #"review-state","valueCode":""#)
            let time = value(after: #""time":""#).prefix(16)
            return "\(time) \(type) \(reason) \(state)"
        }
    }

    @Test mutating func theLatestDateWinsThenTheLog() {
        review("2024-03-03T09:00:00Z", "r1", "accept")
        review("2024-03-02T09:00:00Z", "r2", "snooze", until: "2024-03-10")
        review("2024-03-03T09:00:00Z", "r3", "hand-over")
        #expect(story.dropFirst() == ["2024-03-03T09:00 reviewed - accepted"])
    }

    @Test mutating func aReviewThatIsDeletedOrReplacedIsTakenBack() throws {
        review("2024-03-02T09:00:00Z", "r1", "accept")
        review("2024-03-03T09:00:00Z", "r2", "reopen")
        review("2024-03-04T09:00:00Z", "r2", "reopen", type: "deleted")
        review("2024-03-05T09:00:00Z", "r1", "override", type: "updated")
        review("2024-03-06T09:00:00Z", "r1", "override", type: "deleted")
        #expect(
            story.dropFirst() == [
                "2024-03-02T09:00 reviewed - accepted", "2024-03-03T09:00 reviewed - open",
                "2024-03-04T09:00 reviewed - accepted", "2024-03-05T09:00 reviewed - overridden",
                "2024-03-06T09:00 reviewed - open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func aSnoozeEndsAtTheBeginningOfItsDay() throws {
        review("2024-03-02T09:00:00Z", "r1", "snooze", until: "2024-04-10")
        pass("2024-04-20T00:00:00Z")
        // 00:00 in London is 23:00 in UTC.
        #expect(
            story.dropFirst() == [
                "2024-03-02T09:00 reviewed - snoozed", "2024-04-09T23:00 updated snooze-ended open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideEndsEarlyByANewHazardAndNotByAFurtherIssue() throws {
        review("2024-03-02T09:00:00Z", "r1", "override", until: "2024-03-20")
        desk.send(
            Events.naproxen("2024-03-05T09:05:00Z", id: "2"), topic: "prescription.A81001",
            wall: wall)
        desk.send(
            Events.medicine(
                "2024-03-06T09:05:00Z", id: "3", code: "1001010J0AAADAD", name: "Ibuprofen"),
            topic: "prescription.A81001", wall: wall)
        pass("2024-03-30T00:00:00Z")
        #expect(
            story.dropFirst() == [
                "2024-03-02T09:00 reviewed - overridden", "2024-03-06T09:05 updated evidence open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideWithoutAnEndLastsTwelveMonthsAndCoversALaterFlag() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        pass("2024-06-10T00:00:00Z")
        let again = Events.naproxen("2024-12-20T09:05:00Z", id: "2")
        desk.send(again, topic: "prescription.A81001", wall: wall)
        pass("2025-03-10T00:00:00Z")
        pass("2025-04-10T00:00:00Z")
        #expect(
            story.dropFirst() == [
                "2024-03-02T09:00 reviewed - overridden",
                "2024-06-01T23:00 resolved hazard-ended overridden",
                "2024-12-20T09:15 raised event overridden",
                "2025-03-02T00:00 updated override-ended open",
                "2025-03-21T00:00 resolved hazard-ended open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideCoversNoOtherMedicineAndNothingOnceItIsTakenBack() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        pass("2024-06-10T00:00:00Z")
        let other = Events.medicine(
            "2024-07-01T09:05:00Z", id: "2", code: "1001010J0AAADAD", name: "Ibuprofen")
        desk.send(other, topic: "prescription.A81001", wall: wall)
        pass("2024-10-10T00:00:00Z")
        #expect(story.dropFirst(3).first == "2024-07-01T09:15 raised event open")
    }

    @Test mutating func anOverrideThatIsTakenBackLeavesTheLaterFlagOpen() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        pass("2024-06-10T00:00:00Z")
        let again = Events.naproxen("2024-07-01T09:05:00Z", id: "2")
        desk.send(again, topic: "prescription.A81001", wall: wall)
        pass("2024-07-02T00:00:00Z")
        review("2024-07-03T09:00:00Z", "r1", "override", type: "deleted")
        #expect(
            story.dropFirst(3) == [
                "2024-07-01T09:15 raised event overridden", "2024-07-03T09:00 reviewed - open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideThatIsTakenBackBetweenFlagsCoversNoLaterOne() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        pass("2024-06-10T00:00:00Z")
        review("2024-06-11T09:00:00Z", "r1", "override", type: "deleted")
        let again = Events.naproxen("2024-07-01T09:05:00Z", id: "2")
        desk.send(again, topic: "prescription.A81001", wall: wall)
        pass("2024-07-02T00:00:00Z")
        #expect(story.dropFirst(3) == ["2024-07-01T09:15 raised event open"])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideThatEndedEarlyStaysEndedWhenALaterReviewIsTakenBack() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        desk.send(
            Events.medicine(
                "2024-03-06T09:05:00Z", id: "3", code: "1001010J0AAADAD", name: "Ibuprofen"),
            topic: "prescription.A81001", wall: wall)
        review("2024-03-07T09:00:00Z", "r2", "accept")
        review("2024-03-08T09:00:00Z", "r2", "accept", type: "deleted")
        #expect(
            story.dropFirst(2) == [
                "2024-03-06T09:05 updated evidence open", "2024-03-07T09:00 reviewed - accepted",
                "2024-03-08T09:00 reviewed - open",
            ])
        try desk.refold(.event)
    }

    @Test mutating func anOverrideOutlivesAFlagOfAnotherMedicine() throws {
        review("2024-03-02T09:00:00Z", "r1", "override")
        pass("2024-06-10T00:00:00Z")
        let other = Events.medicine(
            "2024-06-15T09:05:00Z", id: "2", code: "1001010J0AAADAD", name: "Ibuprofen")
        desk.send(other, topic: "prescription.A81001", wall: wall)
        pass("2024-09-20T00:00:00Z")
        let again = Events.naproxen("2024-10-01T09:05:00Z", id: "3")
        desk.send(again, topic: "prescription.A81001", wall: wall)
        pass("2024-10-02T00:00:00Z")
        #expect(
            story.dropFirst(3) == [
                "2024-06-15T09:15 raised event open", "2024-09-15T23:00 resolved hazard-ended open",
                "2024-10-01T09:15 raised event overridden",
            ])
        try desk.refold(.event)
    }

    @Test mutating func aReviewOfAResolvedFlagIsAcceptedAndChangesNothing() throws {
        pass("2024-07-01T00:00:00Z")
        let count = desk.outputs.count
        review("2024-07-01T09:00:00Z", "r1", "accept")
        #expect(desk.records.last?.entry.topic == "review.A81001")
        #expect(desk.outputs.count == count)
    }

    @Test mutating func theOpenFlagsKeepAReviewThroughAMove() throws {
        review("2024-03-02T09:00:00Z", "r1", "accept")
        let reviewed = try #require(desk.records.last?.entry.offset)
        desk.send(
            Events.patient("2024-03-03T09:00:00Z", id: "p2"), topic: "patient.B82002", wall: wall)
        let open = OpenFlags()
        open.apply(desk.intake.sequencer.flagChanges, asOf: desk.intake.sequencer.nextOffset - 1)
        let entries = open.page(prefixes: ["flag.B82002."], after: nil, limit: 9).entries
        #expect(entries.map(\.flagID.text) == [flag])
        #expect(entries.first?.review == reviewed)
        #expect(open.page(prefixes: ["flag.A81001."], after: nil, limit: 9).entries.isEmpty)
    }
}
