// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The state that a log's inputs amount to, and what follows from each further one.
///
/// It sees time only through the instants that it is handed, and gives the same outputs for the
/// same inputs on any machine. It decides and never does: offsets, bytes and sockets are others'.
/// What is added here is added in `Fold+State.swift` as well.
package struct Fold: Sendable {
    package let origin: String
    package let zone: ZoneTable
    var patients = PatientTable()
    var chains = RecordChains()
    var codings = CodingTable()
    var packs: [ActivePack] = []
    var rules: [ActiveRule] = []
    var dueQueue = DueQueue()
    var sources = SourceTracker()
    /// Whose flag an identity is.
    var flagPlaces = PlaceIndex()
    /// What was judged otherwise than before, since the digest of it was last taken.
    package var trace = DecisionTrace()
    package internal(set) var settings = FoldSettings()
    /// In the order in which they were ordered.
    package internal(set) var suspensions: [Suspension] = []
    var changes = ChangeProgress()
    var loads = BaselineLoads()
    var feeds = FeedLedger()
    var watch = FeedWatch()
    var readability = Readability()
    var merges = MergeTable()
    /// Whom mapped sources mean by their names for patients.
    var bindings: [MergeTable.Name: ExactText] = [:]
    /// The rules that a fact with a coding can change, ascending, by the coding.
    var rulesByCoding: [[Int]] = []
    /// The rules that a list of a pack can change, ascending, by pack and list.
    var rulesByList: [[[Int]]] = []
    /// What algorithms follow readings by: in order of first appearance, those of packs that are
    /// no longer in force too, since patients' tracks name them by place.
    var trackUses: [TrackUse] = []
    /// Whether something asks for facts with a coding, by the coding.
    var heldByCoding: [Bool] = []
    /// Whether an algorithm follows facts with a coding, by the coding.
    var followedByCoding: [Bool] = []
    /// The lists that are read as facts, ascending, by pack.
    var heldLists: [[Int]] = []
    /// How often an operation of a pack's rules came to no value, by the pack's id, since the
    /// process began.
    package internal(set) var ruleErrors: [String: UInt64] = [:]
    /// While records of other semantics are read: nothing is decided, what was is taken from them.
    package var isAdopting = false
    /// nil for a fold that decides for all patients.
    var sharding: Sharding?

    /// A pack in force, with what its lists say of every coding seen so far.
    struct ActivePack: Sendable {
        var pack: CompiledPack
        var membership: ListMembership
        /// Room for the evaluation of its rules.
        var scratch = EvaluationScratch()

        /// The room, to be put back when an evaluation has ended.
        mutating func takeScratch() -> EvaluationScratch {
            var room = EvaluationScratch()
            swap(&room, &scratch)
            return room
        }

        var identity: PackIdentity {
            PackIdentity(id: pack.id, version: pack.version, hash: pack.hash)
        }
    }

    /// A rule in force and the pack that it belongs to.
    ///
    /// Shared rather than copied: it is wide, and every judgement takes it in hand.
    final class ActiveRule: Sendable {
        let rule: Rule
        let pack: Int
        /// Indexes of the pack's lists whose facts can change the rule, ascending.
        let lists: [Int]
        /// What its numerator cannot be true without.
        let needs: [ListSet]
        /// The track that its algorithm follows readings by, where it does.
        let track: Int?

        init(rule: Rule, pack: Int, lists: [Int], needs: [ListSet], track: Int?) {
            self.rule = rule
            self.pack = pack
            self.lists = lists
            self.needs = needs
            self.track = track
        }
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
        patients.index(of: subject).map { patients[$0].practice }
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
        heard(event.source, event.kind, of: event.practice, now: now)
        if tellsShared, let sequence = event.sequence {
            outputs += observe(source: event.source, epoch: event.epoch, sequence: sequence)
        }
        let (index, isNew) = patient(event.subject, practice: event.practice)
        bind(event)
        let isReview = event.resource.type == .detectedIssue
        outputs += decide(for: index, place: 0) { fold in
            let outputs = fold.bringUp(patient: index, now: now)
            if isReview {
                return outputs
                    + fold.takeReview(event, patient: index, offset: offset, now: now)
            }
            return outputs + fold.release(patient: fold.survivor(of: index), now: now)
        }
        guard !isReview else { return outputs }
        let isDecidedHere = decides(for: index)
        let codings = isDecidedHere || tellsShared ? intern(event) : []
        if tellsShared { outputs += countForCoverage(event, codings: codings, now: now) }
        if !isDecidedHere { passOver(event, patient: index) }
        return outputs
            + decide(for: index, place: 1) { fold in
                fold.record(
                    event, codings, patient: index, isNew: isNew, offset: offset, now: now)
            }
    }

    /// Puts an event among its patient's records and judges the rules that it touches.
    private mutating func record(
        _ event: InputEvent, _ codings: [CodingID], patient index: Int, isNew: Bool,
        offset: UInt64, now: Instant
    ) -> [Output] {
        var outputs: [Output] = []
        let practice = patients[\.practice, of: index]
        let load = loads.number(ofSource: event.source)
        let undated = load == nil ? nil : withoutGuess(event)
        let change = patients[index].apply(
            undated ?? event, offset: offset, now: now, codings: codings, zone: zone,
            settings: settings, held: heldByCoding)
        if undated != nil {
            outputs.append(
                .dataQuality(
                    DataQuality(
                        subject: event.subject, practice: patients[index].practice, rule: nil,
                        offset: offset, what: "undated-record", why: "baseline")))
        }
        if change.isTooLate {
            outputs.append(
                .dataQuality(
                    DataQuality(
                        subject: event.subject, practice: patients[index].practice, rule: nil,
                        offset: offset, what: "late-reading", why: "series-has-gone-on")))
        }
        var regrouped: [Int] = []
        if isNew || event.resource.type == .patient {
            regrouped = noteNames(of: index, event: event)
        }
        let whole = survivor(of: index)
        outputs += bringUp(patient: whole, now: now)
        follow(patient: whole, change, now: now)
        trimReadings(of: index, now: now)
        if patients[\.practice, of: index] != practice, whole == index {
            outputs += move(patient: index, now: now)
        }
        if let load { hold([whole] + regrouped, load: load) }
        outputs += remerge(regrouped, now: now, change: change, isEvaluating: load == nil)
        if load != nil { rebuildView(of: whole) }
        if load != nil || regrouped.contains(whole) { return outputs }
        return outputs + evaluate(patient: whole, after: change, now: now)
    }

    /// Judges the rules that a change of a patient's records touches.
    private mutating func evaluate(
        patient index: Int, after change: Patient.Change, now: Instant
    ) -> [Output] {
        var change = change
        if let joined = rebuildView(of: index) {
            change.stop = change.stop || joined.stop
            change.resumption = change.resumption || joined.resumption
            // To its own subject the version may look like a correction of another.
            if joined.stop || joined.resumption {
                change.correction = false
                change.corrects = nil
            }
            change.demographics = true
        }
        return evaluate(
            patient: index, rules: rulesTouched(by: change), now: now, cause: .input(change))
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
        if let told = sharding?.due.first, let instant = told.due {
            return instant <= limit ? (instant, patients[told.place].subject) : nil
        }
        guard let due = dueQueue.next(through: limit) else { return nil }
        return (due.instant, patients[due.patient].subject)
    }

    /// Looks at a patient at the instant that it was due.
    package mutating func workOff(subject: String, instant: Instant) -> [Output] {
        guard let index = patients.index(of: subject) else { return [] }
        return decide(for: index, place: index, due: instant) { fold in
            let outputs =
                fold.bringUp(patient: index, now: instant)
                + fold.release(patient: index, now: instant)
            let due = fold.patients[index].episodes.due(by: instant)
            defer {
                assert(
                    fold.patients.episodes(of: index).due > instant, "It would be due for ever.")
            }
            return outputs
                + fold.evaluate(patient: index, rules: due, now: instant, cause: .time)
        }
    }

    /// Takes note of the offset that a raised or updated flag was given.
    package mutating func sequenced(_ event: FlagEvent, offset: UInt64) {
        guard event.transition == .raised || event.transition == .updated else { return }
        guard let patient = patients.index(of: event.subject) else { return }
        changeFlag(event.flagID, of: patient) { $0.newest = offset }
    }

    private mutating func patient(
        _ subject: String, practice: String
    ) -> (index: Int, isNew: Bool) {
        if let known = patients.index(of: subject) { return (known, false) }
        var patient = Patient(subject: subject, practice: practice)
        patient.generation = changes.generation
        patients.append(patient)
        chains.append()
        if let shard = sharding?.shard { sharding?.owns.append(shard.includes(subject)) }
        return (patients.count - 1, true)
    }

    /// The rules whose answer a change can alter: no other is evaluated.
    private func rulesTouched(by change: Patient.Change) -> [Int] {
        if change.demographics { return Array(rules.indices) }
        if let coding = change.onlyCoding { return rulesByCoding[Int(coding.index)] }
        // As a rule there is one such list, which is ascending.
        var lists: [[Int]] = []
        for fact in change.facts {
            for coding in fact.codings { lists.append(rulesByCoding[Int(coding.index)]) }
            if case .codings(let codings) = fact.details.value {
                lists.append(rulesReading(codings))
            }
            if fact.type == .encounter { lists.append(rulesOfEveryEncounter) }
        }
        return lists.count == 1 ? lists[0] : Set(lists.joined()).sorted()
    }

    /// The rules that any encounter can alter, whatever its codes.
    private var rulesOfEveryEncounter: [Int] {
        rules.indices.filter { rules[$0].rule.algorithm?.algorithm.readsEveryEncounter == true }
    }

    /// The rules whose algorithm reads the codes that are the value of a result.
    private func rulesReading(_ codings: [Coding]) -> [Int] {
        rules.indices.filter { index in
            guard let use = rules[index].rule.algorithm else { return false }
            let lists = packs[rules[index].pack].pack.lists
            return use.lists.contains { list in
                codings.contains { lists[list].contains(system: $0.system, code: $0.code) }
            }
        }
    }
}

extension Patient.Change {
    /// The one coding of the one fact, where nothing else of it can alter a rule's answer.
    fileprivate var onlyCoding: CodingID? {
        guard facts.count == 1, facts[0].codings.count == 1, facts[0].type != .encounter else {
            return nil
        }
        if case .codings = facts[0].details.value { return nil }
        return facts[0].codings[0]
    }
}

// MARK: - Which rules a coding can change

extension Fold {
    /// Finds out anew which rules the packs' lists can change.
    mutating func indexRules() {
        rulesByList = packs.map { Array(repeating: [], count: $0.pack.lists.count) }
        for (index, active) in rules.enumerated() {
            for list in active.lists { rulesByList[active.pack][list].append(index) }
        }
        rulesByCoding = []
        indexReadings()
        extendIndexes()
    }

    /// The codes of what an event brings, all of them looked up.
    private mutating func intern(_ event: InputEvent) -> [CodingID] {
        guard case .clinical(let content) = event.resource.content else { return [] }
        let identifiers = codings.intern(content.codings)
        extendIndexes()
        readability.extend(to: codings, packs: packs)
        return identifiers
    }

    /// Looks up the codes that were interned since the last time.
    mutating func extendIndexes() {
        guard rulesByCoding.count < codings.count else { return }
        for pack in packs.indices { packs[pack].membership.extend(to: codings) }
        while rulesByCoding.count < codings.count {
            let coding = CodingID(index: Int32(rulesByCoding.count))
            var touched: Set<Int> = []
            for (pack, active) in packs.enumerated() {
                for list in active.membership.lists(with: coding) {
                    touched.formUnion(rulesByList[pack][list])
                }
            }
            rulesByCoding.append(touched.sorted())
            heldByCoding.append(isHeld(coding))
            followedByCoding.append(isFollowed(coding))
        }
    }
}
