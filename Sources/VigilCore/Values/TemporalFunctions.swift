// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension ValueContext {
    // MARK: Moving

    /// A date or time so many units away, at its own precision; nil outside the calendar.
    ///
    /// A unit finer than the value is converted to the value's own and truncated (CQL 1.5, "Adding
    /// Quantities to Date/Time Values").
    func moved(_ value: TemporalValue, _ amount: Int64, _ unit: TemporalUnit) -> TemporalValue? {
        var result = value
        switch value.precision {
        case .year, .month, .week:
            guard let months = Self.months(amount, unit, value.precision),
                let day = value.civilDay.adding(months: months)
            else { return nil }
            result.local = Int64(day.number) * TemporalValue.day
            return result
        default: break
        }
        if value.kind != .time, unit == .year || unit == .month {
            let (months, overflow) = amount.multipliedReportingOverflow(by: unit == .year ? 12 : 1)
            guard !overflow, let count = Int(exactly: months), count.magnitude < 200_000,
                let day = value.civilDay.adding(months: count)
            else { return nil }
            result.local = Int64(day.number) * TemporalValue.day + value.ofDay
            return result
        }
        guard let size = unit.milliseconds, let own = value.precision.milliseconds else {
            return nil
        }
        let (total, overflow) = amount.multipliedReportingOverflow(by: size)
        let (local, tooFar) = value.local.addingReportingOverflow(total / own * own)
        guard !overflow, !tooFar else { return nil }
        return TemporalValue(
            value.kind, local: local, precision: value.precision,
            offsetMinutes: value.offsetMinutes)
    }

    /// Whole months that an amount is to a value of years or months.
    private static func months(
        _ amount: Int64, _ unit: TemporalUnit, _ precision: TemporalUnit
    ) -> Int? {
        let count: Int64
        switch unit {
        case .year:
            let (months, overflow) = amount.multipliedReportingOverflow(by: 12)
            guard !overflow else { return nil }
            count = months
        case .month: count = precision == .year ? amount / 12 * 12 : amount
        default:
            let (total, overflow) = amount.multipliedReportingOverflow(by: unit.milliseconds ?? 1)
            guard !overflow else { return nil }
            let days = total / TemporalValue.day
            count = precision == .year ? days / 365 * 12 : days / 30
        }
        return count.magnitude < 200_000 ? Int(count) : nil
    }

    func adding(
        _ quantity: Quantity, to value: TemporalValue, sign: Int64
    ) throws(ValueFailure) -> Datum {
        guard let unit = quantity.temporalUnit else {
            throw .runtime(
                "'\(quantity.unit)' cannot be added to a \(Datum.temporal(value).typeName); "
                    + "write a calendar duration such as 3 months")
        }
        if value.kind == .time, unit < .hour || value.kind == .date && unit > .day {
            throw .runtime("\(unit)s cannot be added to a \(Datum.temporal(value).typeName)")
        }
        // The fraction counts for seconds, as milliseconds, and for nothing coarser.
        let amount: Int64?
        let step: TemporalUnit
        if unit == .second {
            amount = Int64(exactly: quantity.value.units / (DecimalValue.one / 1000))
            step = .millisecond
        } else {
            amount = quantity.value.truncated
            step = unit
        }
        guard let amount, amount != .min, let moved = moved(value, sign * amount, step) else {
            throw .runtime("\(Datum.temporal(value).literal) leaves the calendar")
        }
        return .temporal(moved)
    }

    // MARK: Counting

    /// Whole units (`duration`) or boundaries (`difference`) from one to the other; a range where
    /// one of them is too coarse to tell.
    func count(
        _ unit: TemporalUnit, from left: Datum, to right: Datum, boundaries: Bool
    ) throws(ValueFailure) -> Datum {
        guard case .temporal(let one) = left, case .temporal(let other) = right else {
            if left.isNull || right.isNull { return .null }
            throw .runtime(
                "\(left.typeName) and \(right.typeName) have no duration between them")
        }
        // A duration is time that has passed, so that a day of one clock is not one of another.
        guard let (first, second) = aligned(one, other, to: boundaries ? unit : .millisecond) else {
            throw .runtime(
                "\(left.typeName) and \(right.typeName) have no duration between them")
        }
        if first.kind == .time, unit < .hour {
            throw .runtime("there are no \(unit)s between Times")
        }
        let needed = unit == .week ? TemporalUnit.day : unit
        func measure(_ from: Int64, _ to: Int64) -> Int64 {
            boundaries
                ? Self.boundaries(unit, from, to) : Self.wholeUnits(unit, from, to)
        }
        if boundaries, unit == .week, min(first.precision, second.precision) > .day,
            Self.boundaries(.week, first.local, second.local)
                != Self.wholeUnits(.week, first.local, second.local)
        {
            // The specification counts Sundays, its published tests whole weeks.
            throw .unsupported(
                "a difference in weeks where weeks begun and whole weeks differ; write "
                    + "'difference in days'")
        }
        let isAlike = boundaries || first.precision == second.precision
        if isAlike, first.precision >= needed, second.precision >= needed {
            let common = min(first.precision, second.precision)
            let limit = boundaries ? needed : common
            let count = measure(
                first.truncated(to: limit).local, second.truncated(to: limit).local)
            guard
                first.kind == .date || boundaries || common > unit || unit > .month
                    || measure(first.lastLocal, second.local)
                        == measure(first.local, second.lastLocal)
            else {
                // The years between two years are known only to within one.
                throw .unsupported(
                    "whole \(unit)s between DateTimes that are known to the \(unit) only; write "
                        + "'difference in \(unit)s between'")
            }
            return Self.whole(count)
        }
        if first.kind == .date || one.kind == .date && other.kind == .date, needed > .day {
            throw .runtime("Dates have no \(unit)s between them")
        }
        let low = measure(first.lastLocal, second.local)
        let high = measure(first.local, second.lastLocal)
        return low == high ? Self.whole(low) : .uncertain(low, high)
    }

    private static func whole(_ count: Int64) -> Datum {
        Int32(exactly: count).map(Datum.integer) ?? .null
    }

    private static func boundaries(_ unit: TemporalUnit, _ from: Int64, _ to: Int64) -> Int64 {
        let first = CivilDay(number: Int32(clamping: from.floorDivided(by: TemporalValue.day)))
        let second = CivilDay(number: Int32(clamping: to.floorDivided(by: TemporalValue.day)))
        switch unit {
        case .year: return Int64(first.boundaries(.year, to: second))
        case .month: return Int64(first.boundaries(.month, to: second))
        case .week: return Int64(first.boundaries(.week, to: second))
        default:
            let size = unit.milliseconds ?? 1
            return to.floorDivided(by: size) - from.floorDivided(by: size)
        }
    }

    private static func wholeUnits(_ unit: TemporalUnit, _ from: Int64, _ to: Int64) -> Int64 {
        guard unit == .year || unit == .month else {
            return (to - from) / (unit.milliseconds ?? 1)
        }
        if to < from { return -wholeUnits(unit, to, from) }
        let first = CivilDay(number: Int32(clamping: from.floorDivided(by: TemporalValue.day)))
        let second = CivilDay(number: Int32(clamping: to.floorDivided(by: TemporalValue.day)))
        let rest = from - Int64(first.number) * TemporalValue.day
        let otherRest = to - Int64(second.number) * TemporalValue.day
        var months = Int64(second.monthNumber - first.monthNumber)
        if (second.parts.day, otherRest) < (first.parts.day, rest) { months -= 1 }
        return unit == .month ? months : months / 12
    }

    // MARK: Parts

    func component(_ unit: TemporalUnit, of value: Datum) throws(ValueFailure) -> Datum {
        guard case .temporal(let temporal) = value else {
            if value.isNull { return .null }
            throw .runtime("a \(value.typeName) has no \(unit)")
        }
        return temporal.component(unit).map { .integer(Int32($0)) } ?? .null
    }

    func part(_ function: ValueFunction, of value: Datum) throws(ValueFailure) -> Datum {
        guard case .temporal(let temporal) = value else {
            if value.isNull { return .null }
            throw .runtime("expected DateTime, found \(value.typeName)")
        }
        switch function {
        case .dateFrom:
            guard temporal.kind != .time else { break }
            var date = temporal.truncated(to: .day)
            date.kind = .date
            date.offsetMinutes = nil
            return .temporal(date)
        case .timeFrom:
            guard temporal.kind == .dateTime else { break }
            guard temporal.precision >= .hour else { return .null }
            return TemporalValue(.time, local: temporal.ofDay, precision: temporal.precision)
                .map(Datum.temporal) ?? .null
        default:
            guard temporal.kind == .dateTime else { break }
            let minutes = Int128(placed(temporal).offsetMinutes ?? 0)
            return DecimalValue(units: minutes * DecimalValue.one / 60).map(Datum.decimal) ?? .null
        }
        throw .runtime("a \(value.typeName) does not have that part")
    }

    /// `DateTime(…)`, `Date(…)` and `Time(…)`.
    func assemble(_ kind: TemporalValue.Kind, _ arguments: [Datum]) throws(ValueFailure) -> Datum {
        var values = arguments
        var offset: Int32?
        if kind == .dateTime, values.count == 8 {
            let last = values.removeLast()
            if let hours = last.number {
                offset = Int32(clamping: hours.units * 60 / DecimalValue.one)
            }
        }
        var parts: [Int] = []
        for (index, value) in values.enumerated() {
            guard case .integer(let number) = value else {
                guard values[index...].allSatisfy(\.isNull) else {
                    throw .runtime("a component after one that is null")
                }
                break
            }
            parts.append(Int(number))
        }
        guard !parts.isEmpty else { return .null }
        guard let value = TemporalValue(kind, parts: parts, offsetMinutes: offset) else {
            throw .runtime("no such moment in the calendar")
        }
        return .temporal(value)
    }

    /// The log's clock as a DateTime.
    var nowValue: Datum {
        let offset = zone.offsetSeconds(at: now) / 60
        return TemporalValue(
            .dateTime, local: now.milliseconds + Int64(offset) * 60_000, precision: .millisecond,
            offsetMinutes: Int32(offset)
        ).map(Datum.temporal) ?? .null
    }

    // MARK: Boundaries

    /// `LowBoundary` and `HighBoundary`: the least and greatest value that a number of digits
    /// allows.
    func boundary(
        _ value: Datum, digits: Datum, isHigh: Bool
    ) throws(ValueFailure) -> Datum {
        var wanted: Int?
        if case .integer(let number) = digits { wanted = Int(number) }
        switch value {
        case .null: return .null
        case .decimal(let decimal):
            let places = wanted ?? 8
            guard (0...8).contains(places) else { return .null }
            return Self.boundary(decimal, places, isHigh)
        case .temporal(let temporal):
            let steps = Self.digits[temporal.kind] ?? []
            let count = wanted ?? steps.last?.count ?? 0
            guard let unit = steps.first(where: { $0.count == count })?.unit else { return .null }
            var result = temporal
            if isHigh { result.local = temporal.lastLocal }
            result.precision = unit
            result.local = TemporalValue.start(of: result.local, unit)
            return .temporal(result)
        default: throw .runtime("a \(value.typeName) has no boundary")
        }
    }

    private static func boundary(_ value: DecimalValue, _ places: Int, _ isHigh: Bool) -> Datum {
        let written = Int(value.places)
        var step: Int128 = 1
        for _ in 0..<8 - places { step *= 10 }
        var own: Int128 = 1
        for _ in 0..<8 - written { own *= 10 }
        var units = value.units
        if isHigh != (units < 0), places > written { units += (units < 0 ? -1 : 1) * (own - step) }
        units = units / step * step
        guard var result = DecimalValue(units: units) else { return .null }
        result.places = UInt8(places)
        return .decimal(result)
    }

    /// How many digits each precision has.
    private static let digits: [TemporalValue.Kind: [(count: Int, unit: TemporalUnit)]] = {
        let dates: [(Int, TemporalUnit)] = [(4, .year), (6, .month), (8, .day)]
        let clock: [(Int, TemporalUnit)] = [
            (10, .hour), (12, .minute), (14, .second), (17, .millisecond),
        ]
        let times: [(Int, TemporalUnit)] = [
            (2, .hour), (4, .minute), (6, .second), (9, .millisecond),
        ]
        return [.date: dates, .dateTime: dates + clock, .time: times]
    }()

    func precision(of value: Datum) throws(ValueFailure) -> Datum {
        switch value {
        case .null: return .null
        case .decimal(let decimal): return .integer(Int32(decimal.places))
        case .temporal(let temporal):
            let step = Self.digits[temporal.kind]?.first { $0.unit == temporal.precision }
            return step.map { .integer(Int32($0.count)) } ?? .null
        default: throw .runtime("a \(value.typeName) has no precision")
        }
    }
}
