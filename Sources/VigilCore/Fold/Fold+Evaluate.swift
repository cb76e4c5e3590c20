// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// What makes a rule worth looking at.
    enum Cause {
        case input(Patient.Change)
        case time
        /// A change of rules or settings.
        case rules
        /// A change of the engine itself.
        case engine
        /// The end of the loads that have told of the patient.
        case baseline
    }

    /// Judges rules for a patient and moves their episodes on.
    mutating func evaluate(
        patient index: Int, rules selected: [Int], now: Instant, cause: Cause
    ) -> [Output] {
        guard !isAdopting else {
            if case .baseline = cause { quieten(patient: index, rules: selected, now: now) }
            dueQueue.set(.never, patient: index)
            return []
        }
        var outputs: [Output] = []
        var problems: [(rule: String, problem: DataProblem)] = []
        // Rules stand in the order of their packs, and those of a pack share an evaluation.
        var position = 0
        while position < selected.count {
            let pack = rules[selected[position]].pack
            // What only counts is asked when someone asks for the indicators.
            guard rules[selected[position]].rule.emits != .indicators else {
                position += 1
                continue
            }
            var room = packs[pack].takeScratch()
            var run = self.run(pack: pack, patient: index, now: now, taking: &room)
            while position < selected.count, rules[selected[position]].pack == pack {
                let rule = selected[position]
                let active = rules[rule]
                position += 1
                guard isWorthJudging(rule, patient: index, run) else { continue }
                if !suspensions.isEmpty,
                    isSuspended(active.rule, practice: patients[index].practice)
                {
                    outputs += suspend(patient: index, rule: rule, now: now)
                    continue
                }
                let stableUntil = patients.episodes(of: index).stableUntil(rule)
                guard !active.isUntouched(stableUntil, now: now, zone: zone, cause) else {
                    continue
                }
                updateTrack(ofRule: rule, patient: index, now: now)
                let verdict = judge(active, patient: index, now: now, run: &run)
                holdForSilence(verdict, patient: index, rule: rule)
                outputs += tellUnreadable(run.unreadable, verdict, patient: index, rule: rule)
                let unread = readingProblems(rule, verdict, cause: cause, now: now)
                for problem in verdict.problems + unread {
                    problems.append((active.rule.id, problem))
                }
                // Nothing was said of it, and nothing is.
                if verdict.truth == .no, verdict.stableUntil == .never,
                    !patients.episodes(of: index).hasEpisode(rule)
                {
                    continue
                }
                patients[index].episodes[rule].stableUntil = verdict.stableUntil
                note(verdict.truth, patient: index, rule: rule)
                outputs += step(
                    verdict, patient: index, rule: rule, now: now, cause: cause, run: &run)
            }
            if run.errorCount > 0 {
                ruleErrors[packs[pack].pack.id, default: 0] += UInt64(run.errorCount)
            }
            run.giveBack(to: &packs[pack].scratch)
        }
        if patients.episodes(of: index).hasOpen {
            outputs += endReviews(patient: index, rules: selected, now: now)
            outputs += remind(patient: index, rules: selected, now: now)
        }
        outputs += tell(problems, patient: index, cause: cause)
        markCovered(&outputs, patient: index)
        dueQueue.set(patients.episodes(of: index).due, patient: index)
        return outputs
    }

    /// Whether judging a rule may change anything: not where the patient has no fact of those that
    /// it needs, and nothing was said of it before.
    private func isWorthJudging(
        _ rule: Int, patient: Int, _ run: borrowing Evaluation
    ) -> Bool {
        let active = rules[rule]
        guard active.rule.emits != .indicators else { return false }
        return active.needs.isEmpty || active.track != nil || run.meets(active.needs)
            || patients.episodes(of: patient).hasEpisode(rule)
    }

    /// Tells once of each result that a rule could not read, be it the rule itself or the algorithm
    /// of a flag, which may look at a result long after it came: when a medicine is issued.
    private mutating func tellUnreadable(
        _ found: [(fact: Int32, fault: ResultReading.Fault)], _ verdict: Verdict, patient: Int,
        rule: Int
    ) -> [Output] {
        var unreadable = found.map { fact, fault in
            (offset: seen(of: patient).facts[Int(fact)].offset, why: fault.rawValue)
        }
        if rules[rule].rule.emits == .flags {
            unreadable += verdict.problems.map { (offset: $0.offset, why: $0.code) }
        }
        var outputs: [Output] = []
        for (offset, why) in unreadable {
            guard !patients[patient].toldUnreadable.contains(offset) else { continue }
            patients[patient].toldUnreadable.append(offset)
            outputs.append(
                .dataQuality(
                    DataQuality(
                        subject: patients[patient].subject, practice: patients[patient].practice,
                        rule: rules[rule].rule.id, offset: offset, what: "unreadable-result",
                        why: why)))
        }
        return outputs
    }

    /// A patient's rules of one pack, to be judged.
    func run(pack: Int, patient: Int, now: Instant) -> Evaluation {
        var room = EvaluationScratch()
        return run(pack: pack, patient: patient, now: now, taking: &room)
    }

    /// The same in the room of an evaluation before.
    func run(
        pack: Int, patient: Int, now: Instant, taking room: inout EvaluationScratch
    ) -> Evaluation {
        Evaluation(
            program: packs[pack].pack.sharedProgram,
            patient: seen(of: patient),
            membership: packs[pack].membership, now: now, zone: zone, taking: &room)
    }

    private mutating func step(
        _ verdict: Verdict, patient: Int, rule: Int, now: Instant, cause: Cause,
        run: inout Evaluation
    ) -> [Output] {
        let isOpen = patients.episodes(of: patient)[rule].isOpen
        let open = isOpen ? patients[patient].episodes[rule].open : nil
        switch (verdict.truth, open) {
        case (.yes, nil) where !verdict.raises:
            // Nobody is newly alerted to readings that are old, whatever made them count again.
            patients[patient].episodes[rule].pending = nil
            return []
        case (.yes, nil):
            guard mayRaise(patient: patient, rule: rule, cause: cause) else { return [] }
            let settle = rules[rule].rule.settleMilliseconds
            let candidate =
                patients[patient].episodes[rule].pending
                ?? Fold.pending(since: now, settle: settle, cause: cause)
            if candidate.settlesAt > now, candidate.settlesAt != .never {
                patients[patient].episodes[rule].pending = candidate
                return []
            }
            return [
                raise(candidate, verdict, patient: patient, rule: rule, now: now, run: &run)
            ]
        case (.yes, .some(let open)):
            return update(
                open, verdict, patient: patient, rule: rule, now: now, cause: cause, run: &run)
        case (_, .some(let open)) where verdict.keeps(open):
            return []
        case (.no, .some(let open)):
            return resolve(
                open, verdict, patient: patient, rule: rule, now: now, cause: cause, run: &run)
        case (.no, nil), (.unknown, nil):
            patients[patient].episodes[rule].pending = nil
            if verdict.truth == .no { keepQuiet(patient: patient, rule: rule, cause: cause) }
            return []
        case (.unknown, .some):
            // Unknown is not false: an open flag is no all-clear, so it stays.
            return []
        }
    }

    private static func pending(
        since now: Instant, settle: Int64, cause: Cause
    ) -> Episode.Pending {
        var pending = Episode.Pending(since: now, reason: reason(of: cause), settlesAt: now)
        if case .input(let change) = cause {
            pending.settlesAt = now.adding(milliseconds: settle)
            pending.corrects = change.corrects
        }
        return pending
    }

    static func reason(of cause: Cause) -> String {
        switch cause {
        case .rules: "rules"
        case .engine: "engine"
        case .baseline: "baseline"
        case .time: "time"
        case .input(let change): change.correction ? "correction" : "event"
        }
    }

    private mutating func raise(
        _ candidate: Episode.Pending, _ verdict: Verdict, patient: Int, rule: Int, now: Instant,
        run: inout Evaluation
    ) -> Output {
        let active = rules[rule]
        let number = patients[patient].episodes[rule].count + 1
        let identity = FlagID(
            origin: origin, subject: patients[patient].subject, rule: active.rule.id,
            episode: number)
        let evidence = gather(active.rule, patient: patient, now: now, run: &run)
        var open = OpenEpisode(
            flagID: identity, openedAt: now, practice: patients[patient].practice,
            evidence: evidence.items,
            group: group(of: evidence.hazardCodings, patient: patient) ?? identity,
            isFromBaseline: candidate.reason == "baseline",
            hazardCodings: evidence.hazardCodings, severity: verdict.severity)
        open.diagnosisCodings = evidence.diagnosisCodings
        open.assessment = verdict.assessment
        open.occurredAt = verdict.assessment?.at
        // Nobody has decided about what is on trial.
        if !active.rule.isShadow {
            open.inherited = inherited(by: open, patient: patient, rule: rule, now: now)
        }
        open.review = open.inherited
        open.remindAt = reminderDue(open, from: now)
        patients[patient].episodes[rule].count = number
        patients[patient].episodes[rule].open = open
        patients[patient].episodes[rule].pending = nil
        // A shadow is no flag that anybody could review.
        if !active.rule.isShadow {
            note(
                KnownFlag(
                    id: identity, practice: open.practice, severity: open.severity,
                    openedAt: now, newest: 0),
                patient: patient)
        }
        var event = flagEvent(.raised, open, of: active, patient)
        event.reason = candidate.reason
        event.corrects = candidate.reason == "correction" ? candidate.corrects : nil
        describeOutlook(&event, patient: patient, rule: rule, now: now)
        return .flag(event)
    }

    private mutating func update(
        _ open: OpenEpisode, _ verdict: Verdict, patient: Int, rule: Int, now: Instant,
        cause: Cause, run: inout Evaluation
    ) -> [Output] {
        let evidence = gather(rules[rule].rule, patient: patient, now: now, run: &run)
        let hazards = evidence.hazardCodings.filter { !open.hazardCodings.contains($0) }
        let diagnoses = evidence.diagnosisCodings.filter { !open.diagnosisCodings.contains($0) }
        let difference = Difference(
            from: open, to: verdict, hasNewEvidence: !hazards.isEmpty || !diagnoses.isEmpty)
        guard let difference else {
            // What was confirmed can go stale again.
            if verdict.assessment?.isStale == false {
                patients[patient].episodes[rule].open?.assessment?.isStale = false
            }
            return []
        }
        var changed = open
        changed.evidence = evidence.items
        changed.hazardCodings += hazards
        changed.diagnosisCodings += diagnoses
        changed.assessment = verdict.assessment
        // That is not what an override or a snooze was about.
        if difference.isWorse { changed.endReview() }
        guard let reason = difference.reason else {
            return changeSeverity(
                of: changed, to: verdict.severity, patient: patient, rule: rule, now: now,
                reason: Fold.reason(of: cause))
        }
        return [updateEvent(changed, patient: patient, rule: rule, now: now, reason: reason)]
    }

    /// Ends overrides and snoozes whose day has come.
    private mutating func endReviews(
        patient: Int, rules selected: [Int], now: Instant
    ) -> [Output] {
        var outputs: [Output] = []
        for rule in selected {
            guard var open = patients[patient].episodes[rule].open, let review = open.review,
                open.reviewEndsAt <= now
            else { continue }
            open.review?.hasEnded = true
            let reason = review.content.action == "snooze" ? "snooze-ended" : "override-ended"
            outputs.append(
                updateEvent(open, patient: patient, rule: rule, now: now, reason: reason))
        }
        return outputs
    }

    private mutating func updateEvent(
        _ open: OpenEpisode, patient: Int, rule: Int, now: Instant, reason: String
    ) -> Output {
        patients[patient].episodes[rule].open = open
        var event = flagEvent(.updated, open, of: rules[rule], patient)
        event.reason = reason
        describeOutlook(&event, patient: patient, rule: rule, now: now)
        return .flag(event)
    }

    private mutating func resolve(
        _ open: OpenEpisode, _ verdict: Verdict, patient: Int, rule: Int, now: Instant,
        cause: Cause, run: inout Evaluation
    ) -> [Output] {
        let active = rules[rule]
        patients[patient].episodes[rule].close(now: now)
        var event = flagEvent(.resolved, open, of: active, patient)
        let ending = active.rule.endings.first {
            (run.judge($0.definition).truth == .yes) == $0.whenTrue
        }
        var reason = ending?.reason ?? verdict.assessment?.ending ?? "condition-ended"
        switch cause {
        case .rules, .engine: reason = Fold.reason(of: cause)
        case .time, .baseline: break
        case .input(let change) where change.stop && reason == "hazard-ended":
            reason = "hazard-stopped"
        case .input(let change)
        where (change.correction || change.retraction)
            && !["protection-issued", "test-done", "deceased", "deregistered"].contains(reason):
            reason = "corrected"
            event.withdrawn = change.retraction
            event.corrects = change.corrects
        case .input: break
        }
        if let ending, reason == ending.reason, let role = ending.role,
            let definition = ending.evidence,
            let newest = run.factIndexes(of: definition).max()
        {
            let fact = seen(of: patient).facts[newest]
            event.evidence.append(
                Evidence(
                    role: role, display: ending.display ?? role, isHazard: false,
                    records: [EvidenceRecord(offset: fact.offset, day: fact.day)]))
        }
        event.reason = reason
        event.closedAt = now
        return [.flag(event)] + endReminder(of: open, patient: patient, now: now)
    }

    /// A flag's practice has changed: it ends on the old topic and stands on the new one.
    mutating func move(patient: Int, now: Instant) -> [Output] {
        var outputs: [Output] = []
        for position in patients[patient].episodes.open {
            guard var open = patients[patient].episodes[position].open else { continue }
            let active = rules[position]
            guard !isSuspended(active.rule, practice: patients[patient].practice) else {
                outputs += suspend(patient: patient, rule: position, now: now)
                continue
            }
            var ended = flagEvent(.resolved, open, of: active, patient)
            ended.reason = "moved"
            ended.closedAt = now
            open.practice = patients[patient].practice
            patients[patient].episodes[position].open = open
            changeFlag(open.flagID, of: patient) { $0.practice = open.practice }
            var raised = flagEvent(.raised, open, of: active, patient)
            raised.reason = "event"
            describeOutlook(&raised, patient: patient, rule: position, now: now)
            outputs += [.flag(ended), .flag(raised)]
            outputs += moveReminder(patient: patient, rule: position, now: now)
        }
        return outputs
    }
}
