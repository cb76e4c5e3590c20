// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// How many supplies there are, and how long one lasts.
struct SupplyTests {
    private static let issues = """
        define "Issues": [MedicationRequest: "NSAID"] union [MedicationDispense: "NSAID"]
          union [MedicationStatement: "NSAID"]

        """

    /// A patient's records, and how many supplies they are on 2024-03-01.
    @Test(arguments: [
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-02-01 is a/r2", 2),
        // A dispense replaces the order that it names; each further one is a further issue.
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-20 as dispense is a/d1/r1", 1),
        (
            "nsaid 2024-01-01 is a/r1; nsaid 2024-01-20 as dispense is a/d1/r1; "
                + "nsaid 2024-02-20 as dispense is a/d2/r1", 2
        ),
        // Before its day a dispense replaces nothing, and is listed as it is.
        ("nsaid 2024-02-20 is a/r1; nsaid 2024-03-20 as dispense is a/d1/r1", 2),
        // A name is its source's own.
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-20 as dispense is b/d1/r1", 2),
        // A statement that repeats a record of the list counts nothing.
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-02-20 as statement is a/s1/r1", 1),
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-02-20 as statement is a/s1/other", 2),
        // Unlinked records of other types or sources within 7 days are one.
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-08 as dispense is b/d1", 1),
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-09 as dispense is b/d1", 2),
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-03 is b/r1", 1),
        ("nsaid 2024-01-01 is a/r1; nsaid 2024-01-03 is a/r2", 2),
        ("nsaid 2024-01-01 is a/r1; ppi 2024-01-03 is b/r1", 1),
        // All days are counted from the first, and each type and source is in it once.
        (
            "nsaid 2024-01-01 is a/r1; nsaid 2024-01-06 as dispense is b/d1; "
                + "nsaid 2024-01-11 as statement is c/s1", 2
        ),
        (
            "nsaid 2024-01-01 is a/r1; nsaid 2024-01-02 as dispense is b/d1; "
                + "nsaid 2024-01-03 as dispense is b/d2", 2
        ),
        ("nsaid 2024-01-01; nsaid 2024-01-02 as statement", 1),
    ])
    func oneSupplyIsOne(patient: String, count: Int) throws {
        let bench = try Bench(
            Self.issues + "define \"It\": Count(Vigil.Supplies(\"Issues\")) = \(count)")
        #expect(try bench.judge("It", PatientFacts(patient), on: "2024-03-01").truth == .yes)
    }

    @Test func aSupplyChangesOnTheDayOfItsDispenseAndWhenThatIsStopped() throws {
        let bench = try Bench(
            Self.issues + """
                define "It": exists ((Vigil.Supplies("Issues")) S
                  where Vigil.ClinicalDate(S) = @2024-02-20)
                """)
        let patient = try PatientFacts(
            "nsaid 2024-02-20 is a/r1; "
                + "nsaid 2024-03-20 as dispense is a/d1/r1 stopped 2024-04-10")
        #expect(
            try bench.transitions("It", patient, from: "2024-03-01", until: "2025-01-01") == [
                "2024-03-01 yes", "2024-03-20 no", "2024-04-10 yes",
            ])
    }

    @Test func aSupplyProtectsThroughTheDayOnWhichItIsUsedUp() throws {
        let bench = try Bench(
            """
            define "It": exists ([MedicationRequest: "PPI"] M
              where Vigil.SupplyEnd(M) same or after Today())
            """)
        let patient = try PatientFacts("ppi 2024-01-01 lasts 2024-06-29")
        #expect(
            try bench.transitions("It", patient, from: "2024-02-01", until: "2025-01-01") == [
                "2024-02-01 yes", "2024-06-30 no",
            ])
        var program = bench.library.program
        program.countsSupplies = false
        var evaluation = Evaluation(
            program: SharedProgram(program),
            patient: try PatientFacts("ppi 2024-01-01 lasts 2024-06-29"),
            membership: bench.membership, now: ZoneTable.utc.start(of: try .on("2024-02-01")),
            zone: .utc)
        let definition = try #require(bench.library.definitions["It"])
        #expect(evaluation.judge(definition).truth == .no)
    }
}
