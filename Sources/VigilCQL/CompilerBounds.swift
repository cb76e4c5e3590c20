// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
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

    func mayBeNull(_ index: Int32) -> Bool {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .boolean, .integer, .date, .string, .today, .alias: return false
        case .clinicalDate, .shift: return mayBeNull(node.first)
        case .call:
            let call = program.calls[Int(node.first)]
            switch call.function {
            case .now: return false
            case .constant: return call.constant.isNull
            // A quantity away from a moment is a moment: of now it stays within the calendar.
            case .add, .subtract: return call.operands.contains(where: mayBeNull)
            default: return true
            }
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
