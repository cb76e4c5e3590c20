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
    var patientIndex: [ExactText: Int] = [:]
    var codings = CodingTable()
    var packs: [ActivePack] = []
    var rules: [ActiveRule] = []
    var dueQueue = DueQueue()
    var sources = SourceTracker()
    var flags: [String: KnownFlag] = [:]
    package internal(set) var settings = FoldSettings()
    /// In the order in which they were ordered.
    package internal(set) var suspensions: [Suspension] = []
    var changes = ChangeProgress()
    var loads = BaselineLoads()
    var feeds = FeedLedger()
    var readability = Readability()

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
        var severity: Severity
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
        patientIndex[ExactText(subject)].map { patients[$0].practice }
    }

    /// Takes in an accepted event.
    ///
    /// What is due at or before `now` must have been worked off.
    ///
    /// - Parameters:
    ///   - event: as it was decoded.
    ///   - offset: the event's place in the log.
    ///   - now: the log's time of the record.
    /// - Returns: what it brings about, in the order in which it is to be written.
    package mutating func take(_ event: InputEvent, offset: UInt64, now: Instant) -> [Output] {
        var outputs: [Output] = []
        if let sequence = event.sequence {
            outputs += observe(source: event.source, epoch: event.epoch, sequence: sequence)
        }
        let index = patient(event.subject, practice: event.practice)
        outputs += bringUp(patient: index, now: now)
        outputs += release(patient: index, now: now)
        if event.resource.type == .detectedIssue {
            return outputs + takeReview(event, patient: index, offset: offset, now: now)
        }
        let practice = patients[index].practice
        let load = loads.number(ofSource: event.source)
        if let load { hold(patient: index, load: load) }
        let undated = load == nil ? nil : withoutGuess(event)
        let change = patients[index].apply(
            undated ?? event, offset: offset, codings: &codings, zone: zone)
        for pack in packs.indices { packs[pack].membership.extend(to: codings) }
        outputs += countForCoverage(event, now: now)
        if patients[index].practice != practice {
            outputs += move(patient: index, now: now)
        }
        guard load == nil else { return outputs }
        let touched = rulesTouched(by: change)
        outputs += evaluate(patient: index, rules: touched, now: now, cause: .input(change))
        return outputs
    }

    /// Takes note of where an accepted event stands in its source's numbering.
    ///
    /// - Returns: the gap that it opens or closes, if any.
    package mutating func observe(source: String, epoch: UInt64, sequence: UInt64) -> [Output] {
        sources.observe(source: source, epoch: epoch, sequence: sequence).map { [$0] } ?? []
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
        guard let index = patientIndex[ExactText(subject)] else { return [] }
        let outputs =
            bringUp(patient: index, now: instant) + release(patient: index, now: instant)
        let due = rules.indices.filter { patients[index].episodes[$0].due <= instant }
        return outputs + evaluate(patient: index, rules: due, now: instant, cause: .time)
    }

    /// Takes note of the offset that a raised or updated flag was given.
    package mutating func sequenced(_ event: FlagEvent, offset: UInt64) {
        guard event.transition == .raised || event.transition == .updated else { return }
        flags[event.flagID]?.newest = offset
    }

    private mutating func patient(_ subject: String, practice: String) -> Int {
        let key = ExactText(subject)
        if let known = patientIndex[key] { return known }
        let index = patients.count
        patientIndex[key] = index
        var patient = Patient(subject: subject, practice: practice)
        patient.generation = changes.generation
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
