// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The state that a log's inputs amount to, and what follows from each further one.
///
/// It sees time only through the instants that it is handed, and gives the same outputs for the
/// same inputs on any machine. It decides and never does: offsets, bytes and sockets are others'.
package struct Fold: Sendable {
    package let origin: String
    package let zone: ZoneTable
    var patients: [Patient] = []
    var patientIndex: [String: Int] = [:]
    var codings = CodingTable()
    var packs: [ActivePack] = []
    var rules: [ActiveRule] = []
    var dueQueue = DueQueue()
    var sources = SourceTracker()
    var flags: [String: KnownFlag] = [:]

    /// A pack in force, with what its lists say of every coding seen so far.
    struct ActivePack: Sendable {
        var pack: CompiledPack
        var membership: ListMembership

        var identity: PackIdentity {
            PackIdentity(id: pack.id, version: pack.version, hash: pack.hash)
        }
    }

    /// A rule in force and the pack that it belongs to.
    struct ActiveRule: Sendable {
        var rule: Rule
        var pack: Int
        /// Indexes of the pack's lists whose facts can change the rule, ascending.
        var lists: [Int]
    }

    /// A flag that was once raised, for reviews that name it.
    struct KnownFlag: Sendable {
        var patient: Int
        var practice: String
        var openedAt: Instant
        /// The newest raised or updated event.
        var newest: UInt64
    }

    /// An empty state.
    ///
    /// - Parameters:
    ///   - origin: the log's origin, as in the events' `source`.
    ///   - zone: the zone whose days the rules count.
    package init(origin: String, zone: ZoneTable) {
        self.origin = origin
        self.zone = zone
    }

    /// The practice of a subject, where anything is known of it.
    package func practice(of subject: String) -> String? {
        patientIndex[subject].map { patients[$0].practice }
    }

    /// Takes in an accepted event.
    ///
    /// What is due at or before `now` must have been worked off.
    ///
    /// - Parameters:
    ///   - event: what came in.
    ///   - offset: the event's place in the log.
    ///   - now: the log's time of the record.
    /// - Returns: what it brings about, in the order in which it is to be written.
    package mutating func take(_ event: InputEvent, offset: UInt64, now: Instant) -> [Output] {
        var outputs: [Output] = []
        if let sequence = event.sequence,
            let gap = sources.observe(
                source: event.source, epoch: event.epoch, sequence: sequence)
        {
            outputs.append(gap)
        }
        let index = patient(event.subject, practice: event.practice)
        if case .review(let review) = event.resource.content {
            return outputs + take(review, patient: index, offset: offset, now: now)
        }
        let practice = patients[index].practice
        let change = patients[index].apply(event, offset: offset, codings: &codings, zone: zone)
        for pack in packs.indices { packs[pack].membership.extend(to: codings) }
        if patients[index].practice != practice {
            outputs += move(patient: index, offset: offset, now: now)
        }
        let touched = rulesTouched(by: change)
        outputs += evaluate(patient: index, rules: touched, now: now, cause: .input(change))
        return outputs
    }

    /// The earliest patient that time alone makes worth looking at, up to an instant.
    package mutating func nextDue(
        through limit: Instant
    ) -> (instant: Instant, subject: String)? {
        guard let due = dueQueue.next(through: limit) else { return nil }
        return (due.instant, patients[due.patient].subject)
    }

    /// Looks at a patient at the instant that it was due.
    package mutating func workOff(subject: String, instant: Instant) -> [Output] {
        guard let index = patientIndex[subject] else { return [] }
        let due = rules.indices.filter { patients[index].episodes[$0].due <= instant }
        return evaluate(patient: index, rules: due, now: instant, cause: .time)
    }

    /// Takes note of the offset that a raised or updated flag was given.
    package mutating func sequenced(_ event: FlagEvent, offset: UInt64) {
        guard event.transition == .raised || event.transition == .updated else { return }
        flags[event.flagID]?.newest = offset
    }

    private mutating func patient(_ subject: String, practice: String) -> Int {
        if let known = patientIndex[subject] { return known }
        let index = patients.count
        patientIndex[subject] = index
        var patient = Patient(subject: subject, practice: practice)
        patient.episodes = rules.map { Episode(settleMilliseconds: $0.rule.settleMilliseconds) }
        patients.append(patient)
        return index
    }

    /// The rules whose answer a change can alter: no other is evaluated.
    private func rulesTouched(by change: Patient.Change) -> [Int] {
        if change.demographics { return Array(rules.indices) }
        guard !change.facts.isEmpty else { return [] }
        return rules.indices.filter { index in
            let membership = packs[rules[index].pack].membership
            return rules[index].lists.contains { list in
                change.facts.contains { fact in
                    fact.codings.contains { membership.contains($0, list: list) }
                }
            }
        }
    }
}

// MARK: - Packs

extension Fold {
    /// Puts packs in force in place of those before, and looks at every patient anew.
    ///
    /// - Returns: what only the change of rules raised or resolved, patients in the order of their
    ///   first appearance.
    package mutating func activate(_ compiled: [CompiledPack], now: Instant) -> [Output] {
        let before = rules
        packs = compiled.map { pack in
            var membership = ListMembership(lists: pack.lists)
            membership.extend(to: codings)
            return ActivePack(pack: pack, membership: membership)
        }
        rules = packs.enumerated().flatMap { index, active in
            active.pack.rules.map { rule in
                ActiveRule(
                    rule: rule, pack: index,
                    lists: active.pack.program.lists(touching: rule.numerator))
            }
        }
        var outputs: [Output] = []
        for index in patients.indices {
            outputs += carryEpisodes(patient: index, from: before, now: now)
            outputs += evaluate(
                patient: index, rules: Array(rules.indices), now: now, cause: .rules)
        }
        return outputs
    }

    private mutating func carryEpisodes(
        patient index: Int, from before: [ActiveRule], now: Instant
    ) -> [Output] {
        let old = patients[index].episodes
        var outputs: [Output] = []
        patients[index].episodes = rules.map { active in
            let known = before.firstIndex { $0.rule.id == active.rule.id }.map { old[$0] }
            var episode = known ?? Episode()
            episode.settleMilliseconds = active.rule.settleMilliseconds
            return episode
        }
        for (position, active) in before.enumerated() {
            guard let open = old[position].open,
                !rules.contains(where: { $0.rule.id == active.rule.id })
            else { continue }
            var event = flagEvent(.resolved, open, rule: active.rule, pack: active.pack, index)
            event.reason = "rules"
            event.closedAt = now
            outputs.append(.flag(event))
        }
        return outputs
    }
}
