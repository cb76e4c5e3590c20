// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// How tightly operators bind, after the order of alternatives in the grammar's `expression`.
enum Level: Int, Comparable {
    case union, implies, or, and, membership, equality, timing, inequality, between, prefix
    case test, sum, product, sign

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

    private mutating func prefix() throws(Refusal) -> Located {
        let start = token.position
        guard case .word(let word) = token.kind else {
            if take(symbol: "-") { return try unary(.negate, .sign, start) }
            if take(symbol: "+") { return try unary(.plus, .sign, start) }
            return try queryOrTerm()
        }
        switch word {
        case "not":
            advance()
            return try unary(.not, .prefix, start)
        case "exists":
            advance()
            return try unary(.exists, .prefix, start)
        case "start", "end":
            advance()
            try expect("of")
            return try unary(word == "start" ? .startOf : .endOf, .sign, start)
        case "date":
            advance()
            try expect("from")
            return try unary(.dateFrom, .sign, start)
        case "if":
            return try conditional()
        case "case":
            return try selection()
        case "duration", "difference":
            advance()
            try expect("in")
            return try measure(word == "duration" ? .duration : .difference, start)
        default:
            guard isWord("between", ahead: 1), word.hasSuffix("s"), Keyword.reserved.contains(word)
            else { return try queryOrTerm() }
            return try measure(.duration, start)
        }
    }

    private mutating func unary(
        _ operation: UnaryOperator, _ level: Level, _ start: Position
    ) throws(Refusal) -> Located {
        Located(syntax: .unary(operation, try expression(level)), position: start)
    }

    private mutating func measure(
        _ operation: VigilCore.Operation, _ start: Position
    ) throws(Refusal) -> Located {
        let position = token.position
        guard case .word(let word) = token.kind, word.hasSuffix("s"),
            let unit = try unit(word, at: position)
        else {
            throw .invalid("expected 'years', 'months', 'weeks' or 'days'", at: position)
        }
        advance()
        try expect("between")
        let low = try expression(.sum)
        try expect("and")
        let high = try expression(.sum)
        return Located(syntax: .measure(operation, unit, low, high), position: start)
    }

    /// The calendar unit that a word names, in the singular or plural; nil for another word.
    func unit(_ word: String, at position: Position) throws(Refusal) -> CalendarUnit? {
        switch word {
        case "year", "years": return .year
        case "month", "months": return .month
        case "week", "weeks": return .week
        case "day", "days": return .day
        case "hour", "hours", "minute", "minutes", "second", "seconds", "millisecond",
            "milliseconds":
            throw .unsupported("'\(word)'; rules count in whole days", at: position)
        default: return nil
        }
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
            if word == "between" { return level <= .between ? try between(left) : nil }
            if word == "in" { return level <= .membership ? try timing(left, .membership) : nil }
            if Parser.timingWords.contains(word) {
                return level <= .timing ? try timing(left, .timing) : nil
            }
            if let instead = Parser.refusedOperators[word] {
                throw .unsupported("'\(word)'; \(instead)", at: position)
            }
            return nil
        case .integer:
            throw .unsupported(
                "a quantity before a timing phrase; write 'during Interval[…]'", at: position)
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
        case "+", "-": binding = .sum
        case "*": binding = .product
        case "<", "<=", ">", ">=": binding = .inequality
        case "=", "!=", "~", "!~": binding = .equality
        case "/", "^", "&", "|", "[":
            throw .unsupported("the operator '\(symbol)'", at: position)
        default: return nil
        }
        guard binding >= level, let operation = BinaryOperator(rawValue: symbol) else { return nil }
        advance()
        let right = try expression(binding.tighter)
        return Located(syntax: .binary(operation, left, right), position: position)
    }

    private mutating func test(_ left: Located) throws(Refusal) -> Located {
        let position = token.position
        try expect("is")
        let isNegated = take("not")
        let operation: UnaryOperator
        if take("null") {
            operation = .isNull
        } else if take("true") {
            operation = .isTrue
        } else if take("false") {
            operation = .isFalse
        } else {
            throw .unsupported(
                "'is' with a type; it is followed by null, true or false", at: token.position)
        }
        let test = Located(syntax: .unary(operation, left), position: position)
        return isNegated ? Located(syntax: .unary(.not, test), position: position) : test
    }

    private mutating func between(_ left: Located) throws(Refusal) -> Located {
        let position = token.position
        try expect("between")
        let low = try expression(.sum)
        try expect("and")
        let high = try expression(.sum)
        return Located(syntax: .between(left, low, high), position: position)
    }
}
