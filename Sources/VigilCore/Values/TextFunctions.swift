// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// CQL's functions on Strings, whose positions count Unicode scalars.
enum TextFunctions {
    static func position(of pattern: String, in text: String, last: Bool) -> Int {
        let (needle, hay) = (Array(pattern.unicodeScalars), Array(text.unicodeScalars))
        guard needle.count <= hay.count else { return -1 }
        let starts = 0...(hay.count - needle.count)
        func isThere(_ start: Int) -> Bool {
            needle.indices.allSatisfy { needle[$0] == hay[start + $0] }
        }
        return (last ? starts.last(where: isThere) : starts.first(where: isThere)) ?? -1
    }

    static func substring(_ text: String, from start: Int, count: Int?) -> Datum {
        let scalars = Array(text.unicodeScalars)
        guard start >= 0, start < scalars.count || scalars.isEmpty && start == 0 else {
            return .null
        }
        let rest = scalars[start...].prefix(max(0, count ?? scalars.count))
        return .string(string(rest))
    }

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    static func split(_ text: String, by separator: String) -> [String] {
        guard !separator.isEmpty else { return [text] }
        let (hay, needle) = (Array(text.unicodeScalars), Array(separator.unicodeScalars))
        var parts: [String] = []
        var (start, index) = (0, 0)
        while index + needle.count <= hay.count {
            if needle.indices.allSatisfy({ needle[$0] == hay[index + $0] }) {
                parts.append(string(hay[start..<index]))
                index += needle.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [string(hay[start...])]
    }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
        text.unicodeScalars.starts(with: prefix.unicodeScalars)
    }

    static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
        text.unicodeScalars.reversed().starts(with: suffix.unicodeScalars.reversed())
    }
}
