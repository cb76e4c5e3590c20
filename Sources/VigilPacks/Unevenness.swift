// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCQL
import VigilCore

extension PackCompiler {
    /// What is uneven about a rule's lists, or nil.
    ///
    /// For each kind of list and each code system, all of the rule's lists have entries in it or
    /// none has: one that lacks a system would call everybody coded in it unprotected or safe. And
    /// where other lists of the pack were replaced, those that a rule keeps beside replaced ones
    /// must know a system of theirs: else the rule would be blind and nobody would be told.
    func unevenness(
        of rule: Rule, line: Int?, _ library: CompiledLibrary, _ lists: [CodeList]
    ) -> Unevenness? {
        let denominator = Set(library.lists(of: rule.denominator))
        let used = denominator.union(library.lists(of: rule.numerator)).sorted()
        for kind in Manifest.ListKind.allCases {
            let ofKind = used.filter { manifest.lists[$0].kind == kind }
            for system in manifest.systems {
                let without = ofKind.filter { list in
                    !system.uris.allSatisfy { lists[list].covers(system: $0) }
                }
                guard let missing = without.first, without.count < ofKind.count else { continue }
                return Unevenness(
                    rule: rule.id, list: lists[missing].name,
                    others: ofKind.filter { !without.contains($0) }.map { lists[$0].name },
                    system: system.name, line: line,
                    byReplacement: ofKind.contains(where: isReplaced))
            }
            if let blind = blindness(of: rule, line: line, used, kind, lists) { return blind }
        }
        return nil
    }

    private func isReplaced(_ list: Int) -> Bool {
        source.replacedLists.contains(manifest.lists[list].name)
    }

    /// The lists of a kind that a rule keeps know none of the systems of those replaced.
    private func blindness(
        of rule: Rule, line: Int?, _ used: [Int], _ kind: Manifest.ListKind, _ lists: [CodeList]
    ) -> Unevenness? {
        let ofKind = used.filter { manifest.lists[$0].kind == kind }
        let replaced = manifest.lists.indices.filter {
            manifest.lists[$0].kind == kind && isReplaced($0)
        }
        guard let own = ofKind.first, !ofKind.contains(where: isReplaced), !replaced.isEmpty,
            used.contains(where: isReplaced)
        else { return nil }
        func covers(_ list: Int, _ system: Manifest.System) -> Bool {
            system.uris.contains { lists[list].covers(system: $0) }
        }
        let systems = manifest.systems.filter { system in
            replaced.contains { covers($0, system) }
        }
        guard let system = systems.first, !systems.contains(where: { covers(own, $0) }) else {
            return nil
        }
        return Unevenness(
            rule: rule.id, list: lists[own].name,
            others: replaced.prefix(1).map { lists[$0].name },
            system: system.name, line: line, byReplacement: true)
    }
}

/// A rule whose lists do not cover the same code systems.
struct Unevenness {
    var rule: String
    /// The list without entries in the system.
    var list: String
    /// Those with.
    var others: [String]
    /// The system's short name.
    var system: String
    var line: Int?
    /// Whether lists that were put in from outside take part in it.
    var byReplacement: Bool

    private var what: String {
        "the list `\(list)` has no entries in `\(system)`, "
            + "as \(others.map { "`\($0)`" }.joined(separator: " and ")) has"
    }

    /// A warning in one sentence.
    var sentence: String {
        "The rule `\(rule)` is switched off: \(what)."
    }

    var error: PackError {
        PackError(
            .uneven, file: Manifest.file, line: line, what: "the rule `\(rule)` is uneven: \(what)",
            remedy:
                "add entries to \(PackSource.file(ofList: list)), or take them out of the others")
    }
}
