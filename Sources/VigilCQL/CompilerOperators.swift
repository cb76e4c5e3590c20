// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    // MARK: One operand

    mutating func unary(
        _ operation: UnaryOperator, _ operand: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        switch operation {
        case .not: return .node(add(.not, try self.operand(operand, .boolean)), .boolean)
        case .isTrue: return .node(add(.isTrue, try self.operand(operand, .boolean)), .boolean)
        case .isFalse: return .node(add(.isFalse, try self.operand(operand, .boolean)), .boolean)
        case .isNull: return .node(add(.isNull, try value(operand).node), .boolean)
        case .plus: return try compile(operand)
        case .negate: return try negation(operand, position)
        case .startOf, .endOf: return try bound(operand, isStart: operation == .startOf, position)
        case .exists, .distinct, .flatten, .singleton:
            return try listOperation(operation, operand, position)
        case .dateFrom:
            if case .call("Now", let arguments) = operand.syntax, arguments.isEmpty {
                return .node(add(.today), .date)
            }
            return call(.dateFrom, [try value(operand).node], .date, position)
        case .timeFrom: return call(.timeFrom, [try value(operand).node], .time, position)
        case .offsetFrom: return call(.offsetFrom, [try value(operand).node], .decimal, position)
        case .pointFrom, .width:
            let (node, type) = try value(operand)
            guard let point = type == .any ? .any : type.intervalPoint else {
                throw .invalid("expected Interval, found \(type.name)", at: operand.position)
            }
            return call(
                operation == .width ? .width : .pointFrom, [node], point, position)
        case .successor, .predecessor:
            let (node, type) = try value(operand)
            guard type == .any || type.point != nil else {
                throw .invalid("\(type.name) has no successor or predecessor", at: position)
            }
            return call(
                operation == .successor ? .successor : .predecessor, [node], type, position)
        }
    }

    private mutating func negation(
        _ operand: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        if case .integer("2147483648") = operand.syntax {
            return .node(add(.integer, .min), .integer)
        }
        if case .long("9223372036854775808") = operand.syntax {
            return constant(.long(.min), .long)
        }
        let (node, type) = try value(operand)
        let base = program.nodes[Int(node)]
        if base.operation == .integer, base.first != .min {
            return .node(add(.integer, -base.first), .integer)
        }
        guard type.isNumber || type == .quantity || type == .any else {
            throw .invalid("'-' takes a number, not \(type.name)", at: position)
        }
        if type == .integer { return .node(add(.subtract, add(.integer, 0), node), .integer) }
        return call(.negate, [node], type, position)
    }

    private mutating func listOperation(
        _ operation: UnaryOperator, _ operand: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let (node, type) = try value(operand)
        if operation == .exists, type == .list, isOrderedByTime(node) {
            return .node(add(.exists, node), .boolean)
        }
        let element: CQLType
        switch type {
        case .listOf(let inner): element = inner
        case .any: element = .any
        default:
            throw .invalid(
                "expected \(operation == .exists ? CQLType.list.name : "List"), "
                    + "found \(type.name)", at: operand.position)
        }
        switch operation {
        case .exists: return call(.exists, [node], .boolean, position)
        case .distinct: return call(.distinct, [node], type, position)
        case .singleton: return call(.singleton, [node], element, position)
        default: return call(.flatten, [node], element == .any ? .listOf(.any) : element, position)
        }
    }

    // MARK: Two operands

    mutating func binary(
        _ operation: BinaryOperator, _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        switch operation {
        case .and: return try logic(.and, left, right)
        case .or: return try logic(.or, left, right)
        case .xor: return try logic(.xor, left, right)
        case .implies:
            let premise = add(.not, try operand(left, .boolean))
            return .node(add(.or, premise, try operand(right, .boolean)), .boolean)
        case .union: return try combination(.union, left, right, position)
        case .intersect: return try combination(.intersect, left, right, position)
        case .except: return try combination(.except, left, right, position)
        case .add, .subtract, .multiply, .divide, .truncatedDivide, .modulo, .power:
            return try arithmetic(operation, left, right, position)
        case .concatenate:
            let first = try operand(left, .string)
            return call(
                .concatenate, [first, try operand(right, .string)], .string, position)
        case .less: return try comparison(left, .less, right, position)
        case .lessOrEqual: return try comparison(left, .lessOrEqual, right, position)
        case .greater: return try comparison(left, .greater, right, position)
        case .greaterOrEqual: return try comparison(left, .greaterOrEqual, right, position)
        case .equal: return try comparison(left, .equal, right, position)
        case .notEqual: return try comparison(left, .notEqual, right, position)
        case .equivalent, .notEquivalent:
            let (first, second) = try pair(left, right, position)
            let isTrivial =
                [CQLType.integer, .boolean].contains(first.type) && first.type == second.type
            let node: Int32
            if isTrivial {
                node = add(.equivalent, first.node, second.node)
            } else {
                node = program.append(ValueCall(.equivalent, [first.node, second.node]))
            }
            return .node(operation == .equivalent ? node : add(.not, node), .boolean)
        }
    }

    private mutating func logic(
        _ operation: VigilCore.Operation, _ left: Located, _ right: Located
    ) throws(Refusal) -> Compiled {
        let first = try operand(left, .boolean)
        return .node(add(operation, first, try operand(right, .boolean)), .boolean)
    }

    // MARK: Arithmetic

    private static let functions: [BinaryOperator: ValueFunction] = [
        .add: .add, .subtract: .subtract, .multiply: .multiply, .divide: .divide,
        .truncatedDivide: .truncatedDivide, .modulo: .modulo, .power: .power,
    ]

    private mutating func arithmetic(
        _ operation: BinaryOperator, _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let base = try compile(left)
        let other = try compile(right)
        if case .node(let node, let type) = base, type == .date,
            operation == .add || operation == .subtract, case .quantity(let quantity) = other,
            !isPlain(node), quantity.isCalendar, let count = quantity.wholeCount,
            let unit = CalendarUnit(word: quantity.unit)
        {
            let signed = operation == .add ? count : -count
            return .node(add(.shift, node, add(.integer, signed), detail: unit.rawValue), .date)
        }
        let first = try materialized(base, left.position)
        let second = try materialized(other, right.position)
        let trivial: [BinaryOperator: VigilCore.Operation] = [
            .add: .add, .subtract: .subtract, .multiply: .multiply,
        ]
        if let operation = trivial[operation], first.type == .integer || second.type == .integer,
            [CQLType.integer, .any].contains(first.type),
            [CQLType.integer, .any].contains(second.type), first.type != .any || isNull(first.node),
            second.type != .any || isNull(second.node)
        {
            return .node(add(operation, first.node, second.node), .integer)
        }
        guard let type = result(of: operation, first.type, second.type),
            let function = Self.functions[operation]
        else {
            if [CQLType.date, .dateTime, .time].contains(first.type), second.type.isNumber {
                throw .unsupported(
                    "a number without a unit in place of a duration such as 5 days", at: position)
            }
            throw .invalid(
                "'\(operation.rawValue)' does not take \(first.type.name) and "
                    + "\(second.type.name)", at: position)
        }
        return call(function, [first.node, second.node], type, position)
    }

    private func isNull(_ node: Int32) -> Bool { program.nodes[Int(node)].operation == .null }

    /// The type of a result; nil where the operands do not go together.
    private func result(
        of operation: BinaryOperator, _ left: CQLType, _ right: CQLType
    ) -> CQLType? {
        func isNumeric(_ type: CQLType) -> Bool { type.isNumber || type == .quantity }
        switch (left, right) {
        case (.date, .quantity), (.dateTime, .quantity), (.time, .quantity), (.date, .any),
            (.dateTime, .any), (.time, .any):
            return operation == .add || operation == .subtract ? left : nil
        case (.string, .string), (.string, .any), (.any, .string):
            return operation == .add ? .string : nil
        case (.any, .any): return operation == .divide ? .any : .any
        default: break
        }
        guard isNumeric(left) || left == .any, isNumeric(right) || right == .any else {
            return nil
        }
        if left == .quantity || right == .quantity { return operation == .power ? nil : .quantity }
        if left == .any || right == .any { return .any }
        if operation == .divide { return .decimal }
        if operation == .power, left != .decimal, right != .decimal { return .any }
        return common(left, right)
    }

    // MARK: Comparisons

    mutating func pair(
        _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> (first: (node: Int32, type: CQLType), second: (node: Int32, type: CQLType))
    {
        let first = try value(left)
        let second = try value(right)
        guard areComparable(first.type, second.type) else {
            throw .invalid(
                "\(first.type.name) and \(second.type.name) cannot stand for each other",
                at: position)
        }
        return (first, second)
    }

    private func areComparable(_ left: CQLType, _ right: CQLType) -> Bool {
        if common(left, right) != nil { return true }
        switch (left, right) {
        case (.listOf, .listOf), (.tuple, .tuple), (.concept, .code), (.code, .concept): return true
        default: return false
        }
    }

    mutating func comparison(
        _ left: Located, _ relation: Comparison.Relation, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let (first, second) = try pair(left, right, position)
        return try comparison(first, relation, second, position)
    }

    mutating func comparison(
        _ first: (node: Int32, type: CQLType), _ relation: Comparison.Relation,
        _ second: (node: Int32, type: CQLType), _ position: Position
    ) throws(Refusal) -> Compiled {
        let isEquality = relation == .equal || relation == .notEqual
        if !isEquality {
            for type in [first.type, second.type] where !type.isOrdered {
                throw .invalid("\(type.name) has no order", at: position)
            }
        }
        try checkMixture(first, second, precision: nil, position)
        let trivial: Set<CQLType> =
            isEquality ? [.boolean, .integer, .date, .string, .fact] : [.integer, .date]
        let numbers: Set<CQLType> = [.integer, .decimal]
        let areNumbers = numbers.contains(first.type) && numbers.contains(second.type)
        if first.type == second.type && trivial.contains(first.type) || areNumbers {
            return .node(comparison(first.node, relation, second.node), .boolean)
        }
        let function: ValueFunction =
            switch relation {
            case .less: .less
            case .lessOrEqual: .lessOrEqual
            case .greater: .greater
            case .greaterOrEqual: .greaterOrEqual
            case .equal: .equal
            case .notEqual: .notEqual
            }
        return call(function, [first.node, second.node], .boolean, position)
    }

    /// Over the patient's facts a Date and a DateTime meet only at a stated precision.
    func checkMixture(
        _ first: (node: Int32, type: CQLType), _ second: (node: Int32, type: CQLType),
        precision: TemporalUnit?, _ position: Position
    ) throws(Refusal) {
        let types = [first.type, second.type].map { $0.intervalPoint ?? $0 }
        guard precision == nil, !isExpression, types.contains(.date), types.contains(.dateTime),
            !isPlain(first.node) || !isPlain(second.node)
        else { return }
        throw .invalid(
            "a Date and a DateTime; write 'date from' the DateTime, or a precision such as "
                + "'same day as' or 'before day of'", at: position)
    }

    mutating func between(
        _ operand: Located, _ low: Located, _ high: Located, _ isProper: Bool,
        _ position: Position
    ) throws(Refusal) -> Compiled {
        let lower = try comparison(operand, isProper ? .greater : .greaterOrEqual, low, position)
        let upper = try comparison(operand, isProper ? .less : .lessOrEqual, high, position)
        guard case .node(let first, _) = lower, case .node(let second, _) = upper else {
            return lower
        }
        return .node(add(.and, first, second), .boolean)
    }

    // MARK: Choices and types

    mutating func choice(
        _ condition: Located, _ then: Located, _ otherwise: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let test = try operand(condition, .boolean)
        let first = try value(then)
        let second = try value(otherwise)
        guard let type = common(first.type, second.type) else {
            return .node(add(.choose, test, first.node, second.node), .any)
        }
        let nodes = [
            widen(first.node, first.type, to: type), widen(second.node, second.type, to: type),
        ]
        return .node(add(.choose, test, nodes[0], nodes[1]), type)
    }

    mutating func typed(
        _ operation: TypedOperator, _ operand: Located, _ type: CQLType, _ position: Position
    ) throws(Refusal) -> Compiled {
        let (node, own) = try value(operand)
        switch operation {
        case .isType:
            if type == .fact { throw .unsupported("'is' with a FHIR type", at: position) }
            return call(.isType, [node], .boolean, position, of: type)
        case .asType, .cast:
            // A null becomes a null of the type; a value that is of the type already stays.
            if own == type || isNull(node) { return .node(node, type) }
            if case .listOf(.any) = own { return .node(node, type) }
            if own == .fact || type == .fact { return .node(node, own) }
            return call(
                operation == .cast ? .castTo : .asType, [node], type, position, of: type)
        case .convert:
            if own == type { return .node(node, type) }
            guard type.point != nil || [.boolean, .string, .ratio, .concept, .any].contains(type)
            else { throw .unsupported("a conversion to \(type.name)", at: position) }
            return call(.convert, [node], type, position, of: type)
        }
    }

    mutating func temporal(_ syntax: Syntax, _ position: Position) throws(Refusal) -> Compiled {
        switch syntax {
        case .measure(let isDuration, let unit, let low, let high):
            return try measure(isDuration, unit, low, high, position)
        case .measureOf(let isDuration, let unit, let operand):
            let (node, type) = try value(operand)
            guard type == .any || type.intervalPoint != nil else {
                throw .invalid("expected Interval, found \(type.name)", at: operand.position)
            }
            let point = type.intervalPoint ?? .any
            guard case .node(let start, _) = call(.startOf, [node], point, position),
                case .node(let end, _) = call(.endOf, [node], point, position)
            else { return .node(node, type) }
            return call(
                isDuration ? .duration : .difference, [start, end], .integer, position, unit: unit)
        case .component(let unit, let operand):
            guard unit != .week else {
                throw .invalid("a date has no week to be had with 'from'", at: position)
            }
            let (node, type) = try value(operand)
            guard [CQLType.any, .date, .dateTime, .time].contains(type) else {
                throw .invalid("\(type.name) has no \(unit)", at: position)
            }
            return call(.component, [node], .integer, position, unit: unit)
        case .extremum(let isMaximum, let type):
            guard type.point != nil, type != .quantity else {
                throw .invalid("\(type.name) has no minimum or maximum", at: position)
            }
            return call(isMaximum ? .maximum : .minimum, [], type, position, of: type)
        case .spread(let isExpand, let operand, let per):
            let (node, type) = try value(operand)
            var size = add(.null)
            if let per { size = try value(per).node }
            let result: CQLType =
                if isExpand, let point = type.intervalPoint { .listOf(point) } else { type }
            return call(isExpand ? .expand : .collapse, [node, size], result, position)
        default: throw .unsupported("this", at: position)
        }
    }

    private mutating func measure(
        _ isDuration: Bool, _ unit: TemporalUnit, _ low: Located, _ high: Located,
        _ position: Position
    ) throws(Refusal) -> Compiled {
        let start = try value(low)
        let end = try value(high)
        for (type, place) in [(start.type, low.position), (end.type, high.position)]
        where ![CQLType.any, .date, .dateTime, .time].contains(type) {
            throw .invalid("expected Date, found \(type.name)", at: place)
        }
        try checkMixture(start, end, precision: nil, position)
        if let calendar = CalendarUnit(word: "\(unit)"), start.type == .date, end.type == .date,
            isWholeDay(start.node), isWholeDay(end.node),
            !isPlain(start.node) || !isPlain(end.node)
        {
            return .node(
                add(
                    isDuration ? .duration : .difference, start.node, end.node,
                    detail: calendar.rawValue), .integer)
        }
        return call(
            isDuration ? .duration : .difference, [start.node, end.node], .integer, position,
            unit: unit)
    }

    /// Whether a Date is sure to have a day.
    private func isWholeDay(_ index: Int32) -> Bool {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .today, .birthDate, .deathDate, .registrationDate, .deregistrationDate,
            .clinicalDate, .endDate, .supplyEnd:
            return true
        case .date: return node.detail == Comparison(.equal, to: .day).detail
        case .shift: return isWholeDay(node.first)
        default: return false
        }
    }
}

extension CQLType {
    /// What an interval's points are; nil of another type.
    var intervalPoint: CQLType? {
        if case .interval(let point) = self { return point }
        return nil
    }
}

extension CalendarUnit {
    /// The unit of a word in the singular; nil for units finer than days.
    init?(word: String) {
        guard let unit = Self.allCases.first(where: { "\($0)" == word }) else { return nil }
        self = unit
    }
}

extension Quantity {
    /// The number, where it is whole and small enough for a shift of days.
    var wholeCount: Int32? {
        guard value.units % DecimalValue.one == 0 else { return nil }
        return Int32(exactly: value.units / DecimalValue.one)
    }
}
