// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Care after an asthma attack, and peak flow (clinical.md section 3.3).
enum AsthmaFollowUp {
    static let lists = AsthmaYear.lists + ["holidays"]
    static let peakFlowLists = ["pef", "best-pef"]

    private static let holidays = 5
    private static let expiresAfterDays = 28
    private static let peakFlowExpiresAfterDays: Int32 = 7
    /// How many days after it was measured a peak flow may be known and still raise an alert.
    private static let peakFlowTimelyDays: Int32 = 1

    /// No contact with the practice within two working days of leaving hospital.
    ///
    /// Each stay needs its own follow-up: one that is not overdue yet does not excuse an earlier
    /// one. The newest that is overdue is told of.
    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let facts = input.patient.facts
        var admitted: CivilDay?
        for index in facts.indices.reversed() where facts[index].type == .encounter {
            let fact = facts[index]
            guard let contact = AsthmaYear.contact(fact, input), let end = fact.endDay else {
                continue
            }
            // Who is kept in from the emergency department leaves hospital with the admission.
            let isKeptIn = admitted.map { $0 <= end } ?? false
            if contact == .admission, input.hasCome(fact) { admitted = fact.day }
            guard end <= input.today else {
                result.until = min(result.until, input.zone.start(of: end))
                continue
            }
            guard !isKeptIn else { continue }
            let expiry = end.adding(days: expiresAfterDays) ?? .last
            let isOver = input.today >= expiry
            if isOver && result.assessment.ending != nil { continue }
            if hasFollowUp(after: fact, ended: end, input, &result.until) {
                result.assessment.ending = result.assessment.ending ?? "test-done"
                continue
            }
            guard !isOver else {
                result.assessment.ending = "expired"
                continue
            }
            let overdue = overdueDay(after: end, input)
            guard input.today >= overdue else {
                result.until = min(result.until, input.zone.start(of: overdue))
                continue
            }
            result.until = min(result.until, input.zone.start(of: expiry))
            result.assessment = describe(fact, ended: end)
            return result
        }
        return result
    }

    private static func describe(_ fact: Fact, ended end: CivilDay) -> Assessment {
        var assessment = Assessment(severity: .high)
        assessment.basis = [
            BasisRecord(
                offset: fact.offset, at: fact.date.instant, day: fact.day,
                display: "Asthma attack, left hospital on \(end)")
        ]
        assessment.rationale =
            "No contact within 2 working days of leaving hospital on \(end) after an asthma "
            + "attack."
        assessment.response = "Arrange a review."
        return assessment
    }

    /// The day after the second working day.
    private static func overdueDay(
        after end: CivilDay, _ input: borrowing AlgorithmInput
    ) -> CivilDay {
        var day = end
        var left = 2
        while left > 0, let next = day.adding(days: 1) {
            day = next
            if isWorkingDay(day, input) { left -= 1 }
        }
        return day.adding(days: 1) ?? .last
    }

    private static func isWorkingDay(
        _ day: CivilDay, _ input: borrowing AlgorithmInput
    ) -> Bool {
        // 1970-01-01 was a Thursday.
        let weekday = (Int(day.number) % 7 + 7 + 3) % 7
        let list = input.reader.lists[input.reader.roles[holidays]]
        return weekday < 5 && !list.contains(system: "urn:vigil:holiday", code: day.description)
    }

    /// A later encounter that is neither an emergency nor an admission; of one that has not come
    /// yet `until` takes account.
    private static func hasFollowUp(
        after stay: Fact, ended end: CivilDay, _ input: borrowing AlgorithmInput,
        _ until: inout Instant
    ) -> Bool {
        for fact in input.patient.facts where fact.type == .encounter && fact.day >= end {
            // Of the day that the patient left on, what came before does not count.
            if let left = stay.endsAt, let seen = fact.date.instant, seen < left { continue }
            switch fact.details.encounterClass {
            case "AMB", "VR", "HH", "FLD":
                if input.hasCome(fact) { return true }
                until = min(until, input.arrival(of: fact))
            default: continue
            }
        }
        return false
    }

    // MARK: - Peak flow

    private struct Flow {
        var fact: Int
        var value: ExactNumber
        var isBest: Bool
    }

    static func assessPeakFlow(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let flows = read(input, &result)
        guard let newest = flows.last(where: { !$0.isBest }) else { return result }
        let fact = input.patient.facts[newest.fact]
        let expiry = CivilDay(number: fact.day.number + peakFlowExpiresAfterDays)
        guard input.today < expiry else {
            result.assessment.ending = "expired"
            return result
        }
        result.until = min(result.until, input.zone.start(of: expiry))
        let set = flows.last { $0.isBest }
        guard let best = set?.value ?? flows.map(\.value).max() else { return result }
        let percent = newest.value * ExactNumber(100) / best
        result.assessment.ending = "recovered"
        guard percent < ExactNumber(80) else { return result }
        let (severity, step, zone): (Severity, Int, String) =
            percent < ExactNumber(33)
            ? (.high, 3, "life-threatening")
            : percent < ExactNumber(50) ? (.high, 2, "red zone") : (.moderate, 1, "amber zone")
        var assessment = Assessment(severity: severity)
        assessment.step = step
        // What was known too late raises nothing, and ends nothing either.
        assessment.isStale =
            input.zone.day(of: fact.known).number - fact.day.number > peakFlowTimelyDays
        assessment.at = fact.date.instant
        let text = newest.value.text(places: 0)
        assessment.basis = [
            BasisRecord(
                offset: fact.offset, at: fact.date.instant, day: fact.day,
                value: (text, "L/min", "L/min"), display: "Peak flow \(text) L/min")
        ]
        assessment.rationale =
            "Peak flow \(text) L/min, \(percent.wholeText) % of the "
            + "\(set == nil ? "best of 24 months" : "best as set"), "
            + "\(best.text(places: 0)): \(zone)."
        assessment.response =
            step == 1
            ? "Follow the patient's action plan." : "Assess the same day; emergency if it persists."
        result.assessment = assessment
        return result
    }

    private static func read(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> [Flow] {
        let start = input.today.adding(months: -24) ?? .first
        var flows: [Flow] = []
        for (index, fact) in input.patient.facts.enumerated() where fact.type == .observation {
            let isBest = input.contains(fact, 1)
            guard isBest || (input.contains(fact, 0) && fact.day >= start),
                let quantity = input.quantity(of: fact, isBest ? 1 : 0)
            else { continue }
            guard input.hasCome(fact) else {
                result.until = min(result.until, input.arrival(of: fact))
                continue
            }
            let value = Measurement.peakFlow.read(quantity, of: fact, noting: &result.problems)
            if let value { flows.append(Flow(fact: index, value: value, isBest: isBest)) }
        }
        return flows
    }
}
