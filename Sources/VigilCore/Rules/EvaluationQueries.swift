// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Evaluation {
    /// The rows of a query while it is worked off.
    private struct Rows {
        var results: [Datum] = []
        var until: Int64
        var total = Datum.null
        /// Whether it is not known if some row belongs to it.
        var isUnknown = false
        /// Whether rows were left out for want of work that is allowed.
        var isCut = false
    }

    mutating func query(_ index: Int) -> Outcome {
        let plan = shared.program.queries[index]
        let mark = boxes.count
        var lists: [(elements: [Datum], until: Int64)] = []
        var until = Outcome.never
        for source in plan.sources {
            let height = scratch.stack.count
            let outcome = evaluate(source.node)
            let value = lift(outcome.value)
            cut(to: height)
            until = min(until, outcome.until)
            switch value {
            case .list(let elements): lists.append((elements, outcome.until))
            case .null: return Outcome(.null, until: until)
            default: lists.append(([value], outcome.until))
            }
        }
        var rows = Rows(until: until)
        if let aggregate = plan.aggregate {
            rows.total = general(aggregate.start, &rows.until)
        }
        if plan.aggregate != nil, plan.isDistinct {
            lists = lists.map { (context.distinct($0.elements), $0.until) }
        }
        visit(plan, lists, 0, [], &rows)
        if rows.isUnknown { return finish(.null, rows.until, mark) }
        if plan.aggregate != nil { return finish(rows.total, rows.until, mark) }
        if plan.isDistinct { rows.results = context.distinct(rows.results) }
        if !plan.sort.isEmpty, let sorted = sorted(plan, rows.results, &rows.until) {
            rows.results = sorted
        }
        let value = plan.isScalar ? rows.results.first ?? .null : Datum.list(rows.results)
        return finish(value, rows.until, mark)
    }

    private mutating func finish(_ value: Datum, _ until: Int64, _ mark: Int) -> Outcome {
        if keptBoxes <= mark { boxes.removeLast(boxes.count - mark) }
        return Outcome(lower(value), until: until)
    }

    /// A node's value; what it stands until goes into `until`.
    private mutating func general(_ node: Int32, _ until: inout Int64) -> Datum {
        let height = scratch.stack.count
        let outcome = evaluate(node)
        let value = lift(outcome.value)
        cut(to: height)
        until = min(until, outcome.until)
        return value
    }

    private mutating func bind(_ alias: Int32, _ value: Datum, until: Int64) {
        scratch.aliases[Int(alias)] = lower(value)
        scratch.aliasUntil[Int(alias)] = until
    }

    /// Works off every combination of the elements from the source `level` on.
    private mutating func visit(
        _ plan: QueryPlan, _ lists: [(elements: [Datum], until: Int64)], _ level: Int,
        _ chosen: [Datum], _ rows: inout Rows
    ) {
        guard level < lists.count else { return take(plan, chosen, &rows) }
        for element in lists[level].elements {
            budget -= 1
            guard budget > 0 else {
                if !rows.isCut { fail(.tooMuchWork, in: -1) }
                (rows.isUnknown, rows.isCut) = (true, true)
                return
            }
            let mark = boxes.count
            bind(plan.sources[level].alias, element, until: lists[level].until)
            visit(plan, lists, level + 1, chosen + [element], &rows)
            if keptBoxes <= mark { boxes.removeLast(boxes.count - mark) }
        }
    }

    private mutating func take(_ plan: QueryPlan, _ chosen: [Datum], _ rows: inout Rows) {
        for definition in plan.lets {
            let value = general(definition.node, &rows.until)
            bind(definition.alias, value, until: rows.until)
        }
        for condition in plan.conditions {
            switch general(condition, &rows.until).truth {
            case .yes: continue
            case .unknown: rows.isUnknown = rows.isUnknown || plan.isOverFacts
            case .no: break
            }
            return
        }
        if let aggregate = plan.aggregate {
            bind(aggregate.alias, rows.total, until: rows.until)
            rows.total = general(aggregate.step, &rows.until)
            return
        }
        if let result = plan.result {
            rows.results.append(general(result, &rows.until))
        } else if chosen.count == 1 {
            rows.results.append(chosen[0])
        } else {
            rows.results.append(
                .tuple(zip(plan.names, chosen).map { TupleElement(name: $0, value: $1) }))
        }
    }

    /// The results by their keys, stably; nil where two of them have no order.
    private mutating func sorted(
        _ plan: QueryPlan, _ results: [Datum], _ until: inout Int64
    ) -> [Datum]? {
        var keys: [[Datum]] = []
        for result in results {
            bind(plan.element, result, until: until)
            var row: [Datum] = []
            for key in plan.sort {
                if let node = key.node {
                    row.append(general(node, &until))
                } else {
                    row.append(result)
                }
            }
            keys.append(row)
        }
        let context = context
        do throws(ValueFailure) {
            let order = try context.ordered(results.count) { one, other throws(ValueFailure) in
                for (index, key) in plan.sort.enumerated() {
                    let order = try context.sorts(keys[one][index], before: keys[other][index])
                    if order != 0 { return key.isDescending ? -order : order }
                }
                return 0
            }
            return order.map { results[$0] }
        } catch {
            fail(error, in: -1)
            return nil
        }
    }

    // MARK: Facts

    /// An element of a fact; nil for another function.
    func factElement(_ call: ValueCall, of value: Datum) -> Datum? {
        switch call.function {
        case .factValue, .factCode, .factDateTime, .factComponents, .factIssued, .factComparator,
            .factEffectiveEnd:
            break
        default: return nil
        }
        guard case .fact(let index) = value else { return .null }
        let fact = patient.facts[Int(index)]
        switch call.function {
        case .factValue: return fact.details.value.map(Datum.init(observed:)) ?? .null
        case .factCode:
            guard case .integer(let list) = call.constant else { return .null }
            return .boolean(scratch.memberships.contains(fact: Int(index), list: Int(list)))
        case .factDateTime: return dateTime(fact.date)
        case .factIssued:
            guard let issued = fact.details.issued else { return .null }
            return dateTime(issued)
        case .factEffectiveEnd:
            return fact.endDay.flatMap { day in
                TemporalValue(
                    .dateTime, local: Int64(day.number) * TemporalValue.day, precision: .day)
            }.map(Datum.temporal) ?? .null
        case .factComparator:
            guard case .quantity(let quantity) = fact.details.value else { return .null }
            return quantity.comparator.map(Datum.string) ?? .null
        default:
            return .list(
                fact.details.components.map { component in
                    .tuple([
                        TupleElement(
                            name: "code", value: Datum(observed: .codings(component.codings))),
                        TupleElement(name: "value", value: Datum(observed: component.value)),
                    ])
                })
        }
    }

    private func dateTime(_ time: ClinicalTime) -> Datum {
        if let instant = time.instant { return dateTime(instant) }
        let precision: TemporalUnit =
            time.precision == .year ? .year : time.precision == .month ? .month : .day
        return TemporalValue(
            .dateTime, local: Int64(time.writtenDay.number) * TemporalValue.day,
            precision: precision
        ).map(Datum.temporal) ?? .null
    }

    private func dateTime(_ instant: Instant) -> Datum {
        ValueContext(zone: zone, now: instant).nowValue
    }
}

extension Datum {
    /// What an Observation or a component says; a value with a comparator is no exact one and
    /// so null.
    init(observed value: ObservedValue) {
        switch value {
        case .boolean(let flag): self = .boolean(flag)
        case .text(let text): self = .string(text)
        case .codings(let codings):
            self = .concept(
                codings.map { CodeValue(code: $0.code, system: $0.system, display: $0.display) },
                display: nil)
        case .quantity(let quantity):
            guard quantity.comparator == nil, var number = DecimalValue(quantity.value) else {
                self = .null
                return
            }
            number.places = 0
            self = .quantity(Quantity(value: number, unit: quantity.unit ?? "1"))
        }
    }
}
