// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// What a rule says of a patient now.
    struct Verdict {
        var truth: Truth
        var stableUntil: Instant
        var severity: Severity
        var assessment: Assessment?
        var problems: [DataProblem] = []
    }

    /// Judges a rule: its numerator says whom it is about, its algorithm, if any, what is found.
    func judge(
        _ active: ActiveRule, patient: Int, now: Instant, run: inout Evaluation
    ) -> Verdict {
        let judgement = known(
            run.judge(active.rule.numerator), of: active.rule, patient: patient, now: now)
        var verdict = Verdict(
            truth: judgement.truth, stableUntil: judgement.stableUntil,
            severity: active.rule.severity)
        guard judgement.truth == .yes, let use = active.rule.algorithm else { return verdict }
        let pack = packs[active.pack]
        let result = use.algorithm.assess(
            AlgorithmInput(
                patient: patients[patient].seen, use: use, lists: pack.pack.lists,
                membership: pack.membership, codings: codings, now: now, zone: zone))
        verdict.truth =
            result.isUnknown ? .unknown : result.assessment.severity == nil ? .no : .yes
        verdict.stableUntil = min(verdict.stableUntil, result.until)
        verdict.severity = result.assessment.severity ?? active.rule.severity
        verdict.assessment = result.assessment
        verdict.problems = result.problems
        return verdict
    }

    /// Whether an input is of today and the rule looks at days that are over.
    func isUntouched(
        _ active: ActiveRule, _ episode: Episode, _ now: Instant, _ cause: Cause
    ) -> Bool {
        guard active.rule.algorithm?.algorithm.isOfWholeDays == true,
            case .input(let change) = cause, !change.demographics, episode.stableUntil != .never
        else { return false }
        let today = zone.latestDay(begunBy: now)
        return change.facts.allSatisfy { $0.day >= today }
    }

    /// How what stands differs materially from what was last told of it.
    struct Difference {
        /// A reason of an update; nil where the severity has changed.
        var reason: String?
        /// Whether it is more than what people have decided about.
        var isWorse: Bool

        init?(from open: OpenEpisode, to verdict: Verdict, hasNewEvidence: Bool) {
            let (before, after) = (open.assessment?.step ?? 0, verdict.assessment?.step ?? 0)
            let hasNewMarks = verdict.assessment?.addsMarks(to: open.assessment) ?? false
            let marksDiffer = (open.assessment?.marks ?? 0) != (verdict.assessment?.marks ?? 0)
            isWorse =
                hasNewEvidence || hasNewMarks || after > before
                || verdict.severity > open.severity
            if verdict.severity != open.severity {
                reason = nil
            } else if before != after || marksDiffer {
                reason = "step"
            } else if hasNewEvidence {
                reason = "evidence"
            } else if verdict.assessment?.isStale == true, open.assessment?.isStale == false {
                reason = "stale"
            } else {
                return nil
            }
        }
    }

    /// Ends a flag or alert on its old topic and raises it on that of its new severity.
    ///
    /// - Parameters:
    ///   - open: as it stands from now on, but for the severity.
    ///   - severity: the new one.
    ///   - patient: the patient's index.
    ///   - rule: the rule's index.
    ///   - now: the log's time.
    ///   - reason: that of the raise.
    ///   - ended: the event that ends it, where that is not of this rule.
    /// - Returns: both events, and what becomes of a reminder.
    mutating func changeSeverity(
        of open: OpenEpisode, to severity: Severity, patient: Int, rule: Int, now: Instant,
        reason: String, ended: FlagEvent? = nil
    ) -> [Output] {
        let before = patients[patient].episodes[rule].open ?? open
        var ended = ended ?? flagEvent(.resolved, before, of: rules[rule], patient)
        ended.reason = "severity-changed"
        ended.closedAt = now
        var changed = open
        changed.severity = severity
        changed.remindAt = reminderDue(changed, from: now)
        var outputs: [Output] = []
        if severity != .high {
            changed.reminder = nil
            outputs = endReminder(of: open, patient: patient, now: now)
        }
        patients[patient].episodes[rule].open = changed
        flags[open.flagID]?.severity = severity
        var raised = flagEvent(.raised, changed, of: rules[rule], patient)
        raised.reason = reason
        describeOutlook(&raised, patient: patient, rule: rule, now: now)
        return [.flag(ended), .flag(raised)] + outputs
    }

    /// Tells what of an event just taken in rules would read and cannot, once for each record.
    mutating func tell(
        _ problems: [(rule: String, problem: DataProblem)], patient: Int, cause: Cause
    ) -> [Output] {
        guard case .input(let change) = cause else { return [] }
        var outputs: [Output] = []
        for (rule, problem) in problems {
            guard change.facts.contains(where: { $0.offset == problem.offset }),
                !patients[patient].toldUnreadable.contains(problem.offset)
            else { continue }
            patients[patient].toldUnreadable.append(problem.offset)
            outputs.append(
                .dataQuality(
                    DataQuality(
                        subject: patients[patient].subject, practice: patients[patient].practice,
                        rule: rule, offset: problem.offset, what: problem.what,
                        why: problem.code)))
        }
        return outputs
    }
}

extension Severity: Comparable {
    /// How much it weighs.
    private var rank: Int {
        switch self {
        case .low: 0
        case .moderate: 1
        case .high: 2
        }
    }

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}
