// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A CQL value of any type.
package indirect enum Datum: Sendable {
    case null
    case boolean(Bool)
    case integer(Int32)
    case long(Int64)
    case decimal(DecimalValue)
    case string(String)
    case temporal(TemporalValue)
    case quantity(Quantity)
    case ratio(Quantity, Quantity)
    case code(CodeValue)
    case concept([CodeValue], display: String?)
    case interval(IntervalValue)
    case list([Datum])
    /// In the order in which the elements were written.
    case tuple([TupleElement])
    /// An index into the patient's facts.
    case fact(Int32)
    /// A count of which only the range is known: the duration between partial dates.
    case uncertain(Int64, Int64)

    /// Whether it is null.
    package var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    /// Whether it is a count of which only the range is known, or has one in it.
    package var isUncertain: Bool {
        switch self {
        case .uncertain: true
        case .list(let elements): elements.contains(where: \.isUncertain)
        case .tuple(let elements): elements.contains(where: \.value.isUncertain)
        case .interval(let interval): interval.low.isUncertain || interval.high.isUncertain
        default: false
        }
    }

    init(_ truth: Truth) {
        switch truth {
        case .yes: self = .boolean(true)
        case .no: self = .boolean(false)
        case .unknown: self = .null
        }
    }

    var truth: Truth {
        if case .boolean(let value) = self { return value ? .yes : .no }
        return .unknown
    }
}

/// An element of a tuple.
package struct TupleElement: Sendable {
    package var name: String
    package var value: Datum

    package init(name: String, value: Datum) {
        self.name = name
        self.value = value
    }
}

/// A number with a unit.
package struct Quantity: Sendable {
    package var value: DecimalValue
    /// A UCUM code, or for a calendar duration the word in the singular.
    package var unit: String
    /// Whether `unit` is a calendar unit: `month` rather than `'mo'`.
    package var isCalendar: Bool

    package init(value: DecimalValue, unit: String, isCalendar: Bool = false) {
        self.value = value
        self.unit = unit
        self.isCalendar = isCalendar
    }

    /// The calendar unit, also of a UCUM code that is as long as one.
    var temporalUnit: TemporalUnit? {
        isCalendar ? TemporalUnit(word: unit) : TemporalUnit(definite: unit)
    }

    /// The unit of the table; of calendar years and months none.
    var tableUnit: Unit? {
        guard isCalendar else { return Unit(unit) }
        let codes: [TemporalUnit: String] = [
            .week: "wk", .day: "d", .hour: "h", .minute: "min", .second: "s", .millisecond: "ms",
        ]
        return TemporalUnit(word: unit).flatMap { codes[$0] }.flatMap(Unit.init(_:))
    }

    /// Months, where it is a number of calendar years or months.
    var calendarMonths: DecimalValue? {
        guard isCalendar else { return nil }
        switch TemporalUnit(word: unit) {
        case .year: return value.multiplied(by: DecimalValue(12))
        case .month: return value
        default: return nil
        }
    }
}

/// A code in a code system.
package struct CodeValue: Hashable, Sendable {
    package var code: String
    package var system: String?
    package var version: String?
    package var display: String?

    package init(code: String, system: String?, version: String? = nil, display: String? = nil) {
        self.code = code
        self.system = system
        self.version = version
        self.display = display
    }

    /// What makes two codes equivalent.
    func isEquivalent(to other: CodeValue) -> Bool {
        code.isExactly(other.code) && (system ?? "").isExactly(other.system ?? "")
    }
}

/// The types that intervals are of: those with a least value, a greatest one and steps.
package enum PointType: UInt8, Sendable {
    case integer, long, decimal, quantity, date, dateTime, time
}

/// An interval of points.
package struct IntervalValue: Sendable {
    package var low: Datum
    package var high: Datum
    package var lowClosed: Bool
    package var highClosed: Bool
    /// What its points are; null bounds have no type of their own.
    package var point: PointType

    package init(
        low: Datum, high: Datum, lowClosed: Bool = true, highClosed: Bool = true, point: PointType
    ) {
        self.low = low
        self.high = high
        self.lowClosed = lowClosed
        self.highClosed = highClosed
        self.point = point
    }
}

/// Why an operator came to no value.
package struct ValueFailure: Error, Sendable {
    /// Whether the specification calls it an error or Vigil does not do it.
    package enum Kind: Sendable {
        case runtime, unsupported
    }

    package var kind: Kind
    /// One sentence without a full stop.
    package var message: String

    static let tooMuchWork = runtime("this takes more work than is allowed")

    static func runtime(_ message: String) -> ValueFailure {
        ValueFailure(kind: .runtime, message: message)
    }

    static func unsupported(_ message: String) -> ValueFailure {
        ValueFailure(kind: .unsupported, message: message)
    }
}

extension Datum {
    /// As messages call its type.
    package var typeName: String {
        switch self {
        case .null: "Any"
        case .boolean: "Boolean"
        case .integer: "Integer"
        case .long: "Long"
        case .decimal: "Decimal"
        case .string: "String"
        case .temporal(let value):
            value.kind == .date ? "Date" : value.kind == .time ? "Time" : "DateTime"
        case .quantity: "Quantity"
        case .ratio: "Ratio"
        case .code: "Code"
        case .concept: "Concept"
        case .interval(let interval): "Interval<\(interval.point.name)>"
        case .list(let elements):
            "List<\(Datum.commonName(elements.filter { !$0.isNull }.map(\.typeName)))>"
        case .tuple(let elements):
            "Tuple { "
                + elements.map { "\($0.name) \($0.value.typeName)" }.joined(separator: ", ") + " }"
        case .fact: "FHIR resource"
        case .uncertain: "Interval<Integer>"
        }
    }

    private static func commonName(_ names: [String]) -> String {
        guard let first = names.first else { return "Any" }
        return names.allSatisfy { $0 == first } ? first : "Any"
    }

    /// The CQL literal of the value.
    package var literal: String {
        switch self {
        case .null: return "null"
        case .boolean(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .long(let value): return "\(value)L"
        case .decimal(let value): return value.literal
        case .string(let text): return Datum.quoted(text)
        case .temporal(let value): return "@" + value.text(marked: true)
        case .quantity(let quantity): return quantity.literal
        case .ratio(let top, let bottom): return "\(top.literal):\(bottom.literal)"
        case .code(let code): return code.literal
        case .concept(let codes, let display):
            let list = codes.map(\.literal).joined(separator: ", ")
            let shown = display.map { ", display: \(Datum.quoted($0))" } ?? ""
            return "Concept { codes: { \(list) }\(shown) }"
        case .interval(let interval):
            return "Interval\(interval.lowClosed ? "[" : "(")\(interval.low.literal), "
                + "\(interval.high.literal)\(interval.highClosed ? "]" : ")")"
        case .list(let elements):
            return elements.isEmpty
                ? "{}" : "{" + elements.map(\.literal).joined(separator: ", ") + "}"
        case .tuple(let elements):
            return "Tuple { "
                + elements.map { "\($0.name): \($0.value.literal)" }.joined(separator: ", ") + " }"
        case .fact(let index): return "fact \(index)"
        case .uncertain(let low, let high): return "Interval[\(low), \(high)]"
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": result += "\\'"
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{c}": result += "\\f"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }
}

extension PointType {
    var name: String {
        switch self {
        case .integer: "Integer"
        case .long: "Long"
        case .decimal: "Decimal"
        case .quantity: "Quantity"
        case .date: "Date"
        case .dateTime: "DateTime"
        case .time: "Time"
        }
    }
}

extension Quantity {
    /// `5 'mg'` and `3 months`: whole numbers without a point, as they are written.
    var literal: String {
        let number =
            value.isWhole && value.places == 0
            ? String(value.units / DecimalValue.one) : value.literal
        guard isCalendar else { return "\(number) \(Datum.quoted(unit))" }
        return "\(number) \(unit)\(value == DecimalValue(1) ? "" : "s")"
    }

}

extension CodeValue {
    var literal: String {
        var parts = ["code: \(Datum.quoted(code))"]
        if let system { parts.append("system: \(Datum.quoted(system))") }
        if let version { parts.append("version: \(Datum.quoted(version))") }
        if let display { parts.append("display: \(Datum.quoted(display))") }
        return "Code { \(parts.joined(separator: ", ")) }"
    }
}
