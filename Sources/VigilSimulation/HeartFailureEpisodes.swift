// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Stories about hf-p3i: an NSAID in heart failure.
extension Episode {
    private static let rule = "hf-p3i"

    mutating func tellFailureFirst() {
        isAged(draws.within(40...55))
        diagnose(.heartFailure, at: opening(day: 1), onset: start.adding(days: -500))
        let hazard = opening(day: early())
        issue(Formulary.nonSteroidals, at: hazard)
        expect(
            Episode.rule, from: instant(hazard), to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "An NSAID for a patient with known heart failure.")
    }

    mutating func tellFailureLater() {
        isAged(draws.within(40...55))
        let hazard = opening(day: early())
        let diagnosis = opening(day: hazard.day + draws.within(1...80))
        issue(Formulary.nonSteroidals, at: hazard)
        diagnose(.heartFailure, at: diagnosis)
        expect(
            Episode.rule, from: instant(diagnosis), to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "Heart failure is diagnosed while an NSAID is in the window.")
    }

    mutating func tellDiagnosisRefuted() {
        isAged(draws.within(40...55))
        let diagnosis = opening(day: early())
        let hazard = opening(day: diagnosis.day + draws.within(1...40))
        let refutation = opening(day: hazard.day + draws.within(1...40))
        let record = diagnose(.heartFailure, at: diagnosis)
        issue(Formulary.nonSteroidals, at: hazard)
        again(record, at: refutation, verification: .refuted)
        expect(
            Episode.rule, from: instant(hazard), to: instant(refutation),
            because: "An NSAID in heart failure, until the diagnosis is refuted.")
    }

    mutating func tellTwoRules() {
        isAged(draws.within(70...90))
        diagnose(.heartFailure, at: opening(day: 1), onset: start.adding(days: -900))
        let hazard = opening(day: early())
        issue(Formulary.nonSteroidals, at: hazard)
        let why =
            "An NSAID for a patient over 65 with heart failure and no gastroprotection: two "
            + "rules."
        let end = midnight(lapse(ofIssueOn: hazard.day))
        expect(Episode.rule, from: instant(hazard), to: end, because: why)
        expect("gi-p3a", from: settled(hazard), to: end, because: why)
    }

    // MARK: Near misses

    mutating func tellDiagnosisInDoubt() {
        isAged(draws.within(40...55))
        let diagnosis = opening(day: early())
        diagnose(.heartFailure, at: diagnosis, verification: .differential)
        issue(Formulary.nonSteroidals, at: opening(day: diagnosis.day + draws.within(1...40)))
    }

    mutating func tellDiagnosedAfterWindow() {
        isAged(draws.within(40...55))
        let hazard = opening(day: early())
        issue(Formulary.nonSteroidals, at: hazard)
        diagnose(.heartFailure, at: opening(day: lapse(ofIssueOn: hazard.day)))
    }
}
