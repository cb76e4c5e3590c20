// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// How tightly operators bind, after the order of alternatives in the grammar's `expression`.
enum Level: Int, Comparable {
    case union, implies, or, and, membership, equality, timing, inequality, between, prefix
    case test, sum, product, power, sign

    static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

    /// The next tighter one, for the right operand of a left-associative operator.
    var tighter: Level { Level(rawValue: rawValue + 1) ?? .sign }
}

extension Parser {
    /// An expression whose operators bind at least as tightly as `level`.
    mutating func expression(_ level: Level = .union) throws(Refusal) -> Located {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Parser.deepestNesting else {
            throw .unsupported(
                "expressions nested deeper than \(Parser.deepestNesting); "
                    + "give a part a definition of its own", at: token.position)
        }
        var left = try prefix()
        var chained = 0
        while let next = try infix(left, level) {
            left = next
            chained += 1
            guard chained <= 4 * Parser.deepestNesting else {
                throw .unsupported(
                    "more than \(4 * Parser.deepestNesting) operators in a row; "
                        + "give a part a definition of its own", at: token.position)
            }
        }
        return left
    }

    // MARK: Before an operand

    /// Operators of one word before their operand.
    private static let prefixes: [String: (UnaryOperator, Level)] = [
        "not": (.not, .prefix), "exists": (.exists, .prefix),
        "distinct": (.distinct, .union), "flatten": (.flatten, .union),
    ]

    /// Operators of two words before their operand.
    private static let phrases: [(first: String, second: String, UnaryOperator)] = [
        ("start", "of", .startOf), ("end", "of", .endOf), ("date", "from", .dateFrom),
        ("time", "from", .timeFrom), ("timezoneoffset", "from", .offsetFrom),
        ("point", "from", .pointFrom), ("width", "of", .width),
        ("successor", "of", .successor), ("predecessor", "of", .predecessor),
        ("singleton", "from", .singleton),
    ]

    private mutating func prefix() throws(Refusal) -> Located {
        let start = token.position
        guard case .word(let word) = token.kind else {
            if take(symbol: "-") { return try unary(.negate, .sign, start) }
            if take(symbol: "+") { return try unary(.plus, .sign, start) }
            return try queryOrTerm()
        }
        if let (operation, level) = Parser.prefixes[word] {
            advance()
            return try unary(operation, level, start)
        }
        for phrase in Parser.phrases where phrase.first == word && isWord(phrase.second, ahead: 1) {
            advance()
            advance()
            return try unary(phrase.2, .sign, start)
        }
        switch word {
        case "if": return try conditional()
        case "case": return try selection()
        case "duration", "difference":
            advance()
            try expect("in")
            return try measure(isDuration: word == "duration", start)
        case "from": return try query(start)
        case "cast", "convert": return try conversion(start)
        case "minimum", "maximum":
            guard !isSymbol("(", ahead: 1) else { break }
            advance()
            return Located(
                syntax: .extremum(isMaximum: word == "maximum", try type()), position: start)
        case "collapse", "expand":
            advance()
            let operand = try expression()
            let per = take("per") ? try perQuantity() : nil
            return Located(
                syntax: .spread(isExpand: word == "expand", operand, per: per), position: start)
        case "start", "end", "point", "width", "successor", "predecessor", "singleton":
            advance()
            throw .invalid(
                "expected '\(["point", "singleton"].contains(word) ? "from" : "of")', "
                    + "found \(token.shown)", at: token.position)
        default: break
        }
        if let unit = precisionWord, isWord("from", ahead: 1) {
            advance()
            advance()
            return Located(
                syntax: .component(unit, try expression(.sign)), position: start)
        }
        if isWord("between", ahead: 1), word.hasSuffix("s"), TemporalUnit(word: word) != nil {
            return try measure(isDuration: true, start)
        }
        return try queryOrTerm()
    }

    /// `per day` and `per 2 days`.
    private mutating func perQuantity() throws(Refusal) -> Located {
        let position = token.position
        guard let unit = precisionWord else { return try expression(.sum) }
        advance()
        return Located(
            syntax: .quantity("1", unit: "\(unit)", isCalendar: true), position: position)
    }

    private mutating func conversion(_ start: Position) throws(Refusal) -> Located {
        let isCast = isWord("cast")
        advance()
        let operand = try expression(isCast ? .sum : .sign)
        try expect(isCast ? "as" : "to")
        if !isCast, case .string(let unit) = token.kind {
            advance()
            return Located(syntax: .convertUnit(operand, unit), position: start)
        }
        if !isCast, case .word(let word) = token.kind, TemporalUnit(word: word) != nil {
            throw .unsupported("a conversion to a calendar unit", at: token.position)
        }
        return Located(
            syntax: .typed(isCast ? .cast : .convert, operand, try type()), position: start)
    }

    private mutating func unary(
        _ operation: UnaryOperator, _ level: Level, _ start: Position
    ) throws(Refusal) -> Located {
        Located(syntax: .unary(operation, try expression(level)), position: start)
    }

    private mutating func measure(
        isDuration: Bool, _ start: Position
    ) throws(Refusal) -> Located {
        let position = token.position
        guard case .word(let word) = token.kind, word.hasSuffix("s"),
            let unit = TemporalUnit(word: word)
        else {
            throw .invalid("expected 'years', 'months', 'weeks', 'days', 'hours' …", at: position)
        }
        advance()
        if take("of") {
            return Located(
                syntax: .measureOf(isDuration: isDuration, unit, try expression(.sign)),
                position: start)
        }
        try expect("between")
        let low = try expression(.sum)
        try expect("and")
        let high = try expression(.sum)
        return Located(
            syntax: .measure(isDuration: isDuration, unit, low, high), position: start)
    }

    private mutating func conditional() throws(Refusal) -> Located {
        let start = token.position
        try expect("if")
        let condition = try expression()
        try expect("then")
        let then = try expression()
        try expect("else")
        let otherwise = try expression()
        return Located(
            syntax: .choice(condition, then: then, otherwise: otherwise), position: start)
    }

    /// `case when … then … else … end` and `case x when … then … else … end`, as nested `if`s.
    private mutating func selection() throws(Refusal) -> Located {
        let start = token.position
        try expect("case")
        let subject = isWord("when") ? nil : try expression()
        var branches: [(condition: Located, value: Located)] = []
        while isWord("when") {
            let position = token.position
            try expect("when")
            var condition = try expression()
            if let subject {
                condition = Located(
                    syntax: .binary(.equal, subject, condition), position: position)
            }
            try expect("then")
            branches.append((condition, try expression()))
            guard branches.count <= Parser.deepestNesting else {
                throw .unsupported(
                    "a case with more than \(Parser.deepestNesting) branches", at: start)
            }
        }
        guard !branches.isEmpty else {
            throw .invalid("expected 'when', found \(token.shown)", at: token.position)
        }
        try expect("else")
        var result = try expression()
        try expect("end")
        for branch in branches.reversed() {
            result = Located(
                syntax: .choice(branch.condition, then: branch.value, otherwise: result),
                position: start)
        }
        return result
    }

    // MARK: After an operand

    private mutating func infix(_ left: Located, _ level: Level) throws(Refusal) -> Located? {
        let position = token.position
        switch token.kind {
        case .symbol(let symbol):
            return try symbolic(symbol, left, level)
        case .word(let word):
            if let (operation, binding) = Parser.wordOperators[word] {
                guard binding >= level else { return nil }
                advance()
                let right = try expression(binding.tighter)
                return Located(syntax: .binary(operation, left, right), position: position)
            }
            if word == "is" { return level <= .test ? try test(left) : nil }
            if word == "as" {
                guard level <= .test else { return nil }
                advance()
                return Located(syntax: .typed(.asType, left, try type()), position: position)
            }
            if word == "between" || word == "properly" && isWord("between", ahead: 1) {
                return level <= .between ? try between(left) : nil
            }
            if word == "in" || word == "contains" {
                return level <= .membership ? try timing(left, .membership) : nil
            }
            if Parser.timingWords.contains(word) {
                return level <= .timing ? try timing(left, .timing) : nil
            }
            return nil
        case .integer, .decimal:
            return level <= .timing ? try timing(left, .timing) : nil
        default:
            return nil
        }
    }

    private mutating func symbolic(
        _ symbol: String, _ left: Located, _ level: Level
    ) throws(Refusal) -> Located? {
        let position = token.position
        let binding: Level
        switch symbol {
        case "+", "-", "&": binding = .sum
        case "*", "/": binding = .product
        case "^": binding = .power
        case "<", "<=", ">", ">=": binding = .inequality
        case "=", "!=", "~", "!~": binding = .equality
        case "|": binding = .union
        default: return nil
        }
        let operation = symbol == "|" ? BinaryOperator.union : BinaryOperator(rawValue: symbol)
        guard binding >= level, let operation else { return nil }
        advance()
        let right = try expression(binding.tighter)
        return Located(syntax: .binary(operation, left, right), position: position)
    }

    private mutating func test(_ left: Located) throws(Refusal) -> Located {
        let position = token.position
        try expect("is")
        let isNegated = take("not")
        let test: Syntax
        if take("null") {
            test = .unary(.isNull, left)
        } else if take("true") {
            test = .unary(.isTrue, left)
        } else if take("false") {
            test = .unary(.isFalse, left)
        } else if isNegated {
            throw .invalid(
                "expected null, true or false, found \(token.shown)", at: token.position)
        } else {
            test = .typed(.isType, left, try type())
        }
        let located = Located(syntax: test, position: position)
        return isNegated ? Located(syntax: .unary(.not, located), position: position) : located
    }

    private mutating func between(_ left: Located) throws(Refusal) -> Located {
        let position = token.position
        let isProper = take("properly")
        try expect("between")
        let low = try expression(.sum)
        try expect("and")
        let high = try expression(.sum)
        return Located(
            syntax: .between(left, low, high, isProper: isProper), position: position)
    }

    // MARK: Types

    /// A type specifier.
    mutating func type() throws(Refusal) -> CQLType {
        depth += 1
        defer { depth -= 1 }
        let position = token.position
        guard depth <= Parser.deepestNesting else {
            throw .unsupported("types nested this deep", at: position)
        }
        if take("List") {
            try expect(symbol: "<")
            let element = try type()
            try expect(symbol: ">")
            return .listOf(element)
        }
        if isWord("Interval") {
            advance()
            try expect(symbol: "<")
            let point = try type()
            try expect(symbol: ">")
            return .interval(point)
        }
        if take("Tuple") { return try tupleType() }
        if isWord("Choice") {
            throw .unsupported("Choice types", at: position)
        }
        var name: String
        if take("Code") { return .code }
        if take("Concept") { return .concept }
        name = try self.name(of: "a type")
        if name == "System" || name == "FHIR", take(symbol: ".") {
            if take("Code") { return .code }
            if take("Concept") { return .concept }
            name = try self.name(of: "a type")
        }
        if let type = CQLType(named: name) { return type }
        if ResourceType(rawValue: name) != nil { return .fact }
        throw .unsupported("the type \(name)", at: position)
    }

    private mutating func tupleType() throws(Refusal) -> CQLType {
        try expect(symbol: "{")
        var elements: [TupleElementType] = []
        repeat {
            let name = try name(of: "an element")
            elements.append(TupleElementType(name: name, type: try type()))
        } while take(symbol: ",")
        try expect(symbol: "}")
        return .tuple(elements)
    }
}
