// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An operator of CQL on values of any type.
package enum ValueFunction: String, Sendable {
    /// The call's constant.
    case constant
    case now, timeOfDay
    /// The fact's elements.
    case factValue, factCode, factDateTime, factComponents, factEffectiveEnd, factIssued
    case factComparator

    case add, subtract, multiply, divide, truncatedDivide, modulo, power
    case negate, abs, ceiling, floor, truncate, exp, ln, log, round
    case lowBoundary, highBoundary, precision
    case successor, predecessor, minimum, maximum

    case less, lessOrEqual, greater, greaterOrEqual
    case equal, notEqual, equivalent

    case before, after, sameOrBefore, sameOrAfter, sameAs
    case includedIn, properlyIncludedIn, includes, properlyIncludes
    case overlaps, overlapsBefore, overlapsAfter, meets, meetsBefore, meetsAfter, starts, ends
    /// Intervals and lists alike.
    case union, intersect, except
    case interval, startOf, endOf, pointFrom, width, size, collapse, expand

    case list, tuple, element, indexer, indexOf, first, last, length, exists, flatten, distinct
    case singleton, skip, take, tail
    case count, sum, product, min, max, avg, median, mode, variance, stdDev
    case populationVariance, populationStdDev, geometricMean, allTrue, anyTrue

    case duration, difference, component, dateFrom, timeFrom, offsetFrom
    case dateTime, date, time

    case concatenate, combine, split, upper, lower, substring, positionOf, lastPositionOf
    case startsWith, endsWith, matches, replaceMatches

    case convert, convertsTo, convertUnit, canConvertUnit, asType, castTo, isType, widen
    case ratio, message, coalesceList, codes

    /// Of one moving DateTime and one that stands: a comparison whose change can be searched for.
    package var isTimeComparison: Bool {
        switch self {
        case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual, .before, .after,
            .sameOrBefore, .sameOrAfter, .sameAs:
            true
        default: false
        }
    }

    /// Whether null from values that are not means that the result left its type's range, or that
    /// it was divided by zero.
    var isArithmetic: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .truncatedDivide, .modulo, .power, .negate, .abs:
            true
        default: false
        }
    }

    /// Whether the specification takes a null list for an empty one, as nobody may for facts.
    var readsNullAsEmpty: Bool {
        switch self {
        case .exists, .count, .allTrue, .anyTrue, .length, .includedIn, .properlyIncludedIn,
            .includes, .properlyIncludes, .union, .intersect, .except:
            true
        default: false
        }
    }

    /// Whether a moving DateTime goes through it and goes on moving one way.
    package var carriesMotion: Bool {
        switch self {
        case .add, .subtract, .duration, .difference, .widen: true
        default: false
        }
    }
}

/// One use of a `ValueFunction` in a program.
package struct ValueCall: Sendable {
    package var function: ValueFunction
    /// The nodes of the arguments.
    package var operands: [Int32]
    /// The precision or unit that the operator names.
    package var unit: TemporalUnit?
    /// The type that a conversion or test names.
    package var type: CQLType?
    /// The names of a tuple's elements, or of the element read.
    package var names: [String]
    /// What a constant is.
    package var constant: Datum
    /// Of an interval: whether it is closed below and above.
    package var closed: (low: Bool, high: Bool)
    /// Whether it is over the patient's facts, of which null means not known.
    package var isOverFacts = false

    package init(
        _ function: ValueFunction, _ operands: [Int32] = [], unit: TemporalUnit? = nil,
        type: CQLType? = nil, names: [String] = [], constant: Datum = .null,
        closed: (low: Bool, high: Bool) = (true, true)
    ) {
        self.function = function
        self.operands = operands
        self.unit = unit
        self.type = type
        self.names = names
        self.constant = constant
        self.closed = closed
    }
}
