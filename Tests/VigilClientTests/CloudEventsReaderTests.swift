// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilClient

@Suite struct CloudEventsReaderTests {
    private let reader = CloudEventsReader(practice: "A81001")

    private func line(_ text: String) -> String {
        let origin = EventOrigin(file: "f", position: 1, unit: .line)
        switch reader.line(Array(text.utf8), origin: origin) {
        case .event(let event):
            return event.topic + " " + String(decoding: event.event, as: UTF8.self)
        case .skipped(let type): return "skipped \(type)"
        case .refused(let refusal): return "refused \(refusal.code)"
        }
    }

    @Test func theTopicIsMadeFromTheTypeAndThePractice() {
        let event = "{\"specversion\":\"1.0\",\"type\":\"health.vigil.patient.updated.v1\"}"
        #expect(line(event + "\r") == "patient.A81001 " + event)
        let named =
            "{\"specversion\":\"1.0\",\"practice\":\"B2\",\"type\":\"health.vigil.review.created.v1\"}"
        #expect(line(named) == "review.B2 " + named)
    }

    @Test func theEventOfARecordGoesOutByteForByte() {
        #expect(
            line("{\"offset\":3,\"topic\":\"device.A1\",\"event\":{ \"x\" : 1.0 },\"y\":2}")
                == "device.A1 { \"x\" : 1.0 }")
    }

    @Test func recordsOfTheDaemonItselfAreSkipped() {
        #expect(line("{\"topic\":\"flag.A1.high.x\",\"event\":{}}") == "skipped flag")
        #expect(line("{\"topic\":\"system.genesis\",\"event\":{}}") == "skipped system")
        #expect(
            line("{\"topic\":\"system.clock\",\"event\":{\"instant\":\"x\"}}") == "skipped system")
        #expect(
            line("{\"topic\":\"system.clock\",\"event\":{\"time\":\"x\"}}")
                == "system.clock {\"time\":\"x\"}")
    }

    @Test func whatIsNoEventIsRefusedWithTheProtocolsCodes() {
        #expect(line("{\"specversion\":") == "refused malformed-json")
        #expect(line("{\"id\":\"1\"}") == "refused not-cloudevents")
        #expect(line("{\"specversion\":\"1.0\",\"type\":\"x\"}") == "refused unsupported-type")
    }

    /// Wishes and the subscriptions that they come to; `-` where no output topic is meant.
    @Test(arguments: [
        ("", "flag. alert. shadow. system."),
        ("flag.A1.", "flag.A1."),
        ("flag.A1. flag.A1.high. flag.A1.", "flag.A1."),
        ("f s", "flag. shadow. system."),
        ("system.gap alert.", "system.gap alert."),
        ("patient.A1", "-"),
    ])
    func wishesBecomeSubscriptionsThatDoNotOverlap(wishes: String, expected: String) {
        let found = OutputTopics.resolve(wishes.split(separator: " ").map(String.init))
        #expect(found?.joined(separator: " ") ?? "-" == expected)
    }

    @Test func theControlRecordsOfTheSchemaAreNoOutputs() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let schema = try String(
            contentsOf: root.appending(path: "schemas/output.schema.json"), encoding: .utf8)
        let controls = try #require(schema.firstMatch(of: /Control records \(([a-z, ]+)\)/))
        for name in controls.1.split(separator: ", ") {
            #expect(!OutputTopics.isOutput("system.\(name)"), "\(name)")
        }
        #expect(OutputTopics.isOutput("system.gap"))
    }
}
