// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Parser {
    static let wordOperators: [String: (BinaryOperator, Level)] = [
        "union": (.union, .union), "implies": (.implies, .implies), "or": (.or, .or),
        "xor": (.xor, .or), "and": (.and, .and),
    ]

    static let timingWords: Set<String> = [
        "occurs", "before", "after", "on", "same", "during", "included",
    ]

    static let refusedOperators: [String: String] = [
        "intersect": "use 'where' with 'and'",
        "except": "use 'where' with 'not'",
        "as": "facts have one type",
        "div": "Integers have + - *",
        "mod": "Integers have + - *",
        "contains": "write 'x in Interval[…]'",
        "includes": "write 'x in Interval[…]'",
        "properly": "write the bounds with 'before' and 'after'",
        "within": "write 'during Interval[…]'",
        "starts": "compare 'start of' with a timing phrase",
        "ends": "compare 'end of' with a timing phrase",
        "meets": "compare 'start of' and 'end of'",
        "overlaps": "compare 'start of' and 'end of'",
        "sort": "lists are in clinical order: First is the oldest, Last the newest",
        "return": "a query gives its facts",
        "aggregate": "use Count, First or Last",
        "let": "write the expression where it is used, or as a definition",
    ]

    /// A timing phrase and its right operand.
    mutating func timing(_ left: Located, _ binding: Level) throws(Refusal) -> Located {
        let position = token.position
        if take("occurs") {}
        var timing: Timing
        if take("in") || take("during") || take("included", "in") {
            timing = Timing(phrase: .during)
        } else if take("on", "or", "before") || take("before", "or", "on") {
            timing = Timing(phrase: .sameOrBefore)
        } else if take("on", "or", "after") || take("after", "or", "on") {
            timing = Timing(phrase: .sameOrAfter)
        } else if take("before") {
            timing = Timing(phrase: .before)
        } else if take("after") {
            timing = Timing(phrase: .after)
        } else if take("same") {
            timing = try concurrence()
        } else {
            throw .unsupported(
                "this timing phrase; use before, after, same or before, same or after, same day "
                    + "as, or during", at: position)
        }
        if isWord("of", ahead: 1), let precision = try precision() {
            advance()
            advance()
            timing.precision = precision
        }
        if isWord("start") || isWord("end"), !isWord("of", ahead: 1) {
            throw .unsupported(
                "\(token.shown) without 'of'; write 'start of' or 'end of'", at: token.position)
        }
        let right = try expression(binding.tighter)
        return Located(syntax: .timing(timing, left, right), position: position)
    }

    /// What follows `same`.
    private mutating func concurrence() throws(Refusal) -> Timing {
        let precision = try precision()
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

    /// The precision that the next word names.
    private func precision() throws(Refusal) -> ClinicalTime.Precision? {
        guard case .word(let word) = token.kind, !word.hasSuffix("s") else { return nil }
        switch try unit(word, at: token.position) {
        case .year: return .year
        case .month: return .month
        case .day: return .day
        case .week: throw .unsupported("the precision 'week' here", at: token.position)
        case nil: return nil
        }
    }
}
