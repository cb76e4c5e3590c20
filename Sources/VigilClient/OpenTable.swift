// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The readable form of what is open now.
package enum OpenTable {
    /// The lines of a table, the most severe first, then as the daemon gave them.
    ///
    /// - Parameters:
    ///   - items: For each flag its newest raise or update, and its newest review if any.
    ///   - width: The columns of the terminal; the last cell is cut to fit.
    /// - Returns: A heading and a line for each flag or alert, or one line that says so.
    package static func lines(_ items: [OutputItem], width: Int) -> [String] {
        let rows = rows(items)
        guard !rows.isEmpty else { return ["nothing is open"] }
        let header = ["SEVERITY", "PRACTICE", "SUBJECT", "SINCE", "RULE", "STATE", "WHAT"]
        let table = [header] + rows
        let widths = header.indices.map { column in
            table.map { $0[column].count }.max() ?? 0
        }
        return table.map { cells in
            let padded = cells.enumerated().map { column, cell in
                column == cells.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return String(padded.joined(separator: "  ").prefix(max(width, 40)))
        }
    }

    private static func rows(_ items: [OutputItem]) -> [[String]] {
        let reader = ReplyReader()
        var order: [String] = []
        var shown: [String: OutputSummary] = [:]
        for item in items {
            guard let summary = reader.summary(of: item) else { continue }
            guard var earlier = shown[summary.flagID] else {
                order.append(summary.flagID)
                shown[summary.flagID] = summary
                continue
            }
            if summary.offset > earlier.offset {
                earlier.state = summary.state
                earlier.offset = summary.offset
            }
            shown[summary.flagID] = earlier
        }
        let ranks = ["high": 0, "moderate": 1, "low": 2]
        return order.compactMap { shown[$0] }
            .enumerated()
            .sorted { left, right in
                let first = ranks[left.element.severity] ?? 3
                let second = ranks[right.element.severity] ?? 3
                return first == second ? left.offset < right.offset : first < second
            }
            .map { $0.element.cells }
    }
}

/// What a table shows of a flag or alert.
struct OutputSummary {
    var flagID: String
    var offset: UInt64
    var severity: String
    var practice: String
    var subject: String
    var since: String
    var rule: String
    var state: String
    var detail: String

    var cells: [String] {
        [severity, practice, subject, since, rule, state, detail].map { text in
            // What comes from outside must not reach a terminal's control sequences.
            let visible = text.unicodeScalars.filter {
                $0.value >= 32 && !(127...159).contains($0.value)
            }
            return String(String.UnicodeScalarView(visible))
        }
    }
}
