// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Parser {
    /// A term with its elements, or a query if an alias follows.
    mutating func queryOrTerm() throws(Refusal) -> Located {
        let start = token.position
        let isParenthesised = isSymbol("(")
        var term = try term()
        while isSymbol(".") { term = try member(of: term) }
        let canBeSource =
            switch term.syntax {
            case .retrieve, .name: true
            default: isParenthesised
            }
        guard canBeSource, nextName != nil else { return term }
        return try query(term, start)
    }

    private mutating func query(_ source: Located, _ start: Position) throws(Refusal) -> Located {
        let alias = try name(of: "an alias")
        if isSymbol(",") {
            throw .unsupported(
                "a query with several sources; use 'with … such that'", at: token.position)
        }
        var relations: [Syntax.Relation] = []
        while isWord("with") || isWord("without") {
            let isWithout = isWord("without")
            advance()
            let related = try relationSource()
            let relatedAlias = try name(of: "an alias")
            try expect("such")
            try expect("that")
            relations.append(
                .init(
                    isWithout: isWithout, source: related, alias: relatedAlias,
                    condition: try expression()))
        }
        let condition = take("where") ? try expression() : nil
        return Located(
            syntax: .query(
                source: source, alias: alias, relations: relations, condition: condition),
            position: start)
    }

    private mutating func relationSource() throws(Refusal) -> Located {
        let source = try term()
        switch source.syntax {
        case .retrieve, .name, .query, .binary: return source
        default: throw .invalid("expected a list of facts", at: source.position)
        }
    }

    private mutating func member(of base: Located) throws(Refusal) -> Located {
        try expect(symbol: ".")
        let position = token.position
        let name: String
        if case .word(let word) = token.kind {
            // After a point every word is a name.
            name = word
            advance()
        } else {
            name = try self.name(of: "an element")
        }
        guard isSymbol("(") else {
            return Located(syntax: .element(base, name), position: position)
        }
        guard case .name(let qualifier) = base.syntax else {
            throw .unsupported("a method; write \(name)(…)", at: position)
        }
        return Located(
            syntax: .call(qualifier: qualifier, name, try arguments()), position: base.position)
    }

    private mutating func arguments() throws(Refusal) -> [Located] {
        try expect(symbol: "(")
        var arguments: [Located] = []
        if take(symbol: ")") { return arguments }
        repeat {
            arguments.append(try expression())
        } while take(symbol: ",")
        try expect(symbol: ")")
        return arguments
    }

    private mutating func term() throws(Refusal) -> Located {
        let start = token.position
        switch token.kind {
        case .integer(let digits):
            advance()
            if case .word(let word) = token.kind, let unit = try unit(word, at: token.position) {
                advance()
                return Located(syntax: .quantity(digits, unit), position: start)
            }
            if case .string = token.kind {
                throw .unsupported(
                    "quantities with UCUM units; calendar units are year, month, week and day",
                    at: start)
            }
            return Located(syntax: .integer(digits), position: start)
        case .decimal(let digits):
            advance()
            return Located(syntax: .decimal(digits), position: start)
        case .string(let text):
            advance()
            return Located(syntax: .string(text), position: start)
        case .temporal(let text):
            advance()
            return Located(syntax: .temporal(text), position: start)
        case .symbol("("):
            advance()
            let inner = try expression()
            try expect(symbol: ")")
            return inner
        case .symbol("["):
            return try retrieve()
        case .symbol("{"):
            throw .unsupported("list selectors; combine comparisons with 'or'", at: start)
        case .word, .quoted:
            return try wordTerm(start)
        case .symbol, .end:
            throw .invalid("expected an expression, found \(token.shown)", at: start)
        }
    }

    private mutating func wordTerm(_ start: Position) throws(Refusal) -> Located {
        if take("null") { return Located(syntax: .null, position: start) }
        if take("true") { return Located(syntax: .boolean(true), position: start) }
        if take("false") { return Located(syntax: .boolean(false), position: start) }
        if isWord("Interval") { return try interval() }
        guard let name = nextName else {
            throw .unsupported("\(token.shown) at this place", at: start)
        }
        advance()
        if isSymbol("(") {
            return Located(
                syntax: .call(qualifier: nil, name, try arguments()), position: start)
        }
        return Located(syntax: .name(name), position: start)
    }

    /// `[Type: list]` and `[Type: code in list]`.
    private mutating func retrieve() throws(Refusal) -> Located {
        let start = token.position
        try expect(symbol: "[")
        let type = try name(of: "a FHIR resource type")
        guard take(symbol: ":") else {
            throw .unsupported(
                "a retrieve without a value set, which says what the rule is evaluated on; "
                    + "write [\(type): \"a value set\"]", at: start)
        }
        if isWord("in", ahead: 1) {
            let position = token.position
            guard case .word(let path) = token.kind, ["code", "medication"].contains(path) else {
                throw .unsupported(
                    "a retrieve by \(token.shown); facts are looked up by their codes",
                    at: position)
            }
            advance()
            advance()
        }
        let position = token.position
        let list = try name(of: "a value set")
        try expect(symbol: "]")
        return Located(
            syntax: .retrieve(
                type: type, list: Located(syntax: .name(list), position: position)),
            position: start)
    }

    private mutating func interval() throws(Refusal) -> Located {
        let start = token.position
        try expect("Interval")
        let lowClosed = take(symbol: "[")
        if !lowClosed { try expect(symbol: "(") }
        let low = try expression()
        try expect(symbol: ",")
        let high = try expression()
        let highClosed = take(symbol: "]")
        if !highClosed { try expect(symbol: ")") }
        return Located(
            syntax: .interval(low: low, lowClosed: lowClosed, high: high, highClosed: highClosed),
            position: start)
    }
}
