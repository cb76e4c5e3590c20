// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// Retrieves, queries and what is asked of them.
struct ListTests {
    private static let patient = """
        nsaid 2024-01-10 status active
        nsaid 2024-02-10
        ppi 2024-01-20 status completed until 2024-02-20
        hf 2020-05-05 status active
        """

    @Test(arguments: [
        "exists [MedicationRequest: \"NSAID\"]: yes",
        "exists [MedicationDispense: \"NSAID\"]: no",
        "exists [Condition: \"NSAID\"]: no",
        "exists [MedicationRequest: code in \"NSAID\"]: yes",
        "Count([MedicationRequest: \"NSAID\"]) = 2: yes",
        "Count([MedicationRequest: \"NSAID\"] union [MedicationRequest: \"PPI\"]) = 3: yes",
        "Count([MedicationRequest: \"NSAID\"] union [MedicationRequest: \"NSAID\"]) = 2: yes",
        "Vigil.ClinicalDate(First([MedicationRequest: \"NSAID\"])) = @2024-01-10: yes",
        "Vigil.ClinicalDate(Last([MedicationRequest: \"NSAID\"])) = @2024-02-10: yes",
        "First([MedicationRequest: \"MTX\"]) is null: yes",
        "Vigil.EndDate(First([MedicationRequest: \"PPI\"])) = @2024-02-20: yes",
        "exists ([MedicationRequest: \"PPI\"] M where M.status = 'completed'): yes",
        "exists ([MedicationRequest: \"PPI\"] M where M.status = 'active'): no",
        // One element passes, or else a null one leaves the question open.
        "exists ([MedicationRequest: \"NSAID\"] M where M.status = 'active'): yes",
        "exists ([MedicationRequest: \"NSAID\"] M where M.status = 'stopped'): unknown",
        "Count([MedicationRequest: \"NSAID\"] M where M.status = 'active') = 1: unknown",
        "exists (flatten {[MedicationRequest: \"NSAID\"] M where M.status = 'stopped'}): unknown",
        "not exists (flatten {[MedicationRequest: \"NSAID\"] M where M.status = 'x'}): unknown",
        "First([MedicationRequest: \"NSAID\"] M where M.status = 'active').status = 'active': yes",
        "Last([MedicationRequest: \"NSAID\"] M where M.status = 'active') is null: yes",
        // Queries within queries, and the same as relationships.
        """
        exists ([MedicationRequest: "NSAID"] N where exists ([MedicationRequest: "PPI"] P
          where Vigil.ClinicalDate(P) during
            Interval[Vigil.ClinicalDate(N) - 10 days, Vigil.ClinicalDate(N)])): no
        """,
        """
        exists ([MedicationRequest: "NSAID"] N with [MedicationRequest: "PPI"] P
          such that Vigil.ClinicalDate(P) during
            Interval[Vigil.ClinicalDate(N) - 21 days, Vigil.ClinicalDate(N)]): yes
        """,
        """
        Count([MedicationRequest: "NSAID"] N without [MedicationRequest: "PPI"] P
          such that Vigil.ClinicalDate(P) before Vigil.ClinicalDate(N)) = 1: yes
        """,
    ])
    func `lists of facts answer as documented`(_ row: String) throws {
        let colon = try #require(row.lastIndex(of: ":"))
        let truth = try Bench.truth(
            of: String(row[..<colon]), on: "2024-03-01", patient: PatientFacts(Self.patient))
        #expect("\(truth)" == row[colon...].dropFirst(2).description)
    }

    @Test func `no rule goes without because another takes all work that is allowed`() throws {
        let bench = try Bench(
            """
            define "Heavy": Count(from [MedicationRequest: "NSAID"] N,
              (expand Interval[1, 2000]) A, (expand Interval[1, 2000]) B return all 1) > 1
            define "Light": Count((expand Interval[1, 9]) X where X > 5) = 4
            """)
        let patient = try PatientFacts(Self.patient)
        var run = bench.evaluation(patient, at: Instant(milliseconds: 0), .utc)
        let heavy = try #require(bench.library.definitions["Heavy"])
        let light = try #require(bench.library.definitions["Light"])
        #expect(run.judge(heavy).truth == .unknown)
        #expect(run.errorCount == 1)
        #expect(run.judge(light).truth == .yes)
    }

    @Test func `definitions that share facts do not disturb each other`() throws {
        let bench = try Bench(
            """
            define "Early": [MedicationRequest: "NSAID"] M
              where Vigil.ClinicalDate(M) before @2024-02-01
            define "Both": "Early" union ([MedicationRequest: "PPI"] M where exists "Early")
            define "It": Count("Both") = 2 and exists ("Both" B where exists "Early")
              and Count("Early") = 1
            """)
        let patient = try PatientFacts(Self.patient)
        #expect(try bench.judge("It", patient, on: "2024-03-01").truth == .yes)
    }

    @Test func `a pack can let stopped orders count to the end of their window`() throws {
        let bench = try Bench("define \"It\": exists [MedicationRequest: \"NSAID\"]")
        let patient = try PatientFacts("nsaid 2024-01-10 stopped 2024-02-01")
        let definition = try #require(bench.library.definitions["It"])
        var program = bench.library.program
        for (stops, expected) in [(true, Truth.no), (false, .yes)] {
            program.stoppedEndsExposure = stops
            var evaluation = Evaluation(
                program: SharedProgram(program), patient: patient, membership: bench.membership,
                now: ZoneTable.utc.start(of: try .on("2024-02-01")), zone: .utc)
            #expect(evaluation.judge(definition).truth == expected)
        }
    }
}
