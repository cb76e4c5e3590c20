// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The stories that the simulation tells: for each rule some that raise and some that must not.
enum EpisodeKind: CaseIterable, Sendable {
    // gi-p3a, raised.
    case nonSteroidalWithoutProtection, dispensedWithoutProtection, statedWithoutProtection
    case protectedLater, sixtyFifthBirthday, protectionLapses, enteredInError, stopped
    case died, left, raisedTwice
    // gi-p3a, not raised.
    case protectedWithinSettling, birthdayAfterWindow, protectionRenewedOnLastDay, gelOnly
    case neverIssued, birthUnknown, leftBefore
    // gi-p3d, raised.
    case anticoagulatedThenNonSteroidal, nonSteroidalThenAnticoagulated, anticoagulantLapses
    case eighteenthBirthday
    // gi-p3d, not raised.
    case anticoagulantJustLapsed, injectedAnticoagulant, child
    // hf-p3i, raised.
    case failureThenNonSteroidal, nonSteroidalThenFailure, diagnosisRefuted, twoRulesAtOnce
    // hf-p3i, not raised.
    case diagnosisInDoubt, diagnosedAfterWindow

    /// Tells the story.
    func tell(_ episode: inout Episode) {
        switch self {
        case .nonSteroidalWithoutProtection: episode.tellUnprotected(as: .order)
        case .dispensedWithoutProtection: episode.tellUnprotected(as: .dispense)
        case .statedWithoutProtection: episode.tellUnprotected(as: .statement)
        case .protectedLater: episode.tellProtectedLater()
        case .sixtyFifthBirthday: episode.tellSixtyFifthBirthday()
        case .protectionLapses: episode.tellProtectionLapses()
        case .enteredInError: episode.tellTakenBack(stopped: false)
        case .stopped: episode.tellTakenBack(stopped: true)
        case .died: episode.tellDied()
        case .left: episode.tellLeft()
        case .raisedTwice: episode.tellRaisedTwice()
        case .protectedWithinSettling: episode.tellProtectedWithinSettling()
        case .birthdayAfterWindow: episode.tellBirthdayAfterWindow()
        case .protectionRenewedOnLastDay: episode.tellProtectionRenewed()
        case .gelOnly: episode.tellGelOnly()
        case .neverIssued: episode.tellNeverIssued()
        case .birthUnknown: episode.tellBirthUnknown()
        case .leftBefore: episode.tellLeftBefore()
        case .anticoagulatedThenNonSteroidal: episode.tellAnticoagulatedFirst()
        case .nonSteroidalThenAnticoagulated: episode.tellNonSteroidalFirst()
        case .anticoagulantLapses: episode.tellAnticoagulantLapses()
        case .eighteenthBirthday: episode.tellEighteenthBirthday()
        case .anticoagulantJustLapsed: episode.tellAnticoagulantJustLapsed()
        case .injectedAnticoagulant: episode.tellInjectedAnticoagulant()
        case .child: episode.tellChild()
        case .failureThenNonSteroidal: episode.tellFailureFirst()
        case .nonSteroidalThenFailure: episode.tellFailureLater()
        case .diagnosisRefuted: episode.tellDiagnosisRefuted()
        case .twoRulesAtOnce: episode.tellTwoRules()
        case .diagnosisInDoubt: episode.tellDiagnosisInDoubt()
        case .diagnosedAfterWindow: episode.tellDiagnosedAfterWindow()
        }
    }
}
