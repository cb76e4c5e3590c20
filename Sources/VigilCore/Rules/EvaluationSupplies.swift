// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One supply is one: which of several records of the same medicine count (clinical.md section
/// 1.8, "For counts ...").
extension Evaluation {
    /// How far apart, in days, records that do not name each other may be and still be one supply.
    private static let daysApart: Int32 = 7

    /// The list with one fact for each supply.
    ///
    /// A dispense replaces the order that it names, from its day on; a statement that repeats
    /// another record of the list counts nothing; of records that are one without naming each
    /// other the first stands for all. What is uncertain stays as it is.
    mutating func supplies(_ node: Node) -> Outcome {
        guard let list = spread(node.first) else { return Outcome(.null) }
        let all = Array(entries(of: list))
        cut(to: list.start)
        // Whatever leaves the list, or a dispense whose day comes, may let others count.
        var change = list.absentUntil
        for entry in all {
            change = min(change, entry.until)
            let sample = scratch.samples[Int(entry.fact)]
            let isDispense = sample.types.contains(ResourceTypes(.medicationDispense))
            if isDispense, sample.day > today.number {
                change = min(change, Outcome.start(ofDay: sample.day))
            }
        }
        let certain = all.filter { $0.truth == .yes }.map(\.fact)
        let repeating = Set(certain.filter { isReplaced($0, among: certain) })
        var counted: [Int32] = []
        var joined: [Int32: [Int32]] = [:]
        for fact in certain where !repeating.contains(fact) {
            if let first = counted.last(where: { isOneSupply(fact, with: $0, joined) }) {
                joined[first, default: []].append(fact)
            } else {
                counted.append(fact)
            }
        }
        let kept = Set(counted)
        for var entry in all where entry.truth != .yes || kept.contains(entry.fact) {
            entry.until = min(entry.until, change)
            scratch.stack.append(entry)
        }
        return outcome(
            of: ListReference(
                start: list.start, count: scratch.stack.count - list.start, isKept: false,
                absentUntil: change))
    }

    /// Whether another record says that it is, or repeats, this one's supply.
    private func isReplaced(_ index: Int32, among others: [Int32]) -> Bool {
        // Field by field: a fact is wide, and is not copied to be looked at.
        guard let supply = patient.facts[Int(index)].supply else { return false }
        switch patient.facts[Int(index)].type {
        case .medicationStatement where !supply.names.isEmpty:
            return others.contains { other in
                guard other != index, let named = patient.facts[Int(other)].supply else {
                    return false
                }
                return named.source == supply.source && supply.names.contains(named.id)
            }
        case .medicationRequest:
            return others.contains { other in
                guard patient.facts[Int(other)].type == .medicationDispense,
                    patient.facts[Int(other)].day <= today,
                    let its = patient.facts[Int(other)].supply
                else { return false }
                return its.source == supply.source && its.names.contains(supply.id)
            }
        default:
            return false
        }
    }

    /// Whether a fact is of the supply that an earlier one stands for: dated close by, of a coding
    /// that both have, and of another type or source than all of the supply.
    private func isOneSupply(
        _ index: Int32, with first: Int32, _ joined: [Int32: [Int32]]
    ) -> Bool {
        guard
            scratch.samples[Int(index)].day - scratch.samples[Int(first)].day
                <= Evaluation.daysApart
        else {
            return false
        }
        let codings = patient.facts[Int(first)].codings
        guard patient.facts[Int(index)].codings.contains(where: codings.contains) else {
            return false
        }
        let type = patient.facts[Int(index)].type
        let source = patient.facts[Int(index)].supply?.source
        func isApart(from member: Int32) -> Bool {
            patient.facts[Int(member)].type != type
                || patient.facts[Int(member)].supply?.source != source
        }
        return isApart(from: first) && (joined[first] ?? []).allSatisfy(isApart)
    }
}
