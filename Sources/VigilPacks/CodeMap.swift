// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// The rows of a map file (clinical.md section 1.9): which further code a code stands for.
///
/// UK medicines carry dm+d codes only, which no prefix reaches; a map from dm+d to BNF makes every
/// list that is written in BNF sections see them.
struct CodeMap {
    /// The file of a pack that holds its map.
    static let file = "map.csv"
    private static let columns = ["system", "code", "to-system", "to-code"]

    private struct Target: Hashable {
        var system: String
        var code: String
    }

    /// Targets in the order of the file, and the codes that stand for each.
    private var targets: [(target: Target, sources: [CodeListFile.Row])] = []

    /// A map without rows.
    init() {}

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for errors.
    ///   - systems: The short names that the manifest binds, sorted.
    /// - Throws: ``PackError`` at the first row that does not fit.
    init(_ bytes: [UInt8], name: String, systems: [String]) throws(PackError) {
        let table = try CommaSeparatedValues(file: name, bytes)
        guard let header = table.rows.first, header.fields == CodeMap.columns else {
            throw PackError(
                .codeList, file: name, line: 1, what: "the header is not that of a map",
                remedy: "begin it with \(CodeMap.columns.joined(separator: ","))")
        }
        var positions: [Target: Int] = [:]
        for record in table.rows.dropFirst() {
            let row = try CodeMap.row(record, file: name, systems: systems)
            let target = Target(system: row[2], code: row[3])
            let source = CodeListFile.Row(system: row[0], match: .is, code: row[1])
            if let known = positions[target] {
                targets[known].sources.append(source)
            } else {
                positions[target] = targets.count
                targets.append((target, [source]))
            }
        }
        guard !targets.isEmpty else {
            throw PackError(
                .codeList, file: name, line: 1, what: "the map has no row",
                remedy: "add rows of \(CodeMap.columns.joined(separator: ","))")
        }
    }

    private static func row(
        _ record: CommaSeparatedValues.Row, file: String, systems: [String]
    ) throws(PackError) -> [String] {
        func fault(_ what: String, _ remedy: String) -> PackError {
            PackError(.codeList, file: file, line: record.line, what: what, remedy: remedy)
        }
        guard record.fields.count == columns.count, record.fields.allSatisfy({ !$0.isEmpty }) else {
            throw fault("the row does not fill the four columns", "fill them or remove the row")
        }
        for column in [0, 2] where !systems.contains(record.fields[column]) {
            let meant = suggestion(for: record.fields[column], among: systems)
            throw fault(
                "the manifest binds no system `\(record.fields[column])`",
                meant.map { "did you mean `\($0)`?" }
                    ?? "use one of \(systems.joined(separator: ", ")), or bind it")
        }
        for (system, code) in [(0, 1), (2, 3)]
        where CodeListFile.isSNOMED(record.fields[system])
            && !isSNOMEDIdentifier(record.fields[code])
        {
            throw fault(
                "`\(record.fields[code])` is no SNOMED CT identifier: its digits or its check "
                    + "digit are wrong",
                "take it from its source again; a spreadsheet rounds long codes")
        }
        return record.fields
    }

    /// The codes that the map puts into a list of these rows, with what their targets come to.
    func rows(
        reaching rows: [CodeListFile.Row], contents: [CodeListFile.Row: CodeList.Contents]
    ) -> [CodeList.Row] {
        guard !targets.isEmpty else { return [] }
        let list = CodeList(
            name: "",
            rows: rows.map {
                CodeList.Row(
                    system: $0.system, match: $0.match, code: $0.code,
                    contents: contents[$0] ?? CodeList.Contents())
            })
        return targets.flatMap { entry -> [CodeList.Row] in
            let (system, code) = (entry.target.system, entry.target.code)
            guard list.contains(system: system, code: code) else { return [] }
            let contents = CodeList.Contents(
                amount: list.amount(system: system, code: code),
                doses: list.doses(system: system, code: code))
            return entry.sources.map {
                CodeList.Row(
                    system: $0.system, match: $0.match, code: $0.code, contents: contents)
            }
        }
    }
}
