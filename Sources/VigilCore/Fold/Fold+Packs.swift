// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Changes of rules that not all patients have been brought up to.
///
/// A change takes effect for one patient at a time: when something of the patient's own comes or
/// falls due, or in a step that brings up patients in the order of their first appearance. Until
/// then the patient's episodes are those of the rules before.
struct ChangeProgress {
    /// What a change can alter.
    enum Scope {
        case all
        /// One rule, by its id.
        case rule(String)
    }

    /// A rule that was in force before a change.
    struct PastRule {
        var rule: Rule
        var pack: PackIdentity
    }

    /// The rules before a change.
    struct Past {
        var rules: [PastRule]
        var scope: Scope
        /// Whether the rules are the same and the engine is another.
        var isEngine = false
        /// For each of them its place among the rules in force now, nil where it is gone.
        var successors: [Int?] = []
        /// For each rule in force now its place among them.
        var predecessors: [Int?] = []
    }

    /// How many changes there were.
    private(set) var generation = 0
    /// The rules of the generations before this one, the newest last: as many as some patient may
    /// stand at.
    private(set) var past: [Past] = []
    /// Patients before this one are up to date.
    private(set) var stepped = 0
    /// Patients from this one on came after the newest change.
    private(set) var end = 0

    init() {}

    mutating func begin(
        from rules: [PastRule], scope: Scope, patientCount: Int, isEngine: Bool = false
    ) {
        guard patientCount > 0 else { return }
        past.append(Past(rules: rules, scope: scope, isEngine: isEngine))
        generation += 1
        stepped = 0
        end = patientCount
    }

    /// Relates the rules before to those in force now.
    mutating func relate(to ids: [String]) {
        var places: [String: Int] = [:]
        for (place, id) in ids.enumerated() { places[id] = place }
        for index in past.indices {
            let before = past[index].rules.map(\.rule.id)
            past[index].successors = before.map { places[$0] }
            past[index].predecessors = Array(repeating: nil, count: ids.count)
            for (place, successor) in past[index].successors.enumerated() {
                if let successor { past[index].predecessors[successor] = place }
            }
        }
    }

    mutating func advance(through patient: Int) {
        stepped = patient
        if stepped >= end { past = [] }
    }

    /// The rules before the changes that a patient has yet to be brought up to, oldest first.
    func missed(by generation: Int) -> ArraySlice<Past> {
        past.suffix(self.generation - generation)
    }
}

extension ChangeProgress: StateCodable {
    /// Only between changes: the rules before are those that no patient stands at any more.
    func write(to state: inout StateWriter) {
        state.write(generation)
        state.write(stepped)
        state.write(end)
    }

    init(state: inout StateReader) throws(StateError) {
        generation = try state.read()
        stepped = try state.read()
        end = try state.read()
        guard stepped >= end else { throw StateError() }
    }
}

extension Fold {
    /// Patients that a step looks at.
    static let patientsPerStep = 1024
    /// A step ends with the patient by whom it has this many outputs.
    static let outputsPerStep = 256

    /// Puts packs in force in place of those before, for each patient as it is brought up.
    package mutating func begin(_ compiled: [CompiledPack]) {
        beginChange(of: .all)
        enforce(compiled)
    }

    /// Puts packs in force without a look at any patient.
    mutating func enforce(_ compiled: [CompiledPack]) {
        packs = compiled.map { pack in
            var membership = ListMembership(lists: pack.lists)
            membership.extend(to: codings)
            return ActivePack(pack: pack, membership: membership)
        }
        readability = Readability()
        readability.extend(to: codings, packs: packs)
        rules = packs.enumerated().flatMap { index, active in
            let needs = ProgramNeeds(of: active.pack.program, membership: active.membership)
            return active.pack.rules.map { rule in
                ActiveRule(
                    rule: rule, pack: index,
                    lists: active.pack.program.lists(touching: rule.numerator)
                        + (rule.algorithm?.lists ?? []),
                    needs: needs.needs(of: rule.numerator), track: nil)
            }
        }
        indexRules()
        changes.relate(to: rules.map(\.rule.id))
    }

    /// Puts settings in force in place of those before, with the packs as they are under them.
    package mutating func begin(
        _ settings: FoldSettings, packs compiled: [CompiledPack], now: Instant
    ) {
        begin(compiled)
        self.settings = settings
        watch.expect(settings, at: now)
    }

    /// Puts packs in force and brings every patient up to them.
    ///
    /// - Returns: what only the change of rules raised or resolved, patients in the order of their
    ///   first appearance.
    package mutating func activate(_ compiled: [CompiledPack], now: Instant) -> [Output] {
        begin(compiled)
        return step(through: changes.end, now: now)
    }

    mutating func beginChange(of scope: ChangeProgress.Scope, isEngine: Bool = false) {
        let before = rules.map {
            ChangeProgress.PastRule(rule: $0.rule, pack: packs[$0.pack].identity)
        }
        changes.begin(
            from: before, scope: scope, patientCount: patients.count, isEngine: isEngine)
        changes.relate(to: rules.map(\.rule.id))
    }

    /// Whether patients are left to be brought up to a change.
    package var isStepping: Bool { changes.stepped < changes.end }

    /// Brings up the patients that come next, as many as are a step.
    ///
    /// - Returns: what only the change raised or resolved, and the number of the patients, in the
    ///   order of their first appearance, that are up to date then.
    package mutating func step(now: Instant) -> (outputs: [Output], through: Int) {
        var outputs: [Output] = []
        let limit = min(changes.stepped + Fold.patientsPerStep, changes.end)
        var next = changes.stepped
        while next < limit, outputs.count < Fold.outputsPerStep {
            outputs += stepUp(next, now: now)
            next += 1
        }
        changes.advance(through: next)
        return (outputs, next)
    }

    /// Brings up patients as a step did.
    ///
    /// - Parameters:
    ///   - end: the number of the patients that are up to date then.
    ///   - now: the log's time of the step.
    /// - Returns: what only the change raised or resolved.
    package mutating func step(through end: Int, now: Instant) -> [Output] {
        var outputs: [Output] = []
        for index in changes.stepped..<max(changes.stepped, min(end, changes.end)) {
            outputs += stepUp(index, now: now)
        }
        changes.advance(through: min(end, changes.end))
        return outputs
    }

    private mutating func stepUp(_ index: Int, now: Instant) -> [Output] {
        decide(for: index, place: index) { $0.bringUp(patient: index, now: now) }
    }

    /// Brings a patient up to the rules in force.
    mutating func bringUp(patient index: Int, now: Instant) -> [Output] {
        patients.open(index)
        guard patients[\.generation, of: index] < changes.generation else { return [] }
        let missed = changes.missed(by: patients[index].generation)
        guard let oldest = missed.first else { return [] }
        patients[index].generation = changes.generation
        patients[index].readRegistration(zone: zone, settings: settings)
        var touched: [Int] = []
        for past in missed {
            switch past.scope {
            case .all: touched = Array(rules.indices)
            case .rule(let id): touched += rules.indices.filter { rules[$0].rule.id == id }
            }
        }
        regroupReadings(of: index)
        let outputs = carryEpisodes(patient: index, from: oldest, now: now)
        guard patients[index].mergedInto == nil else { return outputs }
        let judged = evaluate(
            patient: index, rules: Set(touched).sorted(), now: now,
            cause: missed.allSatisfy(\.isEngine) ? .engine : .rules)
        return outputs + judged.map { told($0, byThoseIn: oldest) }
    }

    /// What has ended on its topic for a rule of another severity, as told by the rule before.
    private func told(_ output: Output, byThoseIn before: ChangeProgress.Past) -> Output {
        guard case .flag(var event) = output, event.reason == "severity-changed",
            // An algorithm says itself how severe what it finds is.
            event.rule.algorithm == nil,
            let gone = before.rules.first(where: { $0.rule.id == event.rule.id })
        else { return output }
        event.rule = gone.rule
        event.pack = gone.pack
        return .flag(event)
    }

    /// Whether what a rule has told goes on under the one of its id that is in force now.
    ///
    /// What a rule on trial has found is no flag, nor the other way round, and a flag is no alert.
    private func goesOn(_ before: Rule, as rule: Rule) -> Bool {
        // What another engine has told of a flag as an alert stands as it is in the log.
        before.isShadow == rule.isShadow && (isAdopting || before.emits == rule.emits)
    }

    /// Hands a patient's episodes from the rules before to those of the same ids now; flags of
    /// rules that are gone, or that tell what they find on another topic, end.
    private mutating func carryEpisodes(
        patient index: Int, from before: ChangeProgress.Past, now: Instant
    ) -> [Output] {
        let old = patients[index].episodes
        let past = patients[index].pastEpisodes
        patients[index].episodes = EpisodeTable()
        for (place, active) in rules.enumerated() where active.rule.emits != .indicators {
            var episode = past[active.rule.id] ?? Episode()
            if let last = before.predecessors[place],
                before.rules[last].rule.emits != .indicators
            {
                episode = old[last]
                if !goesOn(before.rules[last].rule, as: active.rule) { episode.close(now: now) }
            }
            if let pending = episode.pending {
                episode.pending?.settlesAt = pending.since.adding(
                    milliseconds: active.rule.settleMilliseconds)
            }
            patients[index].episodes[place] = episode
        }
        var outputs: [Output] = []
        for (position, gone) in before.rules.enumerated() {
            let successor = before.successors[position].flatMap {
                rules[$0].rule.emits == .indicators ? nil : $0
            }
            if successor == nil, let remains = old[position].remains(now: now) {
                patients[index].pastEpisodes[gone.rule.id] = remains
            }
            guard let open = old[position].open else { continue }
            var ended = flagEvent(.resolved, open, rule: gone.rule, pack: gone.pack, index)
            ended.closedAt = now
            guard let successor, goesOn(gone.rule, as: rules[successor].rule) else {
                ended.reason = "rules"
                outputs.append(.flag(ended))
                outputs += endReminder(of: open, patient: index, now: now)
                continue
            }
            if isSuspended(rules[successor].rule, practice: patients[index].practice) {
                // Here, since it is the rule before that has told of it.
                patients[index].episodes[successor].close(now: now)
                ended.reason = "suspended"
                outputs.append(.flag(ended))
                outputs += endReminder(of: open, patient: index, now: now)
                continue
            }
            // What is configured for reminders may have changed.
            let remindAt = reminderDue(open, from: open.openedAt)
            patients[index].episodes[successor].open?.remindAt = remindAt
        }
        return outputs
    }
}
