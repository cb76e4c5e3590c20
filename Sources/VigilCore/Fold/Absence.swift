// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// That a rule takes it for evidence that nothing of a kind was recorded.
package struct AbsenceTest: Hashable, Sendable {
    /// The kind of event that would have told of it.
    package var kind: EventKind
    /// The length of the window in which there is nothing.
    package var months: Int
    /// Whether the denominator rests on it too.
    package var inDenominator: Bool

    package init(kind: EventKind, months: Int, inDenominator: Bool) {
        self.kind = kind
        self.months = months
        self.inDenominator = inDenominator
    }
}

/// Absence is evidence only where someone would have told us (design section 5).
extension Fold {
    /// Until when an absence that a rule rests on says nothing of a patient; nil where it does.
    ///
    /// It says nothing while a history of the patient is being loaded, while a source that tells
    /// of its kind is silent and some minutes after, and before the events of its kind are
    /// complete for the whole window. Where no coverage is set they are.
    func unknownAbsence(of rule: Rule, patient: Int, now: Instant) -> Instant? {
        guard !rule.absences.isEmpty else { return nil }
        if !patients[patient].loads.isEmpty { return .never }
        var until: Instant?
        for absence in rule.absences {
            let practice = patients[patient].practice
            let ends = [
                coverageStart(absence, practice: practice, now: now),
                watch.unknown(absence.kind, of: practice, at: now),
            ]
            for case let end? in ends { until = max(until ?? end, end) }
        }
        return until
    }

    /// When a practice's coverage will span an absence's window; nil where it does.
    private func coverageStart(
        _ absence: AbsenceTest, practice: String, now: Instant
    ) -> Instant? {
        let setting = settings.coverage.first {
            $0.practice == practice && $0.kind == absence.kind
        }
        guard let from = setting?.from else { return nil }
        func spans(_ day: CivilDay) -> Bool {
            day.adding(months: -absence.months).map { $0 >= from } ?? false
        }
        guard !spans(zone.day(of: now)) else { return nil }
        guard var day = from.adding(months: absence.months) else { return .never }
        // Month arithmetic clips: the first day that spans the window may be some days later.
        while !spans(day) { day = CivilDay(number: day.number + 1) }
        return zone.start(of: day)
    }

    /// A rule's judgement, where what it rests on is no evidence as unknown.
    func known(
        _ judgement: Judgement, of rule: Rule, patient: Int, now: Instant
    ) -> Judgement {
        guard judgement.truth == .yes,
            let until = unknownAbsence(of: rule, patient: patient, now: now)
        else { return judgement }
        return Judgement(truth: .unknown, stableUntil: min(judgement.stableUntil, until))
    }
}
