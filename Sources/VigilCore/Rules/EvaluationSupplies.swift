// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One supply is one: which of several records of the same medicine count (clinical.md section
/// 1.8, "For counts ...").
extension Evaluation {
    /// The list with one fact for each supply; what is uncertain stays as it is.
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
        let certain = all.lazy.filter { $0.truth == .yes }.map { Int($0.fact) }
        let firsts = MedicineSupply.firsts(of: Array(certain), patient.facts, today: today)
        var place = 0
        for var entry in all {
            if entry.truth == .yes {
                defer { place += 1 }
                guard firsts[place] == place else { continue }
            }
            entry.until = min(entry.until, change)
            scratch.stack.append(entry)
        }
        return outcome(
            of: ListReference(
                start: list.start, count: scratch.stack.count - list.start, isKept: false,
                absentUntil: change))
    }
}
