// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// What a command line says of a review, checked as far as that can be done without the daemon.
package struct ReviewOptions: Sendable {
    /// What the review does.
    package var action: String
    /// The values by option, without the two dashes; nil where an option is not given.
    package var given: [String: String]

    package init(action: String, given: [String: String?]) {
        self.action = action
        self.given = given.compactMapValues { $0 }
    }

    /// The actions that a review may be.
    package static let actions = ReviewCodes.actions.map(\.description)

    /// The codes of `performed` and `reason`, for help.
    package static let performed = choice(ReviewCodes.performed.map(\.description))
    package static let reasons = choice(ReviewCodes.reasons.map(\.description))

    /// The options that only some actions use, in the order in which they are told of.
    private static let options = ["performed", "reason", "text", "until", "to"]

    /// One sentence on what is wrong, which names the option and what it takes; nil where nothing
    /// is.
    package var fault: String? {
        guard ReviewOptions.actions.contains(action) else {
            return "ACTION is \(ReviewOptions.choice(ReviewOptions.actions)), not \(action)."
        }
        let (need, others) = ReviewOptions.uses(of: action)
        if let need, given[need] == nil { return "\(action) needs --\(need)." }
        let used = (need.map { [$0] } ?? []) + others
        for option in ReviewOptions.options where given[option] != nil {
            guard used.contains(option) else {
                let taken = used.map { "--\($0)" }
                return "\(action) takes no --\(option)"
                    + (taken.isEmpty ? "." : ", but \(taken.joined(separator: " and ")).")
            }
        }
        return faultOfCode("performed", ReviewCodes.performed)
            ?? faultOfCode("reason", ReviewCodes.reasons)
            ?? faultOfText ?? faultOfTimes ?? faultOfSeen
    }

    /// What an action needs, and what it uses too.
    private static func uses(of action: String) -> (need: String?, others: [String]) {
        switch action {
        case "act": ("performed", [])
        case "override": ("reason", ["text", "until"])
        case "snooze": ("until", [])
        case "hand-over": ("to", [])
        default: (nil, [])
        }
    }

    private func faultOfCode(_ option: String, _ codes: [StaticString]) -> String? {
        let codes = codes.map(\.description)
        guard let code = given[option], !codes.contains(code) else { return nil }
        return "--\(option) is \(ReviewOptions.choice(codes)), not \(code)."
    }

    private var faultOfText: String? {
        guard given["reason"] == "other", given["text"] == nil else { return nil }
        return "--reason other needs the reason in words: --text."
    }

    private var faultOfTimes: String? {
        if let until = given["until"], TimeText.date(fhir: until.utf8)?.precision != .day {
            return "--until is a day of the calendar as YYYY-MM-DD, such as 2024-10-15, "
                + "not \(until)."
        }
        if let date = given["date"], TimeText.instant(rfc3339: date.utf8) == nil {
            return "--date is a time as RFC 3339 writes it, such as 2024-10-15T09:30:00Z, "
                + "not \(date)."
        }
        return nil
    }

    private var faultOfSeen: String? {
        guard let seen = given["seen"], UInt64(seen) == nil else { return nil }
        return "--seen is the id of an output event, which is a number, not \(seen)."
    }

    private static func choice(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }
}
