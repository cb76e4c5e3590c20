// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

@testable import VigilEngine

/// Reading on a second thread: who reads, and when, is not to be seen in what is read.
struct ReadAheadTests {
    private static func event(_ number: Int) -> [UInt8] {
        // Every seventh is no JSON, and every fifth is no FHIR resource.
        if number % 7 == 0 { return Array("{\"id\":".utf8) }
        let data = number % 5 == 0 ? "{}" : #"{"resourceType":"Patient","id":"p\#(number)"}"#
        return Array(
            #"""
            {"specversion":"1.0","id":"e\#(number)","source":"urn:test","subject":"p\#(number)",\#
            "type":"health.vigil.patient.created.v1","time":"2024-03-01T09:00:00Z",\#
            "data":\#(data)}
            """#.utf8)
    }

    private static func describe(_ message: ReadMessage) -> String {
        let refusal: Rejection.Code? =
            switch message.content {
            case .success: nil
            case .failure(let rejection): rejection.code
            }
        return "\(message.id ?? "-") \(refusal.map { "\($0)" } ?? "read")"
    }

    @Test func batchesComeInTheOrderInWhichTheyWereGivenAndReadAsTheyAre() throws {
        let reader = MessageReader(eventBytesMax: 1 << 16)
        let topic = Array("patient.A1".utf8)
        let expected = (0..<1000).map { number in
            Self.describe(reader.read(topic: topic, event: Self.event(number)))
        }
        let ahead = try ReadAhead(eventBytesMax: 1 << 16)
        var found: [String] = []
        // Taken now one by one and now many at a time: the thread is behind, or far ahead.
        var given = 0
        for round in 0..<40 {
            let batches = round % 3 == 0 ? 1 : 37 - round
            for _ in 0..<max(1, batches) where given < 1000 {
                let end = min(given + 1 + given % 4, 1000)
                let arrivals = (given..<end).map { number in
                    Arrival(
                        frames: .pair(topic: topic, event: Self.event(number)), sender: .anybody)
                }
                ahead.append(Batch(arrivals[...]))
                given = end
            }
            while let batch = ahead.next() {
                for case .message(let message, _) in batch.takeItems() {
                    found.append(Self.describe(message))
                }
            }
        }
        #expect(given == 1000)
        #expect(found == expected)
        #expect(expected.contains("e2 read"))
        #expect(expected.contains { $0.hasPrefix("- ") })
    }

    @Test func framesThatAreNoMessageAreHandedThrough() throws {
        let ahead = try ReadAhead(eventBytesMax: 1 << 16)
        ahead.append(Batch([Arrival(frames: .other([[1], [2], [3]]), sender: .anybody)]))
        let items = try #require(ahead.next()).takeItems()
        guard case .other(let frames, _) = items.first else {
            Issue.record("the frames are gone")
            return
        }
        #expect(frames == [[1], [2], [3]])
        #expect(ahead.next() == nil)
    }

    @Test func whatWasReadBeforeTheSettingsChangedIsDecidedByThoseInForce() throws {
        let now = try at("2024-03-01T08:00:00Z")
        var desk = try Desk(.event, now: now)
        desk.send(Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: now)
        let event = Events.naproxen("2024-03-01T09:05:00Z", id: "1")
        let local = String(decoding: event, as: UTF8.self).replacing(
            #""authoredOn":"2024-03-01T09:05:00Z""#, with: #""authoredOn":"2024-03-01T02:00:00""#)
        // Read once, and decided about before and after its source had a zone, and after that.
        let message = MessageReader(eventBytesMax: 1 << 16)
            .read(topic: Array("prescription.A81001".utf8), event: Array(local.utf8))
        func decide() throws -> String {
            let outcome = desk.intake.receive(
                message, socket: "ingest", from: .anybody, wall: now)
            desk.flush()
            return switch outcome {
            case .accepted: "accepted"
            case .duplicate: "duplicate"
            case .rejected(let rejection, _): rejection.pointer
            case .busy: "busy"
            }
        }
        #expect(try decide() == "/data/authoredOn")
        var source = FoldSettings.Source(source: "urn:test")
        source.zone = ZoneTable(
            name: "America/New_York", initialOffsetSeconds: -18_000, transitions: [])
        let settings = FoldSettings(sources: [source], parameters: [], coverage: [])
        let clock = desk.intake.sequencer.clock
        desk.intake.stage(try desk.intake.sequencer.change(settings, now: clock))
        desk.flush()
        #expect(try decide() == "accepted")
        #expect(try decide() == "duplicate")
        try desk.refold(.event)
    }
}
