// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// Directions in words, and how facts keep them.
@Suite struct DosageTests {
    /// What words say of the days on which a dose is taken.
    private static let words: [(String, String?)] = [
        ("Take FOUR tablets ONCE a WEEK", "weekly"), ("weekly", "weekly"),
        ("10 mg every Monday", "weekly"), ("on Tuesdays", "weekly"),
        ("Once weekly. Do not take daily.", "weekly"), ("fortnightly", "weekly"),
        ("One daily", "daily"), ("1 OD", "daily"), ("at night", "daily"),
        ("twice a week", "daily"), ("two days a week", "daily"),
        ("Monday and Thursday", "daily"), ("on alternate days", "daily"),
        ("as directed", nil), ("", nil), ("with food", nil), ("odd", nil),
    ]

    @Test(arguments: words) func wordsSayHowOften(_ text: String, _ frequency: String?) {
        #expect(DosageWording.frequency(in: text) == frequency)
    }

    @Test func instructionsAreKeptAsOneText() {
        var first = DosageInstruction()
        first[.frequency] = "2"
        first[.doseUnit] = "mg"
        var second = DosageInstruction()
        second[.asNeeded] = "yes"
        let text = DosageInstruction.text(of: [first, second])
        #expect(text.map { DosageInstruction.instructions(in: $0) } == [first, second])
        #expect(DosageInstruction.text(of: [DosageInstruction()]) == nil)
        #expect(DosageInstruction.text(of: []) == nil)
    }

    @Test func aClearanceIsExact() {
        // 76 years to go, 75 kg and 98.8 umol/L are 60 mL/min for a woman.
        let clearance =
            ExactNumber(76) * ExactNumber(75) * ExactNumber(104, over: 100)
            / ExactNumber(988, over: 10)
        #expect(clearance == ExactNumber(60))
    }
}
