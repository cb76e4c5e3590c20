// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Rows of texts as lines of columns, for a person.
enum TextTable {
    /// The lines, each column as wide as its widest cell, cut to a width.
    static func lines(_ rows: [[String]], width: Int = .max) -> [[UInt8]] {
        let rows = rows.map { $0.map(visible) }
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { cells in
            let padded = cells.enumerated().map { column, cell in
                column == cells.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return Array(padded.joined(separator: "  ").prefix(width).utf8)
        }
    }

    /// What comes from outside must not reach a terminal's control sequences.
    private static func visible(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter {
            $0.value >= 32 && !(127...159).contains($0.value)
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
