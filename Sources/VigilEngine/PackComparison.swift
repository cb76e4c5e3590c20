// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Which flags there were, from when until when.
struct FlagHistory {
    /// A patient and a rule.
    struct Key: Hashable {
        var rule: String
        var subject: String
    }

    private(set) var episodes: [Key: [PackComparison.Episode]] = [:]

    /// Takes in what came out at an instant.
    mutating func note(_ outputs: [Output], at instant: Instant) {
        for case .flag(let event) in outputs {
            let key = Key(rule: event.rule.id, subject: event.subject)
            // A flag that only changes its topic goes on.
            let goesOn = event.reason == "moved" || event.reason == "severity-changed"
            let isOpen = episodes[key]?.last.map { $0.to == nil } ?? false
            switch event.transition {
            case .raised where !isOpen:
                episodes[key, default: []].append(
                    PackComparison.Episode(practice: event.practice, from: instant))
            case .resolved where !goesOn && isOpen:
                let last = (episodes[key]?.count ?? 1) - 1
                episodes[key]?[last].to = instant
            default: break
            }
        }
    }
}

/// What a candidate flags otherwise than other packs do.
package struct PackComparison: Sendable {
    /// A flag of a patient, from raise to resolve.
    package struct Episode: Hashable, Sendable {
        package var practice: String
        package var from: Instant
        /// nil while it is open.
        package var to: Instant?
    }

    /// How one flag differs.
    package struct Difference: Sendable {
        /// In which way.
        package enum Kind: String, Sendable {
            case added, dropped
            /// The same patient and rule, at other times.
            case moved
        }

        package var kind: Kind
        package var subject: String
        package var old: Episode?
        package var new: Episode?
    }

    /// What became of one rule's flags.
    package struct Row: Sendable {
        package var rule: String
        /// Flags raised by the one and by the other.
        package var oldCount = 0
        package var newCount = 0
        /// Flags that both raise and resolve at the same instants.
        package var sameCount = 0
        package var addedCount = 0
        package var droppedCount = 0
        package var movedCount = 0
        /// The first few differences of each kind, by patient.
        package var examples: [Difference] = []
    }

    /// No more examples of one kind are given for a rule.
    private static let examplesPerKind = 3

    package let patientCount: Int
    package let asOf: Instant
    /// By rule.
    package private(set) var rows: [Row] = []

    init(old: FlagHistory, new: FlagHistory, patientCount: Int, asOf: Instant) {
        self.patientCount = patientCount
        self.asOf = asOf
        let keys = Set(old.episodes.map(\.key)).union(new.episodes.map(\.key))
            .sorted { ($0.rule, $0.subject) < ($1.rule, $1.subject) }
        for key in keys {
            if rows.last?.rule != key.rule { rows.append(Row(rule: key.rule)) }
            compare(key.subject, old.episodes[key] ?? [], new.episodes[key] ?? [])
        }
    }

    /// Takes flags of one patient and rule into the newest row.
    private mutating func compare(_ subject: String, _ old: [Episode], _ new: [Episode]) {
        let place = rows.count - 1
        let same = old.filter(new.contains)
        let left = (
            old: old.filter { !same.contains($0) }, new: new.filter { !same.contains($0) }
        )
        rows[place].oldCount += old.count
        rows[place].newCount += new.count
        rows[place].sameCount += same.count
        for index in 0..<max(left.old.count, left.new.count) {
            let before = index < left.old.count ? left.old[index] : nil
            let after = index < left.new.count ? left.new[index] : nil
            let kind: Difference.Kind =
                before == nil ? .added : after == nil ? .dropped : .moved
            switch kind {
            case .added: rows[place].addedCount += 1
            case .dropped: rows[place].droppedCount += 1
            case .moved: rows[place].movedCount += 1
            }
            guard
                rows[place].examples.count(where: { $0.kind == kind })
                    < PackComparison.examplesPerKind
            else { continue }
            rows[place].examples.append(
                Difference(kind: kind, subject: subject, old: before, new: after))
        }
    }

    /// A count for every thousand patients, with two decimals.
    package func perThousand(_ count: Int) -> String {
        guard patientCount > 0 else { return "0.00" }
        let hundredths = (count * 100_000 + patientCount / 2) / patientCount
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
