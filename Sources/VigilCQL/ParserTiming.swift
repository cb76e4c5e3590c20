// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Parser {
    static let wordOperators: [String: (BinaryOperator, Level)] = [
        "union": (.union, .union), "intersect": (.intersect, .union),
        "except": (.except, .union), "implies": (.implies, .implies), "or": (.or, .or),
        "xor": (.xor, .or), "and": (.and, .and), "div": (.truncatedDivide, .product),
        "mod": (.modulo, .product),
    ]

    static let timingWords: Set<String> = [
        "occurs", "before", "after", "on", "same", "during", "included", "includes", "properly",
        "within", "starts", "ends", "meets", "overlaps", "less", "more",
    ]

    /// What can follow `starts`, `ends` and `occurs` as the phrase itself.
    private static let phraseWords: Set<String> = [
        "before", "after", "on", "same", "during", "included", "properly", "within", "less", "more",
    ]

    /// A timing phrase and its right operand.
    mutating func timing(_ left: Located, _ binding: Level) throws(Refusal) -> Located {
        let position = token.position
        var timing = Timing(phrase: .same)
        if isWord("in") || isWord("contains") {
            timing.phrase = isWord("in") ? .isIn : .contains
            advance()
        } else if isWord("starts") || isWord("ends") || isWord("occurs") {
            let isStart = isWord("starts")
            let isEnd = isWord("ends")
            advance()
            if isPhrase {
                timing = try phrase(position)
                timing.leftEnd = isStart ? .start : isEnd ? .end : nil
            } else {
                guard isStart || isEnd else {
                    throw .invalid(
                        "expected a timing phrase, found \(token.shown)", at: token.position)
                }
                timing.phrase = isStart ? .starts : .ends
            }
        } else {
            timing = try phrase(position)
        }
        if isWord("of", ahead: 1), let precision = precisionWord {
            advance()
            advance()
            timing.precision = precision
        }
        if isWord("start") || isWord("end"), !isWord("of", ahead: 1) {
            timing.rightEnd = isWord("start") ? .start : .end
            advance()
        }
        let right = try expression(binding.tighter)
        return Located(syntax: .timing(timing, left, right), position: position)
    }

    private var isPhrase: Bool {
        switch token.kind {
        case .word(let word): Parser.phraseWords.contains(word)
        case .integer, .decimal: true
        default: false
        }
    }

    private mutating func phrase(_ position: Position) throws(Refusal) -> Timing {
        let isProper = take("properly")
        if take("during") || take("included", "in") {
            return Timing(phrase: .included, isProper: isProper)
        }
        if take("includes") { return Timing(phrase: .includes, isProper: isProper) }
        if take("within") {
            let quantity = try term()
            try expect("of")
            var timing = Timing(phrase: .within, isProper: isProper)
            timing.offset = .init(quantity: quantity, kind: .exactly)
            return timing
        }
        guard !isProper else {
            throw .invalid(
                "expected 'during', 'included in', 'includes' or 'within', found \(token.shown)",
                at: token.position)
        }
        if take("same") { return try concurrence() }
        if take("meets") {
            let phrase: Timing.Phrase =
                take("before") ? .meetsBefore : take("after") ? .meetsAfter : .meets
            return Timing(phrase: phrase)
        }
        if take("overlaps") {
            let phrase: Timing.Phrase =
                take("before") ? .overlapsBefore : take("after") ? .overlapsAfter : .overlaps
            return Timing(phrase: phrase)
        }
        let offset = try offset()
        var timing = try direction(position)
        timing.offset = offset
        return timing
    }

    /// `3 days or less`, `less than 3 days`.
    private mutating func offset() throws(Refusal) -> Timing.Offset? {
        let isLess = isWord("less")
        if isLess || isWord("more") {
            advance()
            try expect("than")
            return .init(quantity: try term(), kind: isLess ? .lessThan : .moreThan)
        }
        switch token.kind {
        case .integer, .decimal: break
        default: return nil
        }
        let quantity = try term()
        if take("or", "less") { return .init(quantity: quantity, kind: .orLess) }
        if take("or", "more") { return .init(quantity: quantity, kind: .orMore) }
        return .init(quantity: quantity, kind: .exactly)
    }

    private mutating func direction(_ position: Position) throws(Refusal) -> Timing {
        if take("on", "or", "before") || take("before", "or", "on") {
            return Timing(phrase: .sameOrBefore)
        }
        if take("on", "or", "after") || take("after", "or", "on") {
            return Timing(phrase: .sameOrAfter)
        }
        if take("before") { return Timing(phrase: .before) }
        if take("after") { return Timing(phrase: .after) }
        throw .invalid("expected a timing phrase, found \(token.shown)", at: token.position)
    }

    /// What follows `same`.
    private mutating func concurrence() throws(Refusal) -> Timing {
        let precision = precisionWord
        if precision != nil { advance() }
        if take("or", "before") { return Timing(phrase: .sameOrBefore, precision: precision) }
        if take("or", "after") { return Timing(phrase: .sameOrAfter, precision: precision) }
        guard take("as") else {
            throw .invalid(
                "expected 'as', 'or before' or 'or after', found \(token.shown)",
                at: token.position)
        }
        return Timing(phrase: .same, precision: precision)
    }

    /// The precision that the next word names, in the singular.
    var precisionWord: TemporalUnit? {
        guard case .word(let word) = token.kind, !word.hasSuffix("s") else { return nil }
        return TemporalUnit(word: word)
    }
}
