// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Opioids that come to 120 mg of oral morphine a day (clinical.md section 1.6, OME-120).
///
/// What directions leave open is left open: the day's amount lies between two bounds, and the rule
/// is true where the lower one reaches the limit, false where the upper one does not, and unknown
/// between.
enum OpioidDose {
    static let lists = ["opioid"]

    /// In milligrams of oral morphine a day.
    private static let limit = ExactNumber(120)

    private struct Issue {
        var fact: Int
        var amount: MedicineAmount
        /// Milligrams of oral morphine a day by its directions.
        var aDay: Bounds
        /// The same as the product is usually taken; nil where the product does not say.
        var usual: ExactNumber?
        /// When the supply ends, where that is known.
        var end: CivilDay?
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        result.assessment.ending = "recovered"
        let start = input.today.adding(months: -3) ?? .first
        let newest = CurrentMedicines.newest(of: 0, since: start, input, &result.until)
        let firsts = MedicineSupply.firsts(of: newest, input.patient.facts, today: input.today)
        let directions = CurrentMedicines.directions(of: newest, 0, input)
        // A supply that is told of twice is taken once, as its newest record says.
        let issues: [Issue] = newest.indices.compactMap { place in
            firsts[place] == nil || firsts[(place + 1)...].contains(firsts[place])
                ? nil : issue(newest[place], directions[place], input)
        }
        var total = Bounds(ExactNumber(0))
        for issue in issues {
            if let end = issue.end, let next = end.adding(days: 1), end >= input.today {
                result.until = min(result.until, input.zone.start(of: next))
            }
            total = total + share(of: issue, among: issues, input)
        }
        let product = issues.last { $0.usual.map { $0 >= limit } ?? false }
        guard product != nil || total.least >= limit else {
            result.isUnknown = total.most.map { $0 >= limit } ?? true
            return result
        }
        var assessment = Assessment(severity: .high)
        assessment.rationale =
            total.least >= limit
            ? "By their directions opioids come to \(total.least.text(places: 1)) mg of oral "
                + "morphine a day or more."
            : "The strength alone, as it is usually taken, comes to "
                + "\(product?.usual?.text(places: 1) ?? "120") mg of oral morphine a day."
        result.assessment = assessment
        return result
    }

    /// What an issue is certain, and what it may be, to add to the day.
    ///
    /// Where nobody says how long a supply lasts, only the newest day's issues of a substance are
    /// certain to be taken still.
    private static func share(
        of issue: Issue, among issues: [Issue], _ input: borrowing AlgorithmInput
    ) -> Bounds {
        let facts = input.patient.facts
        if let end = issue.end {
            return end < input.today ? Bounds(ExactNumber(0)) : issue.aDay
        }
        let isNewest = !issues.contains { other in
            other.amount.substance == issue.amount.substance
                && facts[other.fact].day > facts[issue.fact].day
        }
        return isNewest ? issue.aDay : Bounds(ExactNumber(0), issue.aDay.most)
    }

    private static func issue(
        _ index: Int, _ directions: String?, _ input: borrowing AlgorithmInput
    ) -> Issue {
        let fact = input.patient.facts[index]
        // A code of a product says more than one of a substance.
        let amounts = fact.codings.compactMap { input.amount(of: $0, 0) }
        guard let amount = amounts.first(where: { $0.strength != nil }) ?? amounts.first,
            let factor = ExactNumber(decimal: amount.factor)
        else {
            return Issue(
                fact: index,
                amount: MedicineAmount(
                    substance: "", strength: nil, unit: "mg", factor: "1", usualADay: nil),
                aDay: .unknown)
        }
        let directions = directions.map { Directions($0) }
        let dose = DoseReading(amount)
        var issue = Issue(fact: index, amount: amount, aDay: .unknown)
        if amount.unit == "ug/h" {
            // Whoever wears patches wears one at least.
            let one = dose.strength.map { Bounds($0, nil) } ?? .unknown
            issue.aDay = (directions?.atATime(dose.read) ?? one) * Bounds(factor)
        } else if let directions {
            issue.aDay = directions.aDay(dose.read) * Bounds(factor)
        }
        if let strength = dose.strength,
            let times = amount.usualADay.flatMap({
                ExactNumber(decimal: $0)
            })
        {
            issue.usual = strength * factor * times
        }
        issue.end = fact.supplyEnd ?? dose.lasts(fact, directions)
        return issue
    }
}

/// Reads doses of a product in the unit of its strength.
struct DoseReading {
    private let amount: MedicineAmount
    /// Of one unit of the product.
    let strength: ExactNumber?

    private static let milligrams: [String: ExactNumber] = [
        "mg": ExactNumber(1), "g": ExactNumber(1000), "ug": ExactNumber(1, over: 1000),
        "mcg": ExactNumber(1, over: 1000), "microgram": ExactNumber(1, over: 1000),
        "micrograms": ExactNumber(1, over: 1000), "milligram": ExactNumber(1),
        "milligrams": ExactNumber(1),
    ]
    private static let units = [
        "", "1", "tablet", "tablets", "tab", "tabs", "tbl", "capsule", "capsules", "cap", "caps",
        "patch", "patches", "unit", "units", "sachet", "sachets", "suppository", "suppositories",
    ]
    private static let millilitres = ["ml", "millilitre", "millilitres"]
    private static let rates = ["ug/h", "ug/hr", "mcg/h", "mcg/hr", "microgram/hour"]

    init(_ amount: MedicineAmount) {
        self.amount = amount
        strength = amount.strength.flatMap { ExactNumber(decimal: $0) }
    }

    /// One dose in the strength's unit: milligrams, or micrograms an hour; nil where the dose's
    /// unit does not say that.
    func read(_ value: String, _ unit: String?) -> ExactNumber? {
        guard let number = ExactNumber(decimal: value) else { return nil }
        let name = (unit ?? "").lowercased().filter { !"{}()".contains($0) }
        if amount.unit == "ug/h" {
            if DoseReading.rates.contains(name) { return number }
        } else if let factor = DoseReading.milligrams[name] {
            return number * factor
        }
        let isCounted =
            amount.unit == "mg/mL"
            ? DoseReading.millilitres.contains(name) : DoseReading.units.contains(name)
        guard isCounted, let strength else { return nil }
        return number * strength
    }

    /// Until when a supply lasts that states no duration: the quantity, divided by what is taken
    /// in a day; nil where one of them is not known.
    func lasts(_ fact: Fact, _ directions: Directions?) -> CivilDay? {
        guard amount.unit != "ug/h", let quantity = fact.details.quantity,
            let whole = read(quantity.value, quantity.unit),
            let aDay = directions?.aDay(read), aDay.least > ExactNumber(0), aDay.least == aDay.most
        else { return nil }
        let days = whole / aDay.least
        guard days < ExactNumber(10_000) else { return nil }
        return fact.day.adding(days: Int(days.numerator / days.denominator))
    }
}
