// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A UCUM unit, reduced to an exact factor and base dimensions: the project's one unit table.
///
/// The mole, the equivalent, the osmole and arbitrary units such as `[iU]` are dimensions of their
/// own, so that a count never turns into an amount of substance. Annotations in braces are unity.
package struct Unit: Hashable, Sendable {
    /// Powers of the base units, in the order of `Unit.bases`.
    var dimensions: [Int8]
    /// How many base units it is: `numerator / denominator`, in lowest terms.
    var numerator: Int128
    var denominator: Int128
    /// Added before scaling, times 100: for the Celsius and Fahrenheit scales.
    var offsetHundredths: Int128 = 0

    static let bases = [
        "m", "s", "g", "K", "rad", "C", "cd", "mol", "eq", "osm", "[iU]", "[arb'U]", "[USP'U]",
        "[CFU]", "[pfU]", "[Amb'a'1'U]", "[IR]", "[bau]", "[AU]", "[GPL'U]", "[MPL'U]", "[APL'U]",
        "[beth'U]", "[todd'U]", "[dye'U]", "[smgy'U]", "[mclg'U]", "[knk'U]", "[ka'U]", "[PFU]",
    ]

    static let unity = Unit(
        dimensions: Array(repeating: 0, count: bases.count), numerator: 1, denominator: 1)

    /// Whether values of the two units measure the same thing.
    package func isCommensurable(with other: Unit) -> Bool { dimensions == other.dimensions }

    /// Reads a UCUM code, case-sensitively; nil for one that the table does not have.
    ///
    /// - Parameter code: such as `mg/dL`, `10*9/L`, `mm[Hg]` or `{beats}/min`.
    package init?(_ code: String) {
        guard !code.isEmpty, code.utf8.count <= 64 else { return nil }
        var reader = UnitReader(code)
        guard let unit = reader.unit() else { return nil }
        self = unit
    }

    init(dimensions: [Int8], numerator: Int128, denominator: Int128) {
        self.dimensions = dimensions
        self.numerator = numerator
        self.denominator = denominator
    }

    init?(dimensions: [Int8], reducing numerator: Int128, _ denominator: Int128) {
        guard denominator != 0 else { return nil }
        let divisor = Self.commonDivisor(numerator.magnitude, denominator.magnitude)
        guard let whole = Int128(exactly: divisor), whole != 0 else { return nil }
        self.init(
            dimensions: dimensions, numerator: numerator / whole, denominator: denominator / whole)
    }

    static func commonDivisor(_ first: UInt128, _ second: UInt128) -> UInt128 {
        var (left, right) = (first, second)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }

    /// The product, or the quotient with `sign` -1; nil where the numbers grow too large.
    func combined(with other: Unit, sign: Int8 = 1) -> Unit? {
        guard offsetHundredths == 0, other.offsetHundredths == 0 else { return nil }
        let (top, bottom) =
            sign > 0 ? (other.numerator, other.denominator) : (other.denominator, other.numerator)
        // Cross reduction first keeps the products small.
        let first = Int128(Self.commonDivisor(numerator.magnitude, bottom.magnitude))
        let second = Int128(Self.commonDivisor(top.magnitude, denominator.magnitude))
        let (upper, overflow) = (numerator / first).multipliedReportingOverflow(by: top / second)
        let (lower, tooBig) =
            (denominator / second).multipliedReportingOverflow(by: bottom / first)
        guard !overflow, !tooBig else { return nil }
        var sum = dimensions
        for index in sum.indices {
            let (power, isOut) = sum[index].addingReportingOverflow(sign * other.dimensions[index])
            guard !isOut else { return nil }
            sum[index] = power
        }
        return Unit(dimensions: sum, reducing: upper, lower)
    }

    func raised(to exponent: Int) -> Unit? {
        var result = Unit.unity
        for _ in 0..<min(exponent.magnitude, 40) {
            guard let next = result.combined(with: self, sign: exponent < 0 ? -1 : 1) else {
                return nil
            }
            result = next
        }
        return exponent.magnitude > 40 ? nil : result
    }

    /// A value in this unit as a value in another one, as an exact fraction of units of 10⁻⁸.
    ///
    /// - Returns: nil where the units measure different things or the numbers grow too large.
    func fraction(
        _ value: DecimalValue, in other: Unit
    ) -> (numerator: Int128, denominator: Int128)? {
        guard isCommensurable(with: other) else { return nil }
        if offsetHundredths != 0 || other.offsetHundredths != 0 {
            return shifted(value, to: other)
        }
        let first = Int128(Self.commonDivisor(numerator.magnitude, other.numerator.magnitude))
        let second = Int128(Self.commonDivisor(denominator.magnitude, other.denominator.magnitude))
        let (top, overflow) = (numerator / first).multipliedReportingOverflow(
            by: other.denominator / second)
        let (bottom, tooBig) = (denominator / second).multipliedReportingOverflow(
            by: other.numerator / first)
        guard !overflow, !tooBig else { return nil }
        let third = Int128(Self.commonDivisor(value.units.magnitude, bottom.magnitude))
        guard third != 0 else { return (0, 1) }
        let (product, isOut) = (value.units / third).multipliedReportingOverflow(by: top)
        return isOut ? nil : (product, bottom / third)
    }

    /// The same for scales with a zero of their own, by way of kelvins.
    private func shifted(
        _ value: DecimalValue, to other: Unit
    ) -> (numerator: Int128, denominator: Int128)? {
        let hundredth = DecimalValue.one / 100
        // kelvins = (value + offset) × numerator / denominator, and back the same way.
        let above = value.units + offsetHundredths * hundredth
        let (factor, overflow) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (bottom, tooLong) = denominator.multipliedReportingOverflow(by: other.numerator)
        guard !overflow, !tooLong else { return nil }
        let (scaled, tooBig) = above.multipliedReportingOverflow(by: factor)
        let (zero, isOut) = bottom.multipliedReportingOverflow(
            by: other.offsetHundredths * hundredth)
        return tooBig || isOut ? nil : (scaled - zero, bottom)
    }

    /// How a value in this unit becomes one in another: something is added, it is multiplied, and
    /// something is taken off; nil where the units measure different things.
    func conversion(
        to other: Unit
    ) -> (before: ExactNumber, factor: ExactNumber, after: ExactNumber)? {
        guard isCommensurable(with: other) else { return nil }
        let own = ExactNumber(numerator, over: denominator)
        return (
            ExactNumber(offsetHundredths, over: 100),
            own / ExactNumber(other.numerator, over: other.denominator),
            ExactNumber(other.offsetHundredths, over: 100)
        )
    }

    /// A value in this unit as a value in another one, rounded to eight places.
    ///
    /// - Parameters:
    ///   - value: a number of this unit.
    ///   - other: the unit wanted.
    /// - Returns: nil where the units measure different things or the result is out of range.
    package func convert(_ value: DecimalValue, to other: Unit) -> DecimalValue? {
        guard let (top, bottom) = fraction(value, in: other) else { return nil }
        return DecimalValue.quotient(top, times: 1, by: bottom).flatMap(DecimalValue.init(units:))
    }
}
