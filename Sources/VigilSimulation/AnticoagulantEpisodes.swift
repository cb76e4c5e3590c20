// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Stories about gi-p3d: an NSAID with an oral anticoagulant.
///
/// Their patients are under 65, so that gi-p3a has no part in them.
extension Episode {
    private static let rule = "gi-p3d"

    mutating func tellAnticoagulatedFirst() {
        isAged(draws.within(30...55))
        let anticoagulant = opening(day: early())
        let hazard = opening(day: anticoagulant.day + draws.within(1...80))
        for month in 0..<6 {
            issue(
                [.apixaban],
                at: month == 0 ? anticoagulant : opening(day: anticoagulant.day + 28 * month))
        }
        issue(Formulary.nonSteroidals, at: hazard)
        expect(
            Episode.rule, from: instant(hazard),
            to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "An NSAID for a patient on an anticoagulant: raised at once.")
    }

    mutating func tellNonSteroidalFirst() {
        isAged(draws.within(30...55))
        let hazard = opening(day: early())
        let anticoagulant = opening(day: hazard.day + draws.within(1...80))
        issue(Formulary.protections, at: hazard)
        issue(Formulary.nonSteroidals, at: hazard.minutesLater(1))
        issue(Formulary.anticoagulants, at: anticoagulant)
        expect(
            Episode.rule, from: instant(anticoagulant), to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "An anticoagulant is begun within three months of an NSAID; gastroprotection "
                + "makes no difference.")
    }

    mutating func tellAnticoagulantLapses() {
        isAged(draws.within(30...55))
        let anticoagulant = opening(day: early())
        let hazard = opening(day: anticoagulant.day + draws.within(10...80))
        issue(Formulary.anticoagulants, at: anticoagulant)
        issue(Formulary.nonSteroidals, at: hazard)
        expect(
            Episode.rule, from: instant(hazard), to: midnight(lapse(ofIssueOn: anticoagulant.day)),
            because: "An NSAID for a patient on an anticoagulant, which leaves the window first.")
    }

    mutating func tellEighteenthBirthday() {
        let hazard = opening(day: early())
        var birthday = hazard.day + draws.within(1...70)
        if !canBeBirthday(birthday) { birthday += 1 }
        turns(18, onDay: birthday)
        issue(Formulary.anticoagulants, at: hazard)
        issue(Formulary.nonSteroidals, at: hazard.minutesLater(3))
        expect(
            Episode.rule, from: midnight(birthday), to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "The 18th birthday comes while both medicines are in the window.")
    }

    // MARK: Near misses

    mutating func tellAnticoagulantJustLapsed() {
        isAged(draws.within(30...55))
        let anticoagulant = opening(day: early())
        issue(Formulary.anticoagulants, at: anticoagulant)
        issue(Formulary.nonSteroidals, at: opening(day: lapse(ofIssueOn: anticoagulant.day)))
    }

    mutating func tellInjectedAnticoagulant() {
        isAged(draws.within(30...55))
        let moment = opening(day: early())
        issue([.enoxaparin], at: moment)
        issue(Formulary.nonSteroidals, at: moment.minutesLater(4))
    }

    mutating func tellChild() {
        isAged(draws.within(6...12))
        let moment = opening(day: early())
        issue(Formulary.anticoagulants, at: moment)
        issue(Formulary.nonSteroidals, at: moment.minutesLater(4))
    }
}
