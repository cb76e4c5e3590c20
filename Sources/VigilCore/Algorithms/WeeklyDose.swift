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
        let facts = input.patient.facts
        var oftener: [Int] = []
        var unsaid: [Int] = []
        for (issue, text) in zip(issues, CurrentMedicines.directions(of: issues, 0, input)) {
            switch takesOftener(text) {
            case true?: oftener.append(issue)
            case false?: break
            case nil: unsaid.append(issue)
            }
        }
        guard let worst = oftener.last ?? unsaid.last else {
            result.assessment.ending = ending(issues, input)
            return result
        }
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

    /// Whether directions are for more than one day a week; nil where they do not say.
    private static func takesOftener(_ text: String?) -> Bool? {
        text.flatMap { Directions($0).isOftenerThanWeekly }
    }

    /// Why there is nothing to alert to any more: later directions put right the last ones that
    /// were wrong, or these left their window or were stopped.
    private static func ending(_ standing: [Int], _ input: borrowing AlgorithmInput) -> String {
        let facts = input.patient.facts
        let start = input.today.adding(months: -3) ?? .first
        let startYesterday = input.today.adding(days: -1)?.adding(months: -3) ?? .first
        var ending = "hazard-ended"
        for index in MedicineSupply.records(0, input) where !standing.contains(index) {
            guard facts[index].day >= startYesterday,
                takesOftener(CurrentMedicines.stated(index, facts)) != false
            else { continue }
            // Its window has ended today: nobody had to put it right.
            if facts[index].day < start { return "hazard-ended" }
            ending = facts[index].isStopped(on: input.today) ? "hazard-ended" : "corrected"
        }
        return ending
    }
}

/// Which of a patient's issues of a list say what is taken now.
enum CurrentMedicines {
    /// The issues that have come since a day and that no later one of the same product replaces,
    /// stopped ones left out, ascending; and until when that stands.
    ///
    /// What is left out hides nothing: it is gone before the newest are looked for. An order gives
    /// way to its dispense, and a statement that repeats another record says something only where
    /// it has directions of its own.
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
            // An earlier one may lend its directions to a record of the window.
            if let stop = fact.stoppedOn, stop > input.today {
                until = min(until, input.zone.start(of: stop))
            }
        }
        let today = input.today
        let current = MedicineSupply.records(role, input).filter { index in
            facts[index].day >= start && !facts[index].isStopped(on: today)
        }
        let saying = current.filter { index in
            facts[index].type == .medicationStatement && facts[index].details.directions != nil
                || !MedicineSupply.isReplaced(index, among: current, facts, today: today)
        }
        return saying.filter { index in
            !saying.contains { other in
                facts[other].day > facts[index].day
                    && facts[other].codings.contains(where: facts[index].codings.contains)
            }
        }
    }

    /// The directions of each of some issues, or those of the order that a supply without its own
    /// names, or else those that another record of the same supply has which was not stopped.
    static func directions(
        of issues: [Int], _ role: Int, _ input: borrowing AlgorithmInput
    ) -> [String?] {
        let facts = input.patient.facts
        let today = input.today
        let own = issues.map { stated($0, facts) }
        guard own.contains(nil) else { return own }
        let all = MedicineSupply.records(role, input)
        let firsts = MedicineSupply.firsts(of: all, facts, today: today)
        return zip(issues, own).map { issue, text in
            guard text == nil, let place = all.firstIndex(of: issue), let first = firsts[place]
            else { return text }
            for other in all.indices.reversed() where firsts[other] == first {
                guard !facts[all[other]].isStopped(on: today) else { continue }
                if let text = stated(all[other], facts) { return text }
            }
            return nil
        }
    }

    /// The directions of an issue, or those of the order that a supply without its own names.
    static func stated(_ index: Int, _ facts: [Fact]) -> String? {
        if let own = facts[index].details.directions { return own }
        guard let supply = facts[index].supply else { return nil }
        return facts.first { other in
            other.details.directions != nil && other.supply?.source == supply.source
                && (other.supply.map { supply.names.contains($0.id) } ?? false)
        }?.details.directions
    }
}

extension Fact {
    /// Whether it is no exposure any more: its order was stopped.
    fileprivate func isStopped(on day: CivilDay) -> Bool {
        stoppedOn.map { $0 <= day } ?? false
    }
}
