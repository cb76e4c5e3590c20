// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a filter holds the day of each fact against where it asks nothing else of it: one bound, or
/// the two of an interval.
struct WindowPlan: Sendable {
    /// An operand of a comparison with the day of the filter's fact.
    struct Bound: Sendable {
        /// The node; it does not read the fact.
        var operand: Int32
        /// How the day has to stand to it.
        var relation: Comparison.Relation
        /// How far it is from today; nil where it does not move with time.
        var span: CalendarSpan?
    }

    var first: Bound
    var second: Bound?
}

/// A number of calendar units.
struct CalendarSpan: Hashable, Sendable {
    var amount: Int64
    var unit: CalendarUnit

    /// The first day from which its end is not before another day; nil where that is outside the
    /// calendar.
    func firstDay(reaching goal: CivilDay) -> CivilDay? {
        let count = Int(amount)
        switch unit {
        case .day: return goal.adding(days: -count)
        case .week: return goal.adding(days: -count * 7)
        case .month: return CalendarSpan.firstDay(of: count, reaching: goal)
        case .year: return CalendarSpan.firstDay(of: count * 12, reaching: goal)
        }
    }

    /// The same of months, which clip: the same day of the month so many months before, and where
    /// that month lacks it, the first of the next, from which the end lies a month further.
    private static func firstDay(of months: Int, reaching goal: CivilDay) -> CivilDay? {
        guard let day = goal.adding(months: -months) else { return nil }
        let isClipped = day.parts.day != goal.parts.day
        return isClipped ? day.adding(days: 1) : day
    }
}

extension Program {
    /// The window that a filter's condition is; nil where it asks more.
    func windowPlan(ofFilter filter: Node) -> WindowPlan? {
        let condition = nodes[Int(filter.second)]
        guard condition.operation == .and else {
            return bound(condition, alias: filter.third).map { WindowPlan(first: $0) }
        }
        guard let first = bound(nodes[Int(condition.first)], alias: filter.third),
            let second = bound(nodes[Int(condition.second)], alias: filter.third)
        else { return nil }
        return WindowPlan(first: first, second: second)
    }

    private func bound(_ node: Node, alias: Int32) -> WindowPlan.Bound? {
        let comparison = Comparison(detail: node.detail)
        guard node.operation == .compare, comparison.precision == .day,
            comparison.relation != .equal, comparison.relation != .notEqual
        else { return nil }
        let isLeft = isDay(node.second, ofAlias: alias)
        guard isLeft || isDay(node.first, ofAlias: alias) else { return nil }
        let operand = isLeft ? node.first : node.second
        let span = span(fromToday: operand)
        guard span != nil || motions[Int(operand)] == .still && isFree(operand, of: alias)
        else { return nil }
        return WindowPlan.Bound(
            operand: operand,
            relation: isLeft ? comparison.relation.mirrored : comparison.relation, span: span)
    }

    private func isDay(_ index: Int32, ofAlias alias: Int32) -> Bool {
        let node = nodes[Int(index)]
        guard node.operation == .clinicalDate else { return false }
        let element = nodes[Int(node.first)]
        return element.operation == .alias && element.first == alias
    }

    /// Whether a node does not read what is under an alias, nor calls what may fail for each fact.
    private func isFree(_ index: Int32, of alias: Int32) -> Bool {
        let node = nodes[Int(index)]
        switch node.operation {
        case .alias: return node.first != alias
        case .call, .query: return false
        default: return node.operands.allSatisfy { isFree($0, of: alias) }
        }
    }

    /// How far a node is from today, where it is so by nothing but a fixed number of units.
    func span(fromToday index: Int32) -> CalendarSpan? {
        let node = nodes[Int(index)]
        if node.operation == .today { return CalendarSpan(amount: 0, unit: .day) }
        guard node.operation == .shift, nodes[Int(node.first)].operation == .today else {
            return nil
        }
        let amount = nodes[Int(node.second)]
        guard amount.operation == .integer, let unit = CalendarUnit(rawValue: node.detail) else {
            return nil
        }
        return CalendarSpan(amount: Int64(amount.first), unit: unit)
    }
}

extension Comparison.Relation {
    /// The same with the operands in each other's place.
    var mirrored: Comparison.Relation {
        switch self {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greaterOrEqual: .lessOrEqual
        case .greater: .less
        case .equal, .notEqual: self
        }
    }
}
