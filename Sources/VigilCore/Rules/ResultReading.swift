// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The number of a result, read safely: exact, and only where its unit is known (clinical.md
/// section 1.8, "K").
enum ResultReading: Hashable {
    /// It carries no result: a text such as "haemolysed" is none.
    case none
    /// A result that cannot be read.
    case unreadable(Fault)
    case number(ResultNumber)

    /// Why a result cannot be read.
    enum Fault: String {
        case unit = "unknown-unit"
        case number = "unknown-number"
    }

    /// Reads a value.
    ///
    /// - Parameters:
    ///   - value: the `value[x]`.
    ///   - units: those that mean the same here, by their code or name; nil for any.
    init(_ value: ObservedValue?, units: [String]?) {
        switch value {
        case .quantity(let quantity):
            let isKnown = units.map { units in
                quantity.unit.map { ResultReading.isKnown($0, among: units) } ?? false
            }
            guard isKnown ?? true else {
                self = .unreadable(.unit)
                return
            }
            let number = ResultNumber(quantity.value, comparator: quantity.comparator)
            self = number.map { .number($0) } ?? .unreadable(.number)
        case .text(let text):
            self = ResultReading.reading(text, units: units)
        case .codings, .boolean, nil:
            self = .none
        }
    }

    /// Whether a unit is one of those known, as it is written or by what it means in UCUM.
    private static func isKnown(_ unit: String, among units: [String]) -> Bool {
        if units.contains(unit) { return true }
        let plain = UnitText.plain(unit)
        return !plain.isEmpty
            && units.contains { $0 == plain || UnitText.plain($0) == plain }
    }

    /// A text is a result where it is a number, with a comparator before or a unit after it or
    /// without.
    private static func reading(_ text: String, units: [String]?) -> ResultReading {
        var rest = text.drop { $0 == " " }
        var comparator: String?
        for candidate in ["<=", ">=", "<", ">", "~"] where rest.hasPrefix(candidate) {
            comparator = candidate
            rest = rest.dropFirst(candidate.count).drop { $0 == " " }
            break
        }
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard !digits.isEmpty, digits.first != "." else { return .none }
        let after = rest.dropFirst(digits.count)
        // What goes on without a space, as in "12/05", is no number.
        guard after.isEmpty || after.first == " " || after.first == "%" || after.first == "m" else {
            return .none
        }
        var unit = after.drop { $0 == " " }
        while unit.last == " " { unit = unit.dropLast() }
        if !unit.isEmpty, let units, !isKnown(String(unit), among: units) {
            return .unreadable(.unit)
        }
        guard let number = ResultNumber(String(digits), comparator: comparator) else {
            return .unreadable(.number)
        }
        return .number(number)
    }
}

/// A decimal number with its comparator.
struct ResultNumber: Hashable {
    /// The number in units of 10⁻⁸; finer digits are cut off, which crosses no threshold of fewer.
    var units: Int64
    /// `<`, `<=`, `>=`, `>`, `~` or nil.
    var comparator: String?

    static let unitsInOne: Int64 = 100_000_000

    /// Reads a JSON number or a plain decimal; nil beyond nine digits before the point.
    init?(_ text: String, comparator: String?) {
        var digits: [UInt8] = []
        var pointAt: Int?
        var exponent = 0
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(
            separator: "e", maxSplits: 1, omittingEmptySubsequences: false
        ).flatMap { $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false) }
        guard let mantissa = parts.first, parts.count <= 2 else { return nil }
        if parts.count == 2 {
            guard let power = Int(parts[1]), (-30...30).contains(power) else { return nil }
            exponent = power
        }
        for byte in mantissa.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte - UInt8(ascii: "0"))
            case UInt8(ascii: ".") where pointAt == nil: pointAt = digits.count
            default: return nil
            }
        }
        guard !digits.isEmpty else { return nil }
        // The place of the last digit that counts, from the first.
        let end = (pointAt ?? digits.count) + exponent + 8
        var total: Int64 = 0
        for place in 0..<max(0, end) {
            let digit = place < digits.count ? Int64(digits[place]) : 0
            let (tenfold, first) = total.multipliedReportingOverflow(by: 10)
            let (sum, second) = tenfold.addingReportingOverflow(digit)
            guard !first, !second else { return nil }
            total = sum
        }
        units = isNegative ? -total : total
        self.comparator = comparator
    }
}
