// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The readable form of what is open now.
package enum OpenTable {
    /// The rows of a table, the most severe first, then as the daemon gave them.
    ///
    /// - Parameter items: For each flag its newest raise or update, and its newest review if any.
    /// - Returns: A heading and a row for each flag or alert; none where nothing is open.
    package static func rows(_ items: [OutputItem]) -> [[String]] {
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
        let rows = order.compactMap { shown[$0] }
            .enumerated()
            .sorted { left, right in
                let first = ranks[left.element.severity] ?? 3
                let second = ranks[right.element.severity] ?? 3
                return first == second ? left.offset < right.offset : first < second
            }
            .map { $0.element.cells }
        let header = ["SEVERITY", "PRACTICE", "SUBJECT", "SINCE", "RULE", "STATE", "WHAT"]
        return rows.isEmpty ? [] : [header] + rows
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
        [severity, practice, subject, since, rule, state, detail]
    }
}
