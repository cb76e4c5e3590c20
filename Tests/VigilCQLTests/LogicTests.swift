// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// CQL's operators on plain values, after the specification's tables.
struct LogicTests {
    @Test(arguments: [
        // left, right: and, or, xor, implies
        "true  true  : yes     yes     no      yes",
        "true  false : no      yes     yes     no",
        "true  null  : unknown yes     unknown unknown",
        "false true  : no      yes     yes     yes",
        "false false : no      no      no      yes",
        "false null  : no      unknown unknown yes",
        "null  true  : unknown yes     unknown yes",
        "null  false : no      unknown unknown unknown",
        "null  null  : unknown unknown unknown unknown",
    ])
    func `connectives follow three-valued logic`(_ row: String) throws {
        let words = row.split(separator: " ").map(String.init)
        for (operation, expected) in zip(["and", "or", "xor", "implies"], words.dropFirst(3)) {
            // A null of a patient rather than a literal, so that nothing can be settled early.
            let operands = words.prefix(2).map { $0 == "null" ? "(AgeInYears() > 1)" : $0 }
            let truth = try Bench.truth(of: "\(operands[0]) \(operation) \(operands[1])")
            #expect("\(truth)" == expected, "\(operation) of \(row)")
        }
    }

    @Test(arguments: [
        "not true: no", "not false: yes", "not null: unknown",
        "null is null: yes", "null is not null: no", "null is true: no", "null is false: no",
        "null is not true: yes", "null is not false: yes", "false is false: yes",
        "true is not true: no", "not null is null: no", "not 1 = 1: invalid",
        "1 < 2: yes", "2 <= 2: yes", "2 != 2: no", "null = null: unknown", "null ~ null: yes",
        "1 ~ null: no", "1 !~ null: yes", "1 + 2 * 3 = 7: yes", "(1 + 2) * 3 = 9: yes",
        "-2147483648 < 0: yes", "2147483647 + 1 = 0: unknown", "1 - 2 = -1: yes",
        "- (3) = -3: yes", "true and true or false and false: yes",
        "true or true and false: yes", "5 between 5 and 6: yes", "4 between 5 and 6: no",
        "null between 5 and 6: unknown", "if null then false else true: yes",
        "if true then null else true: unknown", "case when false then false else true end: yes",
        "case 2 when 1 then false when 2 then true else null end: yes",
        "Coalesce(null, null, true): yes", "Coalesce(false, true): no",
        "'a' = 'a': yes", "'a' != 'b': yes", "'it\\'s' = 'it\\'s': yes",
        "true = false: no",
        "3 in Interval[3, 5]: yes", "3 in Interval(3, 5]: no", "5 in Interval[3, 5): no",
        "9 in Interval[3, null]: yes", "9 in Interval[3, null): unknown",
        "2 in Interval[3, null): no", "end of Interval[3, 5) = 4: yes",
        "start of Interval(3, 5] = 4: yes",
    ])
    func `operators on plain values follow the specification`(_ row: String) throws {
        let (expression, expected) = try halves(row)
        if expected == "invalid" {
            #expect(throws: CQLError.self) { try Bench.truth(of: expression) }
        } else {
            #expect("\(try Bench.truth(of: expression))" == expected)
        }
    }

    @Test(arguments: [
        "@2024-01-31 < @2024-02-01: yes", "@2024-01 < @2024-02-15: yes",
        "@2024-01 < @2024-01-15: unknown", "@2024-01 = @2024-01: yes", "@2024-01 < @2024-01: no",
        "@2024-01 = @2024-01-15: unknown", "@2024 < @2025-06: yes", "@2024 = @2024-06: unknown",
        "@2024-01 ~ @2024-01-15: no",
        "@2024-01-31 same month as @2024-01-01: yes",
        "@2024-01-31 same year as @2024-12-01: yes",
        "@2024-01 same year as @2024-12-01: yes",
        "@2024-01-31 same month or before @2024-01-01: yes",
        "@2024-01-31 same or before @2024-01-01: no",
        "@2024-01-31 before month of @2024-02-01: yes",
        "@2024-01-31 before month of @2024-01-01: no",
        "@2024-01-31 on or after @2024-01-31: yes",
        "@2024-01-31 after or on @2024-02-01: no",
        "@2024-01-31 + 1 month = @2024-02-29: yes",
        "@2023-01-31 + 1 month = @2023-02-28: yes",
        "@2024-02-29 + 1 year = @2025-02-28: yes",
        "@2024-02-29 - 1 month = @2024-01-29: yes",
        "@2024-03-01 - 1 day = @2024-02-29: yes",
        "@2024-01-01 + 2 weeks = @2024-01-15: yes",
        "@2024-01 + 1 month = @2024-02: yes", "@2024 + 23 months = @2025: yes",
        "@9999-12-31 + 1 day = @9999-12-31: unknown",
        "years between @2000-02-29 and @2024-02-28 = 23: yes",
        "years between @2000-02-29 and @2023-03-01 = 23: yes",
        "months between @2024-01-31 and @2024-02-29 = 0: yes",
        "months between @2024-02-29 and @2024-01-31 = 0: yes",
        "months between @2024-03-01 and @2024-02-01 = -1: yes",
        "weeks between @2024-01-01 and @2024-01-14 = 1: yes",
        "duration in days between @2024-02-28 and @2024-03-01 = 2: yes",
        "difference in months between @2024-01-31 and @2024-02-01 = 1: yes",
        "difference in years between @2023-12-31 and @2024-01-01 = 1: yes",
        "difference in weeks between @2024-01-06 and @2024-01-07 = 1: yes",
        "difference in weeks between @1960-01-02 and @1960-01-03 = 1: yes",
        "@2024-01-15 during Interval[@2024-01-01, @2024-01-31]: yes",
        "@2024-01-15 during Interval[null, @2024-01-31]: yes",
        "@2024-02-15 before Interval[@2024-03-01, @2024-03-31]: yes",
        "@2024-03-01 before Interval[@2024-03-01, @2024-03-31]: no",
        "Interval[@2024-03-01, @2024-03-31] before @2024-04-01: yes",
        "@2024-03-01 same or before Interval[@2024-03-01, @2024-03-31]: yes",
        "@2024-04-01 after Interval[@2024-03-01, @2024-03-31]: yes",
        "start of Interval[null, @2024-03-31] = @0001-01-01: yes",
        "@2024-02-01 during Interval[@2024-01-01, Vigil.DeathDate()]: yes",
        "@2024-02-01 during Interval[@2024-01-01, Vigil.DeathDate()): unknown",
        "date from Now() = Today(): yes", "Today() = @2024-03-01: yes",
        "Today() during day of Interval[@2024-03-01, @2024-03-01]: yes",
    ])
    func `dates follow the specification`(_ row: String) throws {
        let (expression, expected) = try halves(row)
        #expect("\(try Bench.truth(of: expression))" == expected)
    }

    private func halves(_ row: String) throws -> (expression: String, expected: String) {
        let colon = try #require(row.lastIndex(of: ":"))
        return (String(row[..<colon]), row[colon...].dropFirst(2).description)
    }

    @Test(arguments: [
        // Exactly on the 65th birthday; 29 February is reached on 1 March.
        ("1959-04-10", "2024-04-09", 64), ("1959-04-10", "2024-04-10", 65),
        ("1960-02-29", "2025-02-28", 64), ("1960-02-29", "2025-03-01", 65),
        ("1960-02-29", "2024-02-29", 64),
    ])
    func `age counts whole years on the calendar`(
        _ birth: String, _ day: String, _ years: Int
    ) throws {
        let patient = try PatientFacts("born \(birth)")
        #expect(try Bench.truth(of: "AgeInYears() = \(years)", on: day, patient: patient) == .yes)
        let there = "AgeInYearsAt(@\(day)) = \(years)"
        #expect(try Bench.truth(of: there, patient: patient) == .yes)
    }

    @Test func `a partial birth date stands for its first day`() throws {
        var patient = PatientFacts()
        patient.birth = ClinicalTime(writtenDay: try .on("1959-01-01"), precision: .year)
        #expect(
            try Bench.truth(of: "AgeInYears() >= 65", on: "2024-01-01", patient: patient) == .yes)
    }

    @Test func `an interval that ends before it starts holds nothing and excludes nothing`() throws
    {
        let patient = try PatientFacts("died 2023-01-01")
        let expression = "@2024-02-01 during Interval[@2024-01-01, Vigil.DeathDate()]"
        #expect(try Bench.truth(of: expression, patient: patient) == .unknown)
    }
}
