// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// The rows of a code list file (clinical.md section 1.9), systems still by their short names.
///
/// Two forms: our own `system,match,code,term`, and that of OpenCodelists, `id,term` or
/// `code,term` with any further columns, which is read as `is` in SNOMED CT and dm+d.
struct CodeListFile {
    /// One row: short name of the system, match and code.
    struct Row: Hashable {
        var system: String
        var match: CodeList.Match
        var code: String
    }

    /// A record of the file as it is written.
    struct Entry {
        var line: Int
        var system: String
        var match: CodeList.Match
        var code: String
        var term: String
    }

    private(set) var rows: [Row] = []
    /// What products come to and what devices hold, by their rows, where the file says so.
    private(set) var contents: [Row: CodeList.Contents] = [:]
    /// What each record of the file includes, for lint.
    private(set) var entries: [Entry] = []
    private(set) var warnings: [PackWarning] = []

    /// Systems whose codes say by their beginning what they belong under.
    private static let hierarchical = ["atc", "bnf"]
    /// Systems of SNOMED CT identifiers; dm+d codes are such.
    private static let snomed = ["sct", "dmd"]

    /// Whether a system's codes are SNOMED CT identifiers.
    static func isSNOMED(_ system: String) -> Bool { snomed.contains(system) }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for errors.
    ///   - systems: The short names that the manifest binds, sorted.
    /// - Throws: ``PackError`` at the first row that does not fit.
    init(_ bytes: [UInt8], name: String, systems: [String]) throws(PackError) {
        let table = try CommaSeparatedValues(file: name, bytes)
        guard let header = table.rows.first else {
            throw PackError(
                .codeList, file: name, line: 1, what: "the file is empty",
                remedy: "begin it with the header system,match,code,term")
        }
        let columns = try Columns(header, file: name)
        var seen: [Row: Int] = [:]
        for record in table.rows.dropFirst() {
            guard record.fields.count == header.fields.count else {
                throw PackError(
                    .codeList, file: name, line: record.line,
                    what: "the row has \(record.fields.count) fields and the header "
                        + "\(header.fields.count)",
                    remedy: "put terms that hold a comma in quotes")
            }
            let read = try columns.rows(of: record, file: name, systems: systems)
            guard let sample = read.first else { continue }
            if let first = seen[sample] {
                warnings.append(
                    PackWarning(
                        file: name, line: record.line,
                        what: "\(sample.system) \(sample.code) stands already on line \(first)"))
                continue
            }
            for row in read { seen[row] = record.line }
            let contents = CodeList.Contents(
                amount: try columns.amount(of: record, file: name),
                doses: try columns.doses(of: record, file: name))
            if contents != CodeList.Contents() {
                for row in read { self.contents[row] = contents }
            }
            rows += read
            entries.append(
                Entry(
                    line: record.line, system: sample.system, match: sample.match,
                    code: sample.code, term: columns.term.map { record.fields[$0] } ?? ""))
        }
        guard rows.contains(where: { $0.match == .is || $0.match == .under }) else {
            throw PackError(
                .codeList, file: name, line: header.line, what: "the list includes no code",
                remedy: "add rows that match `is` or `under`")
        }
    }

    /// Where the header puts what.
    private struct Columns {
        var system: Int?
        var match: Int?
        var code: Int
        var term: Int?
        var amounts: [Int]
        var doses: Int?

        /// The columns of a list that doses are computed with: all of them or none.
        private static let amountNames = ["substance", "strength", "unit", "factor", "usual"]
        /// How many doses a device may hold.
        private static let dosesRange = 1...1000

        init(_ header: CommaSeparatedValues.Row, file: String) throws(PackError) {
            let names = header.fields.map(trimmed)
            amounts = Columns.amountNames.compactMap(names.firstIndex(of:))
            guard amounts.isEmpty || amounts.count == Columns.amountNames.count else {
                throw PackError(
                    .codeList, file: file, line: header.line,
                    what: "the header has some of the columns of amounts and lacks others",
                    remedy: "use all of \(Columns.amountNames.joined(separator: ",")), or none")
            }
            let isOurs = names.contains("system")
            guard
                let code = names.firstIndex(of: "code")
                    ?? (isOurs ? nil : names.firstIndex(of: "id"))
            else {
                throw PackError(
                    .codeList, file: file, line: header.line,
                    what: "the header names no column `code`",
                    remedy: "use system,match,code,term or the OpenCodelists form id,term")
            }
            let known = ["system", "match", "code", "term"] + Columns.amountNames + ["doses"]
            if isOurs, let stray = names.first(where: { !known.contains($0) }) {
                let meant = suggestion(for: stray, among: known)
                throw PackError(
                    .codeList, file: file, line: header.line,
                    what: "the column `\(stray)` is not known",
                    remedy: meant.map { "did you mean `\($0)`?" }
                        ?? "use the columns system,match,code,term")
            }
            self.code = code
            term = names.firstIndex(of: "term")
            system = names.firstIndex(of: "system")
            match = isOurs ? names.firstIndex(of: "match") : nil
            doses = isOurs ? names.firstIndex(of: "doses") : nil
        }

        /// What a product comes to; nil where the row leaves its factor empty.
        func amount(
            of record: CommaSeparatedValues.Row, file: String
        ) throws(PackError) -> MedicineAmount? {
            guard !amounts.isEmpty else { return nil }
            let texts = amounts.map { trimmed(record.fields[$0]) }
            guard !texts[3].isEmpty else { return nil }
            guard !texts[0].isEmpty, MedicineAmount.units.contains(texts[2]),
                [texts[1], texts[4]].allSatisfy({ $0.isEmpty || MedicineAmount.isDecimal($0) }),
                MedicineAmount.isDecimal(texts[3])
            else {
                throw PackError(
                    .codeList, file: file, line: record.line,
                    what: "the row does not say what the product comes to",
                    remedy: "give a substance, one of the units "
                        + "\(MedicineAmount.units.joined(separator: ", ")), and decimals above zero"
                )
            }
            return MedicineAmount(
                substance: texts[0], strength: texts[1].isEmpty ? nil : texts[1], unit: texts[2],
                factor: texts[3], usualADay: texts[4].isEmpty ? nil : texts[4])
        }

        /// How many doses a device holds; nil where the row leaves that empty.
        func doses(of record: CommaSeparatedValues.Row, file: String) throws(PackError) -> Int? {
            guard let column = doses else { return nil }
            let text = trimmed(record.fields[column])
            guard !text.isEmpty else { return nil }
            guard text.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(text),
                Columns.dosesRange.contains(count)
            else {
                throw PackError(
                    .codeList, file: file, line: record.line,
                    what: "`\(text)` is no number of doses in a device",
                    remedy: "give a whole number from \(Columns.dosesRange.lowerBound) to "
                        + "\(Columns.dosesRange.upperBound), or leave it empty")
            }
            return count
        }

        func rows(
            of record: CommaSeparatedValues.Row, file: String, systems: [String]
        ) throws(PackError) -> [Row] {
            func fault(_ what: String, _ remedy: String) -> PackError {
                PackError(.codeList, file: file, line: record.line, what: what, remedy: remedy)
            }
            let code = trimmed(record.fields[code])
            guard !code.isEmpty else { throw fault("the row has no code", "fill in or remove it") }
            guard let column = system else {
                try checkSNOMED(code, fault)
                guard snomed.contains(where: systems.contains) else {
                    throw fault(
                        "the manifest binds neither `sct` nor `dmd`, which this form is in",
                        "bind them under `systems`")
                }
                return snomed.filter(systems.contains).map {
                    Row(system: $0, match: .is, code: code)
                }
            }
            let system = trimmed(record.fields[column])
            guard systems.contains(system) else {
                let meant = suggestion(for: system, among: systems)
                throw fault(
                    "the manifest binds no system `\(system)`",
                    meant.map { "did you mean `\($0)`?" }
                        ?? "use one of \(systems.joined(separator: ", ")), or bind it")
            }
            let written = match.map { trimmed(record.fields[$0]) } ?? ""
            guard let match = written.isEmpty ? .is : CodeList.Match(rawValue: written) else {
                throw fault(
                    "`\(written)` is no way to match",
                    "use \(CodeList.Match.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            if match == .under || match == .notUnder {
                guard hierarchical.contains(system) else {
                    throw fault(
                        "\(system) codes do not tell by their beginning what they belong under",
                        "list its codes one by one, with `is` or `not`")
                }
            } else if snomed.contains(system) {
                try checkSNOMED(code, fault)
            }
            return [Row(system: system, match: match, code: code)]
        }

        private func checkSNOMED(
            _ code: String, _ fault: (String, String) -> PackError
        ) throws(PackError) {
            guard isSNOMEDIdentifier(code) else {
                throw fault(
                    "`\(code)` is no SNOMED CT identifier: its digits or its check digit are wrong",
                    "take it from its source again; a spreadsheet rounds long codes")
            }
        }
    }
}

/// Without the spaces and tabs around it.
private func trimmed(_ text: String) -> String {
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let last = text.utf8.lastIndex(where: { !isBlank($0) }) else { return "" }
    return String(Substring(text.utf8[...last].drop(while: isBlank)))
}

/// Whether a text has the form of a SNOMED CT identifier: 6 to 18 digits, the first not 0, whose
/// Verhoeff check digit fits (SNOMED CT Release File Specifications, "SCTID").
func isSNOMEDIdentifier(_ text: String) -> Bool {
    let digits = text.utf8.map { Int($0) - 48 }
    guard (6...18).contains(digits.count), digits[0] != 0,
        digits.allSatisfy({ (0...9).contains($0) })
    else { return false }
    var check = 0
    for (position, digit) in digits.reversed().enumerated() {
        check = dihedralProduct(check, verhoeffPermutation(digit, times: position % 8))
    }
    return check == 0
}

/// The product of two elements of the dihedral group of the pentagon, 0 to 9.
private func dihedralProduct(_ left: Int, _ right: Int) -> Int {
    if left < 5 {
        return right < 5 ? (left + right) % 5 : (left + right - 5) % 5 + 5
    }
    return right < 5 ? (left - right) % 5 + 5 : (left - right + 5) % 5
}

/// A digit after a number of rounds of Verhoeff's permutation.
private func verhoeffPermutation(_ digit: Int, times: Int) -> Int {
    let once = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    return (0..<times).reduce(digit) { value, _ in once[value] }
}
