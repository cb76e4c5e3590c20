// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// No flag lists more records of one role than this, newest first.
    private static let recordsPerRole = 16

    func flagEvent(
        _ transition: FlagEvent.Transition, _ open: OpenEpisode, rule: Rule, pack: PackIdentity,
        _ patient: Int
    ) -> FlagEvent {
        var event = FlagEvent(
            transition: transition, flagID: open.flagID, subject: patients[patient].subject,
            practice: open.practice, pack: pack, rule: rule, reason: nil,
            openedAt: open.openedAt, closedAt: nil, evidence: open.evidence,
            reviewState: open.reviewState, review: open.review, endsOn: nil,
            unreadMedicines: nil, withdrawn: false, severity: open.severity,
            assessment: open.assessment, group: open.group,
            isFromBaseline: open.isFromBaseline)
        event.occurredAt = open.occurredAt
        return event
    }

    func flagEvent(
        _ transition: FlagEvent.Transition, _ open: OpenEpisode, of active: ActiveRule,
        _ patient: Int
    ) -> FlagEvent {
        flagEvent(
            transition, open, rule: active.rule, pack: packs[active.pack].identity, patient)
    }

    /// The records that make a rule true now, and the codings of its hazards and diagnoses.
    func gather(
        _ rule: Rule, patient: Int, now: Instant, run: inout Evaluation
    ) -> (items: [Evidence], hazardCodings: [CodingID], diagnosisCodings: [CodingID]) {
        let facts = seen(of: patient)
        var items: [Evidence] = []
        var hazardCodings: [CodingID] = []
        var diagnosisCodings: [CodingID] = []
        for source in rule.evidence {
            if let condition = source.condition, run.judge(condition).truth != .yes { continue }
            switch source.records {
            case .age:
                guard let birth = facts.birth, let offset = facts.birthOffset else { continue }
                let years = birth.day(in: zone).wholeYears(to: zone.day(of: now))
                items.append(
                    Evidence(
                        role: source.role, display: source.display, isHazard: false,
                        records: [
                            EvidenceRecord(
                                offset: offset, day: nil, precision: birth.precision)
                        ], ageYears: years))
            case .definition(let definition):
                let indexes = run.factIndexes(of: definition).sorted(by: >)
                if indexes.isEmpty {
                    guard let absent = source.absent else { continue }
                    items.append(
                        Evidence(
                            role: absent.role, display: absent.display, isHazard: false,
                            records: []))
                    continue
                }
                items.append(
                    Evidence(
                        role: source.role, display: source.display, isHazard: source.isHazard,
                        records: Fold.records(of: indexes.map { facts.facts[$0] })))
                for fact in indexes.map({ facts.facts[$0] }) {
                    if source.isHazard { hazardCodings.add(fact.codings) }
                    if fact.type == .condition { diagnosisCodings.add(fact.codings) }
                }
            }
        }
        return (items, hazardCodings, diagnosisCodings)
    }

    /// The records of facts that are newest first, each once, by the newest of its issues.
    private static func records(of facts: [Fact]) -> [EvidenceRecord] {
        var records: [EvidenceRecord] = []
        for fact in facts where records.count < Fold.recordsPerRole {
            guard !records.contains(where: { $0.offset == fact.offset }) else { continue }
            records.append(
                EvidenceRecord(offset: fact.offset, day: fact.day, precision: fact.date.precision))
        }
        return records
    }

    /// Adds when the flag will end by itself, and what of the patient's record cannot be read.
    func describeOutlook(
        _ event: inout FlagEvent, patient: Int, rule position: Int, now: Instant
    ) {
        let active = rules[position]
        // What an algorithm says can change with each reading: nothing is foretold of it.
        if active.rule.algorithm == nil {
            event.endsOn = lastsUntil(active, patient: patient, now: now).map { zone.day(of: $0) }
        }
        let absences = active.rule.absences.filter { $0.kind == .prescription }
        guard let months = absences.map(\.months).max() else { return }
        event.unreadMedicines = unreadMedicines(
            of: patient, months: months, now: now,
            countsSupplies: packs[active.pack].pack.program.countsSupplies)
    }

    /// How many of a patient's records of medicines cannot be read, of those that were issued in
    /// the last months or whose supply lasts.
    private func unreadMedicines(
        of patient: Int, months: Int, now: Instant, countsSupplies: Bool
    ) -> Int {
        let today = zone.day(of: now)
        let from = today.adding(months: -months) ?? .first
        var offsets: Set<UInt64> = []
        for fact in seen(of: patient).facts where fact.type.isMedicine && fact.day <= today {
            let stop = fact.stoppedOn ?? .last
            // A repeat whose day comes after the stop is not issued.
            let isIssued = fact.issue == 0 || (countsSupplies && fact.day < stop)
            let isSupplied =
                countsSupplies && fact.supplyEnd.map { today <= $0 && today < stop } ?? false
            guard (isIssued && fact.day >= from) || isSupplied,
                !fact.codings.contains(where: { readability.isRead($0, .medicine) })
            else { continue }
            offsets.insert(fact.offset)
        }
        return offsets.count
    }

    /// The instant at which a true rule ceases to be true if nothing is recorded, if it is known
    /// within a few steps of the horizon.
    private func lastsUntil(_ active: ActiveRule, patient: Int, now: Instant) -> Instant? {
        var instant = now
        var scratch = EvaluationScratch()
        for _ in 0..<24 {
            var run = self.run(
                pack: active.pack, patient: patient, now: instant, taking: &scratch)
            let judgement = run.judge(active.rule.numerator)
            run.giveBack(to: &scratch)
            if judgement.truth != .yes { return instant }
            guard judgement.stableUntil != .never else { return nil }
            instant = judgement.stableUntil
        }
        return nil
    }
}

extension [CodingID] {
    /// Adds what is not there yet.
    fileprivate mutating func add(_ codings: [CodingID]) {
        for coding in codings where !contains(coding) { append(coding) }
    }
}

extension ResourceType {
    /// Whether resources of the type are orders, supplies or statements of a medicine.
    package var isMedicine: Bool {
        switch self {
        case .medicationRequest, .medicationDispense, .medicationStatement: true
        default: false
        }
    }
}
