// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Evaluation {
    mutating func shift(_ node: Node) -> Outcome {
        let base = evaluate(node.first)
        let amount = evaluate(node.second)
        guard case .date(let date) = base.value, case .integer(let count) = amount.value,
            let unit = CalendarUnit(rawValue: node.detail)
        else { return Outcome(.null, until: untilAnyNullEnds(base, amount)) }
        let until = min(base.until, amount.until)
        guard let moved = date.adding(count, unit) else {
            noteOverflow()
            return Outcome(.null, until: until)
        }
        return Outcome(.date(moved), until: until)
    }

    mutating func duration(_ node: Node) -> Outcome {
        let start = evaluate(node.first)
        let end = evaluate(node.second)
        guard case .date(let from) = start.value, case .date(let to) = end.value,
            from.precision == .day, to.precision == .day,
            let unit = CalendarUnit(rawValue: node.detail)
        else { return Outcome(.null, until: untilAnyNullEnds(start, end)) }
        let units =
            node.operation == .duration
            ? from.day.whole(unit, to: to.day) : from.day.boundaries(unit, to: to.day)
        return Outcome(.integer(Int64(units)), until: min(start.until, end.until))
    }

    /// The value of a comparison's operand, remembered if it is a bound that all facts share.
    mutating func bound(_ index: Int32) -> Outcome {
        let slot = Int(shared.program.windowSlots[Int(index)])
        guard slot >= 0, !isSearching else { return evaluate(index) }
        if let known = scratch.windowsToday[slot] { return known }
        let outcome = evaluate(index)
        // What is null may be so by an overflow, which has to be seen each time.
        if !outcome.value.isNull {
            noteUse(ofWindow: slot)
            scratch.windowsToday[slot] = outcome
        }
        keptBoxes = boxes.count
        return outcome
    }

    mutating func compare(_ node: Node) -> Outcome {
        let hadOverflowed = overflowed
        overflowed = false
        defer { overflowed = overflowed || hadOverflowed }
        let left = bound(node.first)
        let right = bound(node.second)
        let comparison = Comparison(detail: node.detail)
        let truth = truth(of: comparison, left.value, right.value)
        let isLeftMonotone = shared.program.motions[Int(node.first)].isMonotone
        let isRightMonotone = shared.program.motions[Int(node.second)].isMonotone
        let other = isLeftMonotone ? right : left
        let moving = isLeftMonotone ? left : right
        if isLeftMonotone == isRightMonotone || left.value.isNull || right.value.isNull {
            // A moving value that is null without an overflow is so for want of something still.
            let isForEver = moving.value.isNull && isLeftMonotone != isRightMonotone && !overflowed
            return Outcome(
                truth, until: isForEver ? Outcome.never : untilAnyNullEnds(left, right))
        }
        let change = firstChange(
            HorizonSearch(
                moving: isLeftMonotone ? node.first : node.second, isLeft: isLeftMonotone,
                fixed: other.value, comparison: comparison),
            from: moving.value)
        return Outcome(truth, until: min(other.until, change))
    }

    private func truth(of comparison: Comparison, _ left: Value, _ right: Value) -> Truth {
        switch (left, right) {
        case (.box, _), (_, .box):
            let unit = comparison.precision.unit
            let general = try? context.holds(
                comparison.relation, lift(left), lift(right),
                unit == .day ? .millisecond : unit)
            return general ?? .unknown
        default: return comparison.holds(order(left, right, comparison.precision))
        }
    }

    mutating func equivalent(_ node: Node) -> Outcome {
        let left = evaluate(node.first)
        let right = evaluate(node.second)
        let until = min(left.until, right.until)
        if left.value.isNull || right.value.isNull {
            return Outcome(.boolean(left.value.isNull && right.value.isNull), until: until)
        }
        return Outcome(.boolean(order(left.value, right.value, .day) == .equal), until: until)
    }

    func order(_ left: Value, _ right: Value, _ precision: ClinicalTime.Precision) -> ValueOrder {
        switch (left, right) {
        case (.integer(let first), .integer(let second)):
            return ValueOrder(first < second ? -1 : first > second ? 1 : 0)
        case (.decimal(let first), .decimal(let second)):
            return ValueOrder(first < second ? -1 : first > second ? 1 : 0)
        case (.decimal, .integer(let second)):
            return self.order(left, .decimal(second * ResultNumber.unitsInOne), precision)
        case (.integer(let first), .decimal):
            return self.order(.decimal(first * ResultNumber.unitsInOne), right, precision)
        case (.date(let first), .date(let second)):
            guard let difference = first.compared(to: second, precision: precision) else {
                return .uncertain
            }
            return ValueOrder(difference)
        case (.boolean(let first), .boolean(let second)):
            return first == second ? .equal : .different
        case (.string(let first), .string(let second)):
            return text(first) == text(second) ? .equal : .different
        case (.fact(let first), .fact(let second)):
            return first == second ? .equal : .different
        case (.box, _), (_, .box):
            let order = try? context.order(lift(left), lift(right), precision.unit)
            return order ?? .different
        default:
            return .uncertain
        }
    }
}

extension ClinicalTime.Precision {
    /// The unit that comparisons stop at.
    var unit: TemporalUnit {
        switch self {
        case .year: .year
        case .month: .month
        case .day: .day
        case .time: .millisecond
        }
    }
}

/// How one value stands to another.
enum ValueOrder {
    case less, equal, greater
    /// Unequal, of a type that has no order.
    case different
    /// One is null, or partial dates do not tell.
    case uncertain

    init(_ difference: Int) {
        self = difference < 0 ? .less : difference > 0 ? .greater : .equal
    }

    var mirrored: ValueOrder {
        switch self {
        case .less: .greater
        case .greater: .less
        case .equal, .different, .uncertain: self
        }
    }
}

extension Comparison {
    func holds(_ order: ValueOrder) -> Truth {
        let isTrue: Bool
        switch (relation, order) {
        case (_, .uncertain): return .unknown
        case (.equal, _): isTrue = order == .equal
        case (.notEqual, _): isTrue = order != .equal
        case (_, .different): return .unknown
        case (.less, _): isTrue = order == .less
        case (.lessOrEqual, _): isTrue = order != .greater
        case (.greater, _): isTrue = order == .greater
        case (.greaterOrEqual, _): isTrue = order != .less
        }
        return isTrue ? .yes : .no
    }
}
