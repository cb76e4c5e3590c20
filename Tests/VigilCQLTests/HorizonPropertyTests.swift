// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// The property that everything rests on: a horizon may be early, never late.
struct HorizonPropertyTests {
    /// Clocks change twice a year, at 01:00 UTC.
    static let london = ZoneTable(
        name: "Europe/London", initialOffsetSeconds: 0,
        transitions: [
            1_585_443_600, 1_603_587_600, 1_616_893_200, 1_635_642_000, 1_648_342_800,
            1_667_091_600, 1_679_792_400, 1_698_541_200, 1_711_846_800, 1_729_990_800,
        ].enumerated().map {
            .init(unixSeconds: $1, offsetSeconds: $0.isMultiple(of: 2) ? 3600 : 0)
        })

    /// Clocks go back across midnight, one day is skipped, one offset is of seconds.
    static let strange = ZoneTable(
        name: "Test/Strange", initialOffsetSeconds: -12_600,
        transitions: [
            .init(unixSeconds: 1_604_199_660, offsetSeconds: -12_600 - 3600),
            .init(unixSeconds: 1_640_000_000, offsetSeconds: -36_000),
            .init(unixSeconds: 1_654_077_600, offsetSeconds: 50_400),
            .init(unixSeconds: 1_700_000_000, offsetSeconds: 49_321),
        ])

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `going from horizon to horizon misses nothing that a daily look finds`(
        _ seed: UInt64
    ) throws {
        var rules = RandomRules(seed: seed)
        let expression = rules.boolean(3)
        let bench = try RandomRules.bench(expression)
        let definition = try #require(bench.library.definitions["It"])
        let zone = seed.isMultiple(of: 3) ? Self.strange : Self.london
        let patient = rules.patient()
        var held: Judgement?
        for number in Int32(18_250)..<19_780 {
            let start = zone.start(of: CivilDay(number: number))
            let length =
                zone.start(of: CivilDay(number: number + 1)).milliseconds
                - start.milliseconds
            // A day that the zone skips has no moment.
            guard length > 0 else { continue }
            let moment = start.adding(milliseconds: Int64(rules.number(0...Int(length) - 1)))
            if let known = held, known.stableUntil <= start { held = nil }
            for now in number.isMultiple(of: 7) ? [start, moment] : [start] {
                var evaluation = bench.evaluation(patient, at: now, zone)
                let judgement = evaluation.judge(definition)
                try #require(judgement.stableUntil > now, "seed \(seed): \(expression)")
                let known = held ?? judgement
                held = known
                try #require(
                    known.truth == judgement.truth,
                    "seed \(seed), day \(CivilDay(number: number)): \(expression)")
            }
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `a window on days ends when its condition does`(_ seed: UInt64) throws {
        var rules = RandomRules(seed: seed)
        let (outer, inner) = (rules.window("A"), rules.window("B", beside: "A"))
        // Beside another condition the days are held against the bounds one by one.
        func list(_ other: String) -> String {
            """
            [MedicationRequest: "NSAID"] A
              with [MedicationRequest: "PPI"] B such that \(inner)\(other)
              where \(outer)\(other)
            """
        }
        let bench = try Bench(
            """
            define "Whole": exists ([MedicationRequest: "NSAID"] A where \(outer))
            define "Whole, apart": exists ([MedicationRequest: "NSAID"] A where \(outer) and true)
            define "Pair": exists (\(list("")))
            define "Pair, apart": exists (\(list(" and true")))
            """)
        for name in ["Whole", "Pair"] {
            let definition = try #require(bench.library.definitions[name])
            let apart = try #require(bench.library.definitions["\(name), apart"])
            for _ in 0..<10 {
                let patient = rules.patient()
                var now = Self.london.start(of: rules.day())
                // From change to change: there a day lies on a bound, or beside it.
                for _ in 0..<10 where now != .never {
                    var evaluation = bench.evaluation(patient, at: now, Self.london)
                    let (one, other) = (evaluation.judge(definition), evaluation.judge(apart))
                    try #require(one.truth == other.truth, "seed \(seed): \(outer); \(inner)")
                    try #require(
                        one.stableUntil == other.stableUntil, "seed \(seed): \(outer); \(inner)")
                    now = one.stableUntil
                }
            }
        }
    }

    @Test func `the rules of a window cost one look a change`() throws {
        // Early horizons are sound but not free: the common forms must have none.
        let bench = try Bench(
            """
            define "It": AgeInYears() >= 65
              and exists ([MedicationRequest: "NSAID"] M
                where Vigil.ClinicalDate(M) during Interval[Today() - 3 months, Today()])
              and not exists ([MedicationRequest: "PPI"] M
                where Vigil.ClinicalDate(M) during Interval[Today() - 6 months, Today() - 3 months])
            """)
        let definition = try #require(bench.library.definitions["It"])
        for seed in UInt64(0)..<50 {
            var rules = RandomRules(seed: seed)
            let patient = rules.patient()
            var now = ZoneTable.utc.start(of: try .on("2019-01-01"))
            var looks = 0
            while now != .never {
                var evaluation = bench.evaluation(patient, at: now, .utc)
                now = evaluation.judge(definition).stableUntil
                looks += 1
            }
            // Each fact enters and leaves a window twice at most, and there is one birthday.
            #expect(looks <= 4 * patient.facts.count + 3, "seed \(seed)")
        }
    }
}
