// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a node computes; the comment names its operands.
package enum Operation: UInt8, Sendable {
    // Literals.
    case null
    /// `first` is 1 for true, 0 for false.
    case boolean
    /// `first` is the number.
    case integer
    /// `first` is the first day meant, `detail` a `ClinicalTime.Precision`.
    case date
    /// `first` is an index into `Program.strings`.
    case string

    // What is known of the patient, and the day.
    case today, birthDate, deathDate, registrationDate, deregistrationDate, gender
    /// `first` is the index of a definition.
    case definition
    /// The element under a query's alias; `first` is the alias.
    case alias
    /// Of the fact `first`.
    case clinicalDate, endDate, supplyEnd, status
    /// Of the result `first` in list `second`; of `number`, `third` is an index into
    /// `Program.unitSets`.
    case hasResult, number, comparator

    // Arithmetic on `first` and `second`; `detail` of the calendar ones is a `CalendarUnit`.
    case shift, duration, difference
    case add, subtract, multiply

    /// `first` against `second`; `detail` is a `Comparison`.
    case compare
    case equivalent

    // Logic.
    case and, or, xor, not
    case isNull, isTrue, isFalse
    /// `second` where `first` is true, else `third`.
    case choose
    /// `first` unless null, else `second`.
    case coalesce

    // Lists of facts.
    /// Facts of the types `detail` (`ResourceTypes`) with a coding in list `first`.
    case retrieve
    case union
    /// The elements of `first` for which `second` is true under the alias `third`.
    case filter
    case exists, count, firstOf, lastOf
    /// Of `first`, one fact for each supply.
    case supplies

    /// The operator of `Program.calls` that `first` names.
    case call
    /// The query of `Program.queries` that `first` names.
    case query
}

/// A trivial node of a `Program`.
package struct Node: Sendable {
    /// What it computes.
    package var operation: Operation
    /// A unit, a comparison, a precision or a set of types, as `operation` says.
    package var detail: UInt16
    /// An operand, or what `operation` says.
    package var first: Int32
    /// An operand.
    package var second: Int32
    /// An operand, or the alias of a filter.
    package var third: Int32

    package init(
        _ operation: Operation, _ first: Int32 = 0, _ second: Int32 = 0, _ third: Int32 = 0,
        detail: UInt16 = 0
    ) {
        self.operation = operation
        self.detail = detail
        self.first = first
        self.second = second
        self.third = third
    }

    /// The nodes that this one reads, but for those of a call or query.
    package var operands: [Int32] {
        switch operation {
        case .null, .boolean, .integer, .date, .string, .today, .birthDate, .deathDate,
            .registrationDate, .deregistrationDate, .gender, .definition, .alias, .retrieve,
            .call, .query:
            []
        case .clinicalDate, .endDate, .supplyEnd, .status, .not, .isNull, .isTrue, .isFalse,
            .exists, .count, .firstOf, .lastOf, .supplies, .hasResult, .number, .comparator:
            [first]
        case .shift, .duration, .difference, .add, .subtract, .multiply, .compare, .equivalent,
            .and, .or, .xor, .coalesce, .union, .filter:
            [first, second]
        case .choose:
            [first, second, third]
        }
    }
}

/// A unit of calendar arithmetic.
package enum CalendarUnit: UInt16, CaseIterable, Sendable {
    case year, month, week, day

    /// About how many days it has: for first guesses only.
    var roughDays: Int {
        switch self {
        case .year: 365
        case .month: 30
        case .week: 7
        case .day: 1
        }
    }
}

/// A relation, and for dates the precision that it stops at.
package struct Comparison: Hashable, Sendable {
    /// How the left operand stands to the right one.
    package enum Relation: UInt8, Sendable {
        case less, lessOrEqual, equal, notEqual, greaterOrEqual, greater
    }

    /// What must hold of the operands.
    package var relation: Relation
    /// Finer components of dates are left out.
    package var precision: ClinicalTime.Precision

    package init(_ relation: Relation, to precision: ClinicalTime.Precision = .day) {
        self.relation = relation
        self.precision = precision
    }

    /// As a node carries it.
    package var detail: UInt16 {
        UInt16(relation.rawValue) << 8 | UInt16(precision.rawValue)
    }

    /// As a node carries it; what no comparison makes reads as equality of days.
    package init(detail: UInt16) {
        relation = Relation(rawValue: UInt8(detail >> 8)) ?? .equal
        precision = ClinicalTime.Precision(rawValue: UInt8(detail & 0xff)) ?? .day
    }
}

/// How a value depends on the passing of time alone.
package enum Motion: UInt8, Sendable {
    /// Not at all.
    case still
    /// It never decreases: an end of a window, an age.
    case rising
    /// It never increases: the days left until a fixed date.
    case falling
    /// Somehow; evaluation tells until when it stays.
    case stepping

    /// Whether the instant of a change can be searched for.
    package var isMonotone: Bool { self == .rising || self == .falling }

    var reversed: Motion {
        switch self {
        case .rising: .falling
        case .falling: .rising
        case .still, .stepping: self
        }
    }

    /// Of a sum of two values.
    static func sum(_ left: Motion, _ right: Motion) -> Motion {
        if left == .still { return right }
        return right == .still || left == right ? left : .stepping
    }
}

extension Program {
    func motion(of node: Node) -> Motion {
        func of(_ operand: Int32) -> Motion { motions[Int(operand)] }
        switch node.operation {
        case .today:
            return .rising
        case .definition:
            return of(definitions[Int(node.first)])
        case .retrieve:
            // An order that is stopped on a day to come leaves then.
            let types = ResourceTypes(rawValue: node.detail)
            return types.isDisjoint(with: .medications) ? .still : .stepping
        case .shift:
            // Month arithmetic clips but never reorders.
            return of(node.second) == .still ? of(node.first) : .stepping
        case .duration, .difference:
            return .sum(of(node.first).reversed, of(node.second))
        case .add:
            return .sum(of(node.first), of(node.second))
        case .subtract:
            return .sum(of(node.first), of(node.second).reversed)
        case .call:
            return motion(of: calls[Int(node.first)])
        case .query:
            return operands(of: node).allSatisfy { of($0) == .still } ? .still : .stepping
        default:
            return node.operands.allSatisfy { of($0) == .still } ? .still : .stepping
        }
    }

    private func motion(of call: ValueCall) -> Motion {
        let operands = call.operands.map { motions[Int($0)] }
        switch call.function {
        case .now: return .rising
        case .timeOfDay: return .stepping
        case .duration where operands.count == 2, .difference where operands.count == 2:
            return .sum(operands[0].reversed, operands[1])
        case .add where operands.count == 2 && operands[1] == .still,
            .subtract where operands.count == 2 && operands[1] == .still,
            .widen where operands.count == 1, .dateFrom where operands.count == 1:
            return operands[0]
        default:
            return operands.allSatisfy { $0 == .still } ? .still : .stepping
        }
    }
}
