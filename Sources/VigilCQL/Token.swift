// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A word of a CQL text.
struct Token: Sendable {
    enum Kind: Hashable, Sendable {
        /// A bare word; keywords are words too, told apart by place.
        case word(String)
        /// `"name"` or `` `name` ``.
        case quoted(String)
        /// `'text'`.
        case string(String)
        /// Digits.
        case integer(String)
        /// Digits with an `L`, without it.
        case long(String)
        /// Digits with a point.
        case decimal(String)
        /// What follows `@`, without it.
        case temporal(String)
        case symbol(String)
        case end
    }

    var kind: Kind
    var position: Position

    /// As a message names it.
    var shown: String {
        switch kind {
        case .word(let text), .symbol(let text), .integer(let text), .decimal(let text),
            .long(let text):
            "'\(text)'"
        case .quoted(let text): "\"\(text)\""
        case .string(let text): "'\(text)'"
        case .temporal(let text): "'@\(text)'"
        case .end: "the end of the text"
        }
    }
}

/// Words that cannot be a name or an alias unless they are quoted.
enum Keyword {
    static let reserved: Set<String> = [
        "after", "all", "and", "as", "asc", "ascending", "before", "between", "by", "called",
        "case",
        "cast", "code", "codesystem", "collapse", "concept", "contains", "context", "convert",
        "date", "day", "days", "default", "define", "desc", "descending", "difference", "display",
        "distinct", "div", "duration", "during", "else", "end", "ends", "except", "exists",
        "expand",
        "false", "flatten", "from", "function", "hour", "hours", "if", "implies", "in", "include",
        "included", "includes", "intersect", "is", "let", "library", "maximum", "meets",
        "millisecond", "milliseconds", "minimum", "minute", "minutes", "mod", "month", "months",
        "not", "null", "occurs", "of", "on", "or", "overlaps", "parameter", "per", "point",
        "predecessor", "private", "properly", "public", "return", "same", "second", "seconds",
        "singleton", "sort", "start", "starts", "successor", "such", "that", "then", "time",
        "timezoneoffset", "to", "true", "union", "using", "valueset", "version", "week", "weeks",
        "when", "where", "width", "with", "within", "without", "xor", "year", "years", "Interval",
        "List", "Tuple", "Code", "Concept", "aggregate", "starting", "less", "more", "than",
        "Choice",
    ]
}
