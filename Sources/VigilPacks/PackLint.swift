// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCQL
import VigilCore

/// What is odd about a pack that compiles: it runs, and perhaps not as its author thinks.
struct PackLint {
    let manifest: Manifest
    /// The text of the library.
    let text: String
    let library: CompiledLibrary

    /// All of it, in the order of files and lines.
    func warnings() -> [PackWarning] {
        unboundLists() + unusedDefinitions() + idleRules()
    }

    /// Lists that no value set of the library names.
    private func unboundLists() -> [PackWarning] {
        manifest.lists.compactMap { list in
            let isRead = manifest.rules.contains {
                $0.algorithm?.value.lists.contains(list.name) ?? false
            }
            guard !isRead, !text.contains("'urn:vigil:list:\(list.name)'"), list.addsTo.isEmpty
            else { return nil }
            return PackWarning(
                file: Manifest.file, line: list.line,
                what: "no value set of \(manifest.library.value) is bound to the list "
                    + "`\(list.name)`: declare one, or take the list out")
        }
    }

    /// Definitions and value sets that no rule needs.
    private func unusedDefinitions() -> [PackWarning] {
        let outline = CQLOutline(text)
        var needed: Set<String> = []
        var pending = manifest.rules.flatMap(\.definitions)
        while let name = pending.popLast() {
            guard needed.insert(name).inserted else { continue }
            pending += outline.declarations.filter { $0.name == name }.flatMap(\.mentions)
        }
        return outline.declarations.filter { !needed.contains($0.name) }.map { declaration in
            PackWarning(
                file: manifest.library.value, line: declaration.line,
                what: "no rule needs \"\(declaration.name)\": name it in one, or take it out")
        }
    }

    /// Rules whose numerator cannot be true for any patient, as far as its form tells, or has
    /// nothing to do with what is recorded.
    private func idleRules() -> [PackWarning] {
        manifest.rules.compactMap { rule in
            guard let numerator = library.definitions[rule.numerator.value],
                rule.algorithm == nil
            else { return nil }
            let what: String
            if let why = NeverTrue(library.program).reason(numerator) {
                what = "the rule `\(rule.id)` can never fire: \(why)"
            } else if library.lists(of: numerator).isEmpty {
                what = "the rule `\(rule.id)` asks for no code list: it fires whatever is recorded"
            } else {
                return nil
            }
            return PackWarning(file: Manifest.file, line: rule.numerator.line, what: what)
        }
    }
}

extension Manifest.RuleText {
    /// The definitions that the rule names.
    fileprivate var definitions: [String] {
        [denominator.value, numerator.value]
            + evidence.flatMap { [$0.definition?.value, $0.condition?.value].compactMap { $0 } }
            + endings.flatMap { [$0.definition.value] + [$0.evidence?.value].compactMap { $0 } }
    }
}

/// What a library declares, and which names stand in each declaration: read from the words alone.
struct CQLOutline {
    /// A `define`, `valueset` or `parameter`.
    struct Declaration {
        var name: String
        var line: Int
        /// Every name inside, quoted or not.
        var mentions: [String] = []
    }

    private(set) var declarations: [Declaration] = []

    init(_ text: String) {
        var isDeclared = false
        for (line, word) in CQLOutline.words(of: text) {
            if isDeclared, !["function", "fluent"].contains(word) {
                declarations.append(Declaration(name: word, line: line))
                isDeclared = false
            } else if ["define", "valueset", "parameter"].contains(word) {
                isDeclared = true
            } else if !declarations.isEmpty {
                declarations[declarations.count - 1].mentions.append(word)
            }
        }
    }

    /// The identifiers with their lines; comments and strings left out.
    private static func words(of text: String) -> [(line: Int, word: String)] {
        var found: [(line: Int, word: String)] = []
        let characters = Array(text)
        var index = 0
        var line = 1
        func at(_ offset: Int) -> Character? {
            index + offset < characters.count ? characters[index + offset] : nil
        }
        func skip(until isEnd: (Character) -> Bool) -> String {
            var word = ""
            while let next = at(0), !isEnd(next) {
                if next == "\\" { index += 1 }
                if at(0) == "\n" { line += 1 }
                if let next = at(0) { word.append(next) }
                index += 1
            }
            return word
        }
        while let character = at(0) {
            if character == "/", at(1) == "/" {
                _ = skip { $0 == "\n" }
            } else if character == "/", at(1) == "*" {
                while at(0) != nil, !(at(0) == "*" && at(1) == "/") {
                    if at(0) == "\n" { line += 1 }
                    index += 1
                }
                index += 2
            } else if character == "'" || character == "\"" {
                index += 1
                let began = line
                let word = skip { $0 == character }
                index += 1
                if character == "\"" { found.append((began, word)) }
            } else if character.isLetter || character == "_" {
                found.append((line, skip { !($0.isLetter || $0.isNumber || $0 == "_") }))
            } else {
                if character == "\n" { line += 1 }
                index += 1
            }
        }
        return found
    }
}

/// Whether a Boolean definition can be true at all, as far as its form tells: its conjunction holds
/// a false literal, a part and its opposite, or two bounds that leave nothing between them.
private struct NeverTrue {
    private let program: Program

    init(_ program: Program) {
        self.program = program
    }

    /// In halves: beyond a number there may be one that is no whole one.
    private struct Range {
        var low = Int64.min
        var high = Int64.max
    }

    /// Why, in a clause; nil where nothing tells.
    func reason(_ definition: DefinitionID) -> String? {
        var held: Set<String> = []
        var denied: Set<String> = []
        var ranges: [String: Range] = [:]
        for (index, isDenied) in parts(of: program.definitions[definition.index], denied: false) {
            let node = program.nodes[Int(index)]
            let isFalse = node.operation == .boolean && (node.first == 0) != isDenied
            if node.operation == .null || isFalse {
                return "a part of it is never true"
            }
            let key = text(of: index)
            if isDenied { denied.insert(key) } else { held.insert(key) }
            if held.contains(key), denied.contains(key) {
                return "it asks for one thing and for its opposite"
            }
            guard !isDenied, let (operand, range) = bound(node) else { continue }
            var known = ranges[operand] ?? Range()
            known.low = max(known.low, range.low)
            known.high = min(known.high, range.high)
            ranges[operand] = known
            if known.low > known.high { return "no number is within all of its bounds" }
        }
        return nil
    }

    /// The parts of a conjunction, definitions unfolded; what is under `not` is denied.
    private func parts(of index: Int32, denied: Bool) -> [(index: Int32, denied: Bool)] {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .definition: return parts(of: program.definitions[Int(node.first)], denied: denied)
        case .and where !denied, .or where denied:
            return parts(of: node.first, denied: denied) + parts(of: node.second, denied: denied)
        case .not: return parts(of: node.first, denied: !denied)
        case .isTrue where !denied: return parts(of: node.first, denied: false)
        default: return [(index, denied)]
        }
    }

    /// A comparison with a literal number, as a range of the other operand.
    private func bound(_ node: Node) -> (operand: String, range: Range)? {
        guard node.operation == .compare else { return nil }
        let right = program.nodes[Int(node.second)]
        guard right.operation == .integer else { return nil }
        let value = 2 * Int64(right.first)
        let range: Range
        switch Comparison(detail: node.detail).relation {
        case .less: range = Range(high: value - 1)
        case .lessOrEqual: range = Range(high: value)
        case .equal: range = Range(low: value, high: value)
        case .greaterOrEqual: range = Range(low: value)
        case .greater: range = Range(low: value + 1)
        case .notEqual: return nil
        }
        return (text(of: node.first), range)
    }

    /// The same text for nodes that compute the same.
    private func text(of index: Int32) -> String {
        let node = program.nodes[Int(index)]
        if node.operation == .definition { return text(of: program.definitions[Int(node.first)]) }
        let operands = node.operands
        guard !operands.isEmpty else {
            return "\(node.operation)/\(node.detail)/\(node.first)"
        }
        let own: String
        switch node.operation {
        case .filter: own = "/\(node.third)"
        // A list and units.
        case .hasResult, .number, .comparator: own = "/\(node.second)/\(node.third)"
        default: own = ""
        }
        return "\(node.operation)/\(node.detail)\(own)("
            + operands.map { text(of: $0) }.joined(separator: ",") + ")"
    }
}
