// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// The greatest version of a resource counts, in whatever order the versions come.
struct VersionOrderTests {
    private let codings = ["naproxen", "ibuprofen", "omeprazole", "apixaban", "failure"]
    private let statuses = ["active", "stopped", "completed", "cancelled", "on-hold"]

    /// Versions of a few resources of one patient, numbered, dated or only timed.
    private func versions(_ random: inout SeededRandom) throws -> [InputEvent] {
        var events: [InputEvent] = []
        let start = ZoneTable.utc.start(of: try Ward.day("2024-03-01"))
        for resource in 0..<4 {
            let coding = codings.randomElement(using: &random) ?? "naproxen"
            let isNumbered = Bool.random(using: &random)
            let isDated = Bool.random(using: &random)
            for number in 1...Int.random(in: 1...5, using: &random) {
                let time = start.adding(milliseconds: Int64(number) * 43_200_000)
                let day = Int.random(in: 20...28, using: &random)
                let content = Content.clinical(
                    ClinicalContent(
                        counts: Int.random(in: 0..<6, using: &random) > 0,
                        codings: [try #require(Ward.codes[coding[...]])],
                        date: try Ward.date("2024-02-\(day)"),
                        details: FactDetails(status: statuses.randomElement(using: &random)),
                        supply: Supply(groups: ["g"])))
                events.append(
                    InputEvent(
                        kind: .prescription, practice: "A81001", id: "\(resource)-\(number)",
                        source: "urn:test", subject: "ann", action: .updated,
                        // The numbers say one thing and the times another.
                        time: isNumbered
                            ? start.adding(milliseconds: Int64(10 - number) * 3_600_000) : time,
                        resource: Resource(
                            type: coding == "failure" ? .condition : .medicationRequest,
                            id: "r\(resource)",
                            versionNumber: isNumbered ? VersionNumber(Int64(number)) : nil,
                            lastUpdated: isDated ? time : nil,
                            content: Int.random(in: 0..<6, using: &random) > 0 ? content : nil)))
            }
        }
        for number in 1...4 as ClosedRange<Int64> {
            let content = PatientContent(
                birthDate: try Ward.date("19\(20 + 20 * number % 80)-01-01"), gender: "female",
                active: Int.random(in: 0..<3, using: &random) > 0 ? nil : false,
                deceased: Int.random(in: 0..<4, using: &random) > 0 ? nil : .boolean(true),
                namesPractice: Bool.random(using: &random))
            events.append(
                InputEvent(
                    kind: .patient, practice: "P\(number)", id: "p\(number)", source: "urn:test",
                    subject: "ann", action: .updated,
                    time: start.adding(milliseconds: number * 7_200_000),
                    resource: Resource(
                        type: .patient, id: "p",
                        content: Int.random(in: 0..<5, using: &random) > 0
                            ? .patient(content) : nil)))
        }
        return events
    }

    /// What is known of the patient and which flags are open, once all has settled.
    private func state(after events: [InputEvent]) throws -> String {
        var ward = try Ward()
        var now = ZoneTable.utc.start(of: try Ward.day("2024-03-20"))
        for event in events {
            now = now.adding(milliseconds: 1000)
            ward.take(event, now: now)
        }
        ward.pass(to: now.adding(milliseconds: 3_600_000))
        let patient = try #require(ward.fold.patients.first)
        let facts = patient.facts
        let lines = facts.facts.map { fact in
            let codes = fact.codings.map { ward.fold.codings[$0].code }
            let stop = fact.stoppedOn.map { " until \($0)" } ?? ""
            return "\(fact.type) \(codes) \(fact.day) \(fact.details.status ?? "-")\(stop)"
        }
        let open = ward.fold.rules.indices.filter { patient.episodes[$0].open != nil }
            .map { ward.fold.rules[$0].rule.id }
        return
            (lines.sorted() + open + [
                patient.practice, "born \(facts.birth?.writtenDay.description ?? "-")",
                "died \(facts.deathDay?.description ?? "-")",
                "left \(facts.deregistrationDay?.description ?? "-")",
            ]).joined(separator: "\n")
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func allOrdersOfVersionsEndInTheSameState(seed: UInt64) throws {
        var random = SeededRandom(state: seed)
        let events = try versions(&random)
        let expected = try state(after: events)
        for _ in 0..<6 {
            let shuffled = events.shuffled(using: &random)
            #expect(try state(after: shuffled) == expected, "seed \(seed)")
        }
    }
}
