// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A rational number: what scores compute with, so that 1.5 is reached by 126 of 84 and not missed
/// by a binary fraction.
///
/// Terms are 128 bits wide and reduced; what a source writes with more than 18 digits is no number
/// here.
struct ExactNumber: Comparable, Hashable, Sendable {
    let numerator: Int128
    /// Greater than zero.
    let denominator: Int128

    init(_ numerator: Int128, over denominator: Int128 = 1) {
        let divisor = ExactNumber.commonDivisor(numerator, denominator)
        let sign: Int128 = denominator < 0 ? -1 : 1
        self.numerator = sign * numerator / divisor
        self.denominator = sign * denominator / divisor
    }

    /// The number that a decimal's text means, such as `7.10`, `-3` or `1.2e2`.
    init?(decimal text: String) {
        var mantissa: Int128 = 0
        var (places, digits, exponent) = (0, 0, 0)
        var (isNegative, inFraction) = (false, false)
        var rest = Substring(text)
        if rest.first == "-" || rest.first == "+" { isNegative = rest.removeFirst() == "-" }
        while let character = rest.first {
            rest.removeFirst()
            if let digit = character.wholeNumberValue, character.isASCII {
                mantissa = mantissa * 10 + Int128(digit)
                digits += 1
                if inFraction { places += 1 }
            } else if character == ".", !inFraction {
                inFraction = true
            } else if character == "e" || character == "E", let power = Int(rest) {
                exponent = power
                rest = ""
            } else {
                return nil
            }
            guard digits <= 18 else { return nil }
        }
        guard digits > 0, abs(exponent) <= 12 else { return nil }
        let shift = exponent - places
        let scaled = shift >= 0 ? mantissa * ExactNumber.power(of: shift) : mantissa
        self.init(
            isNegative ? -scaled : scaled, over: shift < 0 ? ExactNumber.power(of: -shift) : 1)
    }

    static func < (left: ExactNumber, right: ExactNumber) -> Bool {
        left.numerator * right.denominator < right.numerator * left.denominator
    }

    static func + (left: ExactNumber, right: ExactNumber) -> ExactNumber {
        ExactNumber(
            left.numerator * right.denominator + right.numerator * left.denominator,
            over: left.denominator * right.denominator)
    }

    static func - (left: ExactNumber, right: ExactNumber) -> ExactNumber {
        left + ExactNumber(-right.numerator, over: right.denominator)
    }

    static func * (left: ExactNumber, right: ExactNumber) -> ExactNumber {
        ExactNumber(
            left.numerator * right.numerator, over: left.denominator * right.denominator)
    }

    /// - Precondition: the divisor is not zero.
    static func / (left: ExactNumber, right: ExactNumber) -> ExactNumber {
        ExactNumber(
            left.numerator * right.denominator, over: left.denominator * right.numerator)
    }

    /// Half up, to a number of places after the point.
    func rounded(places: Int) -> ExactNumber {
        let scale = ExactNumber.power(of: places)
        return ExactNumber(roundedNumerator(scale), over: scale)
    }

    private func roundedNumerator(_ scale: Int128) -> Int128 {
        let doubled = numerator * scale * 2 + denominator
        let (quotient, rest) = doubled.quotientAndRemainder(dividingBy: denominator * 2)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// The number for people, with at most so many places and no trailing zeros.
    func text(places: Int) -> String {
        let scale = ExactNumber.power(of: places)
        let scaled = roundedNumerator(scale)
        let (whole, fraction) = scaled.magnitude.quotientAndRemainder(
            dividingBy: scale.magnitude)
        var digits = String(fraction)
        digits = String(repeating: "0", count: max(0, places - digits.count)) + digits
        while digits.last == "0" { digits.removeLast() }
        return (scaled < 0 ? "-" : "") + String(whole) + (digits.isEmpty ? "" : "." + digits)
    }

    /// What stands before the point, for people: what is just below a limit is not shown as it.
    var wholeText: String { String(numerator / denominator) }

    private static func power(of exponent: Int) -> Int128 {
        var power: Int128 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    private static func commonDivisor(_ left: Int128, _ right: Int128) -> Int128 {
        var (greater, less) = (Int128(left.magnitude), Int128(right.magnitude))
        // Whole numbers are many, and a division of such width is dear.
        if less == 1 { return 1 }
        while less != 0 { (greater, less) = (less, greater % less) }
        return greater == 0 ? 1 : greater
    }
}

extension [ExactNumber] {
    /// The middle value, or the mean of the two in the middle; nil of nothing.
    var median: ExactNumber? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        let middle = sorted.count / 2
        if sorted.count % 2 == 1 { return sorted[middle] }
        return (sorted[middle - 1] + sorted[middle]) / ExactNumber(2)
    }

    /// Nil of nothing.
    var mean: ExactNumber? {
        guard !isEmpty else { return nil }
        return reduce(ExactNumber(0), +) / ExactNumber(Int128(count))
    }
}
