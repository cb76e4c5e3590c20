// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Methotrexate that is not taken once a week (clinical.md sections 1.6 and 3.4, MTX-DAY).
enum WeeklyDose {
    static let lists = ["met"]

    /// The newest directions of each product say how it is taken.
    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let start = input.today.adding(months: -3) ?? .first
        let issues = CurrentMedicines.newest(of: 0, since: start, input, &result.until)
        result.assessment.ending = "corrected"
        let facts = input.patient.facts
        var oftener: [Int] = []
        var unsaid: [Int] = []
        for issue in issues {
            let text = CurrentMedicines.directions(of: issue, input)
            switch text.flatMap({ Directions($0).isOftenerThanWeekly }) {
            case true?: oftener.append(issue)
            case false?: break
            case nil: unsaid.append(issue)
            }
        }
        guard let worst = oftener.last ?? unsaid.last else { return result }
        let isOftener = !oftener.isEmpty
        var assessment = Assessment(severity: isOftener ? .high : .low)
        assessment.basis = [
            BasisRecord(
                offset: facts[worst].offset, at: facts[worst].date.instant, day: facts[worst].day,
                display: "Methotrexate issued \(facts[worst].day)")
        ]
        assessment.rationale =
            isOftener
            ? "The directions of \(facts[worst].day) are for more than one day a week."
            : "The directions of \(facts[worst].day) do not say how often it is taken: review."
        result.assessment = assessment
        return result
    }
}

/// Which of a patient's issues of a list say what is taken now.
enum CurrentMedicines {
    /// The issues that have come since a day and that no later one of the same product replaces,
    /// stopped ones left out, ascending; and until when that stands.
    static func newest(
        of role: Int, since start: CivilDay, _ input: borrowing AlgorithmInput,
        _ until: inout Instant
    ) -> [Int] {
        let facts = input.patient.facts
        for fact in facts where fact.type.isMedicine && input.contains(fact, role) {
            if !input.hasCome(fact) {
                until = min(until, input.arrival(of: fact))
            } else if fact.day >= start {
                until = min(until, input.zone.start(of: fact.day.leaves(windowOfMonths: 3)))
            }
        }
        let current = MedicineSupply.issues(role, input).filter { index in
            facts[index].day >= start && facts[index].stoppedOn.map { $0 > input.today } ?? true
        }
        return current.filter { index in
            !current.contains { other in
                facts[other].day > facts[index].day
                    && facts[other].codings.contains(where: facts[index].codings.contains)
            }
        }
    }

    /// The directions of an issue, or those of the order that a supply without its own names.
    static func directions(of index: Int, _ input: borrowing AlgorithmInput) -> String? {
        let facts = input.patient.facts
        if let own = facts[index].details.directions { return own }
        guard let supply = facts[index].supply else { return nil }
        return facts.first { other in
            other.details.directions != nil && other.supply?.source == supply.source
                && (other.supply.map { supply.names.contains($0.id) } ?? false)
        }?.details.directions
    }
}
