// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// The rules that the first pack needs, on the worked patients of the clinical definitions.
struct TimelineTests {
    static let pincer = """
        library Pincer version '1.0.0'
        using FHIR version '4.0.1'
        include Vigil version '1.0.0' called Vigil
        valueset "Oral NSAID": 'urn:vigil:list:nsaid'
        valueset "Ulcer-healing medicine": 'urn:vigil:list:ppi'
        valueset "Heart failure": 'urn:vigil:list:hf'
        context Patient

        define "Last 3 months": Interval[Today() - 3 months, Today()]
        define "In population":
          (Vigil.DeathDate() is null or Today() before Vigil.DeathDate())
            and (Vigil.DeregistrationDate() is null
              or Today() same or before Vigil.DeregistrationDate())
            and (AgeInYears() >= 18) is not false
            and (AgeInYears() <= 120) is not false

        define "Oral NSAID issues":
          [MedicationRequest: "Oral NSAID"] union [MedicationDispense: "Oral NSAID"]
            union [MedicationStatement: "Oral NSAID"]
        define "Oral NSAID in the last 3 months":
          "Oral NSAID issues" M where Vigil.ClinicalDate(M) during "Last 3 months"
        define "Ulcer-healing issues":
          [MedicationRequest: "Ulcer-healing medicine"]
            union [MedicationDispense: "Ulcer-healing medicine"]
        define "Ulcer-healing medicine in the last 3 months":
          "Ulcer-healing issues" M where Vigil.ClinicalDate(M) during "Last 3 months"
        define "Last ulcer-healing medicine before the window":
          Last("Ulcer-healing issues" M where Vigil.ClinicalDate(M) before Today() - 3 months)

        define "GI-P3A denominator":
          "In population" and AgeInYears() >= 65
            and not exists "Ulcer-healing medicine in the last 3 months"
        define "GI-P3A numerator":
          "GI-P3A denominator" and exists "Oral NSAID in the last 3 months"
        define "HF-P3I denominator":
          "In population"
            and exists ([Condition: "Heart failure"] C
              where Vigil.ClinicalDate(C) same or before Today())
        define "HF-P3I numerator":
          "HF-P3I denominator" and exists "Oral NSAID in the last 3 months"
        """

    private let bench: Bench

    init() throws {
        bench = try Bench(Self.pincer, header: "")
    }

    @Test(arguments: [
        // T1: flagged on the 65th birthday, clear when the issue leaves the window.
        (
            "born 1959-04-10; nsaid 2024-03-01",
            ["2024-01-01 no", "2024-04-10 yes", "2024-06-02 no"]
        ),
        // T15: the window clips at the end of May.
        (
            "born 1940-01-01; nsaid 2024-02-29",
            ["2024-01-01 no", "2024-02-29 yes", "2024-06-01 no"]
        ),
        // A protective issue holds for its own window, then the hazard shows again.
        (
            "born 1940-01-01; nsaid 2024-03-20; ppi 2024-01-10; nsaid 2024-05-01",
            ["2024-01-01 no", "2024-04-11 yes", "2024-08-02 no"]
        ),
        // T16: a stopped course is no exposure from that day on.
        (
            """
            born 1940-01-01; nsaid 2024-03-01 stopped 2024-04-30
            nsaid 2024-03-29 stopped 2024-04-30; nsaid 2024-04-26 stopped 2024-04-30
            """, ["2024-01-01 no", "2024-03-01 yes", "2024-04-30 no"]
        ),
        // Dead on and after the day of death; the end day of a registration still counts.
        (
            "born 1940-01-01; nsaid 2024-03-01; died 2024-04-02",
            ["2024-01-01 no", "2024-03-01 yes", "2024-04-02 no"]
        ),
        (
            "born 1940-01-01; nsaid 2024-03-01; left 2024-04-02",
            ["2024-01-01 no", "2024-03-01 yes", "2024-04-03 no"]
        ),
        // An unknown birth date is neither a flag nor an all-clear.
        ("nsaid 2024-03-01", ["2024-01-01 no", "2024-03-01 unknown", "2024-06-02 no"]),
    ])
    func `GI-P3A changes on the days worked out by hand`(
        _ patient: String, _ expected: [String]
    ) throws {
        let found = try bench.transitions(
            "GI-P3A numerator", PatientFacts(patient), from: "2024-01-01", until: "2026-01-01")
        #expect(found == expected)
    }

    @Test func `HF-P3I needs the diagnosis by the day and the medicine in the window`() throws {
        let patient = try PatientFacts("born 1970-01-01; nsaid 2024-02-01; hf 2024-03-20")
        let found = try bench.transitions(
            "HF-P3I numerator", patient, from: "2024-01-01", until: "2026-01-01")
        #expect(found == ["2024-01-01 no", "2024-03-20 yes", "2024-05-02 no"])
    }

    @Test func `only the days that change something are visited`() throws {
        let definition = try #require(bench.library.definitions["GI-P3A numerator"])
        let patient = try PatientFacts("born 1959-04-10; nsaid 2024-03-01")
        var now = ZoneTable.utc.start(of: try .on("2020-01-01"))
        var visited: [String] = []
        while now != .never, visited.count < 20 {
            visited.append("\(ZoneTable.utc.day(of: now))")
            var evaluation = bench.evaluation(patient, at: now, .utc)
            now = evaluation.judge(definition).stableUntil
        }
        #expect(visited == ["2020-01-01", "2024-04-10", "2024-06-02"])
    }

    @Test func `evidence is named by the indexes of its facts`() throws {
        let patient = try PatientFacts(
            "born 1940-01-01; ppi 2023-10-01; nsaid 2024-03-01; ppi 2023-11-01; nsaid 2024-04-01")
        let now = ZoneTable.utc.start(of: try .on("2024-04-10"))
        var evaluation = bench.evaluation(patient, at: now, .utc)
        let definitions = bench.library.definitions
        let hazard = try #require(definitions["Oral NSAID in the last 3 months"])
        let protection = try #require(definitions["Last ulcer-healing medicine before the window"])
        #expect(evaluation.factIndexes(of: hazard) == [2, 3])
        #expect(evaluation.factIndexes(of: protection) == [1])
    }

    @Test func `a definition names the lists that can change it`() throws {
        let library = bench.library
        let numerator = try #require(library.definitions["GI-P3A numerator"])
        let denominator = try #require(library.definitions["GI-P3A denominator"])
        let issues = try #require(library.definitions["Oral NSAID issues"])
        #expect(library.lists(of: numerator) == [0, 1])
        #expect(library.lists(of: denominator) == [1])
        #expect(
            library.retrieves(of: issues).map(\.types.types) == [
                [.medicationRequest, .medicationDispense, .medicationStatement]
            ])
        #expect(library.type(of: issues) == .list)
        #expect(library.type(of: numerator) == .boolean)
    }
}
