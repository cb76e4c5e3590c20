// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilPacks

/// The rules of the pack on patients in shorthand, day by day.
struct PincerRuleTests {
    private let pack: CompiledPack
    private var codings = CodingTable()
    private var membership: ListMembership

    init() throws {
        pack = try BundledPacks.named("pincer").compile()
        membership = ListMembership(lists: pack.lists)
    }

    /// What stands for each word of the shorthand.
    private static let codes = [
        "naproxen": ("https://www.nhsbsa.nhs.uk/bnf", "1001010P0AAAEAE"),
        "diclofenac": ("http://www.whocc.no/atc", "M01AB05"),
        "gel": ("https://www.nhsbsa.nhs.uk/bnf", "1003020P0AAABAB"),
        "omeprazole": ("http://www.nlm.nih.gov/research/umls/rxnorm", "198051"),
        "famotidine": ("urn:vigil:bnf", "0103010H0AAAAAA"),
        "apixaban": ("http://www.whocc.no/atc", "B01AF02"),
        "heparin": ("http://www.whocc.no/atc", "B01AB05"),
        "failure": ("http://snomed.info/sct", "84114007"),
    ]

    private struct Unreadable: Error {}

    private static func day(_ text: Substring) throws -> CivilDay {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3,
            let day = CivilDay(year: parts[0], month: parts[1], day: parts[2])
        else { throw Unreadable() }
        return day
    }

    /// `born`, `died` or `left` and a day, or a code's word, an optional form and a day.
    private mutating func patient(_ shorthand: String) throws -> PatientFacts {
        var patient = PatientFacts()
        for (offset, item) in shorthand.split(separator: ";").enumerated() {
            let words = item.split(separator: " ")
            let last = try #require(words.last)
            let day = try Self.day(last)
            let time = ClinicalTime(writtenDay: day, precision: .day)
            switch words[0] {
            case "born": patient.birth = time
            case "died": patient.deathDay = day
            case "left": patient.deregistrationDay = day
            default:
                let (system, code) = try #require(Self.codes[String(words[0])])
                let type: ResourceType =
                    if words[0] == "failure" {
                        .condition
                    } else if words.contains("dispensed") {
                        .medicationDispense
                    } else if words.contains("stated") {
                        .medicationStatement
                    } else {
                        .medicationRequest
                    }
                patient.facts.append(
                    Fact(
                        type: type, offset: UInt64(offset),
                        codings: [codings.intern(system: system, code: code)], date: time,
                        day: day))
            }
        }
        patient.facts.sort { ($0.day, $0.offset) < ($1.day, $1.offset) }
        membership.extend(to: codings)
        return patient
    }

    private func evaluation(_ patient: PatientFacts, on day: CivilDay) -> Evaluation {
        Evaluation(
            program: pack.sharedProgram, patient: patient, membership: membership,
            now: ZoneTable.utc.start(of: day), zone: .utc)
    }

    private func rule(_ id: String) throws -> Rule {
        try #require(pack.rules.first { $0.id == id })
    }

    /// From when on the numerator has which value, over 2024 and 2025; no for what comes before.
    private func changes(_ rule: Rule, _ patient: PatientFacts) throws -> String {
        var day = try Self.day("2024-01-01")
        let end = try Self.day("2025-12-31")
        var last = Truth.no
        var changes: [String] = []
        while day <= end {
            var evaluation = evaluation(patient, on: day)
            let truth = evaluation.judge(rule.numerator).truth
            if truth != last { changes.append("\(truth) \(day)") }
            last = truth
            day = try #require(day.adding(days: 1))
        }
        return changes.joined(separator: ", ")
    }

    @Test(arguments: [
        // T1 and T15 of the definitions.
        ("gi-p3a", "born 1959-04-10;naproxen 2024-03-01", "yes 2024-04-10, no 2024-06-02"),
        ("gi-p3a", "born 1940-01-01;naproxen 2024-02-29", "yes 2024-02-29, no 2024-06-01"),
        // Any form of any NSAID counts, one put on the skin does not.
        ("gi-p3a", "born 1940-01-01;diclofenac stated 2024-03-01", "yes 2024-03-01, no 2024-06-02"),
        (
            "gi-p3a", "born 1940-01-01;naproxen dispensed 2024-03-01",
            "yes 2024-03-01, no 2024-06-02"
        ),
        ("gi-p3a", "born 1940-01-01;gel 2024-03-01", ""),
        // PPIs and H2 antagonists protect, until they leave the window.
        (
            "gi-p3a", "born 1940-01-01;omeprazole 2024-02-01;naproxen 2024-03-01",
            "yes 2024-05-02, no 2024-06-02"
        ),
        ("gi-p3a", "born 1940-01-01;famotidine dispensed 2024-03-01;naproxen 2024-03-01", ""),
        (
            "gi-p3a", "born 1940-01-01;naproxen 2024-03-01;famotidine 2024-03-20",
            "yes 2024-03-01, no 2024-03-20"
        ),
        // Unknown is not false; over 120 and under 65 are.
        ("gi-p3a", "naproxen 2024-03-01", "unknown 2024-03-01, no 2024-06-02"),
        ("gi-p3a", "born 1903-04-10;naproxen 2024-03-01", "yes 2024-03-01, no 2024-04-10"),
        ("gi-p3a", "born 1960-01-01;naproxen 2024-03-01", ""),
        // Dead from the day of death, and the last day of a registration counts.
        (
            "gi-p3a", "born 1940-01-01;naproxen 2024-03-01;died 2024-04-02",
            "yes 2024-03-01, no 2024-04-02"
        ),
        (
            "gi-p3a", "born 1940-01-01;naproxen 2024-03-01;left 2024-04-02",
            "yes 2024-03-01, no 2024-04-03"
        ),
        // Both in the window: from the day of the later one to the end of the first window.
        (
            "gi-p3d", "born 1980-01-01;apixaban 2024-02-01;naproxen 2024-03-01",
            "yes 2024-03-01, no 2024-05-02"
        ),
        // Gastroprotection makes no difference; heparin is no oral anticoagulant.
        (
            "gi-p3d",
            "born 1980-01-01;omeprazole 2024-03-01;naproxen 2024-03-01;apixaban 2024-04-01",
            "yes 2024-04-01, no 2024-06-02"
        ),
        ("gi-p3d", "born 1980-01-01;heparin 2024-03-01;naproxen 2024-03-01", ""),
        // An adult of unknown age is watched, a child is not until the birthday.
        ("gi-p3d", "apixaban 2024-03-01;naproxen 2024-03-01", "yes 2024-03-01, no 2024-06-02"),
        (
            "gi-p3d", "born 2006-04-10;apixaban 2024-03-01;naproxen 2024-03-01",
            "yes 2024-04-10, no 2024-06-02"
        ),
        // No months of maturity: the diagnosis counts from its day, and for ever.
        (
            "hf-p3i", "born 1980-01-01;failure 2024-03-20;naproxen 2024-02-01",
            "yes 2024-03-20, no 2024-05-02"
        ),
        (
            "hf-p3i", "born 1980-01-01;failure 2010-01-01;naproxen 2024-02-01",
            "yes 2024-02-01, no 2024-05-02"
        ),
        ("hf-p3i", "born 1980-01-01;failure 2024-05-02;naproxen 2024-02-01", ""),
    ])
    mutating func theRuleIsTrueOnTheseDays(id: String, shorthand: String, expected: String) throws {
        let patient = try patient(shorthand)
        #expect(try changes(rule(id), patient) == expected)
    }

    /// For each role the days of its facts on a day of the flag.
    @Test(arguments: [
        (
            "gi-p3a",
            "born 1940-01-01;omeprazole 2023-10-01;famotidine 2023-11-01;"
                + "diclofenac 2024-02-20;naproxen 2024-03-01",
            "hazard 2024-03-01, protection-lapsed 2023-11-01, age"
        ),
        (
            "gi-p3a", "born 1940-01-01;naproxen 2024-03-01",
            "hazard 2024-03-01, protection-absent, age"
        ),
        (
            "gi-p3d", "born 1940-01-01;apixaban 2024-01-01;apixaban 2024-02-01;naproxen 2024-03-01",
            "hazard 2024-03-01, interacting 2024-02-01, age"
        ),
        (
            "hf-p3i", "born 1940-01-01;failure 2010-01-01;failure 2020-01-01;naproxen 2024-03-01",
            "hazard 2024-03-01, condition 2020-01-01, age"
        ),
    ])
    mutating func theEvidenceIsTheNewestOfEachRole(
        id: String, shorthand: String, expected: String
    ) throws {
        let rule = try rule(id)
        let patient = try patient(shorthand)
        var evaluation = evaluation(patient, on: try Self.day("2024-03-02"))
        var roles: [String] = []
        for source in rule.evidence {
            guard case .definition(let definition) = source.records else {
                roles.append(source.role)
                continue
            }
            let days = evaluation.factIndexes(of: definition).map { "\(patient.facts[$0].day)" }
            roles.append(
                days.isEmpty
                    ? source.absent?.role ?? "none"
                    : ([source.role] + days).joined(separator: " "))
        }
        #expect(roles.joined(separator: ", ") == expected)
    }

    /// The first ending that applies when the flag has turned false, and the fact that it names.
    @Test(arguments: [
        ("gi-p3a", "naproxen 2024-03-01;omeprazole 2024-03-10", "protection-issued 2024-03-10"),
        ("gi-p3a", "naproxen 2023-12-01", "hazard-ended"),
        ("gi-p3a", "naproxen 2023-12-01;omeprazole 2024-03-10", "hazard-ended"),
        ("gi-p3a", "naproxen 2024-03-01;died 2024-03-05", "deceased"),
        ("gi-p3a", "naproxen 2024-03-01;left 2024-03-05;died 2024-03-10", "deceased"),
        ("gi-p3a", "naproxen 2024-03-01;left 2024-03-05", "deregistered"),
        ("gi-p3d", "naproxen 2024-03-01;apixaban 2023-11-01", "hazard-ended"),
        ("hf-p3i", "naproxen 2024-03-01", "condition-ended"),
    ])
    mutating func theFirstEndingThatAppliesNamesTheReason(
        id: String, shorthand: String, expected: String
    ) throws {
        let rule = try rule(id)
        let patient = try patient("born 1940-01-01;" + shorthand)
        var evaluation = evaluation(patient, on: try Self.day("2024-03-15"))
        let ending = try #require(
            rule.endings.first {
                evaluation.judge($0.definition).truth == ($0.whenTrue ? .yes : .no)
            })
        let facts = ending.evidence.map { evaluation.factIndexes(of: $0) } ?? []
        let days = facts.map { "\(patient.facts[$0].day)" }
        #expect(([ending.reason] + days).joined(separator: " ") == expected)
    }
}
