// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension ValueContext {
    /// What `expand` and products of lists may come to at most.
    static let longestList = 20_000

    // MARK: Membership

    func contains(_ elements: [Datum], _ value: Datum) -> Truth {
        elements.reduce(Truth.no) { truth, element in
            element.isNull && !value.isNull ? truth : truth.or(match(element, value))
        }
    }

    /// Whether an element is a value; null is itself.
    private func match(_ element: Datum, _ value: Datum) -> Truth {
        if element.isNull || value.isNull { return element.isNull && value.isNull ? .yes : .no }
        return equal(element, value)
    }

    /// Whether a list has a value and something else too.
    func properlyContains(_ elements: [Datum], _ value: Datum) -> Truth {
        let isThere = contains(elements, value)
        let isMore = elements.reduce(Truth.no) { truth, element in
            if element.isNull, !value.isNull { return truth.or(.unknown) }
            return truth.or(match(element, value).negated)
        }
        return isThere.and(isMore)
    }

    func includes(_ elements: [Datum], _ others: [Datum]) -> Truth {
        others.reduce(Truth.yes) { $0.and(contains(elements, $1)) }
    }

    func distinct(_ elements: [Datum]) -> [Datum] {
        var result: [Datum] = []
        for element in elements where !result.contains(where: { isDuplicate($0, element) }) {
            result.append(element)
        }
        return result
    }

    /// `union`, `intersect` and `except` of two lists.
    func combine(_ function: ValueFunction, _ left: Datum, _ right: Datum) -> Datum {
        guard case .list(let one) = left else {
            if case .list(let other) = right, function == .union { return .list(distinct(other)) }
            return .null
        }
        guard case .list(let other) = right else {
            return function == .intersect ? .null : .list(distinct(one))
        }
        switch function {
        case .union: return .list(distinct(one + other))
        default:
            let wanted = function == .intersect
            return .list(
                distinct(one).filter { element in
                    other.contains { isDuplicate($0, element) } == wanted
                })
        }
    }

    // MARK: Sorting

    /// A total order for sorting: nulls first, then as the operators have it; where they leave it
    /// open, the coarser first.
    func sorts(_ left: Datum, before right: Datum) throws(ValueFailure) -> Int {
        if left.isNull || right.isNull {
            return (left.isNull ? 0 : 1) - (right.isNull ? 0 : 1)
        }
        switch try order(left, right) {
        case .less: return -1
        case .equal: return 0
        case .greater: return 1
        case .different, .uncertain:
            if case .temporal(let one) = left, case .temporal(let other) = right {
                return Int(one.precision.rawValue) - Int(other.precision.rawValue)
            }
            throw .runtime("\(left.literal) and \(right.literal) cannot be ordered")
        }
    }

    func sorted(_ elements: [Datum]) throws(ValueFailure) -> [Datum] {
        try ordered(elements.count) { one, other throws(ValueFailure) in
            try sorts(elements[one], before: elements[other])
        }.map { elements[$0] }
    }

    /// The numbers below `count`, stably sorted by a comparison: a merge sort, since the
    /// library's cannot throw a typed error.
    func ordered(
        _ count: Int, _ compare: (Int, Int) throws(ValueFailure) -> Int
    ) throws(ValueFailure) -> [Int] {
        var order = Array(0..<count)
        var width = 1
        while width < count {
            var next: [Int] = []
            next.reserveCapacity(count)
            for start in stride(from: 0, to: count, by: 2 * width) {
                let middle = min(start + width, count)
                let end = min(start + 2 * width, count)
                var (left, right) = (start, middle)
                while left < middle || right < end {
                    let takesLeft =
                        if right == end { true } else if left == middle { false } else {
                            try compare(order[left], order[right]) <= 0
                        }
                    next.append(order[takesLeft ? left : right])
                    if takesLeft { left += 1 } else { right += 1 }
                }
            }
            order = next
            width *= 2
        }
        return order
    }

    // MARK: Aggregates

    /// An aggregate over the elements that are not null.
    func aggregate(
        _ function: ValueFunction, _ elements: [Datum]
    ) throws(ValueFailure) -> Datum {
        let values = elements.filter { !$0.isNull }
        switch function {
        case .count: return .integer(Int32(clamping: values.count))
        case .allTrue: return .boolean(values.allSatisfy { $0.truth == .yes })
        case .anyTrue: return .boolean(values.contains { $0.truth == .yes })
        default: break
        }
        guard let first = values.first else { return .null }
        switch function {
        case .sum: return try total(.add, values)
        case .product: return try total(.multiply, values)
        case .min, .max:
            var best = first
            for value in values.dropFirst() {
                let relation: Comparison.Relation = function == .min ? .less : .greater
                switch try holds(relation, value, best) {
                case .yes: best = value
                case .no: break
                case .unknown:
                    if try order(value, best) == .uncertain, equal(value, best) == .unknown {
                        return .null
                    }
                }
            }
            return best
        case .avg:
            let count = Datum.decimal(DecimalValue(Int64(values.count)))
            let sum = try total(.add, values.map { $0.widened(to: .decimal) })
            return try arithmetic(.divide, sum, count)
        case .median:
            let sorted = try self.sorted(values.map { $0.widened(to: .decimal) })
            let middle = sorted[sorted.count / 2]
            if sorted.count % 2 == 1 { return middle }
            let sum = try arithmetic(.add, sorted[sorted.count / 2 - 1], middle)
            return try arithmetic(.divide, sum, .decimal(DecimalValue(2)))
        case .mode: return mode(values)
        case .geometricMean: return try geometricMean(values)
        default: return try spread(function, values)
        }
    }

    private func total(
        _ function: ValueFunction, _ values: [Datum]
    ) throws(ValueFailure) -> Datum {
        var result = values[0]
        for value in values.dropFirst() { result = try arithmetic(function, result, value) }
        return result
    }

    private func mode(_ values: [Datum]) -> Datum {
        var best = (count: 0, value: Datum.null)
        for value in distinct(values) {
            let count = values.count { equal($0, value) == .yes }
            if count > best.count { best = (count, value) }
        }
        return best.value
    }

    private func geometricMean(_ values: [Datum]) throws(ValueFailure) -> Datum {
        var numbers: [DecimalValue] = []
        for value in values {
            guard let number = value.number else {
                throw .runtime("expected Decimals, found \(value.typeName)")
            }
            guard number.units > 0 else { return .null }
            numbers.append(number)
        }
        guard case .value(let mean) = DecimalFunctions.geometricMean(numbers) else {
            throw .unsupported("a geometric mean whose last digit cannot be settled")
        }
        return .decimal(mean)
    }

    /// Variances and standard deviations, exactly rounded.
    private func spread(
        _ function: ValueFunction, _ values: [Datum]
    ) throws(ValueFailure) -> Datum {
        var unit: Quantity?
        var numbers: [Int128] = []
        for value in values {
            if case .quantity(let quantity) = value {
                let first = unit ?? quantity
                unit = first
                guard let (one, other) = try alike(first, quantity), one.unit == first.unit else {
                    throw .unsupported("a spread of quantities in several units")
                }
                numbers.append(other.value.units)
            } else if let number = value.number {
                numbers.append(number.units)
            } else {
                throw .runtime("expected numbers, found \(value.typeName)")
            }
        }
        let isPopulation = function == .populationVariance || function == .populationStdDev
        let count = Int128(numbers.count)
        let divisor = count * (isPopulation ? count : count - 1)
        guard divisor > 0 else { return .null }
        // count × Σx² - (Σx)², in units of 10⁻¹⁶, over the divisor.
        var (sum, squares): (Int128, Int128) = (0, 0)
        for number in numbers {
            let (square, overflow) = number.multipliedReportingOverflow(by: number)
            let (total, tooBig) = squares.addingReportingOverflow(square)
            guard !overflow, !tooBig else { throw .unsupported("a spread of numbers this large") }
            sum += number
            squares = total
        }
        let (left, overflow) = squares.multipliedReportingOverflow(by: count)
        let (right, tooBig) = sum.multipliedReportingOverflow(by: sum)
        guard !overflow, !tooBig else { throw .unsupported("a spread of numbers this large") }
        let isRoot = function == .stdDev || function == .populationStdDev
        let result =
            isRoot
            ? DecimalFunctions.root(left - right, over: divisor)
            : DecimalValue.quotient(left - right, times: 1, by: divisor * DecimalValue.one)
                .flatMap(DecimalValue.init(units:))
        guard let result else { throw .unsupported("a spread of numbers this large") }
        guard let unit else { return .decimal(result) }
        let name = isRoot ? unit.unit : try product(ofSame: unit)
        return .quantity(Quantity(value: result, unit: name))
    }

    private func product(ofSame unit: Quantity) throws(ValueFailure) -> String {
        guard
            case .quantity(let square) = try arithmetic(
                .multiply, .quantity(unit), .quantity(unit))
        else { return unit.unit }
        return square.unit
    }

    // MARK: Intervals in lists

    private func intervals(_ elements: [Datum]) throws(ValueFailure) -> [IntervalValue] {
        var result: [IntervalValue] = []
        for element in elements where !element.isNull {
            guard case .interval(let interval) = element else {
                throw .runtime("expected intervals, found \(element.typeName)")
            }
            result.append(interval)
        }
        return result
    }

    /// Overlapping and adjoining intervals as one; with `per` also those that are not further
    /// apart.
    func collapse(_ elements: [Datum], per: Datum) throws(ValueFailure) -> Datum {
        let all = try intervals(elements)
        guard var point = all.first?.point else { return .list([]) }
        let order = try ordered(all.count) { one, other throws(ValueFailure) in
            try sorts(start(all[one]).least, before: start(all[other]).least)
        }
        var result: [(start: Datum, end: Datum)] = []
        for interval in order.map({ all[$0] }) {
            point = interval.point
            let (low, high) = (start(interval).value, end(interval).value)
            guard !low.isNull, !high.isNull else {
                throw .unsupported("collapsing intervals of unknown bounds")
            }
            if let last = result.last, try isWithin(low, of: last.end, per: per, point) {
                if try holds(.greater, high, last.end) == .yes {
                    result[result.count - 1].end = high
                }
            } else {
                result.append((low, high))
            }
        }
        return .list(
            result.map {
                .interval(IntervalValue(low: $0.start, high: $0.end, point: point))
            })
    }

    private func isWithin(
        _ low: Datum, of end: Datum, per: Datum, _ point: PointType
    ) throws(ValueFailure) -> Bool {
        if try holds(.lessOrEqual, low, end) == .yes { return true }
        var reach = end
        switch (per, end) {
        case (.null, _): break
        case (.quantity(let quantity), .temporal(let value)):
            reach = try adding(quantity, to: value, sign: 1)
        case (.quantity(let quantity), .quantity):
            reach = try arithmetic(.add, end, .quantity(quantity))
        case (.quantity(let quantity), _):
            guard quantity.unit == "1", !quantity.isCalendar else {
                throw .runtime("'per' \(quantity.literal) of \(point.name)s")
            }
            reach = try arithmetic(.add, end.widened(to: .decimal), .decimal(quantity.value))
        default: reach = try arithmetic(.add, end, per)
        }
        if try holds(.lessOrEqual, low, reach) == .yes { return true }
        guard let next = try? step(end, 1) else { return false }
        return try holds(.lessOrEqual, low, next) == .yes
    }

    /// The intervals, or with `isPoints` the points, of the size `per` that lie in the intervals.
    func expand(
        _ elements: [Datum], per: Datum, isPoints: Bool
    ) throws(ValueFailure) -> Datum {
        var result: [Datum] = []
        for interval in try intervals(elements) {
            let (low, high) = (start(interval).value, end(interval).value)
            guard !low.isNull, !high.isNull else {
                throw .unsupported("expanding an interval of unknown bounds")
            }
            let pieces =
                if case .temporal(let first) = low, case .temporal(let last) = high {
                    try pieces(first, last, per)
                } else {
                    try pieces(interval, low, high, per)
                }
            for piece in pieces {
                result.append(
                    isPoints
                        ? piece.start
                        : .interval(
                            IntervalValue(low: piece.start, high: piece.end, point: piece.point)))
                guard result.count <= Self.longestList else {
                    throw .unsupported("a list longer than \(Self.longestList)")
                }
            }
        }
        return .list(isPoints ? result : distinct(result, sortedBy: result.count))
    }

    /// The elements as they are, if there is but one interval; else without repetition.
    private func distinct(_ elements: [Datum], sortedBy count: Int) -> [Datum] {
        count > 500 ? elements : distinct(elements)
    }

    private typealias Piece = (start: Datum, end: Datum, point: PointType)

    private func pieces(
        _ first: TemporalValue, _ last: TemporalValue, _ per: Datum
    ) throws(ValueFailure) -> [Piece] {
        var unit = min(first.precision, last.precision)
        var size: Int64 = 1
        if case .quantity(let quantity) = per {
            guard let wanted = quantity.temporalUnit, let amount = quantity.value.truncated,
                amount > 0, quantity.value.isWhole
            else { throw .unsupported("'per' anything but whole calendar units") }
            (unit, size) = (wanted, amount)
        } else if !per.isNull {
            throw .unsupported("'per' anything but whole calendar units")
        }
        let needed = unit == .week ? TemporalUnit.day : unit
        if needed > min(first.precision, last.precision) { return [] }
        guard first.precision == needed, last.precision == needed else {
            throw .unsupported(
                "expanding \(first.precision)s per \(unit); write bounds of that precision")
        }
        let point: PointType =
            first.kind == .date ? .date : first.kind == .time ? .time : .dateTime
        var result: [Piece] = []
        var current = first
        while current.local <= last.local {
            guard let next = moved(current, size, unit) ?? moved(last, 0, needed) else { break }
            guard let end = moved(next, -1, needed) else { break }
            guard end.local <= last.local, next.local > current.local else {
                if end.local < last.local || next.local <= current.local {
                    result.append((.temporal(current), .temporal(last), point))
                    break
                }
                throw .unsupported("expanding into pieces that do not fill the interval")
            }
            result.append((.temporal(current), .temporal(end), point))
            guard result.count <= Self.longestList else {
                throw .unsupported("a list longer than \(Self.longestList)")
            }
            current = next
        }
        return result
    }

    private func pieces(
        _ interval: IntervalValue, _ low: Datum, _ high: Datum, _ per: Datum
    ) throws(ValueFailure) -> [Piece] {
        var unit: Quantity?
        if case .quantity(let quantity) = low { unit = quantity }
        let isWholeNumber = interval.point == .integer || interval.point == .long
        let size: DecimalValue
        switch per {
        case .null: size = isWholeNumber ? DecimalValue(1) : DecimalValue(units: 1) ?? .init(1)
        case .quantity(let quantity) where quantity.unit == (unit?.unit ?? "1"):
            size = quantity.value
        case .integer, .decimal, .long: size = per.number ?? DecimalValue(1)
        default: throw .unsupported("'per' \(per.literal) of \(interval.point.name)s")
        }
        guard size.units > 0, let first = quantityValue(low), let last = quantityValue(high) else {
            throw .unsupported("'per' \(per.literal) of \(interval.point.name)s")
        }
        // Everything is counted in steps of the last place of `per`.
        var step = DecimalValue.one
        if !(isWholeNumber && per.isNull) {
            while step > 1, size.units % step != 0 { step /= 10 }
        }
        var limit = last.units / step * step + step
        if isWholeNumber { limit = last.units + DecimalValue.one }
        var current = first.units >= 0 ? first.units / step * step : first.units
        guard (limit - current) / size.units <= Int128(Self.longestList) else {
            throw .unsupported("a list longer than \(Self.longestList)")
        }
        func value(_ units: Int128) -> Datum {
            guard let decimal = DecimalValue(units: units) else { return .null }
            if let unit { return .quantity(Quantity(value: decimal, unit: unit.unit)) }
            if isWholeNumber, step >= DecimalValue.one {
                let number = Int64(units / DecimalValue.one)
                return interval.point == .long
                    ? .long(number) : Int32(exactly: number).map(Datum.integer) ?? .null
            }
            return .decimal(decimal)
        }
        let point: PointType =
            unit == nil && isWholeNumber && step < DecimalValue.one ? .decimal : interval.point
        var result: [Piece] = []
        while current + size.units <= limit {
            result.append((value(current), value(current + size.units - step), point))
            current += size.units
        }
        guard current == limit || result.isEmpty else {
            throw .unsupported("expanding into pieces that do not fill the interval")
        }
        return result
    }

    private func quantityValue(_ value: Datum) -> DecimalValue? {
        if case .quantity(let quantity) = value { return quantity.value }
        return value.number
    }
}
