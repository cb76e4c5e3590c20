// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    // MARK: Literals

    mutating func literal(_ syntax: Syntax, _ position: Position) throws(Refusal) -> Compiled {
        switch syntax {
        case .boolean(let value):
            return .node(add(.boolean, value ? 1 : 0), .boolean)
        case .integer(let digits):
            guard let value = Int32(digits) else {
                throw .invalid("an Integer is at most 2147483647", at: position)
            }
            return .node(add(.integer, value), .integer)
        case .long(let digits):
            guard let value = Int64(digits) else {
                throw .invalid("a Long is at most 9223372036854775807", at: position)
            }
            return constant(.long(value), .long)
        case .decimal(let digits):
            var number = try decimal(digits, position)
            // Only `Precision` heeds how many places were written.
            if !isExpression { number.places = 0 }
            return constant(.decimal(number), .decimal)
        case .string(let text):
            return .node(add(.string, program.append(string: text)), .string)
        case .temporal(let text):
            return try temporal(text, position)
        case .quantity(let digits, let unit, let isCalendar):
            guard isCalendar || Unit(unit) != nil else {
                throw .unsupported(
                    "'\(unit)', which is no UCUM unit of the table", at: position)
            }
            return .quantity(
                Quantity(
                    value: try decimal(digits, position, isQuantity: true), unit: unit,
                    isCalendar: isCalendar))
        case .ratio(let top, let bottom):
            return call(.ratio, [try value(top).node, try value(bottom).node], .ratio, position)
        case .code(let code, let system, let display):
            return constant(.code(try self.code(code, system, display, position)), .code)
        default:
            return .node(add(.null), .any)
        }
    }

    private func decimal(
        _ digits: String, _ position: Position, isQuantity: Bool = false
    ) throws(Refusal) -> DecimalValue {
        guard let value = DecimalValue(digits) else {
            let limit = "a Decimal has at most 20 digits before the point and 8 after it"
            // The specification allows 28 before it in one place and 20 in another.
            let whole = digits.prefix { $0 != "." }
            guard !isQuantity, whole.utf8.count > 28 || digits.utf8.count > whole.utf8.count + 9
            else { throw .unsupported("'\(digits)': \(limit)", at: position) }
            throw .invalid(limit, at: position)
        }
        return value
    }

    private mutating func temporal(
        _ text: String, _ position: Position
    ) throws(Refusal) -> Compiled {
        guard let value = TemporalValue(text),
            value.kind != .time || !text.contains(where: { "Z+-".contains($0) })
        else {
            throw .invalid("'@\(text)' is no date of the calendar or time of day", at: position)
        }
        switch value.kind {
        case .dateTime: return constant(.temporal(value), .dateTime)
        case .time: return constant(.temporal(value), .time)
        case .date:
            let precision: ClinicalTime.Precision =
                value.precision == .year ? .year : value.precision == .month ? .month : .day
            let day = Int32(value.local / 86_400_000)
            let first = value.local < 0 && value.local % 86_400_000 != 0 ? day - 1 : day
            return .node(
                add(.date, first, detail: Comparison(.equal, to: precision).detail), .date)
        }
    }

    // MARK: Selectors

    mutating func list(
        _ elements: [Located], _ declared: CQLType?, _ position: Position
    ) throws(Refusal) -> Compiled {
        var values: [(node: Int32, type: CQLType)] = []
        var type = declared ?? .any
        for element in elements {
            let value = try value(element)
            values.append(value)
            if let declared {
                guard widens(value.type, to: declared) else {
                    throw .invalid(
                        "expected \(declared.name), found \(value.type.name)",
                        at: element.position)
                }
            } else {
                type = common(type, value.type) ?? .any
            }
        }
        // Elements of several types stay what they are.
        let isMixed = declared == nil && values.contains { common(type, $0.type) != type }
        if isMixed { type = .any }
        let nodes = values.map { isMixed ? $0.node : widen($0.node, $0.type, to: type) }
        return call(.list, nodes, .listOf(type), position)
    }

    mutating func tuple(
        _ elements: [NamedSyntax], _ type: String?, _ position: Position
    ) throws(Refusal) -> Compiled {
        var values: [(name: String, node: Int32, type: CQLType)] = []
        for element in elements {
            guard !values.contains(where: { $0.name == element.name }) else {
                throw .invalid(
                    "'\(element.name)' is there twice", at: element.value.position)
            }
            let value = try value(element.value)
            values.append((element.name, value.node, value.type))
        }
        guard let type else {
            return call(
                .tuple, values.map(\.node),
                .tuple(values.map { TupleElementType(name: $0.name, type: $0.type) }), position,
                names: values.map(\.name))
        }
        return try instance(of: type, elements, position)
    }

    /// `Code { code: 'x' }`: of literals alone.
    private mutating func instance(
        of type: String, _ elements: [NamedSyntax], _ position: Position
    ) throws(Refusal) -> Compiled {
        func text(_ name: String) throws(Refusal) -> String? {
            guard let element = elements.first(where: { $0.name == name }) else { return nil }
            if case .null = element.value.syntax { return nil }
            guard case .string(let text) = element.value.syntax else {
                throw .unsupported(
                    "a \(type) of anything but literals", at: element.value.position)
            }
            return text
        }
        func code(_ elements: [NamedSyntax]) throws(Refusal) -> CodeValue {
            CodeValue(
                code: try text("code") ?? "", system: try text("system"),
                version: try text("version"), display: try text("display"))
        }
        switch type {
        case "Code": return constant(.code(try code(elements)), .code)
        case "Quantity":
            guard
                case .quantity(let digits)? = elements.first(where: { $0.name == "value" })
                    .flatMap({ element -> NumberText? in
                        switch element.value.syntax {
                        case .integer(let text), .decimal(let text): .quantity(text)
                        default: nil
                        }
                    })
            else { throw .unsupported("a Quantity of anything but literals", at: position) }
            return try literal(
                .quantity(digits, unit: try text("unit") ?? "1", isCalendar: false), position)
        case "Concept":
            var codes: [CodeValue] = []
            let list = elements.first { $0.name == "codes" }?.value
            let parts: [Located]
            switch list?.syntax {
            case .list(let elements, _): parts = elements
            case nil: parts = []
            default: parts = list.map { [$0] } ?? []
            }
            for part in parts {
                guard case .node(let node, .code) = try compile(part),
                    program.nodes[Int(node)].operation == .call,
                    case .code(let code) =
                        program.calls[Int(program.nodes[Int(node)].first)].constant
                else { throw .unsupported("a Concept of anything but codes", at: part.position) }
                codes.append(code)
            }
            return constant(.concept(codes, display: try text("display")), .concept)
        default:
            throw .unsupported("instances of \(type)", at: position)
        }
    }

    private enum NumberText {
        case quantity(String)
    }

    // MARK: Names

    mutating func name(_ name: String, _ position: Position) throws(Refusal) -> Compiled {
        if let known = scope.last(where: { $0.name == name }) { return known.value }
        if let element = sortElement {
            if name == "$this" { return .node(element.node, element.type) }
            if let found = try? self.element(name, of: element.node, element.type, position) {
                return found
            }
        }
        if name == "Patient" { return .patient }
        if name.hasPrefix("$") {
            throw .unsupported("'\(name)'; give the source an alias", at: position)
        }
        return try reference(to: name, at: position)
    }

    mutating func element(
        _ name: String, of base: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        if case .name(let qualifier) = base.syntax, syntax.includes[qualifier] != nil,
            !scope.contains(where: { $0.name == qualifier })
        {
            throw .invalid(
                "the library Vigil has functions; write \(qualifier).\(name)()", at: position)
        }
        let compiled = try compile(base)
        if case .patient = compiled {
            switch name {
            case "gender": return .node(add(.gender), .string)
            case "birthDate": return .node(add(.birthDate), .date)
            default:
                throw .unsupported(
                    "Patient.\(name); gender and birthDate are read, and DeathDate() and "
                        + "DeregistrationDate() of the library Vigil", at: position)
            }
        }
        let (node, type) = try materialized(compiled, base.position)
        return try element(name, of: node, type, position)
    }

    private static let factDates: Set<String> = [
        "effective", "onset", "authoredOn", "recordedDate", "performed", "whenHandedOver",
        "whenPrepared",
    ]

    /// An element of a value of a known type.
    mutating func element(
        _ name: String, of node: Int32, _ type: CQLType, _ position: Position
    ) throws(Refusal) -> Compiled {
        func read(_ type: CQLType) -> Compiled {
            call(.element, [node], type, position, names: [name])
        }
        switch (type, name) {
        case (.fact, "status"): return .node(add(.status, node), .string)
        case (.fact, "value"): return call(.factValue, [node], .any, position)
        case (.fact, "component"):
            return call(
                .factComponents, [node],
                .listOf(
                    .tuple([
                        TupleElementType(name: "code", type: .concept),
                        TupleElementType(name: "value", type: .any),
                    ])), position)
        case (.fact, "issued"): return call(.factIssued, [node], .dateTime, position)
        case (.fact, "comparator"): return call(.factComparator, [node], .string, position)
        case (.fact, "abatement"): return call(.factEffectiveEnd, [node], .dateTime, position)
        case (.fact, _) where Self.factDates.contains(name):
            return call(.factDateTime, [node], .dateTime, position)
        case (.fact, _):
            throw .unsupported(
                "the element '\(name)'; status, value, component, comparator, effective, onset, "
                    + "authoredOn, performed, issued and abatement are read, and ClinicalDate and "
                    + "EndDate of the library Vigil", at: position)
        case (.any, _): return read(.any)
        case (.tuple(let elements), _):
            guard let element = elements.first(where: { $0.name == name }) else { break }
            return read(element.type)
        case (.quantity, "value"): return read(.decimal)
        case (.quantity, "unit"), (.code, "code"), (.code, "system"), (.code, "version"),
            (.code, "display"), (.concept, "display"):
            return read(.string)
        case (.concept, "codes"): return read(.listOf(.code))
        case (.ratio, "numerator"), (.ratio, "denominator"): return read(.quantity)
        case (.interval(let point), "low"), (.interval(let point), "high"): return read(point)
        case (.interval, "lowClosed"), (.interval, "highClosed"): return read(.boolean)
        case (.listOf(let element), _) where element != .fact:
            guard case .node(_, let inner) = try self.element(name, of: node, element, position)
            else { break }
            if case .listOf = inner { return read(inner) }
            return read(.listOf(inner))
        default: break
        }
        throw .invalid("\(type.name) has no element '\(name)'", at: position)
    }

    mutating func index(
        _ base: Located, _ index: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        let (node, type) = try value(base)
        let number = try operand(index, .integer)
        switch type {
        case .listOf(let element): return call(.indexer, [node, number], element, position)
        case .string, .any: return call(.indexer, [node, number], type, position)
        default: throw .invalid("\(type.name) has no elements by number", at: position)
        }
    }
}
