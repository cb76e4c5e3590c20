// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// An expression as it was written.
indirect enum Syntax {
    case null
    case boolean(Bool)
    case integer(String)
    case decimal(String)
    case string(String)
    /// A date literal's text without its `@`.
    case temporal(String)
    /// `3 months`.
    case quantity(String, CalendarUnit)
    case name(String)
    case call(qualifier: String?, String, [Located])
    /// `expression.element`.
    case element(Located, String)
    case retrieve(type: String, list: Located)
    case interval(low: Located, lowClosed: Bool, high: Located, highClosed: Bool)
    case query(source: Located, alias: String, relations: [Relation], condition: Located?)
    case unary(UnaryOperator, Located)
    case binary(BinaryOperator, Located, Located)
    case between(Located, Located, Located)
    case measure(Operation, CalendarUnit, Located, Located)
    case choice(Located, then: Located, otherwise: Located)
    case timing(Timing, Located, Located)

    /// `with` or `without`.
    struct Relation {
        var isWithout: Bool
        var source: Located
        var alias: String
        var condition: Located
    }
}

/// An expression and where it begins, or where its operator stands.
struct Located {
    var syntax: Syntax
    var position: Position
}

enum UnaryOperator {
    case not, exists, negate, plus
    case isNull, isTrue, isFalse
    case startOf, endOf, dateFrom
}

enum BinaryOperator: String {
    case and, or, xor, implies
    case union
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "="
    case notEqual = "!="
    case equivalent = "~"
    case notEquivalent = "!~"
}

/// A timing phrase such as `same day or before`.
struct Timing {
    enum Phrase {
        case before, after, sameOrBefore, sameOrAfter, same, during
    }

    var phrase: Phrase
    /// The precision that the phrase names.
    var precision: ClinicalTime.Precision?
}

/// A library as it was written.
struct LibrarySyntax {
    var name = ""
    var version = ""
    var includes: [String: Position] = [:]
    var declarations: [Declaration] = []

    struct Declaration {
        enum Kind {
            case valueSet(identifier: String, at: Position)
            case parameter(type: String?, value: Located)
            case definition(Located)
        }

        var name: String
        var position: Position
        var kind: Kind
    }
}
