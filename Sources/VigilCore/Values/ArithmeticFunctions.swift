// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension ValueContext {
    /// `+ - * / div mod` and `^`.
    func arithmetic(
        _ function: ValueFunction, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        switch (left, right) {
        case (.null, _), (_, .null): return .null
        case (.string(let one), .string(let other)) where function == .add:
            return .string(one + other)
        case (.temporal(let value), .quantity(let quantity)):
            guard function == .add || function == .subtract else { break }
            return try adding(quantity, to: value, sign: function == .add ? 1 : -1)
        case (.uncertain, _), (_, .uncertain): return try uncertain(function, left, right)
        case (.quantity, _), (_, .quantity): return try quantities(function, left, right)
        case (.integer(let one), .integer(let other)):
            return try whole(function, Int64(one), Int64(other), isLong: false)
        case (.integer, .long), (.long, .integer), (.long, .long):
            guard let one = left.range?.low, let other = right.range?.low else { break }
            return try whole(function, one, other, isLong: true)
        default:
            guard let one = left.number, let other = right.number else { break }
            return try decimals(function, one, other)
        }
        throw .runtime("\(left.typeName) and \(right.typeName) cannot be calculated with")
    }

    private func whole(
        _ function: ValueFunction, _ left: Int64, _ right: Int64, isLong: Bool
    ) throws(ValueFailure) -> Datum {
        let result: (partialValue: Int64, overflow: Bool)
        switch function {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .truncatedDivide: result = left.dividedReportingOverflow(by: right)
        case .modulo: result = left.remainderReportingOverflow(dividingBy: right)
        case .power where right >= 0:
            result = Self.power(left, right)
        default:
            return try decimals(function, DecimalValue(left), DecimalValue(right))
        }
        if result.overflow { return .null }
        if isLong { return .long(result.partialValue) }
        return Int32(exactly: result.partialValue).map(Datum.integer) ?? .null
    }

    private static func power(
        _ base: Int64, _ exponent: Int64
    ) -> (partialValue: Int64, overflow: Bool) {
        if base == 1 || base == 0 && exponent > 0 { return (base, false) }
        if base == -1 { return (exponent % 2 == 0 ? 1 : -1, false) }
        guard exponent < 64 else { return (0, true) }
        var result: Int64 = 1
        for _ in 0..<exponent {
            let (next, overflow) = result.multipliedReportingOverflow(by: base)
            if overflow { return (0, true) }
            result = next
        }
        return (result, false)
    }

    private func decimals(
        _ function: ValueFunction, _ left: DecimalValue, _ right: DecimalValue
    ) throws(ValueFailure) -> Datum {
        let result: DecimalValue?
        switch function {
        case .add: result = left.adding(right)
        case .subtract: result = left.subtracting(right)
        case .multiply: result = left.multiplied(by: right)
        case .divide: result = left.divided(by: right)
        case .truncatedDivide:
            result =
                right.units == 0
                ? nil : DecimalValue(units: left.units / right.units * DecimalValue.one)
        case .modulo:
            result = right.units == 0 ? nil : DecimalValue(units: left.units % right.units)
        case .power:
            guard let power = DecimalFunctions.power(left, right) else { return .null }
            return try settled(power)
        default: result = nil
        }
        return result.map(Datum.decimal) ?? .null
    }

    private func settled(_ result: DecimalFunctions.Result) throws(ValueFailure) -> Datum {
        switch result {
        case .value(let value): return .decimal(value)
        case .outOfRange: throw .runtime("the result is greater than a Decimal can be")
        case .unsettled:
            throw .unsupported("a result whose eighth decimal place cannot be settled")
        }
    }

    private func uncertain(
        _ function: ValueFunction, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        guard let one = left.range, let other = right.range,
            [one.low, one.high, other.low, other.high].allSatisfy({ $0.magnitude < 1 << 31 })
        else { throw .unsupported("calculating with an uncertain duration in this way") }
        switch function {
        case .add: return .uncertain(one.low + other.low, one.high + other.high)
        case .subtract: return .uncertain(one.low - other.high, one.high - other.low)
        case .multiply:
            let all = [
                one.low * other.low, one.low * other.high, one.high * other.low,
                one.high * other.high,
            ].sorted()
            return .uncertain(all[0], all[3])
        default: throw .unsupported("calculating with an uncertain duration in this way")
        }
    }

    // MARK: Quantities

    private func quantities(
        _ function: ValueFunction, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        guard case .quantity(let one) = left.widened(to: .quantity),
            case .quantity(let other) = right.widened(to: .quantity)
        else {
            throw .runtime("\(left.typeName) and \(right.typeName) cannot be calculated with")
        }
        switch function {
        case .add, .subtract, .truncatedDivide, .modulo:
            guard let (first, second) = try alike(one, other) else { return .null }
            guard
                case .decimal(let value) = try decimals(function, first.value, second.value)
            else { return .null }
            return .quantity(
                Quantity(value: value, unit: first.unit, isCalendar: first.isCalendar))
        case .multiply:
            guard let value = one.value.multiplied(by: other.value) else { return .null }
            return .quantity(try product(value, one, other))
        case .divide:
            guard other.value.units != 0 else { return .null }
            if other.unit == "1", !other.isCalendar {
                guard let value = one.value.divided(by: other.value) else { return .null }
                return .quantity(
                    Quantity(value: value, unit: one.unit, isCalendar: one.isCalendar))
            }
            if let (first, second) = try? alike(one, other) {
                guard let value = first.value.divided(by: second.value) else { return .null }
                return .quantity(Quantity(value: value, unit: "1"))
            }
            guard !one.isCalendar, !other.isCalendar,
                let value = one.value.divided(by: other.value)
            else { throw .unsupported("dividing by a calendar duration") }
            let bottom = other.unit.contains { "./".contains($0) } ? "(\(other.unit))" : other.unit
            return .quantity(Quantity(value: value, unit: "\(one.unit)/\(bottom)"))
        default: throw .runtime("a Quantity cannot be raised to a power")
        }
    }

    private func product(
        _ value: DecimalValue, _ left: Quantity, _ right: Quantity
    ) throws(ValueFailure) -> Quantity {
        if right.unit == "1" {
            return Quantity(value: value, unit: left.unit, isCalendar: left.isCalendar)
        }
        if left.unit == "1" {
            return Quantity(value: value, unit: right.unit, isCalendar: right.isCalendar)
        }
        guard !left.isCalendar, !right.isCalendar else {
            throw .unsupported("multiplying calendar durations")
        }
        let isPlain = left.unit.unicodeScalars.allSatisfy { $0.properties.isAlphabetic }
        if left.unit == right.unit, isPlain {
            return Quantity(value: value, unit: left.unit + "2")
        }
        let last = right.unit.contains("/") ? "(\(right.unit))" : right.unit
        return Quantity(value: value, unit: "\(left.unit).\(last)")
    }

    /// Both in the finer of their units; nil where they measure different things.
    func alike(
        _ left: Quantity, _ right: Quantity
    ) throws(ValueFailure) -> (Quantity, Quantity)? {
        if left.unit == right.unit, left.isCalendar == right.isCalendar { return (left, right) }
        if let one = left.calendarMonths, let other = right.calendarMonths {
            return (
                Quantity(value: one, unit: "month", isCalendar: true),
                Quantity(value: other, unit: "month", isCalendar: true)
            )
        }
        guard let first = left.tableUnit, let second = right.tableUnit,
            first.isCommensurable(with: second)
        else { throw .runtime("'\(left.unit)' and '\(right.unit)' measure different things") }
        let isLeftFiner =
            first.numerator.magnitude.multipliedFullWidth(by: second.denominator.magnitude).high
            == 0
            && second.numerator.magnitude
                .multipliedFullWidth(by: first.denominator.magnitude).high == 0
            && first.numerator.magnitude * second.denominator.magnitude
                <= second.numerator.magnitude * first.denominator.magnitude
        if isLeftFiner {
            guard let value = second.convert(right.value, to: first) else { return nil }
            return (left, Quantity(value: value, unit: left.unit, isCalendar: left.isCalendar))
        }
        guard let value = first.convert(left.value, to: second) else { return nil }
        return (Quantity(value: value, unit: right.unit, isCalendar: right.isCalendar), right)
    }

    // MARK: One operand

    func unary(_ function: ValueFunction, _ value: Datum) throws(ValueFailure) -> Datum {
        switch (function, value) {
        case (_, .null): return .null
        case (.negate, .integer(let number)): return number == .min ? .null : .integer(-number)
        case (.abs, .integer(let number)): return number == .min ? .null : .integer(abs(number))
        case (.negate, .long(let number)): return number == .min ? .null : .long(-number)
        case (.abs, .long(let number)): return number == .min ? .null : .long(abs(number))
        case (.negate, .uncertain(let low, let high)): return .uncertain(-high, -low)
        case (.negate, .quantity(var quantity)):
            quantity.value = quantity.value.negated
            return .quantity(quantity)
        case (.abs, .quantity(var quantity)):
            if quantity.value.units < 0 { quantity.value = quantity.value.negated }
            return .quantity(quantity)
        case (.ceiling, .integer), (.floor, .integer), (.truncate, .integer), (.ceiling, .long),
            (.floor, .long), (.truncate, .long):
            return value
        default: break
        }
        guard let number = value.number else {
            throw .runtime("expected a number, found \(value.typeName)")
        }
        switch function {
        case .negate: return .decimal(number.negated)
        case .abs: return .decimal(number.units < 0 ? number.negated : number)
        case .ceiling: return Int32(exactly: number.ceiling).map(Datum.integer) ?? .null
        case .floor: return Int32(exactly: number.floor).map(Datum.integer) ?? .null
        case .truncate:
            return Int32(exactly: number.units / DecimalValue.one).map(Datum.integer) ?? .null
        case .exp: return try settled(DecimalFunctions.exponential(number))
        case .ln:
            if number.units == 0 { throw .runtime("the logarithm of zero") }
            if number.units < 0 { return .null }
            return try settled(DecimalFunctions.naturalLogarithm(number))
        default: return .null
        }
    }

    func round(_ value: Datum, places: Datum) throws(ValueFailure) -> Datum {
        guard !value.isNull else { return .null }
        guard let number = value.number else {
            throw .runtime("expected a number, found \(value.typeName)")
        }
        var count = 0
        if case .integer(let places) = places { count = Int(places) }
        guard count >= 0 else { throw .runtime("Round to fewer than no places") }
        return number.rounded(places: count).map(Datum.decimal) ?? .null
    }

    func logarithm(_ value: Datum, base: Datum) throws(ValueFailure) -> Datum {
        guard !value.isNull, !base.isNull else { return .null }
        guard let number = value.number, let foot = base.number else {
            throw .runtime("expected numbers, found \(value.typeName) and \(base.typeName)")
        }
        guard number.units > 0, foot.units > 0, foot != DecimalValue(1) else { return .null }
        return try settled(DecimalFunctions.logarithm(number, base: foot))
    }
}
