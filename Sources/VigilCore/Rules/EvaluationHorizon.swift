// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A comparison of a value that moves with time against one that does not.
struct HorizonSearch {
    /// The node of the moving operand; its motion is monotone.
    var moving: Int32
    /// Whether it is the left operand.
    var isLeft: Bool
    var fixed: Value
    var comparison: Comparison
}

/// What a moving comparison finds on a day.
///
/// As the days pass it goes through these in one direction: where the moving value leaves its
/// type's range it stays out.
enum HorizonState: Equatable {
    case order(ValueOrder)
    case outOfRange
}

extension Evaluation {
    /// The first day after today on which a moving comparison has another outcome.
    ///
    /// Found by search on the comparison itself: month arithmetic clips, and so has no inverse.
    mutating func firstChange(_ search: HorizonSearch, from value: Value) -> Int64 {
        if shared.program.isFine[Int(search.moving)] { return firstMoment(search, from: value) }
        if let passing = passing(search, from: value) { return passing }
        let outcome = outcome(of: search, state(of: search, value))
        if let likely = likelyChange(search, from: value, outcome) {
            return Outcome.start(ofDay: likely)
        }
        var day = today.number
        var current = value
        while let next = nextState(search, after: day, from: current) {
            let there = self.value(of: search.moving, on: next)
            if self.outcome(of: search, state(of: search, there)) != outcome {
                return Outcome.start(ofDay: next)
            }
            day = next
            current = there
        }
        return Outcome.never
    }

    /// The first day on which a comparison of an order has another outcome, where plain arithmetic
    /// tells it: once changed such an outcome does not come back before the moving value leaves
    /// its type's range, so that two looks are enough; nil where a search has to find it.
    private mutating func likelyChange(
        _ search: HorizonSearch, from value: Value, _ outcome: Truth
    ) -> Int32? {
        switch search.comparison.relation {
        case .equal, .notEqual: return nil
        case .less, .lessOrEqual, .greaterOrEqual, .greater: break
        }
        guard search.comparison.precision == .day, !hasPassed(search, value) else { return nil }
        let isLeaving = search.comparison.holds(.equal) == outcome
        guard let day = meeting(search, isLeaving: isLeaving)?.number, day > today.number,
            day < CivilDay.last.number, self.outcome(of: search, on: day) != outcome,
            day == today.number + 1 || self.outcome(of: search, on: day - 1) == outcome
        else { return nil }
        return day
    }

    /// The same of today, or a fixed time before or after it, against a fixed day.
    private func passing(_ search: HorizonSearch, from value: Value) -> Int64? {
        guard search.comparison.precision == .day,
            let span = shared.program.span(fromToday: search.moving),
            case .date(let bound) = value, case .date(let fixed) = search.fixed,
            bound.precision == .day, fixed.precision == .day
        else { return nil }
        let relation = search.comparison.relation
        return DayBound(
            day: bound.day, relation: search.isLeft ? relation.mirrored : relation, span: span
        ).outcome(for: fixed.day)?.until
    }

    private mutating func outcome(of search: HorizonSearch, on day: Int32) -> Truth {
        outcome(of: search, state(of: search, value(of: search.moving, on: day)))
    }

    /// The day on which an age meets the fixed number, or leaves it behind, but for what month
    /// arithmetic clips.
    private mutating func meeting(_ search: HorizonSearch, isLeaving: Bool) -> CivilDay? {
        let node = shared.program.nodes[Int(search.moving)]
        guard node.operation == .duration, case .integer(let number) = search.fixed,
            shared.program.nodes[Int(node.second)].operation == .today,
            shared.program.nodes[Int(node.first)].operation == .birthDate,
            case .date(let birth) = evaluate(node.first).value,
            let unit = CalendarUnit(rawValue: node.detail)
        else { return nil }
        return birth.adding(isLeaving ? number + 1 : number, unit)?.day
    }

    /// The first day after `day` with another state than there, by doubling steps around a guess
    /// and then halving them; nil if there is none before the calendar ends.
    private mutating func nextState(
        _ search: HorizonSearch, after day: Int32, from value: Value
    ) -> Int32? {
        let before = state(of: search, value)
        guard before != .outOfRange, day < CivilDay.last.number else { return nil }
        if hasPassed(search, value),
            state(of: search, valueAtEnd(of: search.moving)) == before
        {
            return nil
        }
        var low = day
        var high = min(max(guess(search, day, value), day + 1), CivilDay.last.number)
        var step: Int32 = 1
        if state(of: search, self.value(of: search.moving, on: high)) != before {
            while high - step > low {
                let probe = high - step
                if state(of: search, self.value(of: search.moving, on: probe)) == before {
                    low = probe
                    break
                }
                high = probe
                step *= 2
            }
        } else {
            repeat {
                low = high
                if low == CivilDay.last.number { return nil }
                high = Int32(clamping: min(Int64(low) + Int64(step), Int64(CivilDay.last.number)))
                step = step.multipliedReportingOverflow(by: 2).partialValue
            } while state(of: search, self.value(of: search.moving, on: high)) == before
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if state(of: search, self.value(of: search.moving, on: middle)) == before {
                low = middle
            } else {
                high = middle
            }
        }
        return high
    }

    /// Whether the moving value is beyond the fixed one, so that only leaving its type's range is
    /// left: most facts of a long history are, and need no search.
    private func hasPassed(_ search: HorizonSearch, _ value: Value) -> Bool {
        let order = order(value, search.fixed, search.comparison.precision)
        let isRising = shared.program.motions[Int(search.moving)] == .rising
        return order == (isRising ? .greater : .less)
    }

    /// About the day on which the moving value meets the fixed one.
    private func guess(_ search: HorizonSearch, _ day: Int32, _ value: Value) -> Int32 {
        let distance: Int64
        switch (value, search.fixed) {
        case (.date(let from), .date(let to)):
            distance = Int64(to.day.number) - Int64(from.day.number)
        case (.integer(let from), .integer(let to)):
            distance = (to - from) * Int64(roughDaysPerStep(of: search.moving))
        default:
            return day + 1
        }
        return Int32(clamping: Int64(day) + abs(distance))
    }

    /// How many days it takes, roughly, until a moving number changes by one.
    private func roughDaysPerStep(of index: Int32) -> Int {
        let node = shared.program.nodes[Int(index)]
        switch node.operation {
        case .duration, .difference:
            return CalendarUnit(rawValue: node.detail)?.roughDays ?? 1
        case .add, .subtract:
            let isFirst = shared.program.motions[Int(node.first)].isMonotone
            return roughDaysPerStep(of: isFirst ? node.first : node.second)
        default:
            return 1
        }
    }

    mutating func value(of node: Int32, on day: Int32) -> Value {
        let (real, wasSearching) = (today, isSearching)
        today = CivilDay(number: day)
        isSearching = true
        let value = evaluate(node).value
        today = real
        isSearching = wasSearching
        return value
    }

    /// The value on the last day of the calendar.
    private mutating func valueAtEnd(of node: Int32) -> Value {
        let slot = Int(shared.program.windowSlots[Int(node)])
        if slot >= 0, let known = scratch.windowsAtEnd[slot] { return known }
        let value = value(of: node, on: CivilDay.last.number)
        if slot >= 0 {
            noteUse(ofWindow: slot)
            scratch.windowsAtEnd[slot] = value
        }
        return value
    }

    func state(of search: HorizonSearch, _ value: Value) -> HorizonState {
        if value.isNull { return .outOfRange }
        let order = order(value, search.fixed, search.comparison.precision)
        return .order(search.isLeft ? order : order.mirrored)
    }

    func outcome(of search: HorizonSearch, _ state: HorizonState) -> Truth {
        switch state {
        case .order(let order): search.comparison.holds(order)
        case .outOfRange: .unknown
        }
    }
}
