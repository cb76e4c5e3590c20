// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Whether creatinine and weight are known in time for a medicine that the kidneys clear
/// (clinical.md section 1.6, DOAC-RF; EHRA 2021).
///
/// In time is 12 months, 6 from the age of 75, and with a creatinine clearance of 60 mL/min or less
/// as many months as a tenth of it, whole ones, at least one (the rounding is ours).
enum KidneyTests {
    static let lists = ["creatinine", "weight"]

    /// What an age that is not known may be: an adult's that the formula admits.
    private static let ages = 18...139

    private enum Role: Int, CaseIterable {
        case creatinine, weight
    }

    /// A result of the last 12 months.
    private struct Newest {
        var fact: Int?
        var value: ExactNumber?
        /// Whether the newest value cannot be read.
        var isUnreadable = false
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        result.assessment.ending = "test-done"
        let creatinine = newest(.creatinine, input, &result)
        let weight = newest(.weight, input, &result)
        let age = self.age(input, &result)
        let ages = age.map { $0...$0 } ?? KidneyTests.ages
        let clearance = self.clearance(
            creatinine: creatinine.value, weight: weight.value, ages: ages, input)
        var months = self.months(ages: ages, clearance: clearance)
        // A clearance that cannot be told may ask for tests as often as can be.
        if creatinine.isUnreadable || weight.isUnreadable { months.least = 1 }
        for newest in [creatinine, weight] {
            guard let fact = newest.fact.map({ input.patient.facts[$0] }) else { continue }
            for months in Set([months.least, months.most, 12]).sorted() {
                let end = input.zone.start(of: fact.day.leaves(windowOfMonths: months))
                if end > input.now { result.until = min(result.until, end) }
            }
        }
        func lacks(_ months: Int) -> [String] {
            let start = input.today.adding(months: -months) ?? .first
            return zip(["creatinine", "weight"], [creatinine, weight]).compactMap { name, newest in
                newest.fact.map { input.patient.facts[$0].day >= start } ?? false ? nil : name
            }
        }
        let missing = lacks(months.most)
        guard !missing.isEmpty else {
            result.isUnknown = !lacks(months.least).isEmpty
            return result
        }
        var assessment = Assessment(severity: .moderate)
        assessment.rationale =
            "In the last \(months.most == 1 ? "month" : "\(months.most) months") there was no "
            + "\(missing.joined(separator: " and no "))"
            + (clearance.map { value in
                value.most <= ExactNumber(60)
                    ? "; a creatinine clearance of \(value.least == value.most ? "" : "at most ")"
                        + "\(value.most.text(places: 0)) mL/min asks for both that often." : "."
            } ?? ".")
        result.assessment = assessment
        return result
    }

    private static func newest(
        _ role: Role, _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Newest {
        let start = input.today.adding(months: -12) ?? .first
        var newest = Newest()
        for (index, fact) in input.patient.facts.enumerated()
        where fact.type == .observation || fact.type == .diagnosticReport {
            guard input.contains(fact, role.rawValue) else { continue }
            guard input.hasCome(fact) else {
                result.until = min(result.until, input.arrival(of: fact))
                continue
            }
            guard fact.day >= start else { continue }
            newest.fact = index
            guard let quantity = input.quantity(of: fact, role.rawValue) else { continue }
            let measurement: Measurement = role == .creatinine ? .creatinine : .weight
            newest.value = measurement.read(quantity, of: fact, noting: &result.problems)
            newest.isUnreadable = newest.value == nil
        }
        return newest
    }

    private static func age(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Int? {
        guard let birth = input.patient.birth?.day(in: input.zone) else { return nil }
        let age = birth.wholeYears(to: input.today)
        let birthday = birth.firstDay(ofAge: age + 1)
        result.until = min(result.until, input.zone.start(of: birthday))
        return age
    }

    /// Cockcroft and Gault, in mL/min, with a creatinine in µmol/L; the least and the greatest that
    /// it can be where the age or the sex is not known.
    private static func clearance(
        creatinine: ExactNumber?, weight: ExactNumber?, ages: ClosedRange<Int>,
        _ input: borrowing AlgorithmInput
    ) -> (least: ExactNumber, most: ExactNumber)? {
        guard let creatinine, let weight, ages.upperBound < 140 else { return nil }
        let (male, female) = (ExactNumber(123, over: 100), ExactNumber(104, over: 100))
        let gender = input.patient.gender
        func clearance(_ age: Int, _ factor: ExactNumber) -> ExactNumber {
            ExactNumber(Int128(140 - age)) * weight / creatinine * factor
        }
        return (
            clearance(ages.upperBound, gender == "male" ? male : female),
            clearance(ages.lowerBound, gender == "female" ? female : male)
        )
    }

    /// How many months tests are good for, at least and at most.
    private static func months(
        ages: ClosedRange<Int>, clearance: (least: ExactNumber, most: ExactNumber)?
    ) -> (least: Int, most: Int) {
        // The older, the sooner, and the less is cleared.
        let byAge = (ages.upperBound >= 75 ? 6 : 12, ages.lowerBound >= 75 ? 6 : 12)
        guard let clearance else { return byAge }
        func tenth(_ value: ExactNumber, _ byAge: Int) -> Int {
            guard value <= ExactNumber(60) else { return byAge }
            return min(byAge, max(1, Int(value.numerator / (value.denominator * 10))))
        }
        return (tenth(clearance.least, byAge.0), tenth(clearance.most, byAge.1))
    }
}
