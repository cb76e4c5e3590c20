// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Sizes, headers and documentation.
enum Shape {
    static let fileLinesMax = 500
    static let functionLinesMax = 70
    static let lineColumnsMax = 100

    static let header = [
        "Vigil, the prescribing safety daemon.",
        "SPDX-License-Identifier: Apache-2.0",
    ]

    /// The header's two lines, as the first two, or after a line that a tool wants first.
    static func headerViolations(in file: SourceFile) -> [Violation] {
        let comments = header.map { "// " + $0 }
        let first = Array(file.lines.prefix(2))
        let second = Array(file.lines.dropFirst().prefix(2))
        if first == comments || second == comments { return [] }
        return [Violation(path: file.path, line: 1, rule: "the two header lines are missing")]
    }

    /// Files and lines that are too long.
    static func sizeViolations(in file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        if count > fileLinesMax {
            found.append(
                Violation(
                    path: file.path, line: fileLinesMax + 1,
                    rule: "\(count) lines; a file has at most \(fileLinesMax)"))
        }
        for (index, line) in file.lines.enumerated()
        where line.utf8.count > lineColumnsMax && line.count > lineColumnsMax {
            // In tests text may stick out: tables read worse when they are broken.
            let code = file.code[index].split(separator: " ").joined(separator: " ")
            if file.path.hasPrefix("Tests/"), code.count <= lineColumnsMax { continue }
            // A literal that cannot be broken, such as a regular expression, may stick out.
            if line.contains("#\"") || line.firstMatch(of: /^\s*(?:of: )?\/.*\/,?$/) != nil {
                continue
            }
            found.append(
                Violation(
                    path: file.path, line: index + 1,
                    rule: "\(line.count) columns; a line has at most \(lineColumnsMax)"))
        }
        return found
    }

    /// Functions, initialisers and subscripts that are too long.
    static func functionViolations(in file: SourceFile) -> [Violation] {
        FunctionScanner(lines: file.code).functions().compactMap { function in
            let length = function.lastLine - function.firstLine + 1
            guard length > functionLinesMax else { return nil }
            return Violation(
                path: file.path, line: function.firstLine,
                rule: "a function of \(length) lines; at most \(functionLinesMax)")
        }
    }

    /// Types, functions and aliases that others see and that nothing is said about.
    ///
    /// Stored properties, cases and initialisers may speak for themselves, operators mean what they
    /// always mean, and `witnesses` are functions that a protocol of the module documents.
    static func documentationViolations(
        in file: SourceFile, witnesses: Set<String> = []
    ) -> [Violation] {
        let declaration =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:package|public)\s+(?:(?:static|final|mutating|indirect|consuming|borrowing|nonisolated|override|class)\s+)*(?:func\s+(\w+)|(?:struct|enum|class|protocol|actor|typealias)\s+(\w+))/
        var found: [Violation] = []
        for (index, line) in file.code.enumerated() {
            guard line.mentions(["package", "public"]),
                let match = line.firstMatch(of: declaration)
            else { continue }
            if let name = match.1, witnesses.contains(String(name)) { continue }
            var above = index - 1
            while above >= 0, file.lines[above].firstMatch(of: /^\s*@/) != nil { above -= 1 }
            let summary = above >= 0 ? file.lines[above].drop { $0 == " " } : ""
            guard !summary.hasPrefix("///") else { continue }
            let name = match.1 ?? match.2 ?? ""
            found.append(
                Violation(
                    path: file.path, line: index + 1,
                    rule: "\(name) is seen by other modules and has no /// summary"))
        }
        return found
    }
}

/// What the protocols of a module ask for: said there, it need not be said again by each type.
enum Requirements {
    /// The names of the functions in the protocols of a file.
    static func names(in file: SourceFile) -> Set<String> {
        var names: Set<String> = []
        var depth = 0
        var protocolDepth: Int?
        for line in file.code {
            if protocolDepth == nil, line.mentions(["protocol "]),
                line.firstMatch(of: /^\s*(?:(?:package|public|private)\s+)?protocol\s/) != nil
            {
                protocolDepth = depth
            }
            if protocolDepth != nil, let match = line.firstMatch(of: /\bfunc\s+(\w+)/) {
                names.insert(String(match.1))
            }
            for byte in line.utf8 {
                if byte == UInt8(ascii: "{") { depth += 1 }
                if byte == UInt8(ascii: "}") {
                    depth -= 1
                    if depth == protocolDepth { protocolDepth = nil }
                }
            }
        }
        return names
    }
}

/// Finds where functions begin and end, by their braces.
struct FunctionScanner {
    struct Function: Equatable {
        /// Lines from 1.
        var firstLine: Int
        var lastLine: Int
    }

    /// Code without comments and string contents.
    let lines: [String]

    func functions() -> [Function] {
        var found: [Function] = []
        for (index, text) in lines.enumerated()
        where text.mentions(["func ", "init", "subscript"]) {
            let opening =
                /^\s*(?:[@\w()]+\s+)*(?:func\s|init[?(<]|init\s*\(|subscript\s*[(<]|deinit\b)/
            guard text.firstMatch(of: opening) != nil, !text.contains(/\.init\(/) else { continue }
            if let last = bodyEnd(from: index) {
                found.append(Function(firstLine: index + 1, lastLine: last + 1))
            }
        }
        return found
    }

    /// The line of the brace that closes the body of the function which begins on `start`; nil for
    /// one without a body, such as a protocol's requirement.
    private func bodyEnd(from start: Int) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<lines.count {
            for byte in lines[index].utf8 {
                switch Character(UnicodeScalar(byte)) {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{" where parentheses == 0 || braces > 0: braces += 1
                case "}" where braces > 0:
                    braces -= 1
                    if braces == 0 { return index }
                case "}" where parentheses == 0: return nil
                default: break
                }
            }
            if braces == 0, parentheses == 0, !continues(after: index) { return nil }
        }
        return nil
    }

    /// Whether the declaration's head goes on in the line after this one.
    private func continues(after index: Int) -> Bool {
        let end = lines[index].trimmingSuffix { $0 == " " }
        if end.hasSuffix("->") || end.hasSuffix(",") || end.hasSuffix("where") { return true }
        guard index + 1 < lines.count else { return false }
        let next = lines[index + 1].drop { $0 == " " }
        return ["{", "->", "where ", "throws", "async", "rethrows"].contains { next.hasPrefix($0) }
    }
}

extension StringProtocol {
    /// The text without the characters at its end that satisfy the condition.
    func trimmingSuffix(while condition: (Character) -> Bool) -> SubSequence {
        var end = endIndex
        while end > startIndex, condition(self[index(before: end)]) { end = index(before: end) }
        return self[startIndex..<end]
    }
}
