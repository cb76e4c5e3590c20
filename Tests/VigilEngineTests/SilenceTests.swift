// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilLog
import VigilPacks

@testable import VigilEngine

/// Sources that have been quiet for longer than their rhythm.
struct SilenceTests {
    private static let start = "2024-03-01T09:00:00Z"

    /// A log with a rhythm of one hour for the source of most events, and rules that only count
    /// beside those that flag.
    private func desk(_ clock: ClockMode) throws -> Desk {
        let now = try at(Self.start)
        var desk = try Desk(clock, now: now)
        var source = FoldSettings.Source(source: "urn:test")
        source.rhythmMilliseconds = 3_600_000
        let settings = FoldSettings(sources: [source], parameters: [], coverage: [])
        desk.intake.stage(
            try desk.intake.sequencer.change(settings, now: desk.intake.sequencer.clock))
        let audit = try PackChange(activating: BundledPacks.named("pincer-audit"))
        desk.intake.stage(
            desk.intake.sequencer.change(audit, now: desk.intake.sequencer.clock))
        while desk.intake.sequencer.isStepping { desk.intake.step(wall: now) }
        desk.flush()
        return desk
    }

    private func silences(_ desk: Desk) -> [Record] {
        desk.records.filter { $0.entry.topic == "system.silent" }
    }

    private func from(_ source: String, _ event: [UInt8]) -> [UInt8] {
        Array(
            String(decoding: event, as: UTF8.self)
                .replacing(#""source":"urn:test""#, with: #""source":"\#(source)""#).utf8)
    }

    @Test func aSourceIsSilentOnceItsRhythmHasPassedAndNoLongerWhenItSpeaks() throws {
        var desk = try desk(.wall)
        let heard = try at("2024-03-01T09:10:00Z")
        desk.send(Events.patient("2024-03-01T09:10:00Z"), topic: "patient.A81001", wall: heard)
        desk.intake.tick(wall: heard.adding(milliseconds: 3_599_999))
        desk.flush()
        #expect(silences(desk).isEmpty)
        for minutes in [60, 61, 300] as [Int64] {
            desk.intake.tick(wall: heard.adding(milliseconds: minutes * 60_000))
            desk.flush()
        }
        let silence = try #require(silences(desk).first)
        #expect(silences(desk).count == 1)
        #expect(silence.entry.kind == .observation)
        #expect(silence.entry.recorded == heard.adding(milliseconds: 3_600_000))
        #expect(
            String(decoding: silence.payload, as: UTF8.self).contains(
                #""data":{"source":"urn:test","since":"2024-03-01T09:10:00.000Z","#
                    + #""rhythmMilliseconds":3600000}"#))
        #expect(desk.intake.sequencer.fold.silences.map(\.source) == ["urn:test"])
        let back = heard.adding(milliseconds: 400 * 60_000)
        desk.send(
            Events.naproxen("2024-03-01T15:50:00Z", id: "1"), topic: "prescription.A81001",
            wall: back)
        #expect(desk.intake.sequencer.fold.silences.isEmpty)
        desk.intake.tick(wall: back.adding(milliseconds: 3_600_000))
        desk.flush()
        #expect(silences(desk).count == 2)
        try desk.refold(.wall)
    }

    @Test func oneThatWasNeverHeardIsExpectedFromItsSettingOn() throws {
        var desk = try desk(.wall)
        desk.intake.tick(wall: try at("2024-03-01T10:00:00Z"))
        desk.flush()
        #expect(silences(desk).count == 1)
        try desk.refold(.wall)
    }

    private func send(
        _ event: [UInt8], _ topic: String, _ time: String, to desk: inout Desk
    ) throws {
        desk.send(event, topic: topic, wall: try at(time))
    }

    /// A patient with a medicine that the source has told of, and naproxen of another source's.
    private func deskWithNaproxen() throws -> Desk {
        var desk = try desk(.wall)
        try send(
            Events.patient("2024-03-01T09:10:00Z"), "patient.A81001", "2024-03-01T09:10:00Z",
            to: &desk)
        try send(
            Events.medicine(
                "2024-03-01T09:11:00Z", id: "m", code: "0601022B0AAABAB", name: "Metformin"),
            "prescription.A81001", "2024-03-01T09:11:00Z", to: &desk)
        try send(
            from("urn:test:other", Events.naproxen("2024-03-01T11:00:00Z", id: "n")),
            "prescription.A81001", "2024-03-01T11:00:00Z", to: &desk)
        return desk
    }

    /// Naproxen without a stomach protector, told of by a source that goes on while the one that
    /// told of the patient's medicines so far is silent.
    @Test func whileItIsSilentAbsenceIsNoEvidence() throws {
        var desk = try deskWithNaproxen()
        desk.intake.tick(wall: try at("2024-03-02T11:00:00Z"))
        desk.flush()
        #expect(desk.intake.sequencer.fold.silences.map(\.source) == ["urn:test"])
        #expect(!desk.outputs.contains { $0.entry.topic.hasPrefix("flag.") })
        try send(
            Events.medicine(
                "2024-03-02T12:00:00Z", id: "m2", code: "0601022B0AAABAB", name: "Metformin"),
            "prescription.A81001", "2024-03-02T12:00:00Z", to: &desk)
        desk.intake.tick(wall: try at("2024-03-02T12:09:59Z"))
        desk.flush()
        #expect(!desk.outputs.contains { $0.entry.topic.hasPrefix("flag.") })
        desk.intake.tick(wall: try at("2024-03-02T12:10:01Z"))
        desk.flush()
        let flag = try #require(desk.outputs.first { $0.entry.topic.hasPrefix("flag.") })
        let event = String(decoding: flag.payload, as: UTF8.self)
        #expect(event.contains(#""time":"2024-03-02T12:10:00.000Z""#))
        #expect(event.contains(#""reason":"time""#))
        // What is open stays open through the next silence.
        desk.intake.tick(wall: try at("2024-03-03T12:00:00Z"))
        desk.flush()
        #expect(silences(desk).count == 2)
        #expect(desk.outputs.count { $0.entry.topic.hasPrefix("flag.") } == 1)
        try desk.refold(.wall)
    }

    @Test func aProtectorThatWasKeptBackMeanwhileIsInTime() throws {
        var desk = try deskWithNaproxen()
        // The backlog of the source that was silent, oldest first.
        try send(
            Events.medicine(
                "2024-03-01T10:55:00Z", id: "m2", code: "0601022B0AAABAB", name: "Metformin"),
            "prescription.A81001", "2024-03-02T12:00:00Z", to: &desk)
        try send(
            Events.medicine(
                "2024-03-01T11:01:00Z", id: "o", code: "0103050P0AAAAAA", name: "Omeprazole"),
            "prescription.A81001", "2024-03-02T12:03:00Z", to: &desk)
        desk.intake.tick(wall: try at("2024-03-02T12:30:00Z"))
        desk.flush()
        #expect(silences(desk).count == 1)
        #expect(!desk.outputs.contains { $0.entry.topic.hasPrefix("flag.") })
        try desk.refold(.wall)
    }

    /// On an event clock what is due after a silence has begun sees it, however far one event
    /// moves the clock.
    @Test func onAnEventClockItBeginsAtItsInstant() throws {
        var desk = try desk(.event)
        let wall = try at(Self.start)
        desk.send(Events.patient("2024-03-01T09:10:00Z"), topic: "patient.A81001", wall: wall)
        desk.send(
            from("urn:test:other", Events.clock("2025-03-01T09:00:00Z", id: "c")),
            topic: "system.clock", wall: wall)
        let silence = try #require(silences(desk).first)
        #expect(silence.entry.recorded == (try at("2024-03-01T10:10:00Z")))
        #expect(desk.intake.sequencer.fold.silences.count == 1)
        try desk.refold(.event)
    }
}
