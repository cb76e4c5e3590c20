// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Weight gain in heart failure (clinical.md section 3.4): the day's first weight against the
/// lowest of the three days before.
enum HomeWeight {
    static let lists = ["weight"]

    private static let gain = ExactNumber(2)
    private static let otherPerson = ExactNumber(10)
    private static let comparedDays: Int32 = 3
    private static let medianDays: Int32 = 7
    private static let expiresAfterDays: Int32 = 4

    private struct Weight {
        var fact: Int
        var day: CivilDay
        var value: ExactNumber
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let weights = read(input, &result)
        guard let last = weights.last else { return result }
        let day = last.day.number
        // Four whole days without a weight.
        let expiry = CivilDay(number: day + expiresAfterDays + 1)
        guard input.today < expiry else {
            result.assessment.ending = "expired"
            return result
        }
        result.until = min(result.until, input.zone.start(of: expiry))
        let firsts = firstOfDays(weights)
        guard let first = firsts.last else { return result }
        guard let least = least(before: firsts.count - 1, in: firsts) else {
            // A weight that nothing can be compared with ends no gain that stands.
            result.isUnknown = mayStand(through: firsts, input)
            return result
        }
        result.assessment.ending = "recovered"
        guard first.value - least.value > gain else { return result }
        var assessment = Assessment(severity: .moderate)
        assessment.at = input.patient.facts[first.fact].date.instant
        assessment.basis = [first, least].map { weight in
            let fact = input.patient.facts[weight.fact]
            let text = weight.value.text(places: 2)
            return BasisRecord(
                offset: fact.offset, at: fact.date.instant, day: fact.day,
                value: (text, "kg", "kg"), display: "Weight \(text) kg")
        }
        assessment.rationale =
            "Weight \(first.value.text(places: 2)) kg on \(first.day), "
            + "\((first.value - least.value).text(places: 2)) kg more than on \(least.day)."
        assessment.response = "Ask about symptoms of heart failure; review the diuretic."
        result.assessment = assessment
        return result
    }

    /// The lowest of the days that a day is compared with; nil where they have no weight.
    private static func least(before place: Int, in firsts: [Weight]) -> Weight? {
        let day = firsts[place].day.number
        return firsts[..<place].filter { day - $0.day.number <= comparedDays }
            .min { $0.value < $1.value }
    }

    /// Whether a gain of an earlier day may stand on the last of some days, nothing having
    /// ended it since.
    private static func mayStand(
        through firsts: [Weight], _ input: borrowing AlgorithmInput
    ) -> Bool {
        guard var day = firsts.first?.day.number else { return false }
        // A gain that stood before the weights that are read, where the first is near enough.
        var stands = day - earliestDay(input) <= expiresAfterDays
        for (place, first) in firsts.enumerated() {
            if first.day.number - day > expiresAfterDays { stands = false }
            day = first.day.number
            if let least = least(before: place, in: firsts) {
                stands = first.value - least.value > gain
            }
        }
        return stands
    }

    /// The first day whose weights are read.
    private static func earliestDay(_ input: borrowing AlgorithmInput) -> Int32 {
        input.today.number - expiresAfterDays - comparedDays - 2 * medianDays
    }

    private static func firstOfDays(_ weights: [Weight]) -> [Weight] {
        var firsts: [Weight] = []
        for weight in weights where firsts.last?.day != weight.day { firsts.append(weight) }
        return firsts
    }

    /// The valid weights of the last weeks, in order.
    private static func read(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> [Weight] {
        var weights: [Weight] = []
        let from = earliestDay(input)
        for index in input.patient.facts.indices {
            let fact = input.patient.facts[index]
            guard fact.day.number >= from, fact.type == .observation, input.contains(fact, 0),
                let quantity = input.quantity(of: fact, 0)
            else { continue }
            guard input.hasCome(fact) else {
                result.until = min(result.until, input.arrival(of: fact))
                continue
            }
            guard
                let value = Measurement.weight.read(quantity, of: fact, noting: &result.problems)
            else { continue }
            let recent = weights.filter { fact.day.number - $0.day.number <= medianDays }
            if let median = recent.map(\.value).median,
                max(value - median, median - value) > otherPerson
            {
                result.problems.append(DataProblem(offset: fact.offset, code: "wrong-person"))
                continue
            }
            weights.append(Weight(fact: index, day: fact.day, value: value))
        }
        return weights
    }
}
