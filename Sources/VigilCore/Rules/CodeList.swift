// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A code list, ready to be asked (clinical.md section 1.9): `not` and `not-under` rows win.
package struct CodeList: Sendable {
    /// What a code list is about: lists of one kind and rule must cover the same systems.
    package enum Kind: String, CaseIterable, Sendable {
        case medicine, condition, result
    }

    package var name: String
    package var kind: Kind
    private var exact: [String: Set<String>]
    private var exactNot: [String: Set<String>]
    private var prefixes: [String: [String]]
    private var prefixesNot: [String: [String]]

    /// How a row matches a code.
    package enum Match: String, CaseIterable, Sendable {
        case `is`, under, not
        case notUnder = "not-under"
    }

    /// A row with its system resolved to a URI.
    package struct Row: Hashable, Sendable {
        package var system: String
        package var match: Match
        package var code: String

        package init(system: String, match: Match, code: String) {
            self.system = system
            self.match = match
            self.code = code
        }
    }

    package init(name: String, kind: Kind = .medicine, rows: [Row]) {
        self.name = name
        self.kind = kind
        exact = [:]
        exactNot = [:]
        prefixes = [:]
        prefixesNot = [:]
        for row in rows {
            switch row.match {
            case .is: exact[row.system, default: []].insert(row.code)
            case .not: exactNot[row.system, default: []].insert(row.code)
            case .under: prefixes[row.system, default: []].append(row.code)
            case .notUnder: prefixesNot[row.system, default: []].append(row.code)
            }
        }
    }

    /// Whether the list has a code.
    package func contains(system: String, code: String) -> Bool {
        let included =
            exact[system]?.contains(code) == true
            || prefixes[system]?.contains(where: code.hasPrefix) == true
        guard included else { return false }
        return exactNot[system]?.contains(code) != true
            && prefixesNot[system]?.contains(where: code.hasPrefix) != true
    }

    /// Whether the list has any row for a system.
    package func covers(system: String) -> Bool {
        exact[system] != nil || prefixes[system] != nil
    }
}
