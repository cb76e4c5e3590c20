// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Which subjects' Patient resources say that they are one patient (`Patient.link`).
struct MergeTable {
    /// A name in the namespace of a source.
    struct Name: Hashable {
        var source: ExactText
        var name: ExactText
    }

    /// A link as it was stated, and whom it means, where that subject is known.
    struct Stated {
        var link: PatientLink
        var source: ExactText
        var time: Instant
        var offset: UInt64
        var other: Int?
    }

    /// Subjects by the names of their Patient resources; the first to bear one keeps it.
    var named = ShardedTable<Name, Int>()
    /// By the patient whose resource states them.
    var stated: [Int: [Stated]] = [:]
    /// Who states a link to a patient, ascending.
    var statedAbout: [Int: [Int]] = [:]
    /// Who names somebody that nobody is called yet.
    var waiting: [ExactText: [Int]] = [:]
    /// The patients whose records are read as another's, by that other one; ascending.
    var members: [Int: [Int]] = [:]

    /// Takes out who no longer names somebody, or is about to again.
    fileprivate mutating func forget(_ index: Int, waitingFor name: String) {
        let others = waiting[ExactText(name)]?.filter { $0 != index } ?? []
        waiting[ExactText(name)] = others.isEmpty ? nil : others
    }
}

extension Fold {
    /// What rules see of a patient: its own records, and those that are read as its own.
    func seen(of index: Int) -> PatientFacts { patients.facts(seenOf: index) }

    /// The patient whose records a subject's are read as: itself unless it was merged.
    func survivor(of index: Int) -> Int { patients[\.mergedInto, of: index] ?? index }

    /// Takes note of a new subject, of the names of its Patient resource and of its links.
    ///
    /// - Returns: the patients whose records are to be put together anew, ascending.
    mutating func noteNames(of index: Int, event: InputEvent) -> [Int] {
        var affected: Set<Int> = []
        let names = [ExactText(patients[index].subject)] + note(namesIn: event, of: index)
        for name in names {
            for other in merges.waiting.removeValue(forKey: name) ?? [] {
                restate(other)
                affected.insert(other)
            }
        }
        if restate(index) { affected.insert(index) }
        guard !affected.isEmpty else { return [] }
        return regroup(from: affected.sorted())
    }

    private mutating func note(namesIn event: InputEvent, of index: Int) -> [ExactText] {
        guard event.resource.type == .patient,
            case .names(let names) = event.resource.patient
        else { return [] }
        let source = ExactText(event.source)
        let own = ExactText(patients[index].subject)
        let others = names.map { ExactText($0) }.filter { $0 != own }
        for name in others {
            let key = MergeTable.Name(source: source, name: name)
            if merges.named[key] == nil { merges.named[key] = index }
        }
        return others
    }

    /// Reads a patient's links anew.
    ///
    /// - Returns: whether there are or were any.
    @discardableResult
    private mutating func restate(_ index: Int) -> Bool {
        let before = merges.stated.removeValue(forKey: index) ?? []
        let links = patients[index].statedLinks
        guard !before.isEmpty || !links.isEmpty else { return false }
        for statement in before {
            if let other = statement.other {
                merges.statedAbout[other]?.removeAll { $0 == index }
            } else {
                for name in statement.link.names { merges.forget(index, waitingFor: name) }
            }
        }
        let stated = links.map { stated in
            var stated = stated
            stated.other = patient(named: stated.link.names, source: stated.source)
            return stated
        }
        for statement in stated {
            if let other = statement.other {
                merges.statedAbout[other, default: []].append(index)
            } else {
                for name in statement.link.names {
                    merges.waiting[ExactText(name), default: []].append(index)
                }
            }
        }
        if !stated.isEmpty { merges.stated[index] = stated }
        // Those it no longer names have to be looked at too.
        for other in before.compactMap(\.other) where other != index {
            merges.statedAbout[other, default: []].append(index)
        }
        return true
    }

    private func patient(named names: [String], source: ExactText) -> Int? {
        for name in names.map({ ExactText($0) }) {
            if let known = merges.named[MergeTable.Name(source: source, name: name)] {
                return known
            }
            if let known = patients.index(of: name.text) { return known }
        }
        return nil
    }

    /// Works out anew who survives among all that are linked with some patients.
    ///
    /// Of contradictory links the newest counts, and one that would close a ring is left out.
    private mutating func regroup(from start: [Int]) -> [Int] {
        var reached = Set(start)
        var pending = start
        while let next = pending.popLast() {
            let linked =
                (merges.stated[next] ?? []).compactMap(\.other)
                + (merges.statedAbout[next] ?? []) + (merges.members[next] ?? [])
                + [patients[next].mergedInto].compactMap { $0 }
            for other in linked where reached.insert(other).inserted { pending.append(other) }
        }
        let group = reached.sorted()
        let targets = self.targets(among: group)
        var affected: Set<Int> = []
        for index in group { merges.members[index] = nil }
        for index in group {
            var root = index
            while let next = targets[root] { root = next }
            let survivor = root == index ? nil : root
            if let survivor { merges.members[survivor, default: []].append(index) }
            guard survivor != patients[index].mergedInto else { continue }
            affected.formUnion([index, root, patients[index].mergedInto ?? index])
            patients[index].mergedInto = survivor
        }
        for index in group {
            let others = (merges.statedAbout[index] ?? []).filter { other in
                merges.stated[other]?.contains { $0.other == index } ?? false
            }
            merges.statedAbout[index] = others.isEmpty ? nil : Array(Set(others)).sorted()
        }
        return affected.sorted()
    }

    /// Whose record each retired patient's is directly replaced by.
    private func targets(among group: [Int]) -> [Int: Int] {
        var edges: [(retired: Int, survivor: Int, time: Instant, offset: UInt64)] = []
        for index in group {
            for stated in merges.stated[index] ?? [] {
                guard let other = stated.other, other != index else { continue }
                let isRetired = stated.link.direction == .replacedBy
                edges.append(
                    (
                        isRetired ? index : other, isRetired ? other : index, stated.time,
                        stated.offset
                    ))
            }
        }
        edges.sort {
            ($1.time, $1.offset, $0.retired, $0.survivor)
                < ($0.time, $0.offset, $1.retired, $1.survivor)
        }
        var targets: [Int: Int] = [:]
        for edge in edges where targets[edge.retired] == nil {
            var root = edge.survivor
            while root != edge.retired, let next = targets[root] { root = next }
            if root != edge.retired { targets[edge.retired] = edge.survivor }
        }
        return targets
    }

    // MARK: - What a merge does

    /// Puts patients' records together anew, ends the flags of those that were merged, and looks
    /// at all others again.
    ///
    /// A load only puts the records together: its end has all looked at.
    mutating func remerge(
        _ affected: [Int], now: Instant, change: Patient.Change, isEvaluating: Bool
    ) -> [Output] {
        var outputs: [Output] = []
        for index in affected { outputs += bringUp(patient: index, now: now) }
        for index in affected where patients[index].mergedInto != nil {
            outputs += retire(index, now: now, isEvaluating: isEvaluating)
        }
        for index in affected where patients[index].mergedInto == nil {
            _ = rebuildView(of: index)
            guard isEvaluating else { continue }
            outputs += evaluate(
                patient: index, rules: Array(rules.indices), now: now, cause: .input(change))
            // An override of somebody who is another patient after all.
            outputs += restateReviews(patient: index, now: now)
        }
        return outputs
    }

    /// Ends the flags of a patient whose records are read as another's.
    ///
    /// The survivor's flags for the same hazards need not settle again, and an override of one
    /// that has ended here covers them.
    private mutating func retire(
        _ index: Int, now: Instant, isEvaluating: Bool
    ) -> [Output] {
        patients[index].view = nil
        let survivor = survivor(of: index)
        for load in patients[index].loads { hold([survivor], load: load) }
        var outputs: [Output] = []
        for (rule, known) in patients[index].episodes.entries {
            var episode = known
            if let open = episode.open {
                var ended = flagEvent(.resolved, open, of: rules[rule], index)
                ended.reason = "merged"
                ended.closedAt = now
                outputs.append(.flag(ended))
                outputs += endReminder(of: open, patient: index, now: now)
                episode.close(now: now)
                if patients[survivor].episodes[rule].open == nil {
                    patients[survivor].episodes[rule].pending = Episode.Pending(
                        since: open.openedAt, reason: "event",
                        settlesAt: isEvaluating ? now : .never)
                }
            }
            for override in episode.overrides {
                patients[survivor].episodes[rule].keep(override, now: now)
            }
            episode.pending = nil
            episode.stableUntil = .never
            patients[index].episodes[rule] = episode
        }
        dueQueue.set(.never, patient: index)
        return outputs
    }

    /// Puts together what rules see of a patient and of those merged into it.
    ///
    /// - Returns: what differs from before, where others were merged into it.
    @discardableResult
    mutating func rebuildView(of index: Int) -> Patient.Change? {
        guard let members = merges.members[index], !members.isEmpty else {
            if patients[\.view, of: index] != nil {
                patients[index].tracks.invalidate()
                patients[index].view = nil
            }
            return nil
        }
        patients[index].tracks.invalidate()
        let before = seen(of: index)
        let view = patients[index].joined(by: members.map { patients[$0] }, zone: zone)
        patients[index].view = view
        var change = Patient.Change()
        // By resource, for a version of it may have come under another subject than the last.
        var stops: [Patient.ResourceKey: CivilDay?] = [:]
        for fact in before.facts where fact.issue == 0 {
            if let key = fact.medicineKey { stops.updateValue(fact.stoppedOn, forKey: key) }
        }
        for fact in view.facts where fact.issue == 0 {
            guard let key = fact.medicineKey, let old = stops[key], old != fact.stoppedOn else {
                continue
            }
            if (fact.stoppedOn ?? .last) < (old ?? .last) {
                change.stop = true
            } else {
                change.resumption = true
            }
        }
        return change
    }
}

extension Patient {
    /// The links that the Patient resources state which count.
    var statedLinks: [MergeTable.Stated] {
        currentPatients.flatMap { event in
            (event.content?.links ?? []).map {
                MergeTable.Stated(
                    link: $0, source: event.resource.source, time: event.version.time,
                    offset: event.version.offset)
            }
        }
    }

    /// What rules see of this patient with others' records.
    ///
    /// Of a resource that several have the greatest version counts, after what all of them have
    /// said of its life. The Patient resources of those that were merged fill in a birth date or
    /// gender that is not known otherwise.
    func joined(by others: [Patient], zone: ZoneTable) -> PatientFacts {
        var whole = self
        whole.view = nil
        for other in others {
            for entry in other.resources.entries {
                let known = whole.resources[entry.key]
                whole.resources[entry.key] = known?.joined(by: entry.state) ?? entry.state
            }
            whole.hasHalts = whole.hasHalts || other.hasHalts
            whole.hasRepeats = whole.hasRepeats || other.hasRepeats
            if whole.facts.birth == nil {
                whole.facts.birth = other.facts.birth
                whole.facts.birthOffset = other.facts.birthOffset
            }
            whole.facts.gender = whole.facts.gender ?? other.facts.gender
        }
        var counting: Set<UInt64> = []
        var endings: [UInt64: EndedHistory] = [:]
        for entry in whole.resources.entries {
            guard let offset = entry.state.factOffset else { continue }
            counting.insert(offset)
            endings[offset] = entry.state.ending
        }
        whole.facts.facts = []
        for var fact in (facts.facts + others.flatMap(\.facts.facts)).sorted(by: Patient.isNoted)
        where counting.contains(fact.offset) {
            if let ending = endings[fact.offset] { fact.endDay = ending.endDay(in: zone) }
            whole.insert(fact)
        }
        var change = Change()
        var sources: Set<ExactText> = []
        for fact in whole.facts.facts {
            guard let source = fact.supply?.source, sources.insert(source).inserted else {
                continue
            }
            whole.applyHalts(of: source, zone: zone, change: &change)
        }
        return whole.facts
    }

    /// In the order of the log, as facts of one day are put in.
    private static func isNoted(_ left: Fact, before right: Fact) -> Bool {
        (left.offset, left.issue) < (right.offset, right.issue)
    }
}

extension Patient.ResourceState {
    /// What is remembered of a resource that two subjects have, as if all its versions had come
    /// under one.
    fileprivate func joined(by other: Patient.ResourceState) -> Patient.ResourceState {
        let isOlder = version < other.version
        var newest = isOlder ? other : self
        let older = isOlder ? self : other
        if let earlier = older.medicine {
            let medicine = newest.medicine?.joined(by: earlier) ?? earlier
            newest.life = Patient.Life(medicine, version: newest.version)
        } else if let earlier = older.ending {
            newest.life = .condition(newest.ending?.joined(by: earlier) ?? earlier)
        }
        return newest
    }
}

extension Fact {
    /// The order, dispense or statement that it is of; nil of anything else.
    fileprivate var medicineKey: Patient.ResourceKey? {
        supply.map { Patient.ResourceKey(source: $0.source, type: type, id: $0.id) }
    }
}
