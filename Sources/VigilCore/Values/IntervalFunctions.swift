// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A bound of an interval: an open null bound is somewhere in a range.
struct Bound {
    var least: Datum
    var greatest: Datum
    var isExact: Bool

    init(_ exact: Datum) {
        least = exact
        greatest = exact
        isExact = true
    }

    init(from least: Datum, to greatest: Datum) {
        self.least = least
        self.greatest = greatest
        isExact = false
    }

    /// The value, where it is known.
    var value: Datum { isExact ? least : .null }
}

extension ValueContext {
    // MARK: Steps and limits

    /// The least value of a type of points.
    static func minimum(_ point: PointType, like other: Datum = .null) -> Datum {
        switch point {
        case .integer: return .integer(.min)
        case .long: return .long(.min)
        case .decimal: return .decimal(.least)
        case .quantity: return quantity(.least, like: other)
        case .date: return temporal(.date, TemporalValue.firstLocal, .day, like: other)
        case .dateTime:
            return temporal(.dateTime, TemporalValue.firstLocal, .millisecond, like: other)
        case .time: return temporal(.time, 0, .millisecond, like: other)
        }
    }

    /// The greatest value of a type of points.
    static func maximum(_ point: PointType, like other: Datum = .null) -> Datum {
        switch point {
        case .integer: return .integer(.max)
        case .long: return .long(.max)
        case .decimal: return .decimal(.greatest)
        case .quantity: return quantity(.greatest, like: other)
        case .date:
            return temporal(
                .date, TemporalValue.lastLocal + 1 - TemporalValue.day, .day, like: other)
        case .dateTime:
            return temporal(.dateTime, TemporalValue.lastLocal, .millisecond, like: other)
        case .time: return temporal(.time, TemporalValue.day - 1, .millisecond, like: other)
        }
    }

    private static func quantity(_ value: DecimalValue, like other: Datum) -> Datum {
        guard case .quantity(let quantity) = other else {
            return .quantity(Quantity(value: value, unit: "1"))
        }
        return .quantity(
            Quantity(value: value, unit: quantity.unit, isCalendar: quantity.isCalendar))
    }

    private static func temporal(
        _ kind: TemporalValue.Kind, _ local: Int64, _ precision: TemporalUnit, like other: Datum
    ) -> Datum {
        var offset: Int32?
        if case .temporal(let value) = other { offset = value.offsetMinutes }
        return TemporalValue(kind, local: local, precision: precision, offsetMinutes: offset)
            .map(Datum.temporal) ?? .null
    }

    /// The next value of the type, or with -1 the one before.
    func step(_ value: Datum, _ direction: Int64) throws(ValueFailure) -> Datum {
        switch value {
        case .null: return .null
        case .integer(let number):
            guard let next = Int32(exactly: Int64(number) + direction) else { break }
            return .integer(next)
        case .long(let number):
            let (next, overflow) = number.addingReportingOverflow(direction)
            if overflow { break }
            return .long(next)
        case .decimal(let number):
            guard let next = DecimalValue(units: number.units + Int128(direction)) else { break }
            return .decimal(next)
        case .quantity(var quantity):
            guard let next = DecimalValue(units: quantity.value.units + Int128(direction)) else {
                break
            }
            quantity.value = next
            return .quantity(quantity)
        case .temporal(let temporal):
            guard let next = moved(temporal, direction, temporal.precision) else { break }
            return .temporal(next)
        default: throw .runtime("\(value.typeName) has no successor or predecessor")
        }
        throw .runtime("there is no value of the type beyond \(value.literal)")
    }

    private func stepOrNil(_ value: Datum, _ direction: Int64) -> Datum? {
        try? step(value, direction)
    }

    // MARK: Bounds

    func start(_ interval: IntervalValue) -> Bound {
        let least = Self.minimum(interval.point, like: interval.high)
        if interval.low.isNull {
            if interval.lowClosed { return Bound(least) }
            let greatest =
                interval.high.isNull
                ? Self.maximum(interval.point) : end(interval).greatest
            return Bound(from: least, to: greatest)
        }
        if interval.lowClosed { return Bound(interval.low) }
        return Bound(stepOrNil(interval.low, 1) ?? interval.low)
    }

    func end(_ interval: IntervalValue) -> Bound {
        let greatest = Self.maximum(interval.point, like: interval.low)
        if interval.high.isNull {
            if interval.highClosed { return Bound(greatest) }
            let least =
                interval.low.isNull ? Self.minimum(interval.point) : start(interval).least
            return Bound(from: least, to: greatest)
        }
        if interval.highClosed { return Bound(interval.high) }
        return Bound(stepOrNil(interval.high, -1) ?? interval.high)
    }

    /// An interval, unless it ends before it starts.
    func interval(_ value: IntervalValue) throws(ValueFailure) -> Datum {
        if !value.low.isNull, !value.high.isNull {
            let order = try order(value.low, value.high)
            let isEmpty =
                order == .greater
                || order == .equal && !(value.lowClosed && value.highClosed)
            guard !isEmpty else {
                throw .runtime("an interval that ends before it starts")
            }
        }
        return .interval(value)
    }

    // MARK: Relations

    private func isBefore(
        _ left: Bound, _ right: Bound, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        try isOrdered(.less, left, right, unit)
    }

    private func isNotAfter(
        _ left: Bound, _ right: Bound, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        try isOrdered(.lessOrEqual, left, right, unit)
    }

    /// Whether bounds, each somewhere between its least and its greatest, stand so.
    private func isOrdered(
        _ relation: Comparison.Relation, _ left: Bound, _ right: Bound, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        let surely = try holds(relation, left.greatest, right.least, unit)
        if left.isExact, right.isExact { return surely }
        if surely == .yes { return .yes }
        return try holds(relation, left.least, right.greatest, unit) == .no ? .no : .unknown
    }

    private func isSame(
        _ left: Bound, _ right: Bound, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        if left.isExact, right.isExact {
            return try holds(.equal, left.least, right.least, unit)
        }
        let isApart = try isBefore(left, right, unit).or(try isBefore(right, left, unit))
        return isApart == .yes ? .no : .unknown
    }

    func sameBounds(_ left: IntervalValue, _ right: IntervalValue) -> Truth {
        do throws(ValueFailure) {
            return try isSame(start(left), start(right), .millisecond)
                .and(try isSame(end(left), end(right), .millisecond))
        } catch {
            return .no
        }
    }

    /// The first point of an interval, or a point itself.
    func first(_ value: Datum) -> Bound {
        if case .interval(let interval) = value { return start(interval) }
        return Bound(value)
    }

    /// The last point of an interval, or a point itself.
    func last(_ value: Datum) -> Bound {
        if case .interval(let interval) = value { return end(interval) }
        return Bound(value)
    }

    /// How one interval or point lies to another.
    func relation(
        _ function: ValueFunction, _ left: Datum, _ right: Datum, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        guard !left.isNull, !right.isNull else { return .unknown }
        let (from, to) = (first(left), last(left))
        let (start, end) = (first(right), last(right))
        switch function {
        case .before: return try isBefore(to, start, unit)
        case .after: return try isBefore(end, from, unit)
        case .sameOrBefore: return try isNotAfter(to, start, unit)
        case .sameOrAfter: return try isNotAfter(end, from, unit)
        case .sameAs:
            return try isSame(from, start, unit).and(try isSame(to, end, unit))
        case .includedIn:
            return try isNotAfter(start, from, unit).and(try isNotAfter(to, end, unit))
        case .properlyIncludedIn:
            guard case .interval = left else {
                return try isBefore(start, from, unit).and(try isBefore(to, end, unit))
            }
            let inside = try isNotAfter(start, from, unit).and(try isNotAfter(to, end, unit))
            return inside.and(
                try isBefore(start, from, unit).or(try isBefore(to, end, unit)))
        case .overlaps:
            return try isNotAfter(from, end, unit).and(try isNotAfter(start, to, unit))
        case .overlapsBefore:
            return try isBefore(from, start, unit)
                .and(try isNotAfter(start, to, unit)).and(try isNotAfter(from, end, unit))
        case .overlapsAfter:
            return try isBefore(end, to, unit)
                .and(try isNotAfter(from, end, unit)).and(try isNotAfter(start, to, unit))
        case .starts: return try isSame(from, start, unit).and(try isNotAfter(to, end, unit))
        case .ends: return try isSame(to, end, unit).and(try isNotAfter(start, from, unit))
        case .meetsBefore: return try meets(to, start, unit)
        case .meetsAfter: return try meets(end, from, unit)
        case .meets: return try meets(to, start, unit).or(try meets(end, from, unit))
        default: return .unknown
        }
    }

    /// Whether one bound comes right after another.
    private func meets(
        _ end: Bound, _ start: Bound, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Truth {
        func next(_ value: Datum) -> Datum? {
            if case .temporal(let temporal) = value, unit < temporal.precision {
                return moved(temporal, 1, unit).map(Datum.temporal)
            }
            return stepOrNil(value, 1)
        }
        // Nothing comes after the greatest value.
        guard let least = next(end.least) else { return .no }
        if end.isExact { return try isSame(Bound(least), start, unit) }
        return try isSame(
            Bound(from: least, to: next(end.greatest) ?? end.greatest), start, unit)
    }

    // MARK: Intervals from intervals

    private func least(_ left: Bound, _ right: Bound) -> Bound? {
        pick(left, right, .lessOrEqual)
    }

    private func greatest(_ left: Bound, _ right: Bound) -> Bound? {
        pick(left, right, .greaterOrEqual)
    }

    /// The one that surely is the lesser or greater one; nil where that is not known.
    private func pick(
        _ left: Bound, _ right: Bound, _ relation: Comparison.Relation
    ) -> Bound? {
        func surely(_ one: Bound, _ other: Bound) -> Bool {
            let (near, far) =
                relation == .lessOrEqual
                ? (one.greatest, other.least) : (one.least, other.greatest)
            return (try? holds(relation, near, far)) == .yes
        }
        return surely(left, right) ? left : surely(right, left) ? right : nil
    }

    private func between(_ low: Bound?, _ high: Bound?, _ point: PointType) -> Datum {
        let (start, end) = (low?.value ?? .null, high?.value ?? .null)
        return .interval(
            IntervalValue(
                low: start, high: end, lowClosed: !start.isNull, highClosed: !end.isNull,
                point: point))
    }

    func union(_ left: IntervalValue, _ right: IntervalValue) throws(ValueFailure) -> Datum {
        let touch = try relation(.overlaps, .interval(left), .interval(right), .millisecond)
            .or(try relation(.meets, .interval(left), .interval(right), .millisecond))
        guard touch == .yes else { return .null }
        return between(
            least(start(left), start(right)), greatest(end(left), end(right)), left.point)
    }

    func intersect(_ left: IntervalValue, _ right: IntervalValue) throws(ValueFailure) -> Datum {
        guard
            try relation(.overlaps, .interval(left), .interval(right), .millisecond) == .yes
        else { return .null }
        return between(
            greatest(start(left), start(right)), least(end(left), end(right)), left.point)
    }

    func except(_ left: IntervalValue, _ right: IntervalValue) throws(ValueFailure) -> Datum {
        let (one, other) = (Datum.interval(left), Datum.interval(right))
        switch try relation(.overlaps, one, other, .millisecond) {
        case .no: return one
        case .unknown: return .null
        case .yes: break
        }
        let startsEarlier = try isBefore(start(left), start(right), .millisecond)
        let endsLater = try isBefore(end(right), end(left), .millisecond)
        switch (startsEarlier, endsLater) {
        case (.yes, .no):
            return between(start(left), Bound(try step(start(right).value, -1)), left.point)
        case (.no, .yes):
            return between(Bound(try step(end(right).value, 1)), end(left), left.point)
        default: return .null
        }
    }

    func pointFrom(_ interval: IntervalValue) throws(ValueFailure) -> Datum {
        let (first, last) = (start(interval), end(interval))
        switch try isSame(first, last, .millisecond) {
        case .yes: return first.value
        case .unknown: return .null
        case .no: throw .runtime("'point from' an interval of more than one point")
        }
    }

    /// The width of an interval, or with `isSize` that and one step.
    func width(_ interval: IntervalValue, isSize: Bool) throws(ValueFailure) -> Datum {
        switch interval.point {
        case .date, .dateTime, .time:
            throw .runtime(
                "intervals of \(interval.point.name) have no width; write 'duration in days of'")
        default: break
        }
        let (low, high) = (start(interval).value, end(interval).value)
        let width = try arithmetic(.subtract, high, low)
        guard isSize, !width.isNull else { return width }
        return try step(width, 1)
    }
}
