// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// What a rule says of a patient now.
    struct Verdict {
        var truth: Truth
        var stableUntil: Instant
        var severity: Severity
        var assessment: Assessment?
        /// Whether it raises what is not raised yet.
        var raises = true
        /// What was told of a moment after this one is neither ended nor lowered for now.
        var keepsAfter: Instant?
        var problems: [DataProblem] = []

        /// What the rule's numerator says.
        init(_ judgement: Judgement, _ rule: Rule) {
            truth = judgement.truth
            stableUntil = judgement.stableUntil
            severity = rule.severity
        }

        /// Whether what it says comes to less than what stands, which is kept for now.
        func keeps(_ open: OpenEpisode) -> Bool {
            guard let keepsAfter, let told = open.assessment, let at = told.at, at > keepsAfter
            else { return false }
            return truth == .no || severity < open.severity || assessment?.step ?? 0 < told.step
        }
    }

    /// Judges a rule: its numerator says whom it is about, its algorithm, if any, what is found.
    func judge(
        _ active: ActiveRule, patient: Int, now: Instant, run: inout Evaluation
    ) -> Verdict {
        var verdict = Verdict(run.judge(active.rule.numerator), active.rule)
        if verdict.truth == .yes { confirm(&verdict, active, patient: patient, now: now) }
        return verdict
    }

    /// Looks closer at a patient whom a rule's numerator is about: whether what it rests on is
    /// evidence, and what its algorithm, if any, finds.
    func confirm(_ verdict: inout Verdict, _ active: ActiveRule, patient: Int, now: Instant) {
        let judgement = known(
            Judgement(truth: verdict.truth, stableUntil: verdict.stableUntil), of: active.rule,
            patient: patient, now: now)
        verdict.truth = judgement.truth
        verdict.stableUntil = judgement.stableUntil
        guard judgement.truth == .yes, let use = active.rule.algorithm else { return }
        let result = use.algorithm.assess(
            AlgorithmInput(
                patient: seen(of: patient),
                reader: ListReader(
                    roles: use.lists, lists: packs[active.pack].pack.lists,
                    membership: packs[active.pack].membership),
                codings: codings, now: now, zone: zone),
            currentTracks(of: active, patient: patient, now: now), active.track ?? -1)
        verdict.truth =
            result.isUnknown ? .unknown : result.assessment.severity == nil ? .no : .yes
        verdict.stableUntil = min(verdict.stableUntil, result.until)
        verdict.severity = result.assessment.severity ?? active.rule.severity
        verdict.assessment = result.assessment
        verdict.raises = result.raises && !result.assessment.isStale
        verdict.keepsAfter = result.keepsAfter
        verdict.problems = result.problems
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
            // Without an algorithm only a change of rules makes it more severe, which is no news
            // of the patient.
            isWorse =
                hasNewEvidence || hasNewMarks || after > before
                || verdict.assessment != nil && verdict.severity > open.severity
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
    /// - Returns: both events, and what becomes of a reminder.
    mutating func changeSeverity(
        of open: OpenEpisode, to severity: Severity, patient: Int, rule: Int, now: Instant,
        reason: String
    ) -> [Output] {
        let before = patients[patient].episodes[rule].open ?? open
        var ended = flagEvent(.resolved, before, of: rules[rule], patient)
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
        changeFlag(open.flagID, of: patient) { $0.severity = severity }
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
        var told: Set<UInt64> = []
        for (rule, problem) in problems {
            guard change.facts.contains(where: { $0.offset == problem.offset }),
                !told.contains(problem.offset),
                !patients[patient].toldUnreadable.contains(problem.offset)
            else { continue }
            // A fact can be met again by a rule in CQL; a reading is met once.
            if patients[patient].factIndex(at: problem.offset) != nil {
                patients[patient].toldUnreadable.append(problem.offset)
            }
            told.insert(problem.offset)
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

extension Fold.ActiveRule {
    /// Whether an input is of today and the rule, last judged to stand until an instant, looks at
    /// days that are over.
    func isUntouched(
        _ stableUntil: Instant, now: Instant, zone: ZoneTable, _ cause: Fold.Cause
    ) -> Bool {
        guard rule.algorithm?.algorithm.isOfWholeDays == true,
            case .input(let change) = cause, !change.demographics, stableUntil != .never
        else { return false }
        let today = zone.latestDay(begunBy: now)
        return change.facts.allSatisfy { $0.day >= today }
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
