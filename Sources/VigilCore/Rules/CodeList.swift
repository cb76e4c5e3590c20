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
    private var amounts: [String: [String: MedicineAmount]] = [:]
    private var doses: [String: [String: Int]] = [:]

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
        /// What the list says of the product.
        package var contents: Contents

        package init(
            system: String, match: Match, code: String, contents: Contents = Contents()
        ) {
            self.system = system
            self.match = match
            self.code = code
            self.contents = contents
        }
    }

    /// What a list may say of a product beside its code.
    package struct Contents: Hashable, Sendable {
        /// What a unit of the product comes to.
        package var amount: MedicineAmount?
        /// How many doses a device holds.
        package var doses: Int?

        package init(amount: MedicineAmount? = nil, doses: Int? = nil) {
            self.amount = amount
            self.doses = doses
        }
    }

    package init(name: String, kind: Kind = .medicine, rows: [Row]) {
        self.name = name
        self.kind = kind
        exact = [:]
        exactNot = [:]
        prefixes = [:]
        prefixesNot = [:]
        for var row in rows {
            row.system = CodeSystem.canonical(row.system)
            switch row.match {
            case .is: exact[row.system, default: []].insert(row.code)
            case .not: exactNot[row.system, default: []].insert(row.code)
            case .under: prefixes[row.system, default: []].append(row.code)
            case .notUnder: prefixesNot[row.system, default: []].append(row.code)
            }
            if let amount = row.contents.amount {
                amounts[row.system, default: [:]][row.code] = amount
            }
            if let count = row.contents.doses {
                doses[row.system, default: [:]][row.code] = count
            }
        }
    }

    /// Whether the list has a code.
    package func contains(system: String, code: String) -> Bool {
        let system = CodeSystem.canonical(system)
        let included =
            exact[system]?.contains(code) == true
            || prefixes[system]?.contains(where: code.hasPrefix) == true
        guard included else { return false }
        return exactNot[system]?.contains(code) != true
            && prefixesNot[system]?.contains(where: code.hasPrefix) != true
    }

    /// Whether the list has any row for a system.
    package func covers(system: String) -> Bool {
        let system = CodeSystem.canonical(system)
        return exact[system] != nil || prefixes[system] != nil
    }

    /// Whether the list has a code by a row of its own, and not by what it begins with.
    package func names(system: String, code: String) -> Bool {
        exact[CodeSystem.canonical(system)]?.contains(code) == true
            && contains(system: system, code: code)
    }

    /// What a unit of a product comes to: by its own row, else by the longest prefix that has it.
    package func amount(system: String, code: String) -> MedicineAmount? {
        said(in: amounts, system: system, code: code)
    }

    /// How many doses a device holds: by its own row, else by the longest prefix that says so.
    package func doses(system: String, code: String) -> Int? {
        said(in: doses, system: system, code: code)
    }

    private func said<Said>(
        in all: [String: [String: Said]], system: String, code: String
    ) -> Said? {
        let system = CodeSystem.canonical(system)
        guard let known = all[system], contains(system: system, code: code) else { return nil }
        if let exact = known[code] { return exact }
        let prefix = (prefixes[system] ?? []).filter {
            code.hasPrefix($0) && known[$0] != nil
        }.max { $0.utf8.count < $1.utf8.count }
        return prefix.flatMap { known[$0] }
    }
}

/// How much of what a list counts a product holds: what doses are computed with.
package struct MedicineAmount: Hashable, Sendable {
    /// What the product is a form of: issues of one substance take each other's place.
    package var substance: String
    /// The strength of one unit of the product, a decimal's text; nil where the code does not say.
    package var strength: String?
    /// The strength's unit: `mg`, `mg/mL` or `ug/h`.
    package var unit: String
    /// What one of that unit comes to in a day's amount, a decimal's text.
    package var factor: String
    /// How many units a day are usual, where the product alone says it.
    package var usualADay: String?

    /// The units that doses are computed in.
    package static let units = ["mg", "mg/mL", "ug/h"]

    package init(
        substance: String, strength: String?, unit: String, factor: String, usualADay: String?
    ) {
        self.substance = substance
        self.strength = strength
        self.unit = unit
        self.factor = factor
        self.usualADay = usualADay
    }

    /// Whether a text is a decimal that can be computed with.
    package static func isDecimal(_ text: String) -> Bool {
        ExactNumber(decimal: text).map { $0 > ExactNumber(0) } ?? false
    }
}
