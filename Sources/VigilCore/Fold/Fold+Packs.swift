// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// Puts packs in force in place of those before, and looks at every patient anew.
    ///
    /// - Returns: what only the change of rules raised or resolved, patients in the order of their
    ///   first appearance.
    package mutating func activate(_ compiled: [CompiledPack], now: Instant) -> [Output] {
        let before = rules.map { PastRule(rule: $0.rule, pack: packs[$0.pack].identity) }
        packs = compiled.map { pack in
            var membership = ListMembership(lists: pack.lists)
            membership.extend(to: codings)
            return ActivePack(pack: pack, membership: membership)
        }
        rules = packs.enumerated().flatMap { index, active in
            active.pack.rules.map { rule in
                ActiveRule(
                    rule: rule, pack: index,
                    lists: active.pack.program.lists(touching: rule.numerator)
                        + (rule.algorithm?.lists ?? []))
            }
        }
        var outputs: [Output] = []
        for index in patients.indices {
            outputs += carryEpisodes(patient: index, from: before, now: now)
            outputs += evaluate(
                patient: index, rules: Array(rules.indices), now: now, cause: .rules)
        }
        return outputs
    }

    /// A rule that was in force before a change of packs.
    private struct PastRule {
        var rule: Rule
        var pack: PackIdentity
    }

    /// Hands a patient's episodes from the rules before to those of the same ids now; flags of
    /// rules that are gone end, and flags whose severity has changed go over to the other topic.
    private mutating func carryEpisodes(
        patient index: Int, from before: [PastRule], now: Instant
    ) -> [Output] {
        let old = patients[index].episodes
        let past = patients[index].pastCounts
        patients[index].episodes = rules.map { active in
            let known = before.firstIndex { $0.rule.id == active.rule.id }.map { old[$0] }
            var episode = known ?? Episode(count: past[active.rule.id] ?? 0)
            episode.settleMilliseconds = active.rule.settleMilliseconds
            return episode
        }
        var outputs: [Output] = []
        for (position, gone) in before.enumerated() {
            let successor = rules.firstIndex { $0.rule.id == gone.rule.id }
            if successor == nil, old[position].count > 0 {
                patients[index].pastCounts[gone.rule.id] = old[position].count
            }
            guard let open = old[position].open else { continue }
            var ended = flagEvent(.resolved, open, rule: gone.rule, pack: gone.pack, index)
            ended.closedAt = now
            guard let successor else {
                ended.reason = "rules"
                outputs.append(.flag(ended))
                outputs += endReminder(of: open, patient: index, now: now)
                continue
            }
            let active = rules[successor]
            // An algorithm says itself how severe what it finds is.
            guard active.rule.algorithm == nil, active.rule.severity != open.severity else {
                continue
            }
            outputs += changeSeverity(
                of: open, to: active.rule.severity, patient: index, rule: successor, now: now,
                reason: "rules", ended: ended)
        }
        return outputs
    }
}
