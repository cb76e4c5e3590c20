// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Reads tokens as CQL 1.5 (HL7's grammar, "cql.g4"), as far as Vigil compiles it.
struct Parser {
    /// Deeper nesting is refused, so that no text can exhaust the stack.
    static let deepestNesting = 60

    private let tokens: [Token]
    private var index = 0
    var depth = 0

    init(_ text: String) throws(Refusal) {
        tokens = try Lexer.tokens(of: text)
    }

    // MARK: Tokens

    var token: Token { tokens[index] }

    func token(ahead: Int) -> Token {
        tokens[min(index + ahead, tokens.count - 1)]
    }

    mutating func advance() {
        index = min(index + 1, tokens.count - 1)
    }

    func isWord(_ word: String, ahead: Int = 0) -> Bool {
        token(ahead: ahead).kind == .word(word)
    }

    func isSymbol(_ symbol: String, ahead: Int = 0) -> Bool {
        token(ahead: ahead).kind == .symbol(symbol)
    }

    /// Takes the words if they come next, all of them.
    mutating func take(_ words: String...) -> Bool {
        for (ahead, word) in words.enumerated() where !isWord(word, ahead: ahead) { return false }
        index += words.count
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ word: String) throws(Refusal) {
        guard take(word) else {
            throw .invalid("expected '\(word)', found \(token.shown)", at: token.position)
        }
    }

    mutating func expect(symbol: String) throws(Refusal) {
        guard take(symbol: symbol) else {
            throw .invalid("expected '\(symbol)', found \(token.shown)", at: token.position)
        }
    }

    /// The name that the next token is, if it can be one.
    var nextName: String? {
        switch token.kind {
        case .quoted(let name): name
        case .word(let word) where !Keyword.reserved.contains(word): word
        default: nil
        }
    }

    mutating func name(of what: String) throws(Refusal) -> String {
        guard let name = nextName else {
            throw .invalid("expected \(what), found \(token.shown)", at: token.position)
        }
        advance()
        return name
    }

    mutating func string(of what: String) throws(Refusal) -> String {
        guard case .string(let text) = token.kind else {
            throw .invalid(
                "expected \(what) as a 'string', found \(token.shown)", at: token.position)
        }
        advance()
        return text
    }

    // MARK: Library

    /// One expression and nothing after it.
    mutating func wholeExpression() throws(Refusal) -> Located {
        let result = try expression()
        guard token.kind == .end else {
            throw .invalid("expected the end, found \(token.shown)", at: token.position)
        }
        return result
    }

    /// A whole library.
    mutating func library() throws(Refusal) -> LibrarySyntax {
        var library = LibrarySyntax()
        try expect("library")
        library.name = try name(of: "the library's name")
        try expect("version")
        library.version = try string(of: "the library's version")
        while token.kind != .end {
            try declaration(into: &library)
        }
        return library
    }

    private mutating func declaration(into library: inout LibrarySyntax) throws(Refusal) {
        let start = token.position
        if take("public") || take("private") {}
        guard case .word(let word) = token.kind else {
            throw .invalid(
                "expected a declaration such as 'define', found \(token.shown)", at: start)
        }
        switch word {
        case "using": try using()
        case "include": try include(into: &library)
        case "context": try context()
        case "valueset", "parameter", "define", "codesystem", "code", "concept":
            advance()
            if word == "define", take("fluent") || isWord("function") {
                try expect("function")
                return library.functions.append(try function())
            }
            let position = token.position
            let name = try name(of: "a name")
            let kind = try content(of: word)
            library.declarations.append(.init(name: name, position: position, kind: kind))
        default:
            throw .invalid(
                "expected 'using', 'include', 'codesystem', 'valueset', 'code', 'concept', "
                    + "'parameter', 'context' or 'define', found \(token.shown)", at: start)
        }
    }

    private mutating func function() throws(Refusal) -> LibrarySyntax.Function {
        let position = token.position
        let name = try name(of: "a name")
        try expect(symbol: "(")
        var operands: [(name: String, type: CQLType)] = []
        if !take(symbol: ")") {
            repeat {
                let operand = try self.name(of: "a name")
                operands.append((operand, try type()))
            } while take(symbol: ",")
            try expect(symbol: ")")
        }
        if take("returns") { _ = try type() }
        try expect(symbol: ":")
        if isWord("external") {
            throw .unsupported("external functions", at: token.position)
        }
        return .init(
            name: name, position: position, operands: operands, body: try expression())
    }

    private mutating func content(
        of word: String
    ) throws(Refusal) -> LibrarySyntax.Declaration.Kind {
        switch word {
        case "valueset", "codesystem":
            try expect(symbol: ":")
            let position = token.position
            let identifier = try string(of: "the identifier")
            if take("version") { _ = try string(of: "the version") }
            return word == "valueset"
                ? .valueSet(identifier: identifier, at: position)
                : .codeSystem(identifier: identifier)
        case "code":
            try expect(symbol: ":")
            let position = token.position
            let code = try string(of: "a code")
            try expect("from")
            let system = try name(of: "a code system")
            let display = take("display") ? try string(of: "a display") : nil
            return .code(code, system: system, display: display, at: position)
        case "concept":
            try expect(symbol: ":")
            let position = token.position
            try expect(symbol: "{")
            var codes: [String] = []
            repeat {
                codes.append(try name(of: "a code"))
            } while take(symbol: ",")
            try expect(symbol: "}")
            let display = take("display") ? try string(of: "a display") : nil
            return .concept(codes, display: display, at: position)
        case "parameter":
            var type: CQLType?
            if !isWord("default") { type = try self.type() }
            guard take("default") else {
                throw .unsupported("a parameter without 'default'", at: token.position)
            }
            return .parameter(type: type, value: try expression())
        default:
            try expect(symbol: ":")
            return .definition(try expression())
        }
    }

    private mutating func using() throws(Refusal) {
        advance()
        let position = token.position
        let model = try name(of: "a data model")
        guard model == "FHIR" else {
            throw .unsupported("the model \(model); use FHIR version '4.0.1'", at: position)
        }
        guard take("version") else { return }
        let versionPosition = token.position
        let version = try string(of: "the model's version")
        guard version == "4.0.1" else {
            throw .unsupported("FHIR \(version); use version '4.0.1'", at: versionPosition)
        }
    }

    private mutating func include(into library: inout LibrarySyntax) throws(Refusal) {
        advance()
        let position = token.position
        let name = try name(of: "a library")
        guard name == BuiltIn.libraryName else {
            throw .unsupported(
                "the library \(name); only \(BuiltIn.libraryName) can be included", at: position)
        }
        if take("version") {
            let versionPosition = token.position
            let version = try string(of: "the library's version")
            guard version == BuiltIn.libraryVersion else {
                throw .unsupported(
                    "\(name) \(version); use version '\(BuiltIn.libraryVersion)'",
                    at: versionPosition)
            }
        }
        let alias = take("called") ? try self.name(of: "a local name") : name
        library.includes[alias] = position
    }

    private mutating func context() throws(Refusal) {
        advance()
        let position = token.position
        let name = try name(of: "a context")
        guard name == "Patient" else {
            throw .unsupported("the context \(name); rules are about one Patient", at: position)
        }
    }
}
