// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// What is told for many days at once is what is found by asking anew on each of them.
struct CourseTests {
    private static let days = CivilDay(number: 18_200)...CivilDay(number: 19_780)

    /// Each definition on each day, by its course and by an evaluation of that day alone.
    private static func compare(
        _ bench: Bench, _ patients: [PatientFacts], on days: ClosedRange<CivilDay> = days,
        zone: ZoneTable, _ comment: String
    ) throws {
        let line = DayLine(days, zone: zone)
        var courses = Courses(of: SharedProgram(bench.library.program), on: line)
        let definitions = bench.library.definitions.sorted { $0.key < $1.key }
        for patient in patients {
            // The order in which they are asked must not matter, nor where the evaluation stands.
            var run = bench.evaluation(patient, at: line.moments[line.count / 2], zone)
            courses.begin()
            let changes = definitions.map { courses.changes(of: $0.value, &run) }
            var next = definitions.map { _ in 0 }
            for (place, now) in line.moments.enumerated() {
                var evaluation = bench.evaluation(patient, at: now, zone)
                for (index, definition) in definitions.enumerated() {
                    if next[index] < changes[index].count,
                        changes[index][next[index]].place == place
                    {
                        next[index] += 1
                    }
                    let truth = try #require(changes[index].prefix(next[index]).last).truth
                    try #require(
                        truth == evaluation.judge(definition.value).truth,
                        "\(zone.day(of: now)), \(definition.key): \(comment)")
                }
            }
            #expect(zip(next, changes).allSatisfy { $0 == $1.count })
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `the course of a random rule is its truth of every day`(_ seed: UInt64) throws {
        var rules = RandomRules(seed: seed &* 7919 &+ 3)
        let expression = rules.boolean(3)
        try Self.compare(
            RandomRules.bench(expression), [rules.patient()],
            zone: seed.isMultiple(of: 3)
                ? HorizonPropertyTests.strange : HorizonPropertyTests.london,
            "seed \(seed): \(expression)")
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `definitions that rest on others have courses of their own`(_ seed: UInt64) throws {
        var rules = RandomRules(seed: seed &* 104_729 &+ 11)
        let (one, other) = (rules.boolean(2), rules.boolean(2))
        let text = """
            define "Recent": ([MedicationRequest: "NSAID"] union [MedicationRequest: "PPI"]) R
              where Vigil.ClinicalDate(R) during Interval[Today() - 6 months, Today()]
            define "One": \(one)
            define "Other": \(other)
            define "Latest": Last("Recent")
            define "Day of the latest": Vigil.ClinicalDate("Latest")
            define "Count": Count("Recent")
            define "Chosen": if "One" then "Latest" else First([Condition: "HF"])
            define "Is chosen": "Chosen" is null
            define "Either": if "One" then "Other" else Coalesce("Other", "Is chosen")
            define "Before": "Day of the latest" before Today() - \(rules.number(1...5)) months
            define "More": "Count" >= \(rules.number(1...3)) and ("Before" or "Either")
            define "After": exists ([Condition: "HF"] C
              where Vigil.ClinicalDate(C) same or after "Day of the latest" and "Other")
            define "Text": Coalesce("Chosen".status, 'none') = 'active'
            define "Dates": exists (from "Recent" A, [Condition: "HF"] B
              where Vigil.ClinicalDate(A) before Vigil.ClinicalDate(B) and "One")
            """
        try Self.compare(
            Bench(text), [rules.patient()],
            zone: seed.isMultiple(of: 4)
                ? HorizonPropertyTests.strange : HorizonPropertyTests.london,
            "seed \(seed): \(text)")
    }

    @Test func `a course tells of supplies, stops and ends`() throws {
        let bench = try Bench(
            """
            define "Issues": [MedicationRequest: "NSAID"] union [MedicationDispense: "NSAID"]
              union [MedicationStatement: "NSAID"]
            define "Supplied": (Vigil.Supplies("Issues")) M
              where Vigil.ClinicalDate(M) during Interval[Today() - 6 months, Today()]
            define "Regular": exists ("Supplied" M with "Supplied" N
              such that Vigil.ClinicalDate(N) after Vigil.ClinicalDate(M))
            define "Two": Count("Supplied") = 2
            define "Covered": exists ("Issues" M where Vigil.SupplyEnd(M) same or after Today()
              and Vigil.ClinicalDate(M) same or before Today())
            define "Failing": exists ([Condition: "HF"] C
              where Vigil.EndDate(C) is null or Vigil.EndDate(C) after Today())
            define "Ended": exists ([Condition: "HF"] C
              where Vigil.EndDate(C) same or before Today()
                and Vigil.EndDate(C) same or after Vigil.ClinicalDate(Last([Condition: "HF"])))
            """)
        let patients = try [
            """
            nsaid 2020-01-30 is a/1; nsaid 2020-02-03 as dispense is a/2/1
            nsaid 2020-02-28 is a/3; nsaid 2020-03-02 as statement is b/4
            nsaid 2021-08-31 is a/5 lasts 2021-12-31; nsaid 2022-02-28 as dispense is a/6/5
            """,
            """
            nsaid 2020-03-29 is a/1 stopped 2020-05-31; nsaid 2020-04-01 is b/1
            nsaid 2020-10-25 is a/2 stopped 2020-10-25; nsaid 2023-12-31 is a/3
            hf 2020-02-29 until 2021-02-28; hf 2020-01-01; hf 2021-05-31 until 2021-06-30
            """,
        ].map { try PatientFacts($0) }
        for zone in [HorizonPropertyTests.london, HorizonPropertyTests.strange] {
            try Self.compare(bench, patients, zone: zone, "")
        }
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func `the course of a rule of moments is its truth as each day begins`(
        _ seed: UInt64
    ) throws {
        let first = HorizonMomentTests.firstDay
        var rules = RandomMoments(seed: seed, firstDay: first, days: HorizonMomentTests.days)
        let (expression, bench) = try HorizonMomentTests.compiled(&rules)
        try Self.compare(
            bench, (0..<20).map { _ in rules.patient() },
            on: first...CivilDay(number: first.number + HorizonMomentTests.days),
            zone: HorizonPropertyTests.london, "seed \(seed): \(expression)")
    }
}
