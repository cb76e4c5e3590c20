// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The type of a CQL expression.
package indirect enum CQLType: Hashable, Sendable {
    /// Of `null`, and of what only evaluation tells.
    case any
    case boolean, integer, long, decimal, string
    case date, dateTime, time
    case quantity, ratio, code, concept
    /// A resource of the patient.
    case fact
    case interval(CQLType)
    case listOf(CQLType)
    case tuple([TupleElementType])

    /// A list of resources of the patient.
    package static let list = CQLType.listOf(.fact)

    /// As messages call it.
    package var name: String {
        switch self {
        case .any: "Any"
        case .boolean: "Boolean"
        case .integer: "Integer"
        case .long: "Long"
        case .decimal: "Decimal"
        case .string: "String"
        case .date: "Date"
        case .dateTime: "DateTime"
        case .time: "Time"
        case .quantity: "Quantity"
        case .ratio: "Ratio"
        case .code: "Code"
        case .concept: "Concept"
        case .fact: "FHIR resource"
        case .interval(let point): "Interval<\(point.name)>"
        case .listOf(.fact): "List of FHIR resources"
        case .listOf(let element): "List<\(element.name)>"
        case .tuple(let elements):
            "Tuple { " + elements.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")
                + " }"
        }
    }

    /// The type of CQL's name for it, without `System.`.
    ///
    /// - Parameter name: such as `DateTime`.
    package init?(named name: String) {
        let simple: [CQLType] = [
            .any, .boolean, .integer, .long, .decimal, .string, .date, .dateTime, .time, .quantity,
            .ratio, .code, .concept,
        ]
        guard let type = simple.first(where: { $0.name == name }) else { return nil }
        self = type
    }

    /// What intervals of the type have as points; nil where it has none.
    package var point: PointType? {
        switch self {
        case .integer: .integer
        case .long: .long
        case .decimal: .decimal
        case .quantity: .quantity
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        default: nil
        }
    }

    /// Whether values of the type are ordered.
    package var isOrdered: Bool { self == .any || self == .string || point != nil }

    /// Whether it is a number.
    package var isNumber: Bool { self == .integer || self == .long || self == .decimal }
}

/// An element of a tuple's type.
package struct TupleElementType: Hashable, Sendable {
    package var name: String
    package var type: CQLType

    package init(name: String, type: CQLType) {
        self.name = name
        self.type = type
    }
}

extension PointType {
    var type: CQLType {
        switch self {
        case .integer: .integer
        case .long: .long
        case .decimal: .decimal
        case .quantity: .quantity
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        }
    }
}

extension Datum {
    /// Whether the value is of a type.
    func isOf(_ type: CQLType) -> Bool {
        switch (self, type) {
        case (.null, _): return false
        case (_, .any), (.boolean, .boolean), (.integer, .integer), (.long, .long),
            (.decimal, .decimal), (.string, .string), (.quantity, .quantity), (.ratio, .ratio),
            (.code, .code), (.concept, .concept), (.fact, .fact), (.uncertain, .integer):
            return true
        case (.temporal(let value), .date): return value.kind == .date
        case (.temporal(let value), .dateTime): return value.kind == .dateTime
        case (.temporal(let value), .time): return value.kind == .time
        case (.interval(let interval), .interval(let point)):
            return point == .any || interval.point.type == point
        case (.list(let elements), .listOf(let element)):
            return elements.allSatisfy { $0.isNull || $0.isOf(element) }
        case (.tuple(let elements), .tuple(let types)):
            return elements.count == types.count
                && types.allSatisfy { type in
                    elements.contains {
                        $0.name == type.name && ($0.value.isNull || $0.value.isOf(type.type))
                    }
                }
        default: return false
        }
    }

    /// The value as one of the type that CQL converts it to by itself; itself where there is none.
    func widened(to type: CQLType) -> Datum {
        switch (self, type) {
        case (.integer(let value), .long): return .long(Int64(value))
        case (.integer, .decimal), (.long, .decimal): return number.map(Datum.decimal) ?? self
        case (.integer, .quantity), (.long, .quantity), (.decimal, .quantity):
            return number.map { .quantity(Quantity(value: $0, unit: "1")) } ?? self
        case (.temporal(var value), .dateTime) where value.kind == .date:
            value.kind = .dateTime
            return .temporal(value)
        case (.code(let code), .concept): return .concept([code], display: code.display)
        case (.list(let elements), .listOf(let element)):
            return .list(elements.map { $0.widened(to: element) })
        case (.interval(var interval), .interval(let type)):
            guard let point = type.point else { return self }
            interval.low = interval.low.widened(to: type)
            interval.high = interval.high.widened(to: type)
            interval.point = point
            return .interval(interval)
        default: return self
        }
    }
}
