// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A CQL Decimal: exact in base ten, eight places after the point, 28 digits.
package struct DecimalValue: Sendable {
    /// The number times 10⁸.
    package var units: Int128
    /// How many places were written: `Precision` counts them, nothing else heeds them.
    package var places: UInt8

    /// Units in one.
    package static let one: Int128 = 100_000_000
    /// The greatest number, in units.
    static let limit: Int128 = 9_999_999_999_999_999_999_999_999_999

    /// The number of so many units of 10⁻⁸; nil beyond 28 digits.
    package init?(units: Int128) {
        guard units.magnitude <= Self.limit.magnitude else { return nil }
        self.units = units
        places = 0
    }

    /// A whole number.
    package init(_ number: Int64) {
        units = Int128(number) * Self.one
        places = 0
    }

    /// Reads `-1.50`; nil for another form, more than eight places or more than 28 digits.
    package init?(_ text: String) {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = parts.first, !whole.isEmpty,
            digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }), whole.utf8.count <= 28,
            let number = Int128(whole)
        else { return nil }
        var fraction: Int128 = 0
        if parts.count == 2 {
            let written = parts[1]
            guard (1...8).contains(written.utf8.count),
                let value = Int128(written + String(repeating: "0", count: 8 - written.utf8.count))
            else { return nil }
            fraction = value
        }
        let (scaled, overflow) = number.multipliedReportingOverflow(by: Self.one)
        guard !overflow else { return nil }
        self.init(units: (scaled + fraction) * (isNegative ? -1 : 1))
        places = parts.count == 2 ? UInt8(parts[1].utf8.count) : 0
    }

    /// The least and greatest Decimal.
    package static let least = DecimalValue(clamped: -limit)
    package static let greatest = DecimalValue(clamped: limit)

    private init(clamped units: Int128) {
        self.units = units
        places = 0
    }

    /// Whether nothing follows the point.
    var isWhole: Bool { units % Self.one == 0 }

    /// The whole part; nil outside 64 bits.
    var truncated: Int64? { Int64(exactly: units / Self.one) }

    // MARK: Arithmetic

    func adding(_ other: DecimalValue) -> DecimalValue? { DecimalValue(units: units + other.units) }

    func subtracting(_ other: DecimalValue) -> DecimalValue? {
        DecimalValue(units: units - other.units)
    }

    /// The product, half a unit rounded away from zero.
    func multiplied(by other: DecimalValue) -> DecimalValue? {
        Self.quotient(units, times: other.units, by: Self.one).flatMap(DecimalValue.init(units:))
    }

    /// The quotient, half a unit rounded away from zero; nil by zero or out of range.
    func divided(by other: DecimalValue) -> DecimalValue? {
        guard other.units != 0 else { return nil }
        return Self.quotient(units, times: Self.one, by: other.units)
            .flatMap(DecimalValue.init(units:))
    }

    var negated: DecimalValue { DecimalValue(clamped: -units) }

    /// `left * right / divisor` without an intermediate limit, half rounded away from zero.
    static func quotient(_ left: Int128, times right: Int128, by divisor: Int128) -> Int128? {
        let isNegative = ((left < 0) != (right < 0)) != (divisor < 0)
        let size = divisor.magnitude
        let product = left.magnitude.multipliedFullWidth(by: right.magnitude)
        guard size != 0, product.high < size else { return nil }
        var (whole, rest) = size.dividingFullWidth(product)
        if rest >= size - rest { (whole, rest) = (whole &+ 1, 0) }
        guard whole < UInt128(Int128.max) else { return nil }
        return isNegative ? -Int128(whole) : Int128(whole)
    }

    /// Rounded to so many places, half towards positive infinity as CQL's `Round` has it.
    func rounded(places: Int) -> DecimalValue? {
        guard places < 8 else { return self }
        var step: Int128 = 1
        for _ in max(places, 0)..<8 { step *= 10 }
        let shifted = units + step / 2
        let floor = shifted >= 0 ? shifted / step : (shifted - step + 1) / step
        return DecimalValue(units: floor * step)
    }

    /// The greatest whole number not above this one.
    var floor: Int128 { units >= 0 ? units / Self.one : (units - Self.one + 1) / Self.one }

    /// The least whole number not below this one.
    var ceiling: Int128 { -negated.floor }
}

extension DecimalValue: Hashable, Comparable {
    package static func == (left: DecimalValue, right: DecimalValue) -> Bool {
        left.units == right.units
    }

    package static func < (left: DecimalValue, right: DecimalValue) -> Bool {
        left.units < right.units
    }

    package func hash(into hasher: inout Hasher) { units.hash(into: &hasher) }
}

extension DecimalValue: CustomStringConvertible {
    /// With one place at least and the fewest that are exact: `1.0`, `0.25`.
    package var description: String { text(places: 1) }

    /// The CQL literal: as `description`, with as many places as were written.
    var literal: String { text(places: max(1, Int(places))) }

    private func text(places: Int) -> String {
        let size = units.magnitude
        let one = Self.one.magnitude
        var fraction = Array(String(one + size % one).utf8.dropFirst())
        while fraction.count > places, fraction.last == 48 { fraction.removeLast() }
        return (units < 0 ? "-" : "") + String(size / one) + "."
            + String(decoding: fraction, as: UTF8.self)
    }
}
