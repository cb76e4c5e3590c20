// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    mutating func interval(
        _ low: Located, _ lowClosed: Bool, _ high: Located, _ highClosed: Bool,
        _ position: Position
    ) throws(Refusal) -> Compiled {
        let start = try value(low)
        let end = try value(high)
        let type = try common(start.type, end.type, at: position)
        guard type == .any || type.point != nil else {
            throw .invalid("\(type.name) has no intervals", at: position)
        }
        let interval = CompiledInterval(
            low: widen(start.node, start.type, to: type), lowClosed: lowClosed,
            high: widen(end.node, end.type, to: type), highClosed: highClosed, type: type)
        let isMoving = [interval.low, interval.high].contains {
            program.motions[Int($0)] != .still
        }
        if isMoving, orderOfBounds(interval) == .reversed {
            throw .invalid("this Interval ends before it starts", at: position)
        }
        return .interval(interval)
    }

    /// `start of` and `end of`.
    mutating func bound(
        _ operand: Located, isStart: Bool, _ position: Position
    ) throws(Refusal) -> Compiled {
        let compiled = try compile(operand)
        if case .interval(let interval) = compiled, isDaily(interval), isPersonal(interval) {
            return .node(isStart ? start(of: interval) : end(of: interval), interval.type)
        }
        let (node, type) = try materialized(compiled, operand.position)
        return try bound(node, type, isStart: isStart, operand.position)
    }

    private mutating func bound(
        _ node: Int32, _ type: CQLType, isStart: Bool, _ position: Position
    ) throws(Refusal) -> Compiled {
        guard type == .any || type.intervalPoint != nil else {
            throw .invalid("expected Interval, found \(type.name)", at: position)
        }
        return call(isStart ? .startOf : .endOf, [node], type.intervalPoint ?? .any, position)
    }

    private func isDaily(_ interval: CompiledInterval) -> Bool {
        interval.type == .date || interval.type == .integer
    }

    private func isPersonal(_ interval: CompiledInterval) -> Bool {
        !isPlain(interval.low) || !isPlain(interval.high)
    }

    // MARK: Timing phrases

    mutating func timing(
        _ timing: Timing, _ left: Located, _ right: Located, _ position: Position
    ) throws(Refusal) -> Compiled {
        if let test = try codeMembership(timing, left, right) { return test }
        var first = try compile(left)
        var second = try compile(right)
        if let end = timing.leftEnd { first = try ended(first, end, left.position) }
        if let end = timing.rightEnd { second = try ended(second, end, right.position) }
        if let offset = timing.offset {
            return try offsetTiming(timing, offset, first, second, (left, right), position)
        }
        if let daily = try dailyTiming(timing, first, second, position) { return daily }
        if let moving = try movingMembership(timing, first, second, position) { return moving }
        let one = try materialized(first, left.position)
        let other = try materialized(second, right.position)
        return try relation(timing, one, other, position)
    }

    private mutating func ended(
        _ compiled: Compiled, _ end: Timing.End, _ position: Position
    ) throws(Refusal) -> Compiled {
        if case .interval(let interval) = compiled, isDaily(interval), isPersonal(interval) {
            return .node(
                end == .start ? start(of: interval) : self.end(of: interval), interval.type)
        }
        let (node, type) = try materialized(compiled, position)
        return try bound(node, type, isStart: end == .start, position)
    }

    private static let functions: [Timing.Phrase: ValueFunction] = [
        .before: .before, .after: .after, .sameOrBefore: .sameOrBefore,
        .sameOrAfter: .sameOrAfter, .same: .sameAs, .included: .includedIn, .isIn: .includedIn,
        .includes: .includes, .contains: .includes, .meets: .meets, .meetsBefore: .meetsBefore,
        .meetsAfter: .meetsAfter, .overlaps: .overlaps, .overlapsBefore: .overlapsBefore,
        .overlapsAfter: .overlapsAfter, .starts: .starts, .ends: .ends,
    ]

    /// A timing phrase between values of any types.
    private mutating func relation(
        _ timing: Timing, _ first: (node: Int32, type: CQLType),
        _ second: (node: Int32, type: CQLType), _ position: Position
    ) throws(Refusal) -> Compiled {
        guard var function = Self.functions[timing.phrase] else {
            throw .unsupported("this timing phrase", at: position)
        }
        try checkMixture(first, second, precision: timing.precision, position)
        let isMembership = [.included, .isIn, .includes, .contains].contains(timing.phrase)
        if timing.isProper {
            guard first.type != .interval(.any), second.type != .interval(.any) else {
                throw .unsupported(
                    "'properly' with an Interval of two nulls; write null as Integer", at: position)
            }
            function = function == .includes ? .properlyIncludes : .properlyIncludedIn
        }
        if !isMembership {
            for type in [first.type, second.type] where type.listElement != nil {
                throw .invalid("timing phrases compare intervals, not \(type.name)", at: position)
            }
        }
        // Whether the one that is included is an element or a point, for null and lists.
        let (inner, outer) =
            function == .includes || function == .properlyIncludes
            ? (second, first) : (first, second)
        var isElement = timing.phrase == .isIn || timing.phrase == .contains
        if isMembership {
            switch outer.type {
            case .listOf:
                // Null is a list here, unless it is looked for with 'properly'.
                let isList = inner.type == .any && !timing.isProper
                isElement = isElement || !isList && inner.type.listElement == nil
            case .interval: isElement = isElement || inner.type.intervalPoint == nil
            case .any:
                isElement =
                    isElement || inner.type.intervalPoint == nil && inner.type.listElement == nil
            default:
                throw .invalid("expected Interval, found \(outer.type.name)", at: position)
            }
            // Null included in an interval may be an interval: then it is null, not false.
            if inner.type == .any, timing.phrase == .included || timing.phrase == .includes,
                case .interval = outer.type
            {
                isElement = false
            }
            try checkPoint(inner.type, of: outer.type, position)
        } else if let one = first.type.spanPoint, let other = second.type.spanPoint,
            common(one, other) == nil
        {
            throw .invalid(
                "\(first.type.name) and \(second.type.name) cannot stand for each other",
                at: position)
        }
        return call(
            function, [first.node, second.node], .boolean, position, unit: timing.precision,
            names: isElement ? [] : ["whole"])
    }

    private func checkPoint(
        _ inner: CQLType, of outer: CQLType, _ position: Position
    ) throws(Refusal) {
        guard case .interval(let point) = outer, let own = inner.spanPoint,
            common(own, point) == nil
        else { return }
        throw .invalid(
            "\(inner.name) and \(outer.name) cannot stand for each other", at: position)
    }

    /// `fact.code in "value set"`.
    private mutating func codeMembership(
        _ timing: Timing, _ left: Located, _ right: Located
    ) throws(Refusal) -> Compiled? {
        guard timing.phrase == .isIn, case .name(let name) = right.syntax,
            !scope.contains(where: { $0.name == name }),
            case .valueSet(let list) = try compile(right)
        else { return nil }
        guard case .element(let base, let element) = left.syntax,
            ["code", "medication", "type"].contains(element)
        else {
            throw .unsupported(
                "a code in a value set, but for the code of a fact: 'fact.code in …'",
                at: left.position)
        }
        let fact = try operand(base, .fact)
        return .node(
            program.append(
                ValueCall(.factCode, [fact], constant: .integer(Int32(list)))), .boolean)
    }

    /// `3 days or less before`, `within 3 days of`: an interval about the right operand.
    private mutating func offsetTiming(
        _ timing: Timing, _ offset: Timing.Offset, _ left: Compiled, _ right: Compiled,
        _ operands: (left: Located, right: Located), _ position: Position
    ) throws(Refusal) -> Compiled {
        let isBefore = timing.phrase == .before || timing.phrase == .sameOrBefore
        let isWithin = timing.phrase == .within
        func end(_ compiled: Compiled, isStart: Bool, _ place: Position) throws(Refusal) -> Compiled
        {
            let isInterval =
                switch compiled {
                case .interval: true
                case .node(_, let type): type.intervalPoint != nil
                default: false
                }
            return isInterval ? try ended(compiled, isStart ? .start : .end, place) : compiled
        }
        let point = try end(left, isStart: isWithin || !isBefore, operands.left.position)
        let low = try end(right, isStart: isWithin || isBefore, operands.right.position)
        let high = isWithin ? try end(right, isStart: false, operands.right.position) : low
        func shifted(_ compiled: Compiled, _ operation: BinaryOperator) throws(Refusal) -> Compiled
        {
            scope.append(ScopedName(name: "%base", value: compiled))
            scope.append(ScopedName(name: "%by", value: try compile(offset.quantity)))
            defer { scope.removeLast(2) }
            return try binary(
                operation, Located(syntax: .name("%base"), position: operands.right.position),
                Located(syntax: .name("%by"), position: offset.quantity.position), position)
        }
        func interval(
            _ low: Compiled, _ lowClosed: Bool, _ high: Compiled, _ highClosed: Bool
        ) throws(Refusal) -> Compiled {
            scope.append(ScopedName(name: "%low", value: low))
            scope.append(ScopedName(name: "%high", value: high))
            defer { scope.removeLast(2) }
            return try self.interval(
                Located(syntax: .name("%low"), position: position), lowClosed,
                Located(syntax: .name("%high"), position: position), highClosed, position)
        }
        func relate(_ phrase: Timing.Phrase, _ other: Compiled) throws(Refusal) -> Compiled {
            let relation = Timing(phrase: phrase, precision: timing.precision)
            if let daily = try dailyTiming(relation, point, other, position) { return daily }
            if let moving = try movingMembership(relation, point, other, position) {
                return moving
            }
            return try self.relation(
                relation, try materialized(point, operands.left.position),
                try materialized(other, operands.right.position), position)
        }
        if isWithin {
            return try relate(
                .isIn,
                try interval(
                    try shifted(low, .subtract), !timing.isProper, try shifted(high, .add),
                    !timing.isProper))
        }
        let far = try shifted(low, isBefore ? .subtract : .add)
        let touches = timing.phrase == .sameOrBefore || timing.phrase == .sameOrAfter
        switch offset.kind {
        case .exactly: return try relate(.same, far)
        case .orMore: return try relate(isBefore ? .sameOrBefore : .sameOrAfter, far)
        case .moreThan: return try relate(isBefore ? .before : .after, far)
        case .orLess, .lessThan:
            let isClosed = offset.kind == .orLess
            return try relate(
                .isIn,
                isBefore
                    ? try interval(far, isClosed, low, touches)
                    : try interval(low, touches, far, isClosed))
        }
    }

    /// Membership of a DateTime in an interval one bound of which moves, as two comparisons.
    private mutating func movingMembership(
        _ timing: Timing, _ first: Compiled, _ second: Compiled, _ position: Position
    ) throws(Refusal) -> Compiled? {
        guard timing.phrase == .included || timing.phrase == .isIn, !timing.isProper,
            case .interval(let interval) = second, interval.type == .dateTime,
            case .node(let point, let type) = first, type == .dateTime || type == .any,
            [interval.low, interval.high, point].contains(where: { program.isFine[Int($0)] })
        else { return nil }
        func compare(
            _ bound: Int32, _ closed: ValueFunction, _ open: ValueFunction, _ isClosed: Bool
        ) -> Int32 {
            let test = program.append(
                ValueCall(isClosed ? closed : open, [point, bound], unit: timing.precision))
            guard isClosed, mayBeNull(bound) else { return test }
            return add(.choose, add(.isNull, bound), add(.boolean, 1), test)
        }
        let lower = compare(interval.low, .sameOrAfter, .after, interval.lowClosed)
        let upper = compare(interval.high, .sameOrBefore, .before, interval.highClosed)
        for node in [lower, upper] { try checkMotionOf(node, position) }
        return .node(add(.and, lower, upper), .boolean)
    }

    private mutating func checkMotionOf(
        _ node: Int32, _ position: Position
    ) throws(Refusal) {
        scope.append(ScopedName(name: "%test", value: .node(node, .boolean)))
        defer { scope.removeLast() }
        _ = try compile(Located(syntax: .name("%test"), position: position))
    }

    /// A timing phrase of days over the patient's facts: each comparison has its own horizon.
    private mutating func dailyTiming(
        _ timing: Timing, _ left: Compiled, _ right: Compiled, _ position: Position
    ) throws(Refusal) -> Compiled? {
        guard (timing.precision ?? .day) <= .day, timing.precision != .week, !timing.isProper,
            let first = span(left), let second = span(right), first.type == second.type,
            isPersonal(first) || isPersonal(second)
        else { return nil }
        let precision = timing.precision.map(ClinicalTime.Precision.init) ?? .day
        if timing.phrase == .included || timing.phrase == .isIn {
            guard case .point(let point, _) = first, case .interval(let interval) = second else {
                return nil
            }
            if orderOfBounds(interval) == .reversed {
                throw .invalid("this Interval ends before it starts", at: position)
            }
            return .node(membership(point, interval, precision), .boolean)
        }
        guard first.type == .date || timing.precision == nil else {
            throw .invalid("timing phrases compare Dates, not \(first.type.name)", at: position)
        }
        let relation: Comparison.Relation
        let isForward: Bool
        switch timing.phrase {
        case .before: (relation, isForward) = (.less, true)
        case .sameOrBefore: (relation, isForward) = (.lessOrEqual, true)
        case .after: (relation, isForward) = (.greater, false)
        case .sameOrAfter: (relation, isForward) = (.greaterOrEqual, false)
        case .same:
            guard case .point = first, case .point = second else { return nil }
            (relation, isForward) = (.equal, true)
        default: return nil
        }
        let earlier = isForward ? end(of: first) : start(of: first)
        let later = isForward ? start(of: second) : end(of: second)
        return .node(comparison(earlier, relation, later, to: precision), .boolean)
    }

    /// An operand of a timing phrase of days.
    private enum Span {
        case point(Int32, CQLType)
        case interval(CompiledInterval)

        var type: CQLType {
            switch self {
            case .point(_, let type): type
            case .interval(let interval): interval.type
            }
        }
    }

    private func span(_ compiled: Compiled) -> Span? {
        switch compiled {
        case .node(let node, let type) where type == .date || type == .integer:
            .point(node, type)
        case .interval(let interval) where isDaily(interval): .interval(interval)
        default: nil
        }
    }

    private func isPersonal(_ span: Span) -> Bool {
        switch span {
        case .point(let node, _): !isPlain(node)
        case .interval(let interval): isPersonal(interval)
        }
    }

    private mutating func start(of span: Span) -> Int32 {
        switch span {
        case .point(let node, _): node
        case .interval(let interval): start(of: interval)
        }
    }

    private mutating func end(of span: Span) -> Int32 {
        switch span {
        case .point(let node, _): node
        case .interval(let interval): end(of: interval)
        }
    }
}

extension ClinicalTime.Precision {
    /// Of a unit no finer than days.
    init(_ unit: TemporalUnit) {
        self = unit == .year ? .year : unit == .month ? .month : .day
    }
}

extension CQLType {
    /// What a list's elements are; nil of another type.
    var listElement: CQLType? {
        if case .listOf(let element) = self { return element }
        return nil
    }

    /// The type of a point, or of an interval's points; nil where that is not known.
    var spanPoint: CQLType? {
        let point = intervalPoint ?? self
        return point == .any ? nil : point
    }
}
