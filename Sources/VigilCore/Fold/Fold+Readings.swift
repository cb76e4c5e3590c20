// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Readings: what keeps a stream of a reading a second from growing a patient's state.
///
/// A result with a moment and a quantity that no CQL asks for is kept in a bounded series; what
/// algorithms have to know of older ones is in their tracks. All other results stay facts.
extension Fold {
    // MARK: - Which results are readings

    /// Finds out which lists of the packs in force are read as facts, and which are followed.
    mutating func indexReadings() {
        heldByCoding = []
        followedByCoding = []
        heldLists = packs.map { active in
            var held: Set<Int> = []
            let program = active.pack.program
            for index in program.definitions.indices {
                held.formUnion(program.lists(touching: DefinitionID(index: index)))
            }
            for case let use? in active.pack.rules.map(\.algorithm)
            where use.algorithm.following == nil {
                held.formUnion(use.lists)
            }
            return held.sorted()
        }
        for index in trackUses.indices { trackUses[index].place = nil }
        for index in rules.indices {
            guard let use = rules[index].rule.algorithm, let following = use.algorithm.following
            else { continue }
            let pack = rules[index].pack
            let wanted = TrackUse(
                following: following, pack: packs[pack].pack.hash, lists: use.lists, place: pack)
            let known = trackUses.firstIndex { $0.isSame(as: wanted) }
            let number = known ?? trackUses.count
            if known == nil { trackUses.append(wanted) }
            trackUses[number].place = pack
            rules[index] = ActiveRule(
                rule: rules[index].rule, pack: pack, lists: rules[index].lists,
                needs: rules[index].needs, track: number)
        }
    }

    /// Whether something asks for facts with a code.
    func isHeld(_ coding: CodingID) -> Bool {
        packs.indices.contains { pack in
            heldLists[pack].contains { packs[pack].membership.contains(coding, list: $0) }
        }
    }

    /// Whether an algorithm follows facts with a code.
    func isFollowed(_ coding: CodingID) -> Bool {
        trackUses.indices.contains { reader(of: $0)?.contains(coding) ?? false }
    }

    // MARK: - Following readings

    /// Hands what an input changed to the algorithms that follow it.
    ///
    /// - Parameters:
    ///   - index: the patient that rules are about.
    ///   - change: what the input did.
    ///   - now: the log's time.
    mutating func follow(patient index: Int, _ change: Patient.Change, now: Instant) {
        guard !trackUses.isEmpty, !change.facts.isEmpty else { return }
        if mayBeFollowed(change) { handOver(change, patient: index, now: now) }
        if merges.members[index] != nil { patients[index].tracks.invalidate() }
    }

    private mutating func handOver(_ change: Patient.Change, patient index: Int, now: Instant) {
        let gone = change.gone
        let come =
            gone.isEmpty
            ? change.facts
            : change.facts.filter { fact in !gone.contains { $0.offset == fact.offset } }
        for use in trackUses.indices {
            guard let reader = reader(of: use) else { continue }
            for fact in gone where reader.reads(fact) {
                perform(.forget(fact.offset), on: use, reader, patient: index)
            }
            for fact in come where reader.reads(fact) {
                perform(.add(fact, now: now), on: use, reader, patient: index)
            }
        }
    }

    /// Whether an algorithm may follow any fact of a change, by its code or the one that it says.
    private func mayBeFollowed(_ change: Patient.Change) -> Bool {
        for index in change.facts.indices {
            for coding in change.facts[index].codings
            where followedByCoding[Int(coding.index)] {
                return true
            }
            if case .codings = change.facts[index].details.value { return true }
        }
        return false
    }

    /// Lets go of the oldest readings where there are too many.
    ///
    /// - Parameters:
    ///   - index: the patient whose readings they are.
    ///   - now: the log's time.
    mutating func trimReadings(of index: Int, now: Instant) {
        let whole = survivor(of: index)
        while let excess = patients[\.series, of: index].excess {
            for use in trackUses.indices {
                guard let reader = reader(of: use),
                    excess.codings.contains(where: reader.contains)
                else { continue }
                perform(
                    .advance(through: excess.through, now: now), on: use, reader, patient: whole)
            }
            patients[index].series.drop(excess.codings, through: excess.through)
        }
    }

    /// Brings the track of a rule up to the readings.
    mutating func updateTrack(ofRule rule: Int, patient index: Int, now: Instant) {
        guard let use = rules[rule].track, let reader = reader(of: use),
            !patients[index].tracks.isCurrent(use, following: trackUses[use].following)
        else { return }
        perform(.update(now: now), on: use, reader, patient: index)
    }

    /// A patient's tracks, that of a rule brought up to the readings.
    func currentTracks(of active: ActiveRule, patient index: Int, now: Instant) -> TrackTable {
        guard let use = active.track else { return TrackTable() }
        var tracks = patients[index].tracks
        guard let reader = reader(of: use),
            !tracks.isCurrent(use, following: trackUses[use].following)
        else { return tracks }
        tracks.perform(
            .update(now: now), on: use, following: trackUses[use].following, reader, zone: zone,
            facts: keptFacts(of: index, reader))
        return tracks
    }

    /// What of an input's facts an algorithm that has looked at them would read and cannot.
    func readingProblems(
        _ rule: Int, _ verdict: Verdict, cause: Cause, now: Instant
    ) -> [DataProblem] {
        guard verdict.assessment != nil, case .input(let change) = cause,
            let use = rules[rule].track, let reader = reader(of: use)
        else { return [] }
        return change.facts.flatMap { fact -> [DataProblem] in
            guard let at = fact.date.instant, at <= now,
                !change.gone.contains(where: { $0.offset == fact.offset })
            else { return [] }
            switch trackUses[use].following {
            case .vitalSigns: return News2.problems(of: fact, reader)
            case .oxygen: return HomeOxygen.problems(of: fact, reader)
            case .pressure: return HomePressure.problems(of: fact, reader)
            case .glucose: return Glucose.problems(of: fact, reader)
            }
        }
    }

    /// Brings a patient's readings and tracks up to the rules in force: what facts are asked for
    /// now is made facts.
    mutating func regroupReadings(of index: Int) {
        let uses = trackUses
        patients[index].tracks.keep { uses[$0].place != nil }
        let held = heldByCoding
        let moved = patients[index].series.takeSeries { codings in
            codings.contains { held[Int($0.index)] }
        }
        for reading in moved.sorted(by: { $0.fact.offset < $1.fact.offset }) {
            patients[index].insert(reading.fact)
            patients[index].resources[reading.key] = Patient.ResourceState(
                version: reading.version, isWithdrawn: false, factOffset: reading.fact.offset)
        }
    }

    private func reader(of use: Int) -> ListReader? {
        guard let pack = trackUses[use].place else { return nil }
        return ListReader(
            roles: trackUses[use].lists, lists: packs[pack].pack.lists,
            membership: packs[pack].membership)
    }

    private mutating func perform(
        _ work: TrackTable.Work, on use: Int, _ reader: ListReader, patient index: Int
    ) {
        let facts = keptFacts(of: index, reader)
        patients[index].tracks.perform(
            work, on: use, following: trackUses[use].following, reader, zone: zone, facts: facts)
    }

    /// The facts and readings of a patient that a track reads, looked for where they are wanted.
    private func keptFacts(of index: Int, _ reader: ListReader) -> () -> [Fact] {
        let known = seen(of: index).facts
        var tables = [patients[index].series]
        for member in merges.members[index] ?? [] { tables.append(patients[member].series) }
        return { (known + SeriesTable.counting(tables)).filter(reader.reads) }
    }

    /// The patient's facts with its readings among them, for whoever asks for all of them.
    func allFacts(of index: Int) -> PatientFacts {
        var whole = patients[index]
        for reading in SeriesTable.counting([whole.series]).sorted(by: { $0.offset < $1.offset }) {
            whole.insert(reading)
        }
        return whole.facts
    }
}

extension SeriesTable {
    /// The facts of several patients' readings; of a resource that several have the greatest
    /// version counts.
    static func counting(_ tables: [SeriesTable]) -> [Fact] {
        guard tables.count > 1 else { return tables.flatMap { $0.readings.map(\.fact) } }
        var newest: [Patient.ResourceKey: ResourceVersion] = [:]
        for reading in tables.flatMap({ Array($0.readings) }) {
            if let known = newest[reading.key], reading.version < known { continue }
            newest[reading.key] = reading.version
        }
        return tables.flatMap { Array($0.readings) }.compactMap { reading in
            newest[reading.key]?.offset == reading.version.offset ? reading.fact : nil
        }
    }
}
