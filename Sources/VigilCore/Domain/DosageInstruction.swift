// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What one element of `dosageInstruction` says of how much is taken and how often, as written.
///
/// Facts keep it as a text: practices write few directions and write them often, so that equal ones
/// share their memory.
package struct DosageInstruction: Hashable, Sendable {
    /// What an element may say; the order is that of the text.
    package enum Part: Int, CaseIterable, Sendable {
        /// `daily` or `weekly`, as far as words say so.
        case wording
        case sequence
        /// `yes` where it is taken as needed.
        case asNeeded
        case frequency, frequencyMax, period, periodMax, periodUnit
        /// FHIR's codes of weekdays, with commas between.
        case weekdays
        /// How many `timeOfDay` and `when` there are.
        case timesOfDay
        /// `timing.repeat.count`.
        case count
        /// The days of `timing.event`, by their numbers, with commas between.
        case eventDays
        /// The code of `timing.code`, such as `BID`.
        case code
        /// The least and the greatest dose, and their unit.
        case doseLow, doseHigh, doseUnit
        /// `maxDosePerPeriod`: how much, its unit, and in how long.
        case mostDose, mostUnit, mostPeriod, mostPeriodUnit
    }

    private static let betweenParts: Character = "\u{1F}"
    private static let betweenInstructions: Character = "\u{1E}"

    private var parts: [String]

    /// An element that says nothing.
    package init() {
        parts = Array(repeating: "", count: Part.allCases.count)
    }

    /// What the element says of it; nil where it says nothing.
    package subscript(part: Part) -> String? {
        get { parts[part.rawValue].isEmpty ? nil : parts[part.rawValue] }
        set { parts[part.rawValue] = newValue ?? "" }
    }

    /// Several instructions as one text; nil where they say nothing.
    package static func text(of instructions: [DosageInstruction]) -> String? {
        guard instructions.contains(where: { $0 != DosageInstruction() }) else { return nil }
        return instructions.map { instruction in
            var parts = instruction.parts[...]
            while parts.last?.isEmpty == true { parts.removeLast() }
            return parts.joined(separator: String(betweenParts))
        }.joined(separator: String(betweenInstructions))
    }

    /// The instructions of a text.
    package static func instructions(in text: String) -> [DosageInstruction] {
        text.split(separator: betweenInstructions, omittingEmptySubsequences: false).map { part in
            var instruction = DosageInstruction()
            let parts = part.split(separator: betweenParts, omittingEmptySubsequences: false)
            for (index, value) in parts.prefix(instruction.parts.count).enumerated() {
                instruction.parts[index] = String(value)
            }
            return instruction
        }
    }
}

/// What directions in words say of the days on which a dose is taken.
///
/// Only words that leave no doubt are read, and only as far as the question goes whether doses are
/// taken on more than one day a week.
package enum DosageWording {
    private static let weekdays = [
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    ]
    private static let weekly = [
        "weekly", "a week", "every week", "each week", "per week", "once week", "fortnightly",
        "every two weeks", "every 2 weeks", "monthly", "a month",
    ]
    private static let several = [
        "twice", "two times", "2 times", "three times", "3 times", "thrice", "days a week",
        "days per week", "days each week", "days every week",
    ]
    private static let daily = [
        "daily", "every day", "each day", "a day", "per day", "nightly", "every night",
        "each night", "at night", "every morning", "each morning", "in the morning",
        "every evening", "in the evening", "hourly", "od", "bd", "tds", "qds", "mane", "nocte",
        "every other day", "alternate days",
    ]

    /// - Parameter text: directions for a person.
    /// - Returns: `weekly` for at most one day a week, `daily` for more; nil where the words do
    ///   not say.
    package static func frequency(in text: String) -> String? {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        let line = " " + words.joined(separator: " ") + " "
        func says(_ phrases: [String]) -> Bool { phrases.contains { line.contains(" \($0) ") } }
        let named = weekdays.filter { day in words.contains(day) || words.contains(day + "s") }
        if named.count > 1 { return "daily" }
        if says(weekly) || named.count == 1 {
            return says(several) && !says(["every two weeks", "a month"]) ? "daily" : "weekly"
        }
        return says(daily) ? "daily" : nil
    }
}
