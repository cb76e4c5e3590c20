// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a record says of a flag or alert, whichever version of the engine has decided it.
package struct RecordedFlag: Sendable {
    package var transition: FlagEvent.Transition
    package var flagID: FlagID
    package var subject: String
    package var rule: String
    package var practice: String
    package var severity: Severity
    package var group: FlagID
    package var reason: String?
    package var delivery: FlagEvent.Delivery
    /// The code of its review.
    package var reviewState: String?
    /// Of a reminder: the flag or alert that nobody had reviewed.
    package var about: FlagID?

    package init(
        transition: FlagEvent.Transition, flagID: FlagID, subject: String, rule: String,
        practice: String, severity: Severity, group: FlagID, reason: String?,
        delivery: FlagEvent.Delivery
    ) {
        self.transition = transition
        self.flagID = flagID
        self.subject = subject
        self.rule = rule
        self.practice = practice
        self.severity = severity
        self.group = group
        self.reason = reason
        self.delivery = delivery
    }

    /// Whether the flag ends here only to stand on another topic.
    package var goesOn: Bool { reason == "moved" || reason == "severity-changed" }
}

/// Records that an engine of other semantics has written.
///
/// What came in is folded as ever, but nothing is decided by it: which flags are open, since when
/// and as the how-manieth of their rule is what the recorded outputs say.
extension Fold {
    /// Goes over to deciding: patients are looked at again in the steps that follow.
    package mutating func endAdoption() {
        isAdopting = false
        trace.begin()
        beginChange(of: .all, isEngine: true)
    }

    /// Takes over what a record says of a flag.
    ///
    /// - Parameters:
    ///   - told: the record.
    ///   - offset: its place.
    ///   - now: its time.
    /// - Returns: the event that it amounts to; nil where its rule or patient is not known.
    package mutating func adopt(
        _ told: RecordedFlag, offset: UInt64, now: Instant
    ) -> FlagEvent? {
        guard let patient = patients.index(of: told.subject) else { return nil }
        patients.open(patient)
        if told.about != nil {
            adoptReminder(told, patient: patient, offset: offset, now: now)
            return nil
        }
        guard let rule = rules.firstIndex(where: { $0.rule.id == told.rule }) else { return nil }
        var open = patients[patient].episodes[rule].open
        if open?.flagID != told.flagID {
            guard told.transition == .raised else { return nil }
            open = adoptRaise(told, patient: patient, rule: rule, now: now)
        }
        guard var open else { return nil }
        switch told.transition {
        case .raised, .updated:
            open.practice = told.practice
            open.severity = told.severity
            if told.transition == .updated {
                look(at: &open, patient: patient, rule: rule, now: now)
                if told.reviewState == "open" { open.endReview() }
            }
            patients[patient].episodes[rule].open = open
            changeFlag(open.flagID, of: patient) { flag in
                (flag.practice, flag.severity) = (told.practice, told.severity)
                flag.newest = offset
            }
        case .resolved where !told.goesOn:
            patients[patient].episodes[rule].close(now: now)
        case .resolved, .reviewed: break
        }
        var event = flagEvent(told.transition, open, of: rules[rule], patient)
        event.reason = told.reason
        event.delivery = told.delivery
        return event
    }

    private mutating func adoptRaise(
        _ told: RecordedFlag, patient: Int, rule: Int, now: Instant
    ) -> OpenEpisode {
        var open = OpenEpisode(
            flagID: told.flagID, openedAt: now, practice: told.practice, evidence: [],
            group: told.group, isFromBaseline: told.reason == "baseline", hazardCodings: [],
            severity: told.severity)
        look(at: &open, patient: patient, rule: rule, now: now)
        open.occurredAt = open.assessment?.at
        // Another engine may have let an override end that this one keeps.
        if told.reviewState == "overridden" {
            open.inherited = inherited(by: open, patient: patient, rule: rule, now: now)
        }
        open.review = open.inherited
        open.remindAt = reminderDue(open, from: now)
        patients[patient].episodes[rule].count += 1
        patients[patient].episodes[rule].pending = nil
        patients[patient].episodes[rule].isQuiet = false
        patients[patient].episodes[rule].truth = .yes
        if !rules[rule].rule.isShadow {
            note(
                KnownFlag(
                    id: told.flagID, practice: told.practice, severity: told.severity,
                    openedAt: now, newest: 0),
                patient: patient)
        }
        return open
    }

    /// Finds the evidence as it stands, which is not all in the record.
    private mutating func look(
        at open: inout OpenEpisode, patient: Int, rule: Int, now: Instant
    ) {
        let active = rules[rule]
        var run = self.run(pack: active.pack, patient: patient, now: now)
        let evidence = gather(active.rule, patient: patient, now: now, run: &run)
        let verdict = judge(active, patient: patient, now: now, run: &run)
        open.evidence = evidence.items
        open.hazardCodings += evidence.hazardCodings.filter { !open.hazardCodings.contains($0) }
        open.diagnosisCodings +=
            evidence.diagnosisCodings.filter { !open.diagnosisCodings.contains($0) }
        open.assessment = verdict.assessment ?? open.assessment
    }

    private mutating func adoptReminder(
        _ told: RecordedFlag, patient: Int, offset: UInt64, now: Instant
    ) {
        guard
            let rule = patients[patient].episodes.open.first(where: {
                patients[patient].episodes[$0].open?.flagID == told.about
            })
        else { return }
        switch told.transition {
        case .raised:
            if patients[patient].episodes[rule].open?.reminder == nil {
                patients[patient].reminderCount += 1
                patients[patient].episodes[rule].open?.reminder = Reminder(
                    flagID: told.flagID, openedAt: now)
            }
            patients[patient].episodes[rule].open?.remindAt = .never
            let flag = KnownFlag(
                id: told.flagID, practice: told.practice, severity: .high, openedAt: now,
                newest: offset)
            // It may be raised again where its flag has moved.
            if patients[patient].flags.contains(where: { $0.id == flag.id }) {
                changeFlag(flag.id, of: patient) { $0 = flag }
            } else {
                note(flag, patient: patient)
            }
        case .resolved where !told.goesOn:
            patients[patient].episodes[rule].open?.reminder = nil
        case .resolved, .updated, .reviewed: break
        }
    }

    /// Takes over that a record was told to be one that cannot be read.
    package mutating func adopt(unreadable offset: UInt64, subject: String) {
        guard let patient = patients.index(of: subject) else { return }
        patients.open(patient)
        guard !patients[patient].toldUnreadable.contains(offset) else { return }
        patients[patient].toldUnreadable.append(offset)
    }

    /// What a load has made true of rules of readings is no news to whoever decides next.
    mutating func quieten(patient: Int, rules selected: [Int], now: Instant) {
        for rule in selected where !rules[rule].rule.raisesFromBaseline {
            var run = self.run(pack: rules[rule].pack, patient: patient, now: now)
            let verdict = judge(rules[rule], patient: patient, now: now, run: &run)
            patients[patient].episodes[rule].isQuiet =
                verdict.truth == .yes || verdict.truth == .no && verdict.stableUntil != .never
        }
    }
}
