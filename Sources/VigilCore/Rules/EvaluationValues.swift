// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Values of all types: general operators and queries, beside the trivial ones.
extension Evaluation {
    var context: ValueContext { ValueContext(zone: zone, now: now) }

    /// The value of a definition, with until when it stands.
    ///
    /// - Parameter id: one of the program's definitions.
    /// - Returns: the value, and the first moment at which it may differ.
    package mutating func value(of id: DefinitionID) -> (value: Datum, stableUntil: Instant) {
        let outcome = definition(id.index)
        let judgement = judge(id)
        return (lift(outcome.value), judgement.stableUntil)
    }

    // MARK: Between trivial and general values

    func lift(_ value: Value) -> Datum {
        switch value {
        case .null: return .null
        case .boolean(let flag): return .boolean(flag)
        case .integer(let number): return .integer(Int32(clamping: number))
        case .date(let date): return .temporal(TemporalValue(date))
        case .decimal(let units):
            return DecimalValue(units: Int128(units)).map(Datum.decimal) ?? .null
        case .string(let reference): return text(reference).map(Datum.string) ?? .null
        case .fact(let index): return .fact(index)
        case .box(let index): return boxes[Int(index)]
        case .list(let list):
            let entries = entries(of: list)
            // A list of which it is not known what is in it is unknown.
            guard entries.allSatisfy({ $0.truth == .yes }) else { return .null }
            return .list(entries.map { .fact($0.fact) })
        }
    }

    mutating func lower(_ value: Datum) -> Value {
        switch value {
        case .null: return .null
        case .boolean(let flag): return .boolean(flag)
        case .integer(let number): return .integer(Int64(number))
        case .fact(let index): return .fact(index)
        case .decimal(let number) where number.places == 0:
            if let units = Int64(exactly: number.units) { return .decimal(units) }
        case .temporal(let temporal):
            if let date = temporal.date { return .date(date) }
        default: break
        }
        boxes.append(value)
        return .box(Int32(boxes.count - 1))
    }

    /// An operand as a general value.
    private mutating func operand(_ index: Int32) -> (value: Datum, until: Int64) {
        let height = scratch.stack.count
        let outcome = evaluate(index)
        let value = lift(outcome.value)
        cut(to: height)
        return (value, outcome.until)
    }

    // MARK: Calls

    mutating func call(_ index: Int) -> Outcome {
        let call = shared.program.calls[index]
        if call.function == .constant { return Outcome(lower(call.constant)) }
        let mark = boxes.count
        budget -= 1
        guard budget > 0 else {
            fail(.tooMuchWork, in: index)
            return Outcome(.null)
        }
        var until = Outcome.never
        var arguments: [Datum] = []
        arguments.reserveCapacity(call.operands.count)
        for operand in call.operands {
            let (value, stable) = self.operand(operand)
            arguments.append(value)
            until = min(until, stable)
        }
        if call.function == .now || call.function == .timeOfDay { until = key(of: now) + 1 }
        if let first = arguments.first, let element = factElement(call, of: first) {
            return Outcome(lower(element), until: until)
        }
        var result = Datum.null
        do throws(ValueFailure) {
            result = try context.apply(call, arguments)
            if result.isNull, call.function.isArithmetic, !isSearching,
                !arguments.contains(where: \.isNull)
            {
                errorCount += 1
            }
        } catch {
            if !isSearching { fail(error, in: index) }
        }
        if let change = change(of: call, arguments) { until = change }
        // What the arguments were boxed in is not needed any more.
        if !hasKept(since: mark) { boxes.removeLast(boxes.count - mark) }
        return Outcome(lower(result), until: until)
    }

    /// Whether a definition's value was computed, and so boxed, since.
    private func hasKept(since mark: Int) -> Bool { keptBoxes > mark }

    // MARK: Moving comparisons

    /// When a comparison of a moving DateTime with one that stands has another outcome.
    private mutating func change(of call: ValueCall, _ arguments: [Datum]) -> Int64? {
        guard call.function.isTimeComparison, call.operands.count == 2, !isSearching else {
            return nil
        }
        let motions = call.operands.map { shared.program.motions[Int($0)] }
        guard motions[0].isMonotone != motions[1].isMonotone else { return nil }
        let side = motions[0].isMonotone ? 0 : 1
        guard motions[1 - side] == .still, shared.program.isFine[Int(call.operands[side])] else {
            return nil
        }
        let isEquality = [.equal, .notEqual, .sameAs].contains(call.function)
        func state(_ context: ValueContext, _ value: Datum) -> Int {
            var both = arguments
            both[side] = value
            guard isEquality else {
                return ((try? context.apply(call, both))?.truth).map { Int($0.rawValue) } ?? -1
            }
            let order = try? context.order(both[0], both[1], call.unit ?? .millisecond)
            return order.map { $0.code } ?? -1
        }
        // What has no order cannot be searched for.
        if isEquality, state(context, arguments[side]) < 0 { return key(of: now) + 1 }
        return momentOfChange(
            of: call.operands[side], from: state(context, arguments[side])
        ) { evaluation, value in state(evaluation.context, value) }
    }

    /// The same for a number that moves by milliseconds: the hours since a result.
    mutating func firstMoment(_ search: HorizonSearch, from value: Value) -> Int64 {
        momentOfChange(of: search.moving, from: state(of: search, value).code) {
            evaluation, value in
            let lowered = evaluation.lower(value)
            return evaluation.state(of: search, lowered).code
        }
    }

    /// The first moment after now at which a comparison is in another state, by doubling and
    /// halving.
    ///
    /// A value that moves one way goes through the states in one direction, so that what differs
    /// at a later moment differs from the end of the present state on.
    private mutating func momentOfChange(
        of node: Int32, from first: Int, _ state: (inout Evaluation, Datum) -> Int
    ) -> Int64 {
        let last = Instant(day: .last, millisecondOfDay: 0).milliseconds
        func isSame(_ evaluation: inout Evaluation, _ time: Int64) -> Bool {
            let value = evaluation.value(of: node, at: Instant(milliseconds: time))
            return state(&evaluation, value) == first
        }
        var low = now.milliseconds
        var step: Int64 = 1
        var high = low
        repeat {
            low = high
            guard low < last else { return Outcome.never }
            high = min(last, low + step)
            step = min(step * 2, 1 << 50)
        } while isSame(&self, high)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if isSame(&self, middle) { low = middle } else { high = middle }
        }
        return key(of: Instant(milliseconds: high))
    }

    private mutating func value(of node: Int32, at moment: Instant) -> Datum {
        let (realNow, realDay, wasSearching) = (now, today, isSearching)
        now = moment
        today = zone.latestDay(begunBy: moment)
        isSearching = true
        let mark = boxes.count
        let value = lift(evaluate(node).value)
        if !hasKept(since: mark) { boxes.removeLast(boxes.count - mark) }
        (now, today, isSearching) = (realNow, realDay, wasSearching)
        return value
    }
}

extension ValueOrder {
    /// A number for each.
    var code: Int {
        switch self {
        case .less: 0
        case .equal: 1
        case .greater: 2
        case .different: 3
        case .uncertain: 4
        }
    }
}

extension HorizonState {
    var code: Int {
        switch self {
        case .order(let order): order.code
        case .outOfRange: 5
        }
    }
}
