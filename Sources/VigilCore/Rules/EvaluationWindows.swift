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

    /// Whether a day stands to it as it has to, and until when; nil where a search has to find
    /// that.
    fileprivate func outcome(for day: CivilDay) -> Outcome? {
        let holds: Bool
        switch relation {
        case .less: holds = day < self.day
        case .lessOrEqual: holds = day <= self.day
        case .greaterOrEqual: holds = day >= self.day
        case .greater: holds = day > self.day
        case .equal, .notEqual: return nil
        }
        return turn(for: day).map { Outcome(.boolean(holds), until: $0) }
    }

    /// When that turns for a day, as `Outcome.until`: on the first day on which the bound has come
    /// so far; `Outcome.never` where it has and stays beyond; nil where a search has to find it.
    func turn(for day: CivilDay) -> Int64? {
        guard let span else { return Outcome.never }
        let turnsBeyond: Bool
        switch relation {
        case .less, .greaterOrEqual: turnsBeyond = true
        case .lessOrEqual, .greater: turnsBeyond = false
        case .equal, .notEqual: return nil
        }
        guard let goal = day.adding(days: turnsBeyond ? 1 : 0) else { return nil }
        // What lies ahead of today leaves the calendar one day.
        if self.day >= goal { return span.amount > 0 ? nil : Outcome.never }
        return span.firstDay(reaching: goal).map { Outcome.start(ofDay: $0.number) }
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
        let plan = Int(shared.program.windowPlanOf[Int(index)])
        guard plan >= 0, !isSearching else { return nil }
        return window(shared.program.windowPlans[plan])
    }

    private mutating func window(_ plan: WindowPlan) -> DayWindow? {
        guard let first = bound(plan.first) else { return nil }
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
