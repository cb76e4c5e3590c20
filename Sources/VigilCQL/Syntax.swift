// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// An expression as it was written.
indirect enum Syntax {
    case null
    case boolean(Bool)
    case integer(String)
    case long(String)
    case decimal(String)
    case string(String)
    /// A date or time literal's text without its `@`.
    case temporal(String)
    /// `3 months`, `5.5 'mg'`.
    case quantity(String, unit: String, isCalendar: Bool)
    case ratio(Located, Located)
    case name(String)
    case call(String, [Located])
    /// `base.name(…)`: a function of a library, or of `base`.
    case method(Located, String, [Located])
    /// `expression.element`.
    case element(Located, String)
    /// `expression[index]`.
    case index(Located, Located)
    case retrieve(type: String, list: Located)
    case interval(low: Located, lowClosed: Bool, high: Located, highClosed: Bool)
    case list([Located], of: CQLType?)
    /// A tuple, or with a type's name an instance of it.
    case tuple([NamedSyntax], of: String?)
    /// `Code 'x' from "system"`.
    case code(String, system: String, display: String?)
    case query(QuerySyntax)
    case unary(UnaryOperator, Located)
    case binary(BinaryOperator, Located, Located)
    case between(Located, Located, Located, isProper: Bool)
    /// `months between … and …`, `difference in …`.
    case measure(isDuration: Bool, TemporalUnit, Located, Located)
    /// `duration in days of …`.
    case measureOf(isDuration: Bool, TemporalUnit, Located)
    case component(TemporalUnit, Located)
    case choice(Located, then: Located, otherwise: Located)
    case timing(Timing, Located, Located)
    case typed(TypedOperator, Located, CQLType)
    case convertUnit(Located, String)
    case extremum(isMaximum: Bool, CQLType)
    /// `collapse` and `expand`.
    case spread(isExpand: Bool, Located, per: Located?)
}

/// An expression and where it begins, or where its operator stands.
struct Located {
    var syntax: Syntax
    var position: Position
}

/// An element of a tuple, or a `let`.
struct NamedSyntax {
    var name: String
    var value: Located
}

/// A query.
struct QuerySyntax {
    /// `with` or `without`.
    struct Relation {
        var isWithout: Bool
        var source: Located
        var alias: String
        var condition: Located
    }

    struct Aggregate {
        var name: String
        var isDistinct: Bool
        var start: Located?
        var step: Located
    }

    struct SortKey {
        var expression: Located?
        var isDescending: Bool
    }

    var sources: [NamedSyntax]
    var lets: [NamedSyntax] = []
    var relations: [Relation] = []
    var condition: Located?
    var result: Located?
    /// `return` gives distinct values unless it says `all`.
    var isDistinct = false
    var aggregate: Aggregate?
    var sort: [SortKey] = []
}

enum UnaryOperator {
    case not, exists, negate, plus
    case isNull, isTrue, isFalse
    case startOf, endOf, dateFrom, timeFrom, offsetFrom
    case pointFrom, width, successor, predecessor
    case distinct, flatten, singleton
}

enum BinaryOperator: String {
    case and, or, xor, implies
    case union, intersect, except
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case truncatedDivide = "div"
    case modulo = "mod"
    case power = "^"
    case concatenate = "&"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "="
    case notEqual = "!="
    case equivalent = "~"
    case notEquivalent = "!~"
}

enum TypedOperator {
    case isType, asType, cast, convert
}

/// A timing phrase such as `starts 3 days or less before end of`.
struct Timing {
    enum Phrase {
        case before, after, sameOrBefore, sameOrAfter, same
        case within
        /// A point or interval in an interval or list.
        case included, includes, isIn, contains
        case meets, meetsBefore, meetsAfter, overlaps, overlapsBefore, overlapsAfter
        case starts, ends
    }

    enum End {
        case start, end
    }

    /// `3 days or less`.
    struct Offset {
        enum Kind {
            case exactly, orLess, orMore, lessThan, moreThan
        }

        var quantity: Located
        var kind: Kind
    }

    var phrase: Phrase
    /// The precision that the phrase names.
    var precision: TemporalUnit?
    var isProper = false
    var offset: Offset?
    /// Which end of the left and right operand is meant, where the phrase says.
    var leftEnd: End?
    var rightEnd: End?
}

/// A library as it was written.
struct LibrarySyntax {
    var name = ""
    var version = ""
    var includes: [String: Position] = [:]
    var declarations: [Declaration] = []
    var functions: [Function] = []

    struct Declaration {
        enum Kind {
            case valueSet(identifier: String, at: Position)
            case codeSystem(identifier: String)
            case code(String, system: String, display: String?, at: Position)
            case concept([String], display: String?, at: Position)
            case parameter(type: CQLType?, value: Located)
            case definition(Located)
        }

        var name: String
        var position: Position
        var kind: Kind
    }

    struct Function {
        var name: String
        var position: Position
        var operands: [(name: String, type: CQLType)]
        var body: Located
    }
}
