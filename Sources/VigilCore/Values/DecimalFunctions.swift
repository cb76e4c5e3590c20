// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Roots, powers and logarithms that are right in every digit that they give.
///
/// They are computed to 30 places with a bound on the error; where the rounding to eight places
/// would depend on that error, the answer is nil rather than a guess.
enum DecimalFunctions {
    /// 10³⁰: the scale of the working numbers.
    private static let scale: Int128 = 1_000_000_000_000_000_000_000_000_000_000
    /// ln 2 at that scale.
    private static let ln2: Int128 = 693_147_180_559_945_309_417_232_121_458
    /// What a chain of steps below can be off by, at that scale.
    private static let slack: Int128 = 1_000

    /// The whole square root of a number.
    static func squareRoot(_ number: UInt128) -> UInt128 {
        guard number > 1 else { return number }
        var root = UInt128(1) << UInt128((129 - number.leadingZeroBitCount) / 2 + 1)
        while true {
            let next = (root + number / root) / 2
            if next >= root { return root }
            root = next
        }
    }

    /// The square root of `numerator / denominator`, in units of 10⁻⁸ where the quotient is in
    /// units of 10⁻¹⁶, rounded exactly.
    static func root(_ numerator: Int128, over denominator: Int128) -> DecimalValue? {
        guard numerator >= 0, denominator > 0 else { return nil }
        let floor = squareRoot((numerator / denominator).magnitude)
        let (double, overflow) = (2 * floor + 1).multipliedReportingOverflow(by: 2 * floor + 1)
        let (scaled, tooBig) = double.multipliedReportingOverflow(by: denominator.magnitude)
        let (four, tooLong) = numerator.magnitude.multipliedReportingOverflow(by: 4)
        guard !overflow, !tooBig, !tooLong else { return nil }
        return DecimalValue(units: Int128(scaled <= four ? floor + 1 : floor))
    }

    private static func product(_ left: Int128, _ right: Int128) -> Int128? {
        DecimalValue.quotient(left, times: right, by: scale)
    }

    /// ln of a positive number, at the working scale.
    private static func logarithm(_ value: DecimalValue) -> Int128? {
        guard value.units > 0 else { return nil }
        // value = mantissa × 2^exponent with the mantissa from 0.7 to 1.5.
        var exponent: Int128 = 0
        var top = value.units
        var bottom = DecimalValue.one
        while top > bottom * 3 / 2 { (bottom, exponent) = (bottom * 2, exponent + 1) }
        while top * 10 < bottom * 7 { (top, exponent) = (top * 2, exponent - 1) }
        guard
            let ratio = DecimalValue.quotient(top - bottom, times: scale, by: top + bottom),
            let square = product(ratio, ratio)
        else { return nil }
        var sum: Int128 = 0
        var power = ratio
        for index in 0..<Int128(40) where power != 0 {
            sum += power / (2 * index + 1)
            guard let next = product(power, square) else { return nil }
            power = next
        }
        return 2 * sum + exponent * ln2
    }

    /// e to a power at the working scale, as a mantissa and a power of two.
    private static func exponential(_ value: Int128) -> (mantissa: Int128, exponent: Int)? {
        let exponent = value / ln2
        let rest = value - exponent * ln2
        var sum = scale
        var term = scale
        for index in 1..<Int128(60) where term != 0 {
            guard let next = product(term, rest) else { return nil }
            term = next / index
            sum += term
        }
        return (sum, Int(exponent))
    }

    /// Rounds a working number to eight places if every number within the error rounds alike.
    private static func settled(_ value: Int128, error: Int128) -> DecimalValue? {
        let step = scale / DecimalValue.one
        func rounded(_ number: Int128) -> Int128 {
            let half = number.magnitude + (step / 2).magnitude
            return (number < 0 ? -1 : 1) * Int128(half / step.magnitude)
        }
        guard rounded(value - error) == rounded(value + error) else { return nil }
        return DecimalValue(units: rounded(value))
    }

    /// What a function that can fail came to.
    enum Result {
        case value(DecimalValue)
        case outOfRange
        /// The last digit cannot be told.
        case unsettled
    }

    static func naturalLogarithm(_ value: DecimalValue) -> Result {
        guard let exact = logarithm(value), let result = settled(exact, error: slack) else {
            return .unsettled
        }
        return .value(result)
    }

    static func logarithm(_ value: DecimalValue, base: DecimalValue) -> Result {
        guard let top = logarithm(value), let bottom = logarithm(base), bottom != 0,
            let quotient = DecimalValue.quotient(top, times: scale, by: bottom)
        else { return .unsettled }
        let size = max(quotient.magnitude, scale.magnitude)
        guard
            let error = DecimalValue.quotient(
                Int128(size), times: 2 * slack, by: Int128(bottom.magnitude)),
            let result = settled(quotient, error: error + slack)
        else { return .unsettled }
        return .value(result)
    }

    /// e to a power given at the working scale.
    private static func raise(_ power: Int128, error: Int128) -> Result {
        if power > 47 * scale { return .outOfRange }
        if power < -20 * scale { return .value(DecimalValue(0)) }
        guard let (mantissa, exponent) = exponential(power) else { return .unsettled }
        // Bring the working scale down so that the power of two fits.
        let step = scale / DecimalValue.one
        let low = mantissa - slack - error
        let high = mantissa + slack + error
        func rounded(_ number: Int128) -> Int128? {
            let shifted =
                exponent >= 0
                ? DecimalValue.quotient(number, times: Int128(1) << Int128(exponent), by: step)
                : DecimalValue.quotient(number, times: 1, by: step << Int128(-exponent))
            return shifted
        }
        guard exponent >= -22, exponent < 70, let first = rounded(low), let last = rounded(high)
        else { return exponent < -22 ? .value(DecimalValue(0)) : .outOfRange }
        guard first == last else { return .unsettled }
        return DecimalValue(units: first).map(Result.value) ?? .outOfRange
    }

    static func exponential(_ value: DecimalValue) -> Result {
        if value.units > 47 * DecimalValue.one { return .outOfRange }
        if value.units < -20 * DecimalValue.one { return .value(DecimalValue(0)) }
        return raise(value.units * (scale / DecimalValue.one), error: 0)
    }

    /// `base` to the power `exponent`; nil where it is no real number.
    static func power(_ base: DecimalValue, _ exponent: DecimalValue) -> Result? {
        if exponent.units == 0 { return .value(DecimalValue(1)) }
        if base.units == 0 { return exponent.units > 0 ? .value(DecimalValue(0)) : nil }
        if let count = exponent.truncated, exponent.isWhole, count.magnitude <= 200,
            let exact = exactPower(base, count)
        {
            return .value(exact)
        }
        guard base.units > 0 || exponent.isWhole else { return nil }
        guard let logarithm = logarithm(base.units < 0 ? base.negated : base),
            let product = DecimalValue.quotient(
                logarithm, times: exponent.units, by: DecimalValue.one)
        else { return .outOfRange }
        let size = exponent.units.magnitude / DecimalValue.one.magnitude + 2
        guard size < 1_000_000 else { return .unsettled }
        let result = raise(product, error: Int128(size) * slack)
        guard base.units < 0, exponent.truncated.map({ $0 % 2 != 0 }) == true,
            case .value(let value) = result
        else { return result }
        return .value(value.negated)
    }

    /// A whole power by multiplication, where every product is exact in eight places.
    private static func exactPower(_ base: DecimalValue, _ exponent: Int64) -> DecimalValue? {
        var result = DecimalValue(1)
        for _ in 0..<exponent.magnitude {
            let (product, overflow) = result.units.multipliedReportingOverflow(by: base.units)
            guard !overflow, product % DecimalValue.one == 0,
                let next = DecimalValue(units: product / DecimalValue.one)
            else { return nil }
            result = next
        }
        return exponent > 0 ? result : DecimalValue(1).divided(by: result)
    }

    /// The n-th root of the product of positive numbers.
    static func geometricMean(_ values: [DecimalValue]) -> Result {
        var sum: Int128 = 0
        for value in values {
            guard let next = logarithm(value) else { return .unsettled }
            sum += next
        }
        let count = Int128(values.count)
        return raise(sum / count, error: slack)
    }
}
