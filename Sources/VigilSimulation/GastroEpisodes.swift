// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Stories about gi-p3a: an NSAID at 65 or over without gastroprotection.
extension Episode {
    private static let rule = "gi-p3a"

    mutating func tellUnprotected(as form: Errand.Form) {
        isAged(draws.within(66...90))
        let first = opening(day: early())
        issue(Formulary.nonSteroidals, at: first, form: form)
        var last = first.day
        for month in 1..<draws.within(1...3) {
            last = first.day + 28 * month
            issue(Formulary.nonSteroidals, at: opening(day: last), form: form)
        }
        expect(
            Episode.rule, from: settled(first), to: midnight(lapse(ofIssueOn: last)),
            because: "An NSAID without gastroprotection over 65; it ends when the last issue has "
                + "left the window.")
    }

    mutating func tellProtectedLater() {
        isAged(draws.within(66...90))
        let hazard = opening(day: early())
        let protection = opening(day: hazard.day + draws.within(1...60))
        issue(Formulary.nonSteroidals, at: hazard)
        issue(Formulary.protections, at: protection)
        expect(
            Episode.rule, from: settled(hazard), to: instant(protection),
            because: "An NSAID without gastroprotection over 65; a protective medicine follows "
                + "days later.")
    }

    mutating func tellSixtyFifthBirthday() {
        let hazard = opening(day: early())
        var birthday = hazard.day + draws.within(1...80)
        if !canBeBirthday(birthday) { birthday += 1 }
        turns(65, onDay: birthday)
        issue(Formulary.nonSteroidals, at: hazard)
        expect(
            Episode.rule, from: midnight(birthday), to: midnight(lapse(ofIssueOn: hazard.day)),
            because: "The 65th birthday comes while an NSAID is in the window: raised by time "
                + "alone.")
    }

    mutating func tellProtectionLapses() {
        isAged(draws.within(66...90))
        let protection = opening(day: early())
        let lapse = lapse(ofIssueOn: protection.day)
        // Up to the last day on which the protection still counts.
        let hazard = opening(day: draws.within(protection.day + 20...lapse - 1))
        issue(Formulary.protections, at: protection)
        issue(Formulary.nonSteroidals, at: hazard)
        expect(
            Episode.rule, from: midnight(lapse), to: midnight(self.lapse(ofIssueOn: hazard.day)),
            because: "The protective medicine leaves the window before the NSAID does: raised by "
                + "time alone.")
    }

    mutating func tellTakenBack(stopped: Bool) {
        isAged(draws.within(66...90))
        let hazard = opening(day: early())
        let end = opening(day: hazard.day + draws.within(1...40))
        let record = issue(Formulary.nonSteroidals, at: hazard)
        if stopped {
            again(record, at: end, form: .stopped)
        } else {
            again(record, at: end, action: .deleted)
        }
        expect(
            Episode.rule, from: settled(hazard), to: instant(end),
            because: stopped
                ? "An NSAID without gastroprotection over 65; the order is stopped."
                : "An NSAID without gastroprotection over 65; the order is deleted as an error.")
    }

    mutating func tellDied() {
        isAged(draws.within(70...95))
        let hazard = opening(day: early())
        let death = opening(day: hazard.day + draws.within(1...60))
        issue(Formulary.nonSteroidals, at: hazard)
        demographics(.died, at: death)
        expect(
            Episode.rule, from: settled(hazard), to: instant(death),
            because: "An NSAID without gastroprotection over 65; the patient dies.")
    }

    mutating func tellLeft() {
        isAged(draws.within(66...90))
        let hazard = opening(day: early())
        let departure = opening(day: hazard.day + draws.within(1...60))
        issue(Formulary.nonSteroidals, at: hazard)
        demographics(.left, at: departure)
        expect(
            Episode.rule, from: settled(hazard), to: midnight(departure.day + 1),
            because: "An NSAID without gastroprotection over 65; the patient leaves the practice, "
                + "and the last day still counts.")
    }

    mutating func tellRaisedTwice() {
        isAged(draws.within(66...90))
        let first = opening(day: early())
        let second = opening(day: lapse(ofIssueOn: first.day) + draws.within(0...20))
        for hazard in [first, second] {
            issue(Formulary.nonSteroidals, at: hazard)
            expect(
                Episode.rule, from: settled(hazard), to: midnight(lapse(ofIssueOn: hazard.day)),
                because: "An NSAID without gastroprotection over 65, twice, the second after the "
                    + "first has left the window.")
        }
    }

    // MARK: Near misses

    mutating func tellProtectedWithinSettling() {
        isAged(draws.within(66...90))
        let hazard = opening(day: early())
        issue(Formulary.nonSteroidals, at: hazard)
        issue(Formulary.protections, at: hazard.minutesLater(Int32(draws.within(1...9))))
    }

    mutating func tellBirthdayAfterWindow() {
        var hazard = opening(day: early())
        if !canBeBirthday(lapse(ofIssueOn: hazard.day)) { hazard = opening(day: hazard.day + 7) }
        turns(65, onDay: lapse(ofIssueOn: hazard.day))
        issue(Formulary.nonSteroidals, at: hazard)
    }

    mutating func tellProtectionRenewed() {
        isAged(draws.within(66...90))
        let protection = opening(day: early())
        let lastDay = lapse(ofIssueOn: protection.day) - 1
        issue(Formulary.protections, at: protection)
        issue(Formulary.nonSteroidals, at: opening(day: protection.day + draws.within(5...80)))
        issue(Formulary.protections, at: opening(day: lastDay))
    }

    mutating func tellGelOnly() {
        isAged(draws.within(66...90))
        issue([.ibuprofenGel], at: opening(day: early()))
    }

    mutating func tellNeverIssued() {
        isAged(draws.within(66...90))
        let moment = opening(day: early())
        issue(Formulary.nonSteroidals, at: moment, form: .draft)
        issue(Formulary.nonSteroidals, at: moment.minutesLater(2), form: .plan)
        issue(Formulary.nonSteroidals, at: moment.minutesLater(4), form: .cancelled)
    }

    /// Without a birth date the rule is unknown, which is counted and not raised.
    mutating func tellBirthUnknown() {
        issue(Formulary.nonSteroidals, at: opening(day: early()))
    }

    mutating func tellLeftBefore() {
        isAged(draws.within(66...90))
        let departure = opening(day: early())
        demographics(.left, at: departure)
        issue(
            Formulary.nonSteroidals, at: opening(day: departure.day + draws.within(1...20)),
            form: .dispense)
    }
}
