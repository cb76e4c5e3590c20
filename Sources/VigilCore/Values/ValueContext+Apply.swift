// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension ValueContext {
    /// The value of an operator for its arguments.
    func apply(_ call: ValueCall, _ arguments: [Datum]) throws(ValueFailure) -> Datum {
        let left = arguments.first ?? .null
        let right = arguments.count > 1 ? arguments[1] : .null
        let unit = call.unit ?? .millisecond
        if call.isOverFacts, call.function.readsNullAsEmpty, arguments.contains(where: \.isNull) {
            return .null
        }
        switch call.function {
        case .constant: return call.constant
        case .now: return nowValue
        case .timeOfDay: return try part(.timeFrom, of: nowValue)
        case .add, .subtract, .multiply, .divide, .truncatedDivide, .modulo, .power:
            return try arithmetic(call.function, left, right)
        case .negate, .abs, .ceiling, .floor, .truncate, .exp, .ln:
            return try unary(call.function, left)
        case .log: return try logarithm(left, base: right)
        case .round: return try round(left, places: right)
        case .lowBoundary: return try boundary(left, digits: right, isHigh: false)
        case .highBoundary: return try boundary(left, digits: right, isHigh: true)
        case .precision: return try precision(of: left)
        case .successor: return try step(left, 1)
        case .predecessor: return try step(left, -1)
        case .minimum: return call.type?.point.map { Self.minimum($0) } ?? .null
        case .maximum: return call.type?.point.map { Self.maximum($0) } ?? .null
        case .less: return Datum(try holds(.less, left, right))
        case .lessOrEqual: return Datum(try holds(.lessOrEqual, left, right))
        case .greater: return Datum(try holds(.greater, left, right))
        case .greaterOrEqual: return Datum(try holds(.greaterOrEqual, left, right))
        case .equal: return Datum(equal(left, right))
        case .notEqual: return Datum(equal(left, right).negated)
        case .equivalent: return .boolean(equivalent(left, right))
        case .before, .after, .sameOrBefore, .sameOrAfter, .sameAs, .overlaps, .overlapsBefore,
            .overlapsAfter, .meets, .meetsBefore, .meetsAfter, .starts, .ends:
            return Datum(try relation(call.function, left, right, unit))
        case .includedIn, .properlyIncludedIn: return try membership(call, left, right, unit)
        case .includes, .properlyIncludes: return try membership(call, right, left, unit)
        case .union, .intersect, .except: return try combined(call.function, left, right)
        case .interval, .startOf, .endOf, .pointFrom, .width, .size, .collapse, .expand:
            return try intervalFunction(call, left, right)
        case .duration, .difference:
            return try count(
                unit, from: left, to: right, boundaries: call.function == .difference)
        case .component: return try component(unit, of: left)
        case .dateFrom, .timeFrom, .offsetFrom: return try part(call.function, of: left)
        case .dateTime: return try assemble(.dateTime, arguments)
        case .date: return try assemble(.date, arguments)
        case .time: return try assemble(.time, arguments)
        case .concatenate, .combine, .split, .upper, .lower, .substring, .positionOf,
            .lastPositionOf, .startsWith, .endsWith, .matches, .replaceMatches:
            return try textFunction(call.function, arguments)
        case .convert, .convertsTo, .convertUnit, .canConvertUnit, .asType, .castTo, .isType,
            .widen:
            return try typeFunction(call, left, right)
        case .message: return try message(arguments)
        case .ratio: return ratio(left, right)
        default: return try listFunction(call, arguments)
        }
    }

    private func ratio(_ left: Datum, _ right: Datum) -> Datum {
        guard case .quantity(let top) = left.widened(to: .quantity),
            case .quantity(let bottom) = right.widened(to: .quantity)
        else { return .null }
        return .ratio(top, bottom)
    }

    /// `left` in, or included in, `right`, an interval or a list.
    private func membership(
        _ call: ValueCall, _ left: Datum, _ right: Datum, _ unit: TemporalUnit
    ) throws(ValueFailure) -> Datum {
        let isProper =
            call.function == .properlyIncludedIn || call.function == .properlyIncludes
        // Whether the other operand is an element or point rather than a list or interval.
        let isElement = call.names.isEmpty
        switch right {
        case .null:
            return isElement ? .boolean(false) : .null
        case .list(let elements):
            if isElement {
                return Datum(
                    isProper ? properlyContains(elements, left) : contains(elements, left))
            }
            guard case .list(let others) = left else { return .null }
            let all = includes(elements, others)
            return Datum(isProper && elements.count <= others.count ? .no : all)
        default:
            return Datum(
                try relation(isProper ? .properlyIncludedIn : .includedIn, left, right, unit))
        }
    }

    private func combined(
        _ function: ValueFunction, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        switch (left, right) {
        case (.interval(let one), .interval(let other)):
            switch function {
            case .union: return try union(one, other)
            case .intersect: return try intersect(one, other)
            default: return try except(one, other)
            }
        case (.interval, .null), (.null, .interval), (.null, .null): return .null
        default: return combine(function, left, right)
        }
    }

    private func intervalFunction(
        _ call: ValueCall, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        switch call.function {
        case .interval:
            guard let point = call.type?.point ?? left.pointType ?? right.pointType else {
                guard left.isNull, right.isNull else {
                    throw .runtime("an interval of \(left.isNull ? right.typeName : left.typeName)")
                }
                return .null
            }
            return try interval(
                IntervalValue(
                    low: left.widened(to: point.type), high: right.widened(to: point.type),
                    lowClosed: call.closed.low, highClosed: call.closed.high, point: point))
        case .collapse, .expand:
            var elements: [Datum] = []
            var isPoints = false
            switch left {
            case .null: return .null
            case .list(let list): elements = list
            default: (elements, isPoints) = ([left], true)
            }
            if call.function == .collapse { return try collapse(elements, per: right) }
            return try expand(elements, per: right, isPoints: isPoints)
        default: break
        }
        guard case .interval(let interval) = left else {
            if left.isNull { return .null }
            throw .runtime("expected Interval, found \(left.typeName)")
        }
        switch call.function {
        case .startOf: return start(interval).value
        case .endOf: return end(interval).value
        case .pointFrom: return try pointFrom(interval)
        case .width: return try width(interval, isSize: false)
        default: return try width(interval, isSize: true)
        }
    }

    private func listFunction(
        _ call: ValueCall, _ arguments: [Datum]
    ) throws(ValueFailure) -> Datum {
        let left = arguments.first ?? .null
        let right = arguments.count > 1 ? arguments[1] : .null
        switch call.function {
        case .list: return .list(arguments)
        case .tuple:
            return .tuple(
                zip(call.names, arguments).map { TupleElement(name: $0, value: $1) })
        case .element: return try element(call.names.first ?? "", of: left)
        case .indexer:
            guard case .integer(let index) = right else { return .null }
            if case .string(let text) = left {
                return index < 0
                    ? .null : TextFunctions.substring(text, from: Int(index), count: 1)
            }
            guard case .list(let elements) = left, elements.indices.contains(Int(index)) else {
                return .null
            }
            return elements[Int(index)]
        case .length:
            if case .string(let text) = left {
                return .integer(Int32(text.unicodeScalars.count))
            }
            if case .list(let elements) = left { return .integer(Int32(elements.count)) }
            return call.type == .string ? .null : .integer(0)
        case .exists:
            guard case .list(let elements) = left else { return .boolean(false) }
            return .boolean(elements.contains { !$0.isNull })
        case .codes:
            if case .code(let code) = left { return .list([.code(code)]) }
            return left
        default: break
        }
        guard case .list(let elements) = left else {
            guard left.isNull else {
                throw .runtime("expected a list, found \(left.typeName)")
            }
            switch call.function {
            case .allTrue: return .boolean(true)
            case .anyTrue: return .boolean(false)
            case .count: return .integer(0)
            default: return .null
            }
        }
        return try onList(call, elements, right)
    }

    private func onList(
        _ call: ValueCall, _ elements: [Datum], _ right: Datum
    ) throws(ValueFailure) -> Datum {
        switch call.function {
        case .first: return elements.first ?? .null
        case .last: return elements.last ?? .null
        case .tail: return .list(Array(elements.dropFirst()))
        case .distinct: return .list(distinct(elements))
        case .flatten:
            // A list that is not known is not empty.
            if call.isOverFacts, elements.contains(where: \.isNull) { return .null }
            return .list(
                elements.flatMap { element -> [Datum] in
                    if case .list(let inner) = element { return inner }
                    return element.isNull ? [] : [element]
                })
        case .singleton:
            guard elements.count <= 1 else {
                throw .runtime("'singleton from' a list of \(elements.count) elements")
            }
            return elements.first ?? .null
        case .indexOf:
            guard !right.isNull else { return .null }
            let index = elements.firstIndex { equal($0, right) == .yes }
            return .integer(Int32(index ?? -1))
        case .skip, .take:
            guard case .integer(let count) = right else {
                return .list(call.function == .skip ? elements : [])
            }
            let number = max(0, Int(count))
            if call.function == .skip {
                return .list(count < 0 ? [] : Array(elements.dropFirst(number)))
            }
            return .list(Array(elements.prefix(number)))
        case .coalesceList: return elements.first { !$0.isNull } ?? .null
        default: return try aggregate(call.function, elements)
        }
    }

    private func element(_ name: String, of value: Datum) throws(ValueFailure) -> Datum {
        func text(_ text: String?) -> Datum { text.map(Datum.string) ?? .null }
        switch (value, name) {
        case (.null, _): return .null
        case (.tuple(let elements), _): return elements.first { $0.name == name }?.value ?? .null
        case (.quantity(let quantity), "value"): return .decimal(quantity.value)
        case (.quantity(let quantity), "unit"), (.quantity(let quantity), "code"):
            return .string(quantity.unit)
        case (.code(let code), "code"): return .string(code.code)
        case (.code(let code), "system"): return text(code.system)
        case (.code(let code), "version"): return text(code.version)
        case (.code(let code), "display"): return text(code.display)
        case (.concept(let codes, _), "codes"), (.concept(let codes, _), "coding"):
            return .list(codes.map(Datum.code))
        case (.concept(_, let display), "display"), (.concept(_, let display), "text"):
            return text(display)
        case (.ratio(let top, _), "numerator"): return .quantity(top)
        case (.ratio(_, let bottom), "denominator"): return .quantity(bottom)
        case (.interval(let interval), "low"): return interval.low
        case (.interval(let interval), "high"): return interval.high
        case (.interval(let interval), "lowClosed"): return .boolean(interval.lowClosed)
        case (.interval(let interval), "highClosed"): return .boolean(interval.highClosed)
        case (.list(let elements), _):
            var result: [Datum] = []
            for inner in elements {
                let value = try element(name, of: inner)
                if case .list(let many) = value {
                    result += many
                } else if !value.isNull {
                    result.append(value)
                }
            }
            return .list(result)
        default: throw .runtime("\(value.typeName) has no element '\(name)'")
        }
    }

    private func message(_ arguments: [Datum]) throws(ValueFailure) -> Datum {
        guard arguments.count == 5 else { return arguments.first ?? .null }
        if arguments[1].truth == .yes, case .string(let severity) = arguments[3],
            severity == "Error"
        {
            var parts: [String] = []
            for part in [arguments[2], arguments[4]] {
                if case .string(let text) = part { parts.append(text) }
            }
            throw .runtime(parts.joined(separator: ": "))
        }
        return arguments[0]
    }

    private func typeFunction(
        _ call: ValueCall, _ left: Datum, _ right: Datum
    ) throws(ValueFailure) -> Datum {
        let type = call.type ?? .any
        switch call.function {
        case .convert: return try convert(left, to: type)
        case .convertsTo:
            guard !left.isNull else { return .null }
            return .boolean(!((try? convert(left, to: type)) ?? .null).isNull)
        case .convertUnit: return try convert(left, toUnit: right)
        case .canConvertUnit:
            guard !left.isNull, !right.isNull else { return .null }
            return .boolean(!(try convert(left, toUnit: right)).isNull)
        case .isType: return .boolean(left.isOf(type))
        case .widen: return left.widened(to: type)
        case .castTo where !left.isNull && !left.isOf(type):
            throw .runtime("\(left.typeName) is not \(type.name)")
        default:
            return left.isOf(type) ? left : .null
        }
    }

    private func textFunction(
        _ function: ValueFunction, _ arguments: [Datum]
    ) throws(ValueFailure) -> Datum {
        func text(_ index: Int) -> String? {
            guard arguments.indices.contains(index), case .string(let text) = arguments[index]
            else { return nil }
            return text
        }
        if function == .concatenate {
            return .string(arguments.indices.map { text($0) ?? "" }.joined())
        }
        if function == .combine {
            guard case .list(let elements) = arguments.first ?? .null else { return .null }
            if arguments.count > 1, text(1) == nil { return .null }
            let parts = elements.compactMap { element -> String? in
                if case .string(let text) = element { return text }
                return nil
            }
            return parts.isEmpty ? .null : .string(parts.joined(separator: text(1) ?? ""))
        }
        guard let first = text(0) else { return .null }
        switch function {
        case .upper: return .string(first.uppercased())
        case .lower: return .string(first.lowercased())
        case .split:
            guard let separator = text(1) else { return .list([.string(first)]) }
            return .list(TextFunctions.split(first, by: separator).map(Datum.string))
        case .substring:
            guard case .integer(let start) = arguments[1] else { return .null }
            var count: Int?
            if arguments.count > 2, case .integer(let length) = arguments[2] { count = Int(length) }
            return TextFunctions.substring(first, from: Int(start), count: count)
        default: break
        }
        guard let second = text(1) else { return .null }
        switch function {
        case .startsWith: return .boolean(TextFunctions.hasPrefix(first, second))
        case .endsWith: return .boolean(TextFunctions.hasSuffix(first, second))
        case .matches, .replaceMatches:
            do throws(TextPattern.Refusal) {
                if function == .matches {
                    return .boolean(try TextFunctions.matches(first, second))
                }
                guard let substitution = text(2) else { return .null }
                return .string(try TextFunctions.replacing(first, second, with: substitution))
            } catch {
                throw .unsupported(error.why)
            }
        default:
            if first.isEmpty, function == .lastPositionOf {
                throw .unsupported("the last position of an empty text; write Length")
            }
            let position = TextFunctions.position(
                of: first, in: second, last: function == .lastPositionOf)
            return .integer(Int32(position))
        }
    }
}

extension Datum {
    /// What an interval that it bounds is of.
    var pointType: PointType? {
        switch self {
        case .integer, .uncertain: .integer
        case .long: .long
        case .decimal: .decimal
        case .quantity: .quantity
        case .temporal(let value):
            value.kind == .date ? .date : value.kind == .time ? .time : .dateTime
        default: nil
        }
    }
}
