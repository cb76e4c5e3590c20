// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension ValueContext {
    /// `ToInteger` and its like: null where the value does not read as the type.
    func convert(_ value: Datum, to type: CQLType) throws(ValueFailure) -> Datum {
        if value.isNull { return .null }
        if value.isOf(type) { return value }
        switch type {
        case .boolean: return Self.boolean(value)
        case .integer:
            return Self.whole(value).flatMap(Int32.init(exactly:)).map(Datum.integer)
                ?? .null
        case .long: return Self.whole(value).map(Datum.long) ?? .null
        case .decimal: return Self.decimal(value)
        case .string: return .string(try text(of: value))
        case .date: return try part(ofDate: value)
        case .dateTime:
            if case .string(let text) = value {
                guard var read = TemporalValue(text, lenient: true), read.kind != .time else {
                    return .null
                }
                read.kind = .dateTime
                return .temporal(read)
            }
            return value.widened(to: .dateTime)
        case .time:
            if case .string(let text) = value {
                let marked = text.hasPrefix("T") ? text : "T" + text
                guard let read = TemporalValue(marked, lenient: true), read.kind == .time else {
                    return .null
                }
                return .temporal(read)
            }
            return try part(.timeFrom, of: value)
        case .quantity: return Self.quantity(value)
        case .ratio:
            guard case .string(let text) = value else { return .null }
            let halves = text.split(separator: ":", omittingEmptySubsequences: false)
            guard halves.count == 2,
                case .quantity(let top) = Self.quantity(.string(String(halves[0]))),
                case .quantity(let bottom) = Self.quantity(.string(String(halves[1])))
            else { return .null }
            return .ratio(top, bottom)
        case .concept:
            if case .list(let elements) = value {
                let codes = elements.compactMap { element -> CodeValue? in
                    if case .code(let code) = element { return code }
                    return nil
                }
                return .concept(codes, display: nil)
            }
            return value.widened(to: .concept)
        default: throw .runtime("\(value.typeName) cannot be converted to \(type.name)")
        }
    }

    private static func boolean(_ value: Datum) -> Datum {
        switch value {
        case .string(let text):
            switch text.lowercased() {
            case "true", "t", "yes", "y", "1": return .boolean(true)
            case "false", "f", "no", "n", "0": return .boolean(false)
            default: return .null
            }
        default:
            guard let number = value.number else { return .null }
            if number == DecimalValue(1) { return .boolean(true) }
            return number.units == 0 ? .boolean(false) : .null
        }
    }

    private static func whole(_ value: Datum) -> Int64? {
        switch value {
        case .boolean(let flag): return flag ? 1 : 0
        case .string(let text):
            guard text.utf8.count < 32,
                text.dropFirst(text.hasPrefix("-") || text.hasPrefix("+") ? 1 : 0).utf8
                    .allSatisfy({ (48...57).contains($0) })
            else { return nil }
            return Int64(text)
        case .integer(let number): return Int64(number)
        case .long(let number): return number
        default: return nil
        }
    }

    private static func decimal(_ value: Datum) -> Datum {
        switch value {
        case .string(let text):
            guard var decimal = DecimalValue(text) else { return .null }
            decimal.places = 0
            return .decimal(decimal)
        case .boolean(let flag): return .decimal(DecimalValue(flag ? 1 : 0))
        default: return value.number.map(Datum.decimal) ?? .null
        }
    }

    private func part(ofDate value: Datum) throws(ValueFailure) -> Datum {
        guard case .string(let text) = value else { return try part(.dateFrom, of: value) }
        guard let read = TemporalValue(text, lenient: true), read.kind != .time else {
            return .null
        }
        return try part(.dateFrom, of: .temporal(read))
    }

    static func quantity(_ value: Datum) -> Datum {
        switch value {
        case .ratio(let top, let bottom):
            guard let quotient = top.value.divided(by: bottom.value) else { return .null }
            let unit =
                bottom.unit == top.unit
                ? "1" : bottom.unit == "1" ? top.unit : "\(top.unit)/\(bottom.unit)"
            return .quantity(Quantity(value: quotient, unit: unit))
        case .string(let text):
            let number = text.prefix { "+-.0123456789".contains($0) }
            guard var decimal = DecimalValue(String(number)) else { return .null }
            decimal.places = 0
            let rest = text.dropFirst(number.count).drop { $0 == " " }
            if rest.isEmpty { return .quantity(Quantity(value: decimal, unit: "1")) }
            if TemporalUnit(word: String(rest)) != nil {
                let unit = rest.hasSuffix("s") ? String(rest.dropLast()) : String(rest)
                return .quantity(Quantity(value: decimal, unit: unit, isCalendar: true))
            }
            let isQuoted = rest.utf8.count > 2 && rest.hasPrefix("'") && rest.hasSuffix("'")
            let unit = isQuoted ? String(rest.dropFirst().dropLast()) : String(rest)
            guard isQuoted, Unit(unit) != nil else { return .null }
            return .quantity(Quantity(value: decimal, unit: unit))
        default:
            return value.number.map { .quantity(Quantity(value: $0, unit: "1")) } ?? .null
        }
    }

    private func text(of value: Datum) throws(ValueFailure) -> String {
        switch value {
        case .boolean(let flag): return flag ? "true" : "false"
        case .integer(let number): return String(number)
        case .long(let number): return String(number)
        case .decimal(let number): return number.description
        case .quantity(let quantity): return quantity.literal
        case .ratio(let top, let bottom): return "\(top.literal):\(bottom.literal)"
        case .temporal(let temporal):
            let text = temporal.text(marked: false)
            return temporal.kind == .time ? String(text.dropFirst()) : text
        default: throw .runtime("\(value.typeName) cannot be converted to String")
        }
    }

    /// A quantity in another unit.
    func convert(_ value: Datum, toUnit code: Datum) throws(ValueFailure) -> Datum {
        guard case .quantity(let quantity) = value, case .string(let code) = code else {
            return .null
        }
        guard let target = Unit(code) else { throw .unsupported("the unit '\(code)'") }
        guard let own = quantity.tableUnit, let converted = own.convert(quantity.value, to: target)
        else { return .null }
        return .quantity(Quantity(value: converted, unit: code))
    }
}
