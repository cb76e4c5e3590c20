// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// What `pack.yaml` says; `schemas/pack.schema.json` is its contract.
///
/// What a rule refers to (definitions, lists) is still by name here, with the line of the
/// reference for errors.
struct Manifest {
    /// A value and the line that it stands on.
    struct Located<Value> {
        var value: Value
        var line: Int?
    }

    /// What a code list is about: lists of one kind and rule must cover the same systems.
    typealias ListKind = CodeList.Kind

    /// What a version that says `stopped` or `on-hold` does to exposure.
    enum StoppedMode: String, CaseIterable {
        case ends, ignored
    }

    /// Whether an order's repeats are issues and a supply protects to its end.
    enum SuppliesMode: String, CaseIterable {
        case counted, ignored
    }

    struct List {
        var name: String
        var kind: ListKind
        var title: String?
        /// The lists whose rows this one's are added to.
        var addsTo: [Located<String>]
        var line: Int?
    }

    struct System {
        var name: String
        /// Every URI that means it.
        var uris: [String]
    }

    struct RuleText {
        var id: String
        var version: String
        var severity: Severity
        var emits: Emission
        var title: String
        var settleMilliseconds: Int64
        var absences: [AbsenceTest]
        /// Ids of rules of the pack.
        var covers: [Located<String>]
        var raisesFromBaseline: Bool
        var isShadow: Bool
        /// nil only where the rule emits no flags.
        var sentence: Located<String>?
        var denominator: Located<String>
        var numerator: Located<String>
        var evidence: [Evidence]
        var endings: [EndingText]
        var algorithm: Located<Algorithm>?
        var wording: AlertWording
        var line: Int?
    }

    struct Evidence {
        var role: String
        var display: String
        /// nil for the age.
        var definition: Located<String>?
        /// The definition that must be true for it to be evidence.
        var condition: Located<String>?
        var absent: EvidenceSource.Absence?
        var isHazard: Bool
    }

    struct EndingText {
        var definition: Located<String>
        var whenTrue: Bool
        var reason: String
        var evidence: Located<String>?
        var role: String?
        var display: String?
    }

    var id: String
    var version: String
    var title: String
    /// Where the clinical definitions come from.
    var source: String
    /// Who has signed them off, or that nobody has.
    var status: String
    var library: Located<String>
    var stopped: StoppedMode
    var supplies: SuppliesMode
    /// In the order of the file, like the lists and rules.
    var systems: [System]
    var lists: [List]
    var rules: [RuleText]
}
