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
    package var patientCount: Int {
        patients.count - merges.members.reduce(0) { $0 + $1.value.count }
    }

    /// How many flags are open.
    package var openFlagCount: Int {
        patients.reduce(0) { $0 + $1.episodes.open.count { !rules[$0].rule.isShadow } }
    }

    /// The indicators at an instant.
    ///
    /// - Parameters:
    ///   - now: the instant.
    ///   - shards: the folds that decide for the patients, where they are shared.
    /// - Returns: by pack and rule in their order, then by practice.
    package func indicators(at now: Instant, of shards: [Fold] = []) -> [Indicator] {
        var columns: [String: [Indicator]] = [:]
        for part in shards.isEmpty ? [self] : shards {
            part.forEachPatient { fold, index in
                let practice = fold.patients[index].practice
                var column =
                    columns.removeValue(forKey: practice)
                    ?? rules.map { active in
                        Indicator(
                            pack: packs[active.pack].pack.id, rule: active.rule.id,
                            practice: practice,
                            isWatching: isWatching(active, practice: practice))
                    }
                guard fold.patients[index].mergedInto == nil else {
                    columns[practice] = column
                    return
                }
                for (row, standing) in fold.standings(patient: index, at: now).enumerated() {
                    column[row].denominator += standing.isDenominator
                    column[row].numerator += standing.isNumerator
                    column[row].unknown += standing.isUnknown
                }
                columns[practice] = column
            }
        }
        let sorted = columns.sorted { $0.key < $1.key }.map(\.value)
        return rules.indices.flatMap { row in sorted.map { $0[row] } }
    }

    /// Hands out every patient that the fold decides for, open, in a fold that changes nothing of
    /// this one.
    func forEachPatient(_ body: (borrowing Fold, Int) -> Void) {
        var copy = self
        for index in copy.patients.indices where decides(for: index) {
            copy.patients.open(index)
            body(copy, index)
        }
    }

    /// Where a subject stands with each rule, in their order; none for one never heard of.
    package func standings(of subject: String, at now: Instant) -> [Standing] {
        patients.index(of: subject).map { standings(patient: $0, at: now) } ?? []
    }

    private func standings(patient: Int, at now: Instant) -> [Standing] {
        var standings: [Standing] = []
        // Rules stand in the order of their packs, and those of a pack share an evaluation.
        while standings.count < rules.count {
            let pack = rules[standings.count].pack
            var run = self.run(pack: pack, patient: patient, now: now)
            while standings.count < rules.count, rules[standings.count].pack == pack {
                standings.append(
                    standing(rules[standings.count], patient: patient, at: now, run: &run))
            }
        }
        return standings
    }

    private func standing(
        _ active: ActiveRule, patient: Int, at now: Instant, run: inout Evaluation
    ) -> Standing {
        let rule = active.rule
        var denominator = run.judge(rule.denominator)
        if rule.absences.contains(where: \.inDenominator) {
            denominator = known(denominator, of: rule, patient: patient, now: now)
        }
        let numerator = judge(active, patient: patient, now: now, run: &run)
        return Standing(
            rule: rule.id, denominator: denominator.truth, numerator: numerator.truth,
            stableUntil: min(denominator.stableUntil, numerator.stableUntil))
    }
}

extension Standing {
    fileprivate var isDenominator: Int { denominator == .yes ? 1 : 0 }
    fileprivate var isNumerator: Int { numerator == .yes ? 1 : 0 }
    fileprivate var isUnknown: Int { denominator == .unknown || numerator == .unknown ? 1 : 0 }
}
