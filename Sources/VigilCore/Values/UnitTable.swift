// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// UCUM's metric prefixes and the units that records and rules use, each by an exact factor.
enum UnitTable {
    /// Powers of ten.
    static let prefixes: [(code: String, exponent: Int)] = [
        ("da", 1), ("Y", 24), ("Z", 21), ("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6),
        ("k", 3), ("h", 2), ("d", -1), ("c", -2), ("m", -3), ("u", -6), ("n", -9), ("p", -12),
        ("f", -15), ("a", -18), ("z", -21), ("y", -24),
    ]

    struct Entry {
        /// Numerator and denominator of the factor.
        var top: Int128
        var bottom: Int128
        /// What it is so many of, in units that stand before it or are bases.
        var of: String
        var isMetric: Bool

        init(_ top: Int128, _ bottom: Int128, _ of: String, metric: Bool = false) {
            self.top = top
            self.bottom = bottom
            self.of = of
            isMetric = metric
        }
    }

    /// Base units that take prefixes, beside those of `entries`.
    static let metricBases: Set<String> = [
        "m", "s", "g", "K", "rad", "C", "cd", "mol", "eq", "osm", "[iU]", "[arb'U]",
    ]

    static let entries: [String: Entry] = [
        // Numbers.
        "10*": Entry(10, 1, "1"), "10^": Entry(10, 1, "1"), "%": Entry(1, 100, "1"),
        "[ppth]": Entry(1, 1000, "1"), "[ppm]": Entry(1, 1_000_000, "1"),
        "[ppb]": Entry(1, 1_000_000_000, "1"), "[pptr]": Entry(1, 1_000_000_000_000, "1"),
        "sr": Entry(1, 1, "rad2", metric: true),
        // Time.
        "min": Entry(60, 1, "s"), "h": Entry(60, 1, "min"), "d": Entry(24, 1, "h"),
        "wk": Entry(7, 1, "d"), "a": Entry(1461, 4, "d"), "a_j": Entry(1461, 4, "d"),
        "a_g": Entry(3_652_425, 10_000, "d"), "mo": Entry(487, 16, "d"),
        "mo_j": Entry(487, 16, "d"), "Hz": Entry(1, 1, "s-1", metric: true),
        "Bq": Entry(1, 1, "s-1", metric: true), "Ci": Entry(37_000_000_000, 1, "Bq", metric: true),
        // Volume and amount.
        "l": Entry(1, 1, "dm3", metric: true), "L": Entry(1, 1, "dm3", metric: true),
        "M": Entry(1, 1, "mol/l", metric: true), "kat": Entry(1, 1, "mol/s", metric: true),
        "U": Entry(1, 1, "umol/min", metric: true), "[IU]": Entry(1, 1, "[iU]", metric: true),
        "[drp]": Entry(1, 20, "mL"),
        // Force, pressure, energy, electricity, light, dose.
        "N": Entry(1, 1, "kg.m/s2", metric: true), "Pa": Entry(1, 1, "N/m2", metric: true),
        "J": Entry(1, 1, "N.m", metric: true), "W": Entry(1, 1, "J/s", metric: true),
        "A": Entry(1, 1, "C/s", metric: true), "V": Entry(1, 1, "J/C", metric: true),
        "Ohm": Entry(1, 1, "V/A", metric: true), "S": Entry(1, 1, "Ohm-1", metric: true),
        "F": Entry(1, 1, "C/V", metric: true), "Wb": Entry(1, 1, "V.s", metric: true),
        "T": Entry(1, 1, "Wb/m2", metric: true), "H": Entry(1, 1, "Wb/A", metric: true),
        "lm": Entry(1, 1, "cd.sr", metric: true), "lx": Entry(1, 1, "lm/m2", metric: true),
        "Gy": Entry(1, 1, "J/kg", metric: true), "Sv": Entry(1, 1, "J/kg", metric: true),
        "RAD": Entry(1, 100, "Gy", metric: true), "REM": Entry(1, 100, "Sv", metric: true),
        "bar": Entry(100_000, 1, "Pa", metric: true), "atm": Entry(101_325, 1, "Pa"),
        "m[Hg]": Entry(133_322, 1, "Pa", metric: true),
        "m[H2O]": Entry(980_665, 100_000, "kPa", metric: true),
        "dyn": Entry(1, 100_000, "N", metric: true), "erg": Entry(1, 10_000_000, "J", metric: true),
        "cal": Entry(4184, 1000, "J", metric: true), "[Cal]": Entry(1, 1, "kcal"),
        "P": Entry(1, 10, "Pa.s", metric: true), "St": Entry(1, 10_000, "m2/s", metric: true),
        // Mass and length.
        "t": Entry(1000, 1, "kg", metric: true), "ar": Entry(100, 1, "m2", metric: true),
        "Ao": Entry(1, 10, "nm"), "[in_i]": Entry(254, 100, "cm"),
        "[ft_i]": Entry(12, 1, "[in_i]"), "[yd_i]": Entry(3, 1, "[ft_i]"),
        "[mi_i]": Entry(5280, 1, "[ft_i]"), "[gr]": Entry(6_479_891, 100_000, "mg"),
        "[lb_av]": Entry(7000, 1, "[gr]"), "[oz_av]": Entry(1, 16, "[lb_av]"),
        "[dr_av]": Entry(1, 16, "[oz_av]"), "[stone_av]": Entry(14, 1, "[lb_av]"),
        "[oz_tr]": Entry(480, 1, "[gr]"), "[ston_av]": Entry(2000, 1, "[lb_av]"),
        "[lton_av]": Entry(2240, 1, "[lb_av]"),
        // Household volumes.
        "[gal_us]": Entry(231, 1, "[in_i]3"), "[qt_us]": Entry(1, 4, "[gal_us]"),
        "[pt_us]": Entry(1, 2, "[qt_us]"), "[foz_us]": Entry(1, 16, "[pt_us]"),
        "[cup_us]": Entry(16, 1, "[tbs_us]"), "[tbs_us]": Entry(1, 2, "[foz_us]"),
        "[tsp_us]": Entry(1, 3, "[tbs_us]"), "[gal_br]": Entry(454_609, 100_000, "l"),
        "[pt_br]": Entry(1, 8, "[gal_br]"), "[foz_br]": Entry(1, 20, "[pt_br]"),
        "[cup_m]": Entry(240, 1, "mL"), "[tsp_m]": Entry(5, 1, "mL"),
        "[tbs_m]": Entry(15, 1, "mL"), "[foz_m]": Entry(30, 1, "mL"),
    ]

    /// The exact unit of an atom without prefix.
    static func atom(_ code: String) -> Unit? {
        if let index = Unit.bases.firstIndex(of: code) {
            var unit = Unit.unity
            unit.dimensions[index] = 1
            return unit
        }
        switch code {
        // Absolute zero is at -273.15 °C and at -459.67 °F.
        case "Cel": return scale(1, 1, offsetHundredths: 27_315)
        case "[degF]": return scale(5, 9, offsetHundredths: 45_967)
        default: break
        }
        guard let entry = entries[code],
            let of = entry.of == "1" ? Unit.unity : Unit(entry.of),
            let factor = Unit(dimensions: Unit.unity.dimensions, reducing: entry.top, entry.bottom)
        else { return nil }
        return of.combined(with: factor)
    }

    /// A temperature scale.
    private static func scale(
        _ top: Int128, _ bottom: Int128, offsetHundredths: Int128
    ) -> Unit? {
        guard let kelvin = atom("K") else { return nil }
        var unit = kelvin
        unit.numerator = top
        unit.denominator = bottom
        unit.offsetHundredths = offsetHundredths
        return unit
    }

    static func isMetric(_ code: String) -> Bool {
        metricBases.contains(code) || entries[code]?.isMetric == true
    }

    /// An atom with or without a prefix.
    static func simple(_ code: String) -> Unit? {
        if let unit = atom(code) { return unit }
        for (prefix, exponent) in prefixes where code.hasPrefix(prefix) {
            let rest = String(code.dropFirst(prefix.count))
            guard isMetric(rest), let unit = atom(rest),
                let ten = Unit(dimensions: Unit.unity.dimensions, reducing: 10, 1),
                let power = ten.raised(to: exponent)
            else { continue }
            return unit.combined(with: power)
        }
        return nil
    }
}

/// Reads UCUM's grammar: terms of components with exponents, joined by `.` and `/`.
struct UnitReader {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ code: String) {
        bytes = Array(code.utf8)
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: Character) -> Bool {
        guard let value = byte.asciiValue, next == value else { return false }
        index += 1
        return true
    }

    mutating func unit() -> Unit? {
        guard let unit = term(), index == bytes.count else { return nil }
        return unit
    }

    private mutating func term() -> Unit? {
        depth += 1
        defer { depth -= 1 }
        guard depth < 8 else { return nil }
        var sign: Int8 = take("/") ? -1 : 1
        guard
            var unit = component().flatMap({
                sign > 0 ? $0 : Unit.unity.combined(with: $0, sign: -1)
            })
        else { return nil }
        while let byte = next, byte == 46 || byte == 47 {
            index += 1
            sign = byte == 46 ? 1 : -1
            guard let right = component(), let both = unit.combined(with: right, sign: sign) else {
                return nil
            }
            unit = both
        }
        return unit
    }

    private mutating func component() -> Unit? {
        if take("(") {
            let inner = term()
            return take(")") ? inner : nil
        }
        if next == 123 { return annotation() ? Unit.unity : nil }
        let start = index
        // A whole number is a unit, but 10* and 10^ are powers of ten.
        while let byte = next, (48...57).contains(byte) { index += 1 }
        if index > start {
            let digits = String(decoding: bytes[start..<index], as: UTF8.self)
            if digits == "10", let byte = next, byte == 42 || byte == 94 {
                index += 1
                return exponent(of: UnitTable.atom("10*"))
            }
            guard let number = Int128(digits), number > 0, digits.utf8.count < 19 else {
                return nil
            }
            let unit = Unit(dimensions: Unit.unity.dimensions, reducing: number, 1)
            return next == 123 ? (annotation() ? unit : nil) : unit
        }
        var isBracketed = false
        while let byte = next {
            if byte == 91 { isBracketed = true }
            if byte == 93 { isBracketed = false }
            let endsCode = [46, 47, 40, 41, 123, 43, 45].contains(byte) || (48...57).contains(byte)
            if endsCode, !isBracketed { break }
            index += 1
        }
        guard index > start else { return nil }
        let code = String(decoding: bytes[start..<index], as: UTF8.self)
        guard let unit = exponent(of: UnitTable.simple(code)) else { return nil }
        return next == 123 ? (annotation() ? unit : nil) : unit
    }

    private mutating func exponent(of unit: Unit?) -> Unit? {
        guard let unit else { return nil }
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        var digits = 0
        var power = 0
        while let byte = next, (48...57).contains(byte), digits < 3 {
            power = power * 10 + Int(byte - 48)
            digits += 1
            index += 1
        }
        guard digits > 0 else { return isNegative ? nil : unit }
        return unit.raised(to: isNegative ? -power : power)
    }

    private mutating func annotation() -> Bool {
        guard take("{") else { return false }
        while let byte = next, byte != 125 {
            guard (32...126).contains(byte) else { return false }
            index += 1
        }
        return take("}")
    }
}
