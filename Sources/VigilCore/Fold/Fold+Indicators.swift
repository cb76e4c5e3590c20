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

/// Whether a rule counts one patient.
package struct Standing: Hashable, Sendable {
    package var rule: String
    package var denominator: Truth
    package var numerator: Truth
    /// Until when that stands if nothing but time passes.
    package var stableUntil: Instant
}

extension Fold {
    /// How many patients there are, those merged into others left out.
    package var patientCount: Int { patients.count { $0.mergedInto == nil } }

    /// How many flags are open.
    package var openFlagCount: Int {
        patients.reduce(0) { $0 + $1.episodes.open.count { !rules[$0].rule.isShadow } }
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
            for (row, standing) in standings(patient: index, at: now).enumerated() {
                if standing.denominator == .yes { rows[row][column].denominator += 1 }
                if standing.numerator == .yes { rows[row][column].numerator += 1 }
                if standing.denominator == .unknown || standing.numerator == .unknown {
                    rows[row][column].unknown += 1
                }
            }
        }
        return rows.flatMap { $0 }
    }

    /// Where a subject stands with each rule, in their order; none for one never heard of.
    package func standings(of subject: String, at now: Instant) -> [Standing] {
        patientIndex[ExactText(subject)].map { standings(patient: $0, at: now) } ?? []
    }

    private func standings(patient: Int, at now: Instant) -> [Standing] {
        var standings: [Standing] = []
        // Rules stand in the order of their packs, and those of a pack share an evaluation.
        while standings.count < rules.count {
            let pack = rules[standings.count].pack
            var run = self.run(pack: pack, patient: patient, now: now)
            while standings.count < rules.count, rules[standings.count].pack == pack {
                let rule = rules[standings.count].rule
                var denominator = run.judge(rule.denominator)
                if rule.absences.contains(where: \.inDenominator) {
                    denominator = known(denominator, of: rule, patient: patient, now: now)
                }
                let numerator = judge(
                    rules[standings.count], patient: patient, now: now, run: &run)
                standings.append(
                    Standing(
                        rule: rule.id, denominator: denominator.truth, numerator: numerator.truth,
                        stableUntil: min(denominator.stableUntil, numerator.stableUntil)))
            }
        }
        return standings
    }
}
