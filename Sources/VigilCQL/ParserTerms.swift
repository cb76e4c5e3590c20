// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Parser {
    /// A term with its elements, or a query if an alias follows.
    mutating func queryOrTerm() throws(Refusal) -> Located {
        let start = token.position
        let isParenthesised = isSymbol("(")
        let source = try accessedTerm()
        let canBeSource =
            switch source.syntax {
            case .retrieve, .name, .element: true
            default: isParenthesised
            }
        guard canBeSource, nextName != nil else { return source }
        return try query(start, [NamedSyntax(name: try name(of: "an alias"), value: source)])
    }

    private mutating func accessedTerm() throws(Refusal) -> Located {
        var term = try term()
        var count = 0
        while true {
            if isSymbol(".") {
                term = try member(of: term)
            } else if isSymbol("[") {
                let position = token.position
                advance()
                let index = try expression()
                try expect(symbol: "]")
                term = Located(syntax: .index(term, index), position: position)
            } else {
                return term
            }
            count += 1
            guard count <= Parser.deepestNesting else {
                throw .unsupported("elements nested this deep", at: token.position)
            }
        }
    }

    // MARK: Queries

    /// `from A a, B b …`.
    mutating func query(_ start: Position) throws(Refusal) -> Located {
        try expect("from")
        var sources: [NamedSyntax] = []
        repeat {
            let source = try accessedTerm()
            sources.append(NamedSyntax(name: try name(of: "an alias"), value: source))
        } while take(symbol: ",")
        return try query(start, sources)
    }

    private mutating func query(
        _ start: Position, _ sources: [NamedSyntax]
    ) throws(Refusal) -> Located {
        var query = QuerySyntax(sources: sources)
        if take("let") {
            repeat {
                let name = try name(of: "a name")
                try expect(symbol: ":")
                query.lets.append(NamedSyntax(name: name, value: try expression()))
            } while take(symbol: ",")
        }
        while isWord("with") || isWord("without") {
            let isWithout = isWord("without")
            advance()
            let related = try accessedTerm()
            let alias = try name(of: "an alias")
            try expect("such")
            try expect("that")
            query.relations.append(
                .init(
                    isWithout: isWithout, source: related, alias: alias,
                    condition: try expression()))
        }
        if take("where") { query.condition = try expression() }
        if take("return") {
            query.isDistinct = !take("all")
            if query.isDistinct { _ = take("distinct") }
            query.result = try expression()
        } else if take("aggregate") {
            query.aggregate = try aggregate()
        }
        if take("sort") { query.sort = try sortKeys() }
        return Located(syntax: .query(query), position: start)
    }

    private mutating func aggregate() throws(Refusal) -> QuerySyntax.Aggregate {
        let isDistinct = take("distinct")
        if !isDistinct { _ = take("all") }
        let name = try name(of: "a name")
        var start: Located?
        if take("starting") { start = try term() }
        try expect(symbol: ":")
        return .init(name: name, isDistinct: isDistinct, start: start, step: try expression())
    }

    private mutating func sortKeys() throws(Refusal) -> [QuerySyntax.SortKey] {
        func isDescending(_ parser: inout Parser) -> Bool? {
            if parser.take("desc") || parser.take("descending") { return true }
            return parser.take("asc") || parser.take("ascending") ? false : nil
        }
        if take("by") {
            var keys: [QuerySyntax.SortKey] = []
            repeat {
                let expression = try expression(.sum)
                keys.append(
                    .init(expression: expression, isDescending: isDescending(&self) ?? false))
            } while take(symbol: ",")
            return keys
        }
        guard let direction = isDescending(&self) else {
            throw .invalid(
                "expected 'by', 'asc' or 'desc', found \(token.shown)", at: token.position)
        }
        return [.init(expression: nil, isDescending: direction)]
    }

    // MARK: Terms

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
        return Located(
            syntax: .method(base, name, try arguments()), position: base.position)
    }

    private mutating func arguments() throws(Refusal) -> [Located] {
        try expressions(between: "(", and: ")")
    }

    private mutating func elements() throws(Refusal) -> [Located] {
        try expressions(between: "{", and: "}")
    }

    private mutating func expressions(
        between opening: String, and closing: String
    ) throws(Refusal) -> [Located] {
        try expect(symbol: opening)
        var expressions: [Located] = []
        if take(symbol: closing) { return expressions }
        repeat {
            expressions.append(try expression())
        } while take(symbol: ",")
        try expect(symbol: closing)
        return expressions
    }

    mutating func term() throws(Refusal) -> Located {
        let start = token.position
        switch token.kind {
        case .integer(let digits), .decimal(let digits):
            return try number(digits, start)
        case .long(let digits):
            advance()
            return Located(syntax: .long(digits), position: start)
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
            return try braces(start)
        case .word, .quoted:
            return try wordTerm(start)
        case .symbol, .end:
            throw .invalid("expected an expression, found \(token.shown)", at: start)
        }
    }

    /// A number, a quantity or a ratio of the two.
    private mutating func number(_ digits: String, _ start: Position) throws(Refusal) -> Located {
        let first = try quantityOrNumber()
        // Within a case or a tuple a colon is something else: a ratio's is followed by a number.
        guard isSymbol(":") else { return first }
        switch token(ahead: 1).kind {
        case .integer, .decimal: break
        default: return first
        }
        advance()
        return Located(syntax: .ratio(first, try quantityOrNumber()), position: start)
    }

    private mutating func quantityOrNumber() throws(Refusal) -> Located {
        let start = token.position
        let digits: String
        let isDecimal: Bool
        switch token.kind {
        case .integer(let text): (digits, isDecimal) = (text, false)
        case .decimal(let text): (digits, isDecimal) = (text, true)
        default: throw .invalid("expected a number, found \(token.shown)", at: start)
        }
        advance()
        if case .word(let word) = token.kind, let unit = TemporalUnit(word: word),
            !isWord("from", ahead: 1), !isWord("between", ahead: 1)
        {
            advance()
            return Located(
                syntax: .quantity(digits, unit: "\(unit)", isCalendar: true), position: start)
        }
        if case .string(let unit) = token.kind {
            advance()
            return Located(
                syntax: .quantity(digits, unit: unit, isCalendar: false), position: start)
        }
        return Located(syntax: isDecimal ? .decimal(digits) : .integer(digits), position: start)
    }

    /// A list, or a tuple without the word.
    private mutating func braces(_ start: Position) throws(Refusal) -> Located {
        if isSymbol(":", ahead: 2) {
            switch token(ahead: 1).kind {
            case .word, .quoted: return try tuple(start, of: nil)
            default: break
            }
        }
        if isSymbol(":", ahead: 1), isSymbol("}", ahead: 2) { return try tuple(start, of: nil) }
        return Located(syntax: .list(try elements(), of: nil), position: start)
    }

    private mutating func tuple(
        _ start: Position, of type: String?
    ) throws(Refusal) -> Located {
        try expect(symbol: "{")
        var elements: [NamedSyntax] = []
        if take(symbol: ":") {
            try expect(symbol: "}")
            return Located(syntax: .tuple([], of: type), position: start)
        }
        if take(symbol: "}") { return Located(syntax: .tuple([], of: type), position: start) }
        repeat {
            let name: String
            if case .word(let word) = token.kind {
                name = word
                advance()
            } else {
                name = try self.name(of: "an element")
            }
            try expect(symbol: ":")
            elements.append(NamedSyntax(name: name, value: try expression()))
        } while take(symbol: ",")
        try expect(symbol: "}")
        return Located(syntax: .tuple(elements, of: type), position: start)
    }

    private mutating func wordTerm(_ start: Position) throws(Refusal) -> Located {
        if take("null") { return Located(syntax: .null, position: start) }
        if take("true") { return Located(syntax: .boolean(true), position: start) }
        if take("false") { return Located(syntax: .boolean(false), position: start) }
        if isWord("Interval") { return try interval() }
        if take("Tuple") { return try tuple(start, of: nil) }
        if isWord("List") {
            advance()
            guard take(symbol: "<") else {
                return Located(syntax: .list(try elements(), of: nil), position: start)
            }
            let type = try type()
            try expect(symbol: ">")
            return Located(syntax: .list(try elements(), of: type), position: start)
        }
        if isWord("Code") || isWord("Concept") { return try code(start) }
        if isWord("System"), isSymbol(".", ahead: 1) {
            advance()
            advance()
            return try wordTerm(start)
        }
        guard let name = nextName else {
            throw .invalid("expected an expression, found \(token.shown)", at: start)
        }
        advance()
        if isSymbol("(") {
            return Located(syntax: .call(name, try arguments()), position: start)
        }
        if isSymbol("{"), ["Quantity", "Ratio", "ValueSet", "CodeSystem"].contains(name) {
            return try tuple(start, of: name)
        }
        return Located(syntax: .name(name), position: start)
    }

    /// `Code 'x' from "system" display 'y'`, `Code { code: 'x' }` and `Concept { … }`.
    private mutating func code(_ start: Position) throws(Refusal) -> Located {
        let isConcept = isWord("Concept")
        advance()
        if isSymbol("{") {
            if isConcept || isSymbol(":", ahead: 2) {
                return try tuple(start, of: isConcept ? "Concept" : "Code")
            }
        }
        let code = try string(of: "a code")
        try expect("from")
        let system = try name(of: "a code system")
        let display = take("display") ? try string(of: "a display") : nil
        return Located(
            syntax: .code(code, system: system, display: display), position: start)
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
