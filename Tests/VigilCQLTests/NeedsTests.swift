// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL

@testable import VigilCore

/// What a rule cannot be true without: where it is missing, the rule is not evaluated.
struct NeedsTests {
    private func needs(_ expression: String) throws -> [ListSet] {
        let bench = try Bench("define \"It\": \(expression)")
        return try needs(of: bench)
    }

    private func needs(of bench: Bench) throws -> [ListSet] {
        ProgramNeeds(of: bench.library.program, membership: bench.membership)
            .needs(of: try #require(bench.library.definitions["It"]))
    }

    private func set(_ lists: Int...) throws -> ListSet {
        var set = ListSet(of: try Bench("define \"It\": true").membership)
        for list in lists { set.insert(list) }
        return set
    }

    @Test func `a list that must have something in it is needed`() throws {
        #expect(
            try needs(
                """
                AgeInYears() >= 65
                  and exists ([MedicationRequest: "NSAID"] M
                    where Vigil.ClinicalDate(M) during Interval[Today() - 3 months, Today()])
                  and not exists [MedicationRequest: "PPI"]
                """) == [set(0)])
    }

    @Test func `either of two lists will do`() throws {
        let both = """
            (exists [MedicationRequest: "NSAID"] and exists [Condition: "HF"])
              or exists [MedicationRequest: "PPI"]
            """
        #expect(try needs(both) == [set(0, 1), set(2, 1)])
        let union = "exists ([MedicationRequest: \"NSAID\"] union [MedicationRequest: \"PPI\"])"
        #expect(try needs(union) == [set(0, 1)])
    }

    @Test func `what the latest result is asked of must have been measured`() throws {
        let latest = "Last([Observation: \"HF\"] R where Vigil.HasResult(R, \"HF\"))"
        #expect(
            try needs("\(latest) is not null and Vigil.Number(\(latest), \"HF\", '%') > 3")
                == [set(2)])
        #expect(try needs("not (First([Observation: \"HF\"]) is null)") == [set(2)])
        let named = """
            exists [MedicationRequest: "NSAID"] and "Is measured"
            define "Latest": \(latest)
            define "Is measured": "Latest" is not null
            """
        #expect(try needs(named) == [set(0), set(2)])
        #expect(try needs("\(latest) is null") == [])
    }

    @Test func `nothing is needed where absence or the unknown may decide`() throws {
        #expect(try needs("not exists [MedicationRequest: \"NSAID\"]") == [])
        #expect(try needs("Count([MedicationRequest: \"NSAID\"]) > 0") == [])
        #expect(try needs("(exists [Condition: \"HF\"]) is not true") == [])
    }

    @Test func `what tells of a result that cannot be read is evaluated`() throws {
        let number = """
            Vigil.Number(Last([Observation: "HF"]), "HF", '%') > 30
              and exists [MedicationRequest: "NSAID"]
            """
        #expect(try needs(number) == [])
        let after = """
            exists [MedicationRequest: "NSAID"]
              and Vigil.Number(Last([Observation: "HF"]), "HF", '%') > 30
            """
        #expect(try needs(after) == [set(0)])
    }

    @Test func `without what it needs a rule is false for ever, and tells of nothing`() throws {
        var missing = 0
        for seed in UInt64(0)..<600 {
            var rules = RandomRules(seed: seed)
            let expression = rules.boolean(3)
            let bench = try RandomRules.bench(expression)
            let definition = try #require(bench.library.definitions["It"])
            let needs = try needs(of: bench)
            for _ in 0..<4 {
                let patient = rules.patient()
                guard !bench.evaluation(patient, at: .never, .utc).meets(needs) else { continue }
                missing += 1
                for _ in 0..<6 {
                    let now = ZoneTable.utc.start(of: rules.day())
                    var evaluation = bench.evaluation(patient, at: now, .utc)
                    #expect(
                        evaluation.judge(definition).truth == .no, "seed \(seed): \(expression)")
                    #expect(evaluation.unreadable.isEmpty && evaluation.errorCount == 0)
                }
            }
        }
        #expect(missing > 100, "so few rules had needs that were not met: \(missing)")
    }
}
