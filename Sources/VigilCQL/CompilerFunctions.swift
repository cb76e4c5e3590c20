// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    /// `base.name(…)`: of the library Vigil, or a function whose first argument is `base`.
    mutating func method(
        _ name: String, of base: Located, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        guard case .name(let qualifier) = base.syntax,
            !scope.contains(where: { $0.name == qualifier })
        else { return try call(name, [base] + arguments, position) }
        guard syntax.includes[qualifier] != nil else {
            if (try? reference(to: qualifier, at: position)) != nil {
                return try call(name, [base] + arguments, position)
            }
            throw .invalid("no library is included as \(qualifier)", at: position)
        }
        if let operation = BuiltIn.patientDates[name] {
            try expect(0, name, arguments, position)
            return .node(add(operation), .date)
        }
        if let operation = BuiltIn.factDates[name] {
            try expect(1, name, arguments, position)
            return .node(add(operation, try operand(arguments[0], .fact)), .date)
        }
        if let operation = BuiltIn.factLists[name] {
            try expect(1, name, arguments, position)
            return .node(add(operation, try factList(arguments[0])), .list)
        }
        if let (operation, type) = BuiltIn.resultFunctions[name] {
            return .node(try result(operation, name, arguments, position), type)
        }
        throw .invalid("the library Vigil has no function \(name)", at: position)
    }

    /// A list of facts in clinical order.
    private mutating func factList(_ expression: Located) throws(Refusal) -> Int32 {
        let node = try operand(expression, .list)
        guard isOrderedByTime(node) else {
            throw .unsupported(
                "a list of facts that a query has made anew; give the list itself",
                at: expression.position)
        }
        return node
    }

    /// `HasResult(fact, list)`, `Comparator(fact, list)` and `Number(fact, list, units...)`.
    private mutating func result(
        _ operation: VigilCore.Operation, _ name: String, _ arguments: [Located],
        _ position: Position
    ) throws(Refusal) -> Int32 {
        let isNumber = operation == .number
        guard isNumber ? arguments.count > 1 : arguments.count == 2 else {
            throw .invalid(
                "\(name) takes a fact, a value set"
                    + (isNumber ? " and the units that are read, all if none is named" : ""),
                at: position)
        }
        let fact = try operand(arguments[0], .fact)
        guard case .valueSet(let list) = try compile(arguments[1]) else {
            throw .invalid("expected a value set", at: arguments[1].position)
        }
        var units: [String] = []
        for argument in arguments.dropFirst(2) {
            guard case .string(let unit) = argument.syntax else {
                throw .invalid("expected a unit in quotes", at: argument.position)
            }
            units.append(unit)
        }
        return add(operation, fact, Int32(list), isNumber ? program.append(units: units) : 0)
    }

    private func expect(
        _ count: Int, _ name: String, _ arguments: [Located], _ position: Position
    ) throws(Refusal) {
        guard arguments.count != count else { return }
        throw .invalid(
            "\(name) takes \(count) argument\(count == 1 ? "" : "s"), not \(arguments.count)",
            at: position)
    }

    mutating func call(
        _ name: String, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        if syntax.functions.contains(where: { $0.name == name }) {
            return try defined(name, arguments, position)
        }
        if let age = BuiltIn.ageUnit(name) {
            try expect(age.isAt ? 1 : 0, name, arguments, position)
            let day = age.isAt ? try operand(arguments[0], .date) : add(.today)
            let detail = age.unit.rawValue
            return .node(add(.duration, add(.birthDate), day, detail: detail), .integer)
        }
        switch name {
        case "Today":
            try expect(0, name, arguments, position)
            return .node(add(.today), .date)
        case "Coalesce": return try coalesce(arguments, position)
        case "SplitOnMatches", "ToChars", "Descendents", "Children", "CalculateAgeInYears", "Slice":
            throw .unsupported("the function \(name)", at: position)
        default: break
        }
        if let operation = BuiltIn.unaryOperators[name] {
            try expect(1, name, arguments, position)
            return try unary(operation, arguments[0], position)
        }
        if let operation = BuiltIn.operators[name] {
            try expect(2, name, arguments, position)
            return try binary(operation, arguments[0], arguments[1], position)
        }
        if let conversion = try conversion(name, arguments, position) { return conversion }
        guard let function = BuiltIn.functions[name] else {
            throw .unsupported(
                "the function \(name); supported are \(BuiltIn.supported)", at: position)
        }
        return try call(name, function, arguments, position)
    }

    private mutating func call(
        _ name: String, _ function: BuiltIn.Function, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        guard function.counts.contains(arguments.count) else {
            try expect(function.counts.lowerBound, name, arguments, position)
            throw .invalid("\(name) does not take \(arguments.count) arguments", at: position)
        }
        var values: [(node: Int32, type: CQLType)] = []
        for argument in arguments { values.append(try value(argument)) }
        if let first = values.first, first.type == .list, isOrderedByTime(first.node),
            let (operation, type) = BuiltIn.factFunctions[name]
        {
            return .node(add(operation, first.node), type)
        }
        try check(name, function, values, arguments)
        let type = result(of: function, values.map(\.type))
        let first = values.first?.type ?? .any
        return call(
            function.function, values.map(\.node), type, position,
            of: function.function == .length ? first : nil)
    }

    private func check(
        _ name: String, _ function: BuiltIn.Function, _ values: [(node: Int32, type: CQLType)],
        _ arguments: [Located]
    ) throws(Refusal) {
        func refuse(_ index: Int, _ wanted: String) throws(Refusal) {
            throw .invalid(
                "\(name) takes \(wanted), not \(values[index].type.name)",
                at: arguments[index].position)
        }
        switch function.arguments {
        case .list:
            guard let type = values.first?.type, type != .any, type.listElement == nil else {
                return
            }
            try refuse(0, "a list")
        case .text:
            for (index, value) in values.enumerated()
            where value.type != .any && value.type != .string {
                try refuse(index, "Strings")
            }
        case .number:
            for (index, value) in values.enumerated()
            where value.type != .any && !value.type.isNumber
                && !(value.type == .quantity && function.function == .abs)
            {
                try refuse(index, "numbers")
            }
        case .any: return
        }
    }

    private func result(of function: BuiltIn.Function, _ types: [CQLType]) -> CQLType {
        let first = types.first ?? .any
        switch function.result {
        case .fixed(let type):
            if function.function == .size { return first.intervalPoint ?? .any }
            return type
        case .first: return first
        case .element: return first.listElement ?? (first == .string ? .string : .any)
        case .spread:
            switch first.listElement {
            case .quantity: return .quantity
            case .integer, .long, .decimal: return .decimal
            default: return .any
            }
        }
    }

    // MARK: Conversions

    private mutating func conversion(
        _ name: String, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled? {
        let isTest = name.hasPrefix("ConvertsTo")
        guard isTest || name.hasPrefix("To"),
            let type = BuiltIn.conversions[String(name.dropFirst(isTest ? 10 : 2))]
        else { return nil }
        try expect(1, name, arguments, position)
        let (node, own) = try value(arguments[0])
        if isTest { return call(.convertsTo, [node], .boolean, position, of: type) }
        if own == type { return .node(node, own) }
        return call(.convert, [node], type, position, of: type)
    }

    private mutating func coalesce(
        _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        if arguments.count == 1 {
            let (node, type) = try value(arguments[0])
            guard type == .any || type.listElement != nil else {
                throw .invalid("Coalesce takes 2 arguments or more, or a list", at: position)
            }
            return call(.coalesceList, [node], type.listElement ?? .any, position)
        }
        guard !arguments.isEmpty else {
            throw .invalid("Coalesce takes 2 arguments or more", at: position)
        }
        var values: [(node: Int32, type: CQLType)] = []
        var type = CQLType.any
        for argument in arguments {
            let value = try value(argument)
            type = try common(type, value.type, at: argument.position)
            values.append(value)
        }
        var node: Int32?
        for value in values.reversed() {
            let widened = widen(value.node, value.type, to: type)
            node = node.map { add(.coalesce, widened, $0) } ?? widened
        }
        return .node(node ?? add(.null), type)
    }

    // MARK: Functions of the library

    private mutating func defined(
        _ name: String, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        guard !openFunctions.contains(name) else {
            throw .invalid("the function \(name) calls itself", at: position)
        }
        var values: [Compiled] = []
        var types: [CQLType] = []
        for argument in arguments {
            let compiled = try compile(argument)
            values.append(compiled)
            types.append(try materialized(compiled, argument.position).type)
        }
        let named = syntax.functions.filter {
            $0.name == name && $0.operands.count == arguments.count
        }
        let fitting =
            named.first { zip($0.operands, types).allSatisfy { $0.type == $1 } }
            ?? named.first { zip($0.operands, types).allSatisfy { widens($1, to: $0.type) } }
        guard let function = fitting else {
            throw .invalid(
                "no function \(name) takes \(types.map(\.name).joined(separator: ", "))",
                at: position)
        }
        return try body(of: function, values)
    }

    private mutating func body(
        of function: LibrarySyntax.Function, _ values: [Compiled]
    ) throws(Refusal) -> Compiled {
        let outer = scope
        openFunctions.append(function.name)
        defer {
            scope = outer
            openFunctions.removeLast()
        }
        scope = []
        for (operand, value) in zip(function.operands, values) {
            var bound = value
            if case .node(let node, let type) = value {
                bound = .node(widen(node, type, to: operand.type), operand.type)
            }
            scope.append(ScopedName(name: operand.name, value: bound))
        }
        return try compile(function.body)
    }

    /// Functions that nothing calls are checked too, with nulls of their operands' types.
    mutating func checkFunctions() throws(Refusal) {
        for function in syntax.functions {
            let nulls = function.operands.map { Compiled.node(add(.null), $0.type) }
            _ = try body(of: function, nulls)
        }
    }
}
