// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A day that the days of facts are held against.
struct DayBound {
    /// Where it is today.
    var day: CivilDay
    /// How a day has to stand to it.
    var relation: Comparison.Relation
    /// How far it is from today; nil where it does not move with time.
    var span: CalendarSpan?

    /// Whether a day stands to it as it has to, and until when: until the first day on which the
    /// bound has come so far, for ever where it has and stays there; nil where a search has to
    /// find that.
    func outcome(for day: CivilDay) -> Outcome? {
        let (holdsAfterwards, goal): (Bool, CivilDay?)
        switch relation {
        case .less: (holdsAfterwards, goal) = (true, day.adding(days: 1))
        case .lessOrEqual: (holdsAfterwards, goal) = (true, day)
        case .greater: (holdsAfterwards, goal) = (false, day)
        case .greaterOrEqual: (holdsAfterwards, goal) = (false, day.adding(days: 1))
        case .equal, .notEqual: return nil
        }
        guard let goal else { return nil }
        let hasCome = self.day >= goal
        let truth = Value.boolean(hasCome == holdsAfterwards)
        guard let span else { return Outcome(truth) }
        // What lies ahead of today leaves the calendar one day.
        if hasCome { return span.amount > 0 ? nil : Outcome(truth) }
        return span.firstDay(reaching: goal).map {
            Outcome(truth, until: Outcome.start(ofDay: $0.number))
        }
    }
}

/// A filter's window where its bounds are days.
struct DayWindow {
    fileprivate var first: DayBound
    fileprivate var second: DayBound?

    /// What the filter's condition is for a fact of a day; nil where it has to be evaluated.
    func outcome(for day: CivilDay, today: CivilDay) -> Outcome? {
        guard let left = first.outcome(for: day) else { return nil }
        guard let second, !left.decides(.no, longAfter: today) else { return left }
        return second.outcome(for: day).map { left.joined(with: $0, deciding: .no) }
    }
}

extension Evaluation {
    /// The window of the filter that a node is; nil where its condition has to be evaluated.
    mutating func window(ofFilter index: Int32) -> DayWindow? {
        guard !isSearching, let plan = shared.program.windowPlans[Int(index)],
            let first = bound(plan.first)
        else { return nil }
        guard let second = plan.second else { return DayWindow(first: first) }
        return bound(second).map { DayWindow(first: first, second: $0) }
    }

    private mutating func bound(_ plan: WindowPlan.Bound) -> DayBound? {
        let outcome = plan.span == nil ? evaluate(plan.operand) : bound(plan.operand)
        // What does not move may still be of a fact that leaves a list one day.
        guard case .date(let date) = outcome.value, date.precision == .day,
            plan.span != nil || outcome.until == Outcome.never
        else { return nil }
        return DayBound(day: date.day, relation: plan.relation, span: plan.span)
    }
}
