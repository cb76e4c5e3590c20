// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where a DateTime without offset is, and what moment it is.
struct ValueContext {
    var zone: ZoneTable
    var now: Instant

    /// The offset that a local time without one has.
    func offsetMinutes(local: Int64) -> Int32 {
        let guess = zone.offsetSeconds(at: Instant(milliseconds: local))
        let moment = Instant(milliseconds: local - Int64(guess) * 1000)
        return Int32(zone.offsetSeconds(at: moment) / 60)
    }

    /// With an offset, where it is a DateTime.
    func placed(_ value: TemporalValue) -> TemporalValue {
        guard value.kind == .dateTime, value.offsetMinutes == nil else { return value }
        var copy = value
        copy.offsetMinutes = offsetMinutes(local: value.local)
        return copy
    }

    /// The moment in UTC of a DateTime's first millisecond.
    func instant(_ value: TemporalValue) -> Instant {
        Instant(
            milliseconds: value.local - Int64(placed(value).offsetMinutes ?? 0) * 60_000)
    }

    /// Both on one clock; nil where they are not of one type.
    ///
    /// Years, months and days are each one's own: "normalized … only when the comparison precision
    /// is hours, minutes, seconds, or milliseconds" (CQL 1.5, "Same As", "Difference").
    func aligned(
        _ left: TemporalValue, _ right: TemporalValue, to limit: TemporalUnit = .millisecond
    ) -> (TemporalValue, TemporalValue)? {
        var (first, second) = (left, right)
        if first.kind != second.kind {
            guard first.kind != .time, second.kind != .time else { return nil }
            // A Date is a DateTime of which the time is unknown.
            first.kind = .dateTime
            second.kind = .dateTime
        }
        guard first.kind == .dateTime, limit > .day, first.offsetMinutes != second.offsetMinutes
        else { return (first, second) }
        return (placed(first).onClock(of: 0), placed(second).onClock(of: 0))
    }

    // MARK: Order

    /// How two values stand to each other.
    ///
    /// - Throws: where their types have no order between them.
    func order(
        _ left: Datum, _ right: Datum, _ limit: TemporalUnit = .millisecond
    ) throws(ValueFailure) -> ValueOrder {
        switch (left, right) {
        case (.null, _), (_, .null): return .uncertain
        case (.integer(let one), .integer(let other)): return ValueOrder(one, other)
        case (.uncertain, _), (_, .uncertain): return try uncertainOrder(left, right)
        case (.string(let one), .string(let other)):
            if one.isExactly(other) { return .equal }
            return one.unicodeScalars.lexicographicallyPrecedes(other.unicodeScalars)
                ? .less : .greater
        case (.temporal(let one), .temporal(let other)):
            guard let (first, second) = aligned(one, other, to: limit) else { break }
            guard let difference = first.compared(to: second, limit: limit) else {
                return .uncertain
            }
            return ValueOrder(difference)
        case (.quantity(let one), .quantity(let other)):
            return quantityOrder(one, other)
        case (.quantity(let one), _):
            guard let other = right.number else { break }
            return quantityOrder(one, Quantity(value: other, unit: "1"))
        case (_, .quantity(let other)):
            guard let one = left.number else { break }
            return quantityOrder(Quantity(value: one, unit: "1"), other)
        default:
            guard let one = left.number, let other = right.number else { break }
            return ValueOrder(one, other)
        }
        throw .runtime("\(left.typeName) and \(right.typeName) have no order")
    }

    private func uncertainOrder(_ left: Datum, _ right: Datum) throws(ValueFailure) -> ValueOrder {
        guard let one = left.range, let other = right.range else {
            throw .runtime("\(left.typeName) and \(right.typeName) have no order")
        }
        if one.high < other.low { return .less }
        if one.low > other.high { return .greater }
        if one.low == one.high, other.low == other.high { return .equal }
        return .uncertain
    }

    /// Nil units or ones that measure different things give no order.
    func quantityOrder(_ left: Quantity, _ right: Quantity) -> ValueOrder {
        if left.unit == right.unit, left.isCalendar == right.isCalendar {
            return ValueOrder(left.value, right.value)
        }
        if let one = left.calendarMonths, let other = right.calendarMonths {
            return ValueOrder(one, other)
        }
        guard let unit = left.tableUnit, let other = right.tableUnit,
            let (top, bottom) = other.fraction(right.value, in: unit)
        else { return .uncertain }
        // left.value against top / bottom.
        let product = left.value.units.multipliedReportingOverflow(by: bottom)
        guard !product.overflow else { return .uncertain }
        return ValueOrder(product.partialValue, top)
    }

    /// `<`, `<=` and so on, with null where the order is not known; uncertain ranges may decide.
    func holds(
        _ relation: Comparison.Relation, _ left: Datum, _ right: Datum,
        _ limit: TemporalUnit = .millisecond
    ) throws(ValueFailure) -> Truth {
        let order = try order(left, right, limit)
        if order == .uncertain, let one = left.range, let other = right.range {
            switch relation {
            case .lessOrEqual where one.high <= other.low: return .yes
            case .greaterOrEqual where one.low >= other.high: return .yes
            case .less where one.low >= other.high: return .no
            case .greater where one.high <= other.low: return .no
            default: return .unknown
            }
        }
        return Comparison(relation).holds(order)
    }

    // MARK: Equality

    /// CQL's `=`.
    func equal(_ left: Datum, _ right: Datum) -> Truth {
        switch (left, right) {
        case (.null, _), (_, .null): return .unknown
        case (.boolean(let one), .boolean(let other)): return one == other ? .yes : .no
        case (.fact(let one), .fact(let other)): return one == other ? .yes : .no
        case (.code(let one), .code(let other)):
            return one == other ? .yes : .no
        case (.concept(let one, let shown), .concept(let other, let display)):
            return one == other && shown == display ? .yes : .no
        case (.ratio(let one, let two), .ratio(let three, let four)):
            return equal(.quantity(one), .quantity(three))
                .and(equal(.quantity(two), .quantity(four)))
        case (.list(let one), .list(let other)):
            guard one.count == other.count else { return .no }
            return zip(one, other).reduce(Truth.yes) { $0.and(same($1.0, $1.1)) }
        case (.tuple(let one), .tuple(let other)):
            guard one.map(\.name).sorted() == other.map(\.name).sorted() else { return .no }
            return one.reduce(Truth.yes) { truth, element in
                let match = other.first { $0.name == element.name }?.value ?? .null
                return truth.and(same(element.value, match))
            }
        case (.interval(let one), .interval(let other)):
            return sameBounds(one, other)
        default:
            guard let order = try? order(left, right) else { return .no }
            return Comparison(.equal).holds(order)
        }
    }

    /// Equality as lists know it: two nulls are the same.
    func same(_ left: Datum, _ right: Datum) -> Truth {
        left.isNull && right.isNull ? .yes : equal(left, right)
    }

    /// Whether two elements count as one in a set of elements: nulls do, what is uncertain does
    /// not.
    func isDuplicate(_ left: Datum, _ right: Datum) -> Bool { same(left, right) == .yes }

    /// CQL's `~`, which is never null.
    func equivalent(_ left: Datum, _ right: Datum) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.string(let one), .string(let other)):
            return Datum.folded(one).isExactly(Datum.folded(other))
        case (.decimal(let one), .decimal(let other)): return Datum.equivalent(one, other)
        case (.quantity(let one), .quantity(let other)): return equivalent(one, other)
        case (.ratio(let one, let two), .ratio(let three, let four)):
            guard let first = one.value.multiplied(by: four.value),
                let second = three.value.multiplied(by: two.value)
            else { return false }
            return first == second && one.unit == three.unit && two.unit == four.unit
        case (.code(let one), .code(let other)): return one.isEquivalent(to: other)
        case (.concept(let one, _), .concept(let other, _)):
            return one.contains { code in other.contains { $0.isEquivalent(to: code) } }
        case (.concept(let codes, _), .code(let code)), (.code(let code), .concept(let codes, _)):
            return codes.contains { $0.isEquivalent(to: code) }
        case (.list(let one), .list(let other)):
            return one.count == other.count && zip(one, other).allSatisfy { equivalent($0, $1) }
        case (.tuple(let one), .tuple(let other)):
            return one.map(\.name).sorted() == other.map(\.name).sorted()
                && one.allSatisfy { element in
                    equivalent(
                        element.value, other.first { $0.name == element.name }?.value ?? .null)
                }
        case (.interval(let one), .interval(let other)):
            return sameBounds(one, other) == .yes
        case (.temporal(let one), .temporal(let other)):
            guard let (first, second) = aligned(one, other) else { return false }
            return first.precision == second.precision && first.local == second.local
        default:
            return equal(left, right) == .yes
        }
    }

    private func equivalent(_ left: Quantity, _ right: Quantity) -> Bool {
        if quantityOrder(left, right) == .equal { return true }
        guard (left.calendarMonths == nil) != (right.calendarMonths == nil) else { return false }
        let (calendar, definite) = left.calendarMonths == nil ? (right, left) : (left, right)
        // A calendar year is equivalent to a definite one and to 365 days, and equal to neither.
        let (code, days): (String, Int64) = calendar.unit == "year" ? ("a", 365) : ("mo", 30)
        if definite.unit == code {
            return quantityOrder(Quantity(value: calendar.value, unit: code), definite) == .equal
        }
        guard let count = calendar.value.multiplied(by: DecimalValue(days)) else { return false }
        return quantityOrder(Quantity(value: count, unit: "d"), definite) == .equal
    }
}

extension ValueOrder {
    init<Number: Comparable>(_ left: Number, _ right: Number) {
        self = left < right ? .less : left > right ? .greater : .equal
    }
}

extension Truth {
    func and(_ other: Truth) -> Truth {
        if self == .no || other == .no { return .no }
        return self == .yes && other == .yes ? .yes : .unknown
    }

    func or(_ other: Truth) -> Truth {
        if self == .yes || other == .yes { return .yes }
        return self == .no && other == .no ? .no : .unknown
    }

    var negated: Truth { self == .yes ? .no : self == .no ? .yes : .unknown }
}

extension Datum {
    /// As a Decimal, where it is a number.
    var number: DecimalValue? {
        switch self {
        case .integer(let value): DecimalValue(Int64(value))
        case .long(let value): DecimalValue(value)
        case .decimal(let value): value
        default: nil
        }
    }

    /// As a range of whole numbers.
    var range: (low: Int64, high: Int64)? {
        switch self {
        case .uncertain(let low, let high): (low, high)
        case .integer(let value): (Int64(value), Int64(value))
        case .long(let value): (value, value)
        default: nil
        }
    }

    /// Lower case, and every white space a blank: what equivalence of texts leaves out.
    static func folded(_ text: String) -> String {
        String(text.lowercased().map { $0.isWhitespace ? " " : $0 })
    }

    /// Equal to the precision of the one with fewer places.
    static func equivalent(_ left: DecimalValue, _ right: DecimalValue) -> Bool {
        func places(_ value: DecimalValue) -> Int {
            var (units, count) = (value.units, 8)
            while count > 0, units % 10 == 0 { (units, count) = (units / 10, count - 1) }
            return count
        }
        let fewest = min(places(left), places(right))
        return left.rounded(places: fewest) == right.rounded(places: fewest)
    }
}
