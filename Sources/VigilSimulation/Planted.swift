// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// A flag that the simulation brings about on purpose: what a watcher of it must see.
package struct Planted: Hashable, Sendable {
    /// The rule's id in the pack `pincer`.
    package var rule: String
    package var subject: String
    /// When the flag is raised: at the event, after the rule's time to settle, or at local midnight
    /// where time alone makes it true.
    package var raised: Instant
    /// When it is resolved; nil where it is open at the end of the simulation.
    package var resolved: Instant?
    /// What happens to the patient, as a sentence.
    package var why: String

    package init(
        rule: String, subject: String, raised: Instant, resolved: Instant?, why: String
    ) {
        self.rule = rule
        self.subject = subject
        self.raised = raised
        self.resolved = resolved
        self.why = why
    }
}

/// The window of three months that the rules look back over, seen from an issue in it.
enum Lookback {
    /// The first day whose window, from three calendar months before it on, lacks an issue of a
    /// day (clinical.md section 1.2: 1 + max{D: D - 3 months <= e}).
    static func firstDayWithout(_ issue: CivilDay) -> CivilDay {
        var day = issue.adding(months: 3) ?? .last
        while let start = day.adding(months: -3), start <= issue, let next = day.adding(days: 1) {
            day = next
        }
        return day
    }
}
