// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    mutating func interval(
        _ low: Located, _ lowClosed: Bool, _ high: Located, _ highClosed: Bool,
        _ position: Position
    ) throws(Refusal) -> Compiled {
        let start = try scalar(low)
        let end = try scalar(high)
        let type = try common(start.type, end.type, at: position)
        guard type == .date || type == .integer else {
            throw .unsupported(
                "an Interval of \(type.rawValue); it has Dates or Integers", at: position)
        }
        let interval = CompiledInterval(
            low: start.node, lowClosed: lowClosed, high: end.node, highClosed: highClosed,
            type: type)
        guard orderOfBounds(interval) != .reversed else {
            throw .invalid("this Interval ends before it starts", at: position)
        }
        return .interval(interval)
    }

    mutating func interval(_ expression: Located) throws(Refusal) -> CompiledInterval {
        let compiled = try compile(expression)
        guard case .interval(let interval) = compiled else {
            throw .invalid(
                "expected Interval, found \(compiled.shownType)", at: expression.position)
        }
        return interval
    }

    // MARK: Timing phrases

    mutating func timing(
        _ timing: Timing, _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let first = try span(left)
        if timing.phrase == .during {
            guard case .point(let point, let type) = first else {
                throw .unsupported(
                    "an Interval in an Interval; compare 'start of' and 'end of'", at: position)
            }
            let interval = try interval(right)
            _ = try common(type, interval.type, at: position)
            return .node(membership(point, interval, timing.precision ?? .day), .boolean)
        }
        let second = try span(right)
        let type = try common(first.type, second.type, at: position)
        guard type == .date || timing.precision == nil, type.isOrdered else {
            throw .invalid("timing phrases compare Dates, not \(type.rawValue)", at: position)
        }
        let relation: Comparison.Relation
        let isForward: Bool
        switch timing.phrase {
        case .before: (relation, isForward) = (.less, true)
        case .sameOrBefore: (relation, isForward) = (.lessOrEqual, true)
        case .after: (relation, isForward) = (.greater, false)
        case .sameOrAfter: (relation, isForward) = (.greaterOrEqual, false)
        case .same, .during:
            guard case .point = first, case .point = second else {
                throw .unsupported("'same as' with Intervals; compare their ends", at: position)
            }
            (relation, isForward) = (.equal, true)
        }
        let earlier = isForward ? end(of: first) : start(of: first)
        let later = isForward ? start(of: second) : end(of: second)
        return .node(
            comparison(earlier, relation, later, to: timing.precision ?? .day), .boolean)
    }

    /// An operand of a timing phrase.
    private enum Span {
        case point(Int32, CQLType)
        case interval(CompiledInterval)

        var type: CQLType {
            switch self {
            case .point(_, let type): type
            case .interval(let interval): interval.type
            }
        }
    }

    private mutating func span(_ expression: Located) throws(Refusal) -> Span {
        let compiled = try compile(expression)
        switch compiled {
        case .node(let node, let type) where type.isOrdered: return .point(node, type)
        case .interval(let interval): return .interval(interval)
        default:
            throw .invalid(
                "timing phrases compare Dates, not \(compiled.shownType)", at: expression.position)
        }
    }

    private mutating func start(of span: Span) -> Int32 {
        switch span {
        case .point(let node, _): node
        case .interval(let interval): start(of: interval)
        }
    }

    private mutating func end(of span: Span) -> Int32 {
        switch span {
        case .point(let node, _): node
        case .interval(let interval): end(of: interval)
        }
    }

    // MARK: Bounds

    /// The first point of an interval: a closed null bound is the least value of the type, an
    /// open one unknown (CQL 1.5, "Interval Values").
    mutating func start(of interval: CompiledInterval) -> Int32 {
        guard interval.lowClosed else { return step(interval.low, 1, interval.type) }
        guard mayBeNull(interval.low) else { return interval.low }
        let day = Comparison(.equal, to: .day).detail
        let least =
            interval.type == .date
            ? add(.date, CivilDay.first.number, detail: day) : add(.integer, .min)
        return add(.coalesce, interval.low, least)
    }

    /// The last point of an interval.
    mutating func end(of interval: CompiledInterval) -> Int32 {
        guard interval.highClosed else { return step(interval.high, -1, interval.type) }
        guard mayBeNull(interval.high) else { return interval.high }
        let day = Comparison(.equal, to: .day).detail
        let greatest =
            interval.type == .date
            ? add(.date, CivilDay.last.number, detail: day) : add(.integer, .max)
        return add(.coalesce, interval.high, greatest)
    }

    private mutating func step(_ node: Int32, _ amount: Int32, _ type: CQLType) -> Int32 {
        let one = add(.integer, amount)
        return type == .date
            ? add(.shift, node, one, detail: CalendarUnit.day.rawValue) : add(.add, node, one)
    }

    /// Whether a point is in an interval, as comparisons with its bounds: each has its own horizon.
    mutating func membership(
        _ point: Int32, _ interval: CompiledInterval, _ precision: ClinicalTime.Precision
    ) -> Int32 {
        let lower = comparison(
            point, interval.lowClosed ? .greaterOrEqual : .greater, interval.low, to: precision)
        let upper = comparison(
            point, interval.highClosed ? .lessOrEqual : .less, interval.high, to: precision)
        let both = add(
            .and, unbounded(lower, interval.low, interval.lowClosed, point),
            unbounded(upper, interval.high, interval.highClosed, point))
        guard orderOfBounds(interval) == nil else { return both }
        // An interval that ends before it starts is an error at run time, and so null.
        let isReversed = comparison(interval.low, .greater, interval.high)
        return add(.choose, isReversed, add(.null), both)
    }

    /// The comparison with a bound, true of any point where the bound is closed and null.
    private mutating func unbounded(
        _ comparison: Int32, _ bound: Int32, _ isClosed: Bool, _ point: Int32
    ) -> Int32 {
        guard isClosed, mayBeNull(bound) else { return comparison }
        let anyPoint = add(.choose, add(.isNull, point), add(.null), add(.boolean, 1))
        return add(.choose, add(.isNull, bound), anyPoint, comparison)
    }

    private func mayBeNull(_ index: Int32) -> Bool {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .boolean, .integer, .date, .string, .today, .alias: return false
        case .clinicalDate, .shift: return mayBeNull(node.first)
        default: return true
        }
    }

    enum BoundOrder {
        case ordered, reversed
    }

    /// How the bounds of an interval stand to each other on every day; nil if that depends.
    func orderOfBounds(_ interval: CompiledInterval) -> BoundOrder? {
        if interval.low == interval.high { return .ordered }
        guard let low = reach(of: interval.low), let high = reach(of: interval.high),
            low.isMoving == high.isMoving
        else { return nil }
        if low.unit == high.unit {
            return low.amount <= high.amount ? .ordered : .reversed
        }
        if low.days.upperBound <= high.days.lowerBound { return .ordered }
        return low.days.lowerBound > high.days.upperBound ? .reversed : nil
    }

    /// How far a bound lies from today, or from zero where it does not move.
    private struct Reach {
        var isMoving: Bool
        var unit: CalendarUnit?
        var amount: Int
        var days: ClosedRange<Int>
    }

    private func reach(of index: Int32) -> Reach? {
        let node = program.nodes[Int(index)]
        let amount = Int(node.first)
        switch node.operation {
        case .integer, .date:
            guard node.operation == .integer || node.detail == Comparison(.equal).detail else {
                return nil
            }
            return Reach(isMoving: false, unit: nil, amount: amount, days: amount...amount)
        case .today:
            return Reach(isMoving: true, unit: nil, amount: 0, days: 0...0)
        case .shift:
            let count = program.nodes[Int(node.second)]
            guard program.nodes[Int(node.first)].operation == .today,
                count.operation == .integer, let unit = CalendarUnit(rawValue: node.detail)
            else { return nil }
            let steps = Int(count.first)
            let (fewest, most) = unit.daysEach
            let ends = [steps * fewest, steps * most]
            return Reach(
                isMoving: true, unit: unit, amount: steps,
                days: min(ends[0], ends[1])...max(ends[0], ends[1]))
        default:
            return nil
        }
    }
}

extension CalendarUnit {
    /// The fewest and most days that one can have.
    fileprivate var daysEach: (fewest: Int, most: Int) {
        switch self {
        case .year: (365, 366)
        case .month: (28, 31)
        case .week: (7, 7)
        case .day: (1, 1)
        }
    }
}
