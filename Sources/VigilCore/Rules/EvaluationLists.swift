// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Lists of facts. A list's entries are in the order of the patient's facts; they lie on a stack,
/// from which a definition's are copied to where they are kept.
extension Evaluation {
    func entries(of list: ListReference) -> ArraySlice<ListEntry> {
        (list.isKept ? scratch.keptEntries : scratch.stack)[list.start..<list.start + list.count]
    }

    mutating func keep(_ list: ListReference) -> ListReference {
        let start = scratch.keptEntries.count
        scratch.keptEntries.append(contentsOf: entries(of: list))
        cut(to: list.start)
        return ListReference(
            start: start, count: list.count, isKept: true, absentUntil: list.absentUntil)
    }

    /// Takes from the stack what lies at or above a height.
    mutating func cut(to height: Int) {
        // One by one: mostly they are a few, and to remove several at once costs more.
        while scratch.stack.count > height { scratch.stack.removeLast() }
    }

    /// The elements of a list as a fresh stretch on top of the stack.
    mutating func spread(_ index: Int32) -> ListReference? {
        guard case .list(let list) = evaluate(index).value else { return nil }
        guard list.isKept else { return list }
        let start = scratch.stack.count
        scratch.stack.append(contentsOf: entries(of: list))
        return ListReference(
            start: start, count: list.count, isKept: false, absentUntil: list.absentUntil)
    }

    func outcome(of list: ListReference) -> Outcome {
        var until = list.absentUntil
        for entry in entries(of: list) { until = min(until, entry.until) }
        return Outcome(.list(list), until: until)
    }

    /// The list of what lies on the stack from `start` on.
    private func top(from start: Int, absentUntil: Int64) -> Outcome {
        outcome(
            of: ListReference(
                start: start, count: scratch.stack.count - start, isKept: false,
                absentUntil: absentUntil))
    }

    mutating func retrieve(_ node: Node) -> Outcome {
        let wanted = ResourceTypes(rawValue: node.detail)
        let start = scratch.stack.count
        guard scratch.memberships.hasAny(list: Int(node.first)) else {
            return top(from: start, absentUntil: Outcome.never)
        }
        for index in scratch.samples.indices where isRetrieved(index, wanted, node.first) {
            let until = exposureEnd(ofFact: index)
            if until <= today.number { continue }
            scratch.stack.append(
                ListEntry(
                    fact: Int32(index), truth: .yes, until: Outcome.start(ofDay: until)))
        }
        return top(from: start, absentUntil: Outcome.never)
    }

    /// Whether a fact is of a type and in a list, for as long as it is an exposure.
    func isRetrieved(_ index: Int, _ wanted: ResourceTypes, _ list: Int32) -> Bool {
        let sample = scratch.samples[index]
        return !wanted.isDisjoint(with: sample.types)
            && scratch.memberships.contains(fact: index, list: Int(list))
            && (shared.program.countsSupplies || !sample.isRepeat)
    }

    /// The day from which a fact is no exposure any more; `Int32.max` if there is none.
    func exposureEnd(ofFact index: Int) -> Int32 {
        let sample = scratch.samples[index]
        let canStop =
            shared.program.stoppedEndsExposure && !sample.types.isDisjoint(with: .medications)
        return canStop ? sample.stoppedOn : .max
    }

    mutating func union(_ node: Node) -> Outcome {
        let start = scratch.stack.count
        guard let left = spread(node.first), let right = spread(node.second) else {
            cut(to: start)
            return Outcome(.null)
        }
        let absentUntil = min(left.absentUntil, right.absentUntil)
        // With one of them empty the other lies where their union belongs.
        if left.count == 0 || right.count == 0 {
            return top(from: start, absentUntil: absentUntil)
        }
        let end = scratch.stack.count
        var first = left.start
        var second = right.start
        while first < right.start || second < end {
            if second == end
                || first < right.start && scratch.stack[first].fact < scratch.stack[second].fact
            {
                scratch.stack.append(scratch.stack[first])
                first += 1
            } else if first == right.start || scratch.stack[second].fact < scratch.stack[first].fact
            {
                scratch.stack.append(scratch.stack[second])
                second += 1
            } else {
                scratch.stack.append(scratch.stack[first].merged(with: scratch.stack[second]))
                first += 1
                second += 1
            }
        }
        scratch.stack.removeSubrange(start..<end)
        return top(from: start, absentUntil: absentUntil)
    }

    mutating func filter(_ node: Node, at index: Int32) -> Outcome {
        guard let source = spread(node.first) else { return Outcome(.null) }
        var absentUntil = source.absentUntil
        var kept = source.start
        let window = source.count > 0 ? self.window(ofFilter: index) : nil
        for position in source.start..<source.start + source.count {
            var entry = scratch.stack[position]
            let day = CivilDay(number: scratch.samples[Int(entry.fact)].day)
            let condition =
                window?.outcome(for: day, today: today)
                ?? evaluate(node.second, of: entry.fact, alias: node.third)
            switch condition.value.truth {
            case .no:
                absentUntil = min(absentUntil, condition.until)
                continue
            case .yes:
                break
            case .unknown:
                entry.truth = .unknown
            }
            entry.until = min(entry.until, condition.until)
            scratch.stack[kept] = entry
            kept += 1
        }
        cut(to: kept)
        return top(from: source.start, absentUntil: absentUntil)
    }

    private mutating func evaluate(_ condition: Int32, of fact: Int32, alias: Int32) -> Outcome {
        scratch.aliases[Int(alias)] = .fact(fact)
        return evaluate(condition)
    }

    /// True for as long as the longest witness lasts; null where only unknown ones are left.
    mutating func exists(_ node: Node) -> Outcome {
        let start = scratch.stack.count
        defer { cut(to: start) }
        let source = evaluate(node.first)
        guard case .list(let list) = source.value else {
            return Outcome(.null, until: source.until)
        }
        var witness: Int64?
        var isUnknown = false
        for entry in entries(of: list) {
            if entry.truth == .yes { witness = max(witness ?? entry.until, entry.until) }
            if entry.truth == .unknown { isUnknown = true }
        }
        if let witness { return Outcome(.boolean(true), until: witness) }
        return Outcome(isUnknown ? .unknown : .no, until: source.until)
    }

    mutating func count(_ node: Node) -> Outcome {
        let start = scratch.stack.count
        defer { cut(to: start) }
        let source = evaluate(node.first)
        guard case .list(let list) = source.value,
            entries(of: list).allSatisfy({ $0.truth == .yes })
        else { return Outcome(.null, until: source.until) }
        return Outcome(.integer(Int64(list.count)), until: source.until)
    }

    /// The first or last element; null where an unknown one may come before it.
    mutating func end(_ node: Node, isLast: Bool) -> Outcome {
        let start = scratch.stack.count
        defer { cut(to: start) }
        let source = evaluate(node.first)
        guard case .list(let list) = source.value else {
            return Outcome(.null, until: source.until)
        }
        let entries = entries(of: list)
        guard let entry = isLast ? entries.last : entries.first else {
            return Outcome(.null, until: source.until)
        }
        guard entry.truth == .yes else { return Outcome(.null, until: source.until) }
        return Outcome(.fact(entry.fact), until: min(entry.until, list.absentUntil))
    }
}

extension ListEntry {
    /// The same fact in two lists: it is in their union while it is in either.
    func merged(with other: ListEntry) -> ListEntry {
        if truth == other.truth {
            let until = truth == .yes ? max(until, other.until) : min(until, other.until)
            return ListEntry(fact: fact, truth: truth, until: until)
        }
        return truth == .yes ? self : other
    }
}
