// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How many patients of a practice a rule counts at a moment.
package struct Indicator: Hashable, Sendable {
    package var pack: String
    package var rule: String
    package var practice: String
    package var denominator = 0
    package var numerator = 0
    /// Patients of whom the denominator or the numerator cannot be said.
    package var unknown = 0
    /// Whether the rule reads what the practice's sources send.
    package var isWatching = true
}

extension Fold {
    /// How many flags are open.
    package var openFlagCount: Int {
        patients.reduce(0) { $0 + $1.episodes.open.count }
    }

    /// The indicators at an instant, by pack and rule in their order, then by practice.
    package func indicators(at now: Instant) -> [Indicator] {
        let practices = Set(patients.map(\.practice)).sorted()
        var position: [String: Int] = [:]
        for (index, practice) in practices.enumerated() { position[practice] = index }
        var rows = rules.map { active in
            practices.map { practice in
                Indicator(
                    pack: packs[active.pack].pack.id, rule: active.rule.id, practice: practice,
                    isWatching: isWatching(active, practice: practice))
            }
        }
        for index in patients.indices where patients[index].mergedInto == nil {
            guard let column = position[patients[index].practice] else { continue }
            for (row, active) in rules.enumerated() {
                var run = self.run(pack: active.pack, patient: index, now: now)
                var denominator = run.judge(active.rule.denominator).truth
                var numerator = run.judge(active.rule.numerator).truth
                if unknownAbsence(of: active.rule, patient: index, now: now) != nil {
                    let isShared = active.rule.absences.contains(where: \.inDenominator)
                    if denominator == .yes, isShared { denominator = .unknown }
                    if numerator == .yes { numerator = .unknown }
                }
                if denominator == .yes { rows[row][column].denominator += 1 }
                if numerator == .yes { rows[row][column].numerator += 1 }
                if denominator == .unknown || numerator == .unknown {
                    rows[row][column].unknown += 1
                }
            }
        }
        return rows.flatMap { $0 }
    }
}
