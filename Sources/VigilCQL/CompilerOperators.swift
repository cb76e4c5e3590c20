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
        case .exists: return .node(add(.exists, try self.operand(operand, .list)), .boolean)
        case .isTrue: return .node(add(.isTrue, try self.operand(operand, .boolean)), .boolean)
        case .isFalse: return .node(add(.isFalse, try self.operand(operand, .boolean)), .boolean)
        case .isNull: return .node(add(.isNull, try scalar(operand).node), .boolean)
        case .plus: return .node(try self.operand(operand, .integer), .integer)
        case .negate:
            if case .integer("2147483648") = operand.syntax {
                return .node(add(.integer, .min), .integer)
            }
            let node = try self.operand(operand, .integer)
            let constant = program.nodes[Int(node)]
            if constant.operation == .integer, constant.first != .min {
                return .node(add(.integer, -constant.first), .integer)
            }
            return .node(add(.subtract, add(.integer, 0), node), .integer)
        case .startOf, .endOf:
            let interval = try self.interval(operand)
            let bound =
                operation == .startOf
                ? start(of: interval) : end(of: interval)
            return .node(bound, interval.type)
        case .dateFrom:
            guard case .call(nil, "Now", let arguments) = operand.syntax, arguments.isEmpty else {
                throw .unsupported("'date from' anything but Now()", at: position)
            }
            return .node(add(.today), .date)
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
        case .union: return try union(left, right)
        case .add, .subtract, .multiply: return try arithmetic(operation, left, right)
        case .less: return try comparison(left, .less, right, position)
        case .lessOrEqual: return try comparison(left, .lessOrEqual, right, position)
        case .greater: return try comparison(left, .greater, right, position)
        case .greaterOrEqual: return try comparison(left, .greaterOrEqual, right, position)
        case .equal: return try comparison(left, .equal, right, position)
        case .notEqual: return try comparison(left, .notEqual, right, position)
        case .equivalent, .notEquivalent:
            let (first, second) = try pair(left, right, position)
            guard first.type != .string, second.type != .string else {
                throw .unsupported("'~' between Strings; use '='", at: position)
            }
            let node = add(.equivalent, first.node, second.node)
            return .node(operation == .equivalent ? node : add(.not, node), .boolean)
        }
    }

    private mutating func logic(
        _ operation: VigilCore.Operation, _ left: Located, _ right: Located
    ) throws(Refusal) -> Compiled {
        let first = try operand(left, .boolean)
        return .node(add(operation, first, try operand(right, .boolean)), .boolean)
    }

    private mutating func arithmetic(
        _ operation: BinaryOperator, _ left: Located, _ right: Located
    ) throws(Refusal) -> Compiled {
        let base = try compile(left)
        if case .node(let node, let type) = base, type == .date || type == .any,
            operation != .multiply, case .quantity(let amount, let unit) = try compile(right)
        {
            let signed = operation == .add ? amount : -amount
            return .node(
                add(.shift, node, add(.integer, signed), detail: unit.rawValue), .date)
        }
        guard case .node(let first, let type) = base, type == .integer || type == .any else {
            throw .invalid(
                "'\(operation.rawValue)' takes two Integers, or a Date and a quantity such as "
                    + "3 months", at: left.position)
        }
        let second = try operand(right, .integer)
        let node: VigilCore.Operation =
            switch operation {
            case .add: .add
            case .subtract: .subtract
            default: .multiply
            }
        return .node(add(node, first, second), .integer)
    }

    private mutating func pair(
        _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> (first: (node: Int32, type: CQLType), second: (node: Int32, type: CQLType))
    {
        let first = try scalar(left)
        let second = try scalar(right)
        _ = try common(first.type, second.type, at: position)
        return (first, second)
    }

    private mutating func comparison(
        _ left: Located, _ relation: Comparison.Relation, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let (first, second) = try pair(left, right, position)
        if relation != .equal, relation != .notEqual {
            guard first.type.isOrdered, second.type.isOrdered else {
                throw .invalid("\(first.type.rawValue) has no order", at: position)
            }
        }
        return .node(comparison(first.node, relation, second.node), .boolean)
    }

    mutating func between(
        _ value: Located, _ low: Located, _ high: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let first = try pair(value, low, position)
        let second = try pair(value, high, position)
        guard first.first.type.isOrdered, first.second.type.isOrdered, second.second.type.isOrdered
        else { throw .invalid("\(first.first.type.rawValue) has no order", at: position) }
        let lower = comparison(first.first.node, .greaterOrEqual, first.second.node)
        let upper = comparison(second.first.node, .lessOrEqual, second.second.node)
        return .node(add(.and, lower, upper), .boolean)
    }

    mutating func choice(
        _ condition: Located, _ then: Located, _ otherwise: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let test = try operand(condition, .boolean)
        let first = try compile(then)
        let second = try compile(otherwise)
        guard case .node(let left, let leftType) = first,
            case .node(let right, let rightType) = second
        else {
            throw .unsupported(
                "a choice between Intervals or Quantities; choose between comparisons",
                at: position)
        }
        let type = try common(leftType, rightType, at: position)
        guard type != .list || leftType == rightType else {
            throw .unsupported("a choice between a list and null", at: position)
        }
        return .node(add(.choose, test, left, right), type)
    }

    mutating func measure(
        _ operation: VigilCore.Operation, _ unit: CalendarUnit, _ low: Located, _ high: Located
    ) throws(Refusal) -> Compiled {
        let start = try wholeDate(low)
        let end = try wholeDate(high)
        return .node(add(operation, start, end, detail: unit.rawValue), .integer)
    }

    /// A Date operand that is not a partial literal, from which no whole number could be had.
    private mutating func wholeDate(_ expression: Located) throws(Refusal) -> Int32 {
        let node = try operand(expression, .date)
        var index = node
        while program.nodes[Int(index)].operation == .shift {
            index = program.nodes[Int(index)].first
        }
        let base = program.nodes[Int(index)]
        guard base.operation != .date || base.detail == Comparison(.equal, to: .day).detail else {
            throw .unsupported("durations of dates without a day", at: expression.position)
        }
        return node
    }
}
