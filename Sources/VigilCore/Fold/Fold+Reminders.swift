// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The alert that nobody has reviewed a high flag or alert.
struct Reminder {
    var flagID: FlagID
    var openedAt: Instant
    var review: StandingReview?
}

/// Reminders: for each high flag or alert that nobody has reviewed for a configured time an alert
/// of its own, from the engine and no pack. They end when it is reviewed or is no more.
extension Fold {
    /// The rule that reminders are of.
    private static let reminderRule: Rule = {
        var rule = Rule(
            id: "unreviewed", version: "1.0.0", severity: .high,
            title: "High flag or alert that nobody has reviewed", settleMilliseconds: 0,
            sentence: .empty, denominator: DefinitionID(index: 0),
            numerator: DefinitionID(index: 0), evidence: [], endings: [])
        rule.emits = .alerts
        rule.wording.outcome = "Harm that nobody has looked at"
        rule.wording.response = "Review it, or see who should have."
        return rule
    }()

    private static let reminderPack = PackIdentity(
        id: "vigil", version: "1.0.0",
        hash: "sha256:" + hexadecimal(SHA256.digest(of: Array("vigil unreviewed 1.0.0".utf8))))

    /// When a reminder of a flag is due: never for one that is not high or was reviewed.
    func reminderDue(_ open: OpenEpisode, from now: Instant) -> Instant {
        guard let delay = settings.unreviewedMilliseconds, open.severity == .high,
            open.review == nil,
            open.reminder == nil
        else { return .never }
        return now.adding(milliseconds: delay)
    }

    /// Raises the reminders whose time has come.
    mutating func remind(patient: Int, rules selected: [Int], now: Instant) -> [Output] {
        var outputs: [Output] = []
        for rule in selected {
            guard var open = patients[patient].episodes[rule].open, open.remindAt <= now else {
                continue
            }
            guard !rules[rule].rule.isShadow else {
                // Nobody could have reviewed it.
                patients[patient].episodes[rule].open?.remindAt = .never
                continue
            }
            patients[patient].reminderCount += 1
            let identity = FlagID(
                origin: origin, subject: patients[patient].subject, rule: Fold.reminderRule.id,
                episode: patients[patient].reminderCount)
            open.remindAt = .never
            open.reminder = Reminder(flagID: identity, openedAt: now)
            patients[patient].episodes[rule].open = open
            note(
                KnownFlag(
                    id: identity, practice: open.practice, severity: .high, openedAt: now,
                    newest: 0),
                patient: patient)
            var event = reminderEvent(.raised, of: open, about: rules[rule].rule, patient: patient)
            event?.reason = "time"
            if let event { outputs.append(.flag(event)) }
        }
        return outputs
    }

    /// Resolves the reminder of a flag, if it has one.
    func endReminder(of open: OpenEpisode, patient: Int, now: Instant) -> [Output] {
        guard var event = reminderEvent(.resolved, of: open, about: nil, patient: patient) else {
            return []
        }
        event.reason = "condition-ended"
        event.closedAt = now
        return [.flag(event)]
    }

    /// A flag has moved to another practice, and its reminder with it.
    mutating func moveReminder(patient: Int, rule: Int, now: Instant) -> [Output] {
        guard let open = patients[patient].episodes[rule].open, let reminder = open.reminder,
            let practice = patients[patient].flags.last(where: { $0.id == reminder.flagID })?
                .practice
        else { return [] }
        changeFlag(reminder.flagID, of: patient) { $0.practice = open.practice }
        let about = rules[rule].rule
        var ended = reminderEvent(.resolved, of: open, about: about, patient: patient)
        ended?.practice = practice
        ended?.reason = "moved"
        ended?.closedAt = now
        var raised = reminderEvent(.raised, of: open, about: about, patient: patient)
        raised?.reason = "event"
        return [ended, raised].compactMap { $0 }.map { .flag($0) }
    }

    /// Says where reviews of reminders themselves now stand.
    mutating func reviewReminders(patient: Int, now: Instant) -> [Output] {
        var outputs: [Output] = []
        for (position, active) in rules.enumerated() {
            guard var open = patients[patient].episodes[position].open,
                let reminder = open.reminder
            else { continue }
            let latest = latestReview(of: reminder.flagID, patient: patient, now: now)
            guard latest?.offset != reminder.review?.offset else { continue }
            open.reminder?.review = latest
            patients[patient].episodes[position].open = open
            let event = reminderEvent(.reviewed, of: open, about: active.rule, patient: patient)
            if let event { outputs.append(.flag(event)) }
        }
        return outputs
    }

    private func reminderEvent(
        _ transition: FlagEvent.Transition, of open: OpenEpisode, about rule: Rule?, patient: Int
    ) -> FlagEvent? {
        guard let reminder = open.reminder else { return nil }
        var assessment = Assessment(severity: .high)
        let title = rule.map { "\"\($0.title)\" (\($0.id))" } ?? "It"
        assessment.rationale =
            "\(title) is open since \(zone.describe(open.openedAt)) and nobody has reviewed it."
        var event = FlagEvent(
            transition: transition, flagID: reminder.flagID,
            subject: patients[patient].subject, practice: open.practice,
            pack: Fold.reminderPack, rule: Fold.reminderRule, reason: nil,
            openedAt: reminder.openedAt, closedAt: nil, evidence: [],
            reviewState: reminder.review?.state ?? "open", review: reminder.review, endsOn: nil,
            unreadMedicines: nil, withdrawn: false, severity: .high, assessment: assessment,
            group: open.group, isFromBaseline: false)
        event.about = open.flagID
        return event
    }
}
