// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore

/// A decoder remembers texts and concepts that it read; what it says must not depend on that.
@Suite struct RepeatedReadTests {
    /// A prescription of a medicine, given as the members of a concept.
    private func event(_ concept: String, dosage: String = "one a day") -> [UInt8] {
        Array(
            """
            {"specversion":"1.0","id":"1","source":"urn:s","subject":"p",
             "type":"health.vigil.prescription.created.v1","time":"2024-01-01T00:00:00Z",
             "data":{"resourceType":"MedicationRequest","id":"m","status":"active",
             "intent":"order","subject":{"reference":"Patient/p"},
             "medicationCodeableConcept":{\(concept)},
             "dosageInstruction":[{"text":"\(dosage)"}]}}
            """.utf8)
    }

    private func read(
        _ event: [UInt8], with decoder: EventDecoder
    ) throws -> ClinicalContent {
        let envelope = try decoder.readEnvelope(event, maximumBytes: 65_536)
        let decoded = try decoder.readResource(envelope, topic: Array("prescription.A1".utf8))
        guard case .input(let input) = decoded, case .clinical(let content) = input.resource.content
        else { throw Rejection(.notFHIR, "no medicine") }
        return content
    }

    @Test func textsOfEveryLengthAreTheirOwnEachTime() throws {
        let decoder = EventDecoder()
        for _ in 0..<2 {
            for length in 0...160 {
                // Those of one length differ in their last byte, and all are prefixes else.
                for end in ["x", "y", "é", ""] {
                    let text = String(repeating: "a", count: length) + end
                    let content = try read(
                        event(#""text":"\#(text)""#, dosage: text), with: decoder)
                    #expect(content.text == (text.isEmpty ? nil : text))
                    #expect(content.details.directions == nil)
                }
            }
        }
    }

    @Test func directionsAreReadFromTheirOwnBytes() throws {
        let decoder = EventDecoder()
        for _ in 0..<3 {
            for number in 0..<3000 {
                let words = number % 2 == 0 ? "daily" : "once a week"
                let content = try read(
                    event(#""text":"x""#, dosage: "\(number) tablets \(words)"), with: decoder)
                #expect(content.details.directions == (number % 2 == 0 ? "daily" : "weekly"))
            }
        }
    }

    @Test func aConceptIsReadFromItsOwnBytes() throws {
        let decoder = EventDecoder()
        for _ in 0..<3 {
            for number in 0..<5000 {
                let content = try read(
                    event(#""coding":[{"system":"urn:x","code":"\#(number)"}]"#), with: decoder)
                #expect(content.codings == [Coding(system: "urn:x", code: String(number))])
            }
        }
    }

    @Test func aFaultyConceptIsRefusedEachTime() throws {
        let decoder = EventDecoder()
        for concept in [#""coding":[{"system":7,"code":"12345678"}]"#, #""text":"a","text":"a""#] {
            let first = #expect(throws: Rejection.self) {
                try read(event(concept), with: decoder)
            }
            let second = #expect(throws: Rejection.self) {
                try read(event(concept), with: decoder)
            }
            #expect(first == second)
            #expect(first?.pointer.hasPrefix("/data/medicationCodeableConcept/") == true)
        }
    }

    @Test func aMemberIsKnownByAllOfItsName() throws {
        let decoder = EventDecoder()
        let concept = #""codinG":[],"tex":"b","text ":"b","text":"a","medicationCodeableConcept":1"#
        #expect(try read(event(concept), with: decoder).text == "a")
        // As long as medicationCodeableConcept, and alike at both ends.
        let other = String(decoding: event(#""text":"a""#), as: UTF8.self)
            .split(separator: "medicationCodeableConcept").joined(
                separator: "medicationXodeableConcept")
        let rejection = #expect(throws: Rejection.self) {
            try read(Array(other.utf8), with: decoder)
        }
        #expect(rejection?.code == .invalidElement || rejection?.code == .missingElement)
    }

    @Test func anEscapedNameIsTheSameName() throws {
        let content = try read(event(#""t\u0065xt":"a\u0062""#), with: EventDecoder())
        #expect(content.text == "ab")
    }
}
