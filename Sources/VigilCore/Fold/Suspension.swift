// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A rule that people have taken out of service for a practice, or for all.
///
/// It raises nothing there and what it had raised is resolved; its indicators count on.
package struct Suspension: Hashable, Sendable {
    /// The rule's id, whichever pack it is of.
    package var rule: String
    /// nil for all practices.
    package var practice: String?
    /// Why, in the words of whoever ordered it.
    package var reason: String

    package init(rule: String, practice: String?, reason: String) {
        self.rule = rule
        self.practice = practice
        self.reason = reason
    }
}

extension Fold {
    /// Takes a rule out of service; its flags are resolved in the steps that follow.
    package mutating func begin(_ suspension: Suspension) {
        suspensions.removeAll {
            $0.rule == suspension.rule && $0.practice == suspension.practice
        }
        suspensions.append(suspension)
        beginChange(of: .rule(suspension.rule))
    }

    /// Puts a rule back into service; what is true of it is raised in the steps that follow.
    ///
    /// - Parameters:
    ///   - rule: its id.
    ///   - practice: nil for all, also those for which it was suspended by name.
    package mutating func endSuspension(ofRule rule: String, practice: String?) {
        suspensions.removeAll {
            $0.rule == rule && (practice == nil || $0.practice == practice)
        }
        beginChange(of: .rule(rule))
    }

    func isSuspended(_ rule: Rule, practice: String) -> Bool {
        suspensions.contains {
            $0.rule == rule.id && ($0.practice == nil || $0.practice == practice)
        }
    }

    /// Leaves a suspended rule at rest for a patient, and resolves its flag.
    mutating func suspend(patient: Int, rule: Int, now: Instant) -> [Output] {
        patients[patient].episodes[rule].pending = nil
        patients[patient].episodes[rule].stableUntil = .never
        guard let open = patients[patient].episodes[rule].open else { return [] }
        patients[patient].episodes[rule].close(now: now)
        var event = flagEvent(.resolved, open, of: rules[rule], patient)
        event.reason = "suspended"
        event.closedAt = now
        return [.flag(event)] + endReminder(of: open, patient: patient, now: now)
    }
}
