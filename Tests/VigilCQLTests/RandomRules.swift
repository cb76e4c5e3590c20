// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// SplitMix64 (Steele, Lea and Flood 2014): a seed names a test case for ever.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Random CQL expressions and patients, whose changes fall between 2019 and 2026.
struct RandomRules {
    private var random: SeededGenerator
    private var aliasCount = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// A library whose "It" is an expression of these rules.
    static func bench(_ expression: String) throws -> Bench {
        try Bench(
            """
            define "Recent": ([MedicationRequest: "NSAID"] union [MedicationRequest: "PPI"]) R
              where Vigil.ClinicalDate(R) during Interval[Today() - 6 months, Today()]
            define "It": \(expression)
            """)
    }

    private mutating func pick(_ choices: String...) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    mutating func day() -> CivilDay {
        // Month ends and leap days more often than by chance.
        if number(0...4) == 0, let end = CivilDay(year: number(2019...2025), month: 2, day: 28) {
            return CivilDay(number: end.number + Int32(number(0...1)))
        }
        if number(0...3) == 0,
            let first = CivilDay(year: number(2019...2025), month: number(1...12), day: 1)
        {
            return CivilDay(number: first.number - Int32(number(0...1)))
        }
        return CivilDay(number: Int32(number(17_897...20_453)))
    }

    // MARK: Expressions

    mutating func boolean(_ depth: Int) -> String {
        guard depth > 0 else { return leaf() }
        switch number(0...12) {
        case 0, 1, 2: return "(\(boolean(depth - 1)) and \(boolean(depth - 1)))"
        case 3, 4: return "(\(boolean(depth - 1)) or \(boolean(depth - 1)))"
        case 5: return "(\(boolean(depth - 1)) \(pick("xor", "implies")) \(boolean(depth - 1)))"
        case 6: return "(not \(boolean(depth - 1)))"
        case 7:
            let test = pick("null", "true", "false", "not null", "not true", "not false")
            return "(\(boolean(depth - 1)) is \(test))"
        case 8:
            return "(if \(boolean(depth - 1)) then \(boolean(depth - 1)) else \(boolean(0)))"
        case 9: return "Coalesce(\(boolean(depth - 1)), \(boolean(0)))"
        case 10:
            return "(\(pick("First", "Last"))(\(list(depth - 1))) is \(pick("null", "not null")))"
        default: return "(exists \(list(depth - 1)))"
        }
    }

    private mutating func leaf() -> String {
        switch number(0...11) {
        case 0: return "(AgeInYears() \(relation()) \(number(62...68)))"
        case 1: return "(AgeInMonths() + \(number(0...3)) \(relation()) \(number(760...800)))"
        case 2: return "(Today() \(relation()) \(literal()))"
        case 3: return "(\(shifted("Today()")) \(timing()) \(literal()))"
        case 4: return "(\(pick("Today()", shifted("Today()"))) \(timing()) \(patientDate()))"
        case 5: return "(\(patientDate()) is \(pick("null", "not null")))"
        case 6: return "(Count(\(list(1))) \(relation()) \(number(0...3)))"
        case 7: return "(\(endDate()) during \(interval()))"
        case 8:
            let unit = pick("years", "months", "weeks", "days")
            let measure = pick("", "difference in ")
            return "(\(measure)\(unit) between \(endDate()) and Today() "
                + "\(relation()) \(number(-3...30)))"
        case 9: return "(\(shifted(endDate())) \(timing()) Today())"
        case 10: return "(months between Today() and \(literalDay()) \(relation()) 6)"
        default: return "(exists \(list(2)))"
        }
    }

    private mutating func endDate() -> String {
        "Vigil.ClinicalDate(\(pick("First", "Last"))(\(list(1))))"
    }

    private mutating func patientDate() -> String {
        pick("Vigil.DeathDate()", "Vigil.DeregistrationDate()")
    }

    private mutating func literalDay() -> String { "@\(day())" }

    private mutating func literal() -> String {
        switch number(0...5) {
        case 0: "@\(day().description.prefix(4))"
        case 1: "@\(day().description.prefix(7))"
        default: literalDay()
        }
    }

    private mutating func relation() -> String { pick("<", "<=", "=", "!=", ">=", ">") }

    private mutating func timing() -> String {
        pick(
            "before", "after", "same or before", "same or after", "same day as", "same month as",
            "same year or before", "after month of", "on or before")
    }

    private mutating func quantity() -> String {
        switch number(0...3) {
        case 0: "\(number(0...90)) days"
        case 1: "\(number(0...8)) weeks"
        case 2: "\(number(0...15)) months"
        default: "\(number(0...2)) years"
        }
    }

    private mutating func shifted(_ base: String) -> String {
        let once = "\(base) \(pick("-", "-", "+")) \(quantity())"
        return number(0...3) == 0 ? "\(once) \(pick("-", "+")) \(quantity())" : once
    }

    private mutating func interval() -> String {
        let open = pick("[", "[", "(")
        let close = pick("]", "]", ")")
        switch number(0...4) {
        case 0:
            let months = number(0...6)
            return "Interval\(open)Today() - \(months + number(1...9)) months, "
                + "Today() - \(months) months\(close)"
        case 1: return "Interval\(open)Today() - \(number(1...400)) days, Today()\(close)"
        case 2: return "Interval\(open)Today() - \(quantity()), null\(close)"
        case 3: return "Interval\(open)\(patientDate()), Today() + 1 month\(close)"
        default: return "Interval\(open)Today() - \(number(1...15)) months, Today()\(close)"
        }
    }

    /// A condition on the day of one fact alone, or on that and the day of another.
    mutating func window(_ alias: String, beside other: String? = nil) -> String {
        let date = "Vigil.ClinicalDate(\(alias))"
        if let other, number(0...2) > 0 {
            let others = "Vigil.ClinicalDate(\(other))"
            return number(0...1) == 0
                ? "\(date) \(pick("before", "after", "same or after")) \(shifted(others))"
                : "\(date) during Interval[\(others) - \(quantity()), \(shifted(others))]"
        }
        return number(0...1) == 0
            ? "\(date) \(timing()) \(shifted("Today()"))" : "\(date) during \(interval())"
    }

    private mutating func list(_ depth: Int) -> String {
        guard depth > 0, number(0...3) > 0 else {
            return pick(
                "[MedicationRequest: \"NSAID\"]", "[MedicationRequest: \"PPI\"]",
                "[Condition: \"HF\"]", "\"Recent\"")
        }
        if number(0...3) == 0 { return "(\(list(depth - 1)) union \(list(depth - 1)))" }
        aliasCount += 1
        let alias = "A\(aliasCount)"
        return "(\(list(depth - 1)) \(alias) where \(condition(alias, depth - 1)))"
    }

    private mutating func condition(_ alias: String, _ depth: Int) -> String {
        let date = "Vigil.ClinicalDate(\(alias))"
        switch number(0...9) {
        case 0: return "\(alias).status = \(pick("'active'", "'stopped'"))"
        case 1: return "\(date) \(timing()) \(shifted("Today()"))"
        case 2: return "\(shifted(date)) \(timing()) Today()"
        case 3: return "Vigil.EndDate(\(alias)) \(timing()) Today()"
        case 4: return "years between \(date) and Today() < \(number(1...3))"
        case 5: return "(\(condition(alias, 0)) \(pick("and", "or")) \(condition(alias, 0)))"
        case 6 where depth > 0:
            aliasCount += 1
            let inner = "A\(aliasCount)"
            return "exists (\(list(0)) \(inner) where Vigil.ClinicalDate(\(inner)) during "
                + "Interval[\(date) - 28 days, \(pick(date, "Today()"))])"
        default: return "\(date) during \(interval())"
        }
    }

    // MARK: Patients

    mutating func patient() -> PatientFacts {
        var patient = PatientFacts()
        if number(0...4) > 0 {
            let age = Int32(number(22_600...24_900))
            patient.birth = ClinicalTime(
                writtenDay: CivilDay(number: 19_700 - age), precision: .day)
        }
        if number(0...3) == 0 { patient.deathDay = day() }
        if number(0...3) == 0 { patient.deregistrationDay = day() }
        for offset in 0..<number(0...8) {
            let list = number(0...2)
            let day = day()
            var fact = Fact(
                type: list == 2 ? .condition : .medicationRequest, offset: UInt64(offset),
                codings: [CodingID(index: Int32(list))],
                date: ClinicalTime(writtenDay: day, precision: .day), day: day)
            if number(0...4) == 0 { fact.stoppedOn = self.day() }
            if number(0...2) == 0 { fact.endDay = self.day() }
            if number(0...2) > 0 {
                fact.details = FactDetails(status: pick("active", "stopped"))
            }
            patient.facts.append(fact)
        }
        patient.facts.sort { ($0.day, $0.offset) < ($1.day, $1.offset) }
        return patient
    }
}
