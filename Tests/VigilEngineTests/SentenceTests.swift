// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore

@testable import VigilEngine

/// What each rule of the pack says to a person.
struct SentenceTests {
    private func details(_ events: [(topic: String, event: [UInt8])]) throws -> [String] {
        let wall = try at("2024-01-01T00:00:00Z")
        var desk = try Desk(.event, now: wall)
        for (topic, event) in events {
            let outcome = desk.send(event, topic: topic + ".A81001", wall: wall)
            guard case .accepted = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
        let clock = Events.clock("2024-03-01T12:00:00Z", id: "c")
        desk.send(clock, topic: "system.clock", wall: wall)
        let later = Events.clock("2024-09-01T12:00:00Z", id: "d")
        desk.send(later, topic: "system.clock", wall: wall)
        return desk.outputs.filter { $0.entry.topic.hasPrefix("flag.") }.compactMap { record in
            let text = String(decoding: record.payload, as: UTF8.self)
            let parts = text.components(separatedBy: #""detail":""#)
            return parts.last?.components(separatedBy: #"","reference""#).first
        }
    }

    @Test func anNSAIDWithoutProtection() throws {
        let found = try details([
            ("patient", Events.patient("2024-02-28T09:00:00Z")),
            ("prescription", Events.naproxen("2024-03-01T09:05:00Z", id: "1")),
        ])
        #expect(
            found == [
                "Naproxen 500mg tablets issued 2024-03-01 to a patient aged 84; no PPI or H2 "
                    + "antagonist in the last 3 months.",
                "Resolved: the hazardous medicine has left the window. It was open for 93 days.",
            ])
    }

    @Test func anNSAIDAfterProtectionHasLapsed() throws {
        let found = try details([
            ("patient", Events.patient("2024-02-28T09:00:00Z")),
            (
                "prescription",
                Events.medicine(
                    "2023-11-01T09:00:00Z", id: "0", code: "0103050P0AAAAAA",
                    name: "Omeprazole 20mg capsules")
            ), ("prescription", Events.naproxen("2024-03-01T09:05:00Z", id: "1")),
        ])
        #expect(
            found.first
                == "Naproxen 500mg tablets issued 2024-03-01 to a patient aged 84; no PPI or H2 "
                + "antagonist in the last 3 months: the last, Omeprazole 20mg capsules of "
                + "2023-11-01, has left the window.")
    }

    @Test func anNSAIDWithAnAnticoagulant() throws {
        let found = try details([
            (
                "prescription",
                Events.medicine(
                    "2024-02-28T09:00:00Z", id: "0", code: "0208020V0AAAAAA",
                    name: "Warfarin 1mg tablets")
            ), ("prescription", Events.naproxen("2024-03-01T09:05:00Z", id: "1")),
        ])
        #expect(
            found.first
                == "Naproxen 500mg tablets issued 2024-03-01 to a patient on Warfarin 1mg tablets, "
                + "issued 2024-02-28.")
    }

    @Test func anNSAIDInHeartFailure() throws {
        let failure = Events.text(
            "health.vigil.condition.created.v1", id: "hf", time: "2024-02-28T09:00:00Z",
            data: #"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/ann"},"#
                + #""recordedDate":"2020-05-04","code":{"text":"Heart failure","#
                + #""coding":[{"system":"http://snomed.info/sct","code":"84114007"}]}}"#)
        let found = try details([
            ("condition", failure),
            ("prescription", Events.naproxen("2024-03-01T09:05:00Z", id: "1")),
        ])
        #expect(
            found.first
                == "Naproxen 500mg tablets issued 2024-03-01 to a patient with heart failure "
                + "(Heart failure, 2020-05-04).")
    }
}
