// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Evaluation {
    /// `and`, decided by any false operand, and `or`, decided by any true one.
    mutating func junction(_ node: Node, deciding: Truth) -> Outcome {
        let left = evaluate(node.first)
        // To look at the other could only win a later horizon.
        if left.decides(deciding, longAfter: today) { return left }
        return left.joined(with: evaluate(node.second), deciding: deciding)
    }

    mutating func exclusive(_ node: Node) -> Outcome {
        let left = evaluate(node.first)
        let right = evaluate(node.second)
        let until = min(left.until, right.until)
        guard case .boolean(let first) = left.value, case .boolean(let second) = right.value else {
            return Outcome(.null, until: until)
        }
        return Outcome(.boolean(first != second), until: until)
    }

    mutating func negation(_ node: Node) -> Outcome {
        let operand = evaluate(node.first)
        guard case .boolean(let value) = operand.value else {
            return Outcome(.null, until: operand.until)
        }
        return Outcome(.boolean(!value), until: operand.until)
    }

    mutating func test(_ node: Node) -> Outcome {
        let start = scratch.stack.count
        defer { cut(to: start) }
        let operand = evaluate(node.first)
        let holds =
            switch node.operation {
            case .isTrue: operand.value.truth == .yes
            case .isFalse: operand.value.truth == .no
            default: operand.value.isNull
            }
        return Outcome(.boolean(holds), until: operand.until)
    }

    mutating func choice(_ node: Node) -> Outcome {
        let condition = evaluate(node.first)
        let isTrue = condition.value.truth == .yes
        var chosen = evaluate(isTrue ? node.second : node.third)
        chosen.until = min(chosen.until, condition.until)
        return chosen
    }

    mutating func coalesce(_ node: Node) -> Outcome {
        let first = evaluate(node.first)
        if !first.value.isNull { return first }
        var second = evaluate(node.second)
        second.until = min(first.until, second.until)
        return second
    }

    mutating func arithmetic(_ node: Node) -> Outcome {
        let left = evaluate(node.first)
        let right = evaluate(node.second)
        guard case .integer(let first) = left.value, case .integer(let second) = right.value else {
            guard !left.value.isNull, !right.value.isNull else {
                return Outcome(.null, until: untilAnyNullEnds(left, right))
            }
            return Outcome(
                uncertainArithmetic(node.operation, left.value, right.value),
                until: min(left.until, right.until))
        }
        let result =
            switch node.operation {
            case .add: first + second
            case .subtract: first - second
            default: first * second
            }
        let until = min(left.until, right.until)
        guard Int32(exactly: result) != nil else {
            noteOverflow()
            return Outcome(.null, until: until)
        }
        return Outcome(.integer(result), until: until)
    }

    /// Takes note that a result is null because it left its type's range.
    mutating func noteOverflow() {
        overflowed = true
        if !isSearching { errorCount += 1 }
    }

    /// Of numbers of which only the range is known.
    private mutating func uncertainArithmetic(
        _ operation: Operation, _ left: Value, _ right: Value
    ) -> Value {
        let function: ValueFunction =
            operation == .add ? .add : operation == .subtract ? .subtract : .multiply
        let result = try? context.arithmetic(function, lift(left), lift(right))
        return lower(result ?? .null)
    }

    /// A result is null for as long as either operand is.
    func untilAnyNullEnds(_ left: Outcome, _ right: Outcome) -> Int64 {
        switch (left.value.isNull, right.value.isNull) {
        case (true, true): max(left.until, right.until)
        case (true, false): left.until
        case (false, true): right.until
        case (false, false): min(left.until, right.until)
        }
    }
}

extension Outcome {
    private static let longEnoughDays: Int32 = 366

    /// Whether it decides a junction alone, and for at least a year.
    func decides(_ deciding: Truth, longAfter today: CivilDay) -> Bool {
        value.truth == deciding && until >= Outcome.start(ofDay: today.number + Self.longEnoughDays)
    }

    /// A junction of this and another, which any operand of the truth `deciding` decides.
    func joined(with right: Outcome, deciding: Truth) -> Outcome {
        switch (value.truth == deciding, right.value.truth == deciding) {
        case (true, true): return Outcome(deciding, until: max(until, right.until))
        case (true, false): return self
        case (false, true): return right
        case (false, false):
            let unknown = value.truth == .unknown || right.value.truth == .unknown
            let other: Truth = deciding == .no ? .yes : .no
            return Outcome(unknown ? .unknown : other, until: min(until, right.until))
        }
    }
}
