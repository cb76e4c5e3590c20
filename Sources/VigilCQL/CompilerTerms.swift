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
            return .node(add(.integer, try integer(digits, position)), .integer)
        case .string(let text):
            return .node(add(.string, program.append(string: text)), .string)
        case .temporal(let text):
            return try date(text, position)
        case .quantity(let digits, let unit):
            return .quantity(try integer(digits, position), unit)
        case .decimal:
            throw .unsupported("Decimals; Integers are compiled", at: position)
        default:
            return .node(add(.null), .any)
        }
    }

    private func integer(_ digits: String, _ position: Position) throws(Refusal) -> Int32 {
        guard let value = Int32(digits) else {
            throw .invalid("an Integer is at most 2147483647", at: position)
        }
        return value
    }

    private mutating func date(_ text: String, _ position: Position) throws(Refusal) -> Compiled {
        guard !text.contains("T") else {
            throw .unsupported(
                "DateTime and Time literals; rules compare Dates such as @2024-01-31", at: position)
        }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let lengths = [4, 2, 2]
        guard parts.count <= 3, zip(parts, lengths).allSatisfy({ $0.utf8.count == $1 }),
            let year = Int(parts[0]), let month = parts.count > 1 ? Int(parts[1]) : 1,
            let day = parts.count > 2 ? Int(parts[2]) : 1,
            let first = CivilDay(year: year, month: month, day: day)
        else { throw .invalid("'@\(text)' is no date of the calendar", at: position) }
        let precision: ClinicalTime.Precision =
            parts.count == 1 ? .year : parts.count == 2 ? .month : .day
        return .node(
            add(.date, first.number, detail: Comparison(.equal, to: precision).detail), .date)
    }

    // MARK: Names

    mutating func name(_ name: String, _ position: Position) throws(Refusal) -> Compiled {
        if let alias = aliases.last(where: { $0.name == name }) {
            return .node(add(.alias, alias.slot), .fact)
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
        if case .name(let qualifier) = base.syntax, syntax.includes[qualifier] != nil {
            throw .invalid(
                "the library Vigil has functions; write \(qualifier).\(name)()", at: position)
        }
        let compiled = try compile(base)
        switch (compiled, name) {
        case (.patient, "gender"): return .node(add(.gender), .string)
        case (.patient, "birthDate"): return .node(add(.birthDate), .date)
        case (.patient, _):
            throw .unsupported(
                "Patient.\(name); gender and birthDate are read, and DeathDate() and "
                    + "DeregistrationDate() of the library Vigil", at: position)
        case (.node(let node, .fact), "status"): return .node(add(.status, node), .string)
        case (.node(_, .fact), _):
            throw .unsupported(
                "the element '\(name)'; status is read, and ClinicalDate and EndDate of the "
                    + "library Vigil", at: position)
        default:
            throw .invalid("\(compiled.shownType) has no element '\(name)'", at: position)
        }
    }

    // MARK: Functions

    mutating func call(
        _ qualifier: String?, _ name: String, _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        func expect(_ count: Int) throws(Refusal) {
            guard arguments.count != count else { return }
            throw .invalid(
                "\(name) takes \(count) argument\(count == 1 ? "" : "s"), not \(arguments.count)",
                at: position)
        }
        if let qualifier {
            guard syntax.includes[qualifier] != nil else {
                throw .invalid("no library is included as \(qualifier)", at: position)
            }
            if let operation = BuiltIn.patientDates[name] {
                try expect(0)
                return .node(add(operation), .date)
            }
            if let operation = BuiltIn.factDates[name] {
                try expect(1)
                return .node(add(operation, try operand(arguments[0], .fact)), .date)
            }
            if let operation = BuiltIn.factLists[name] {
                try expect(1)
                return .node(add(operation, try operand(arguments[0], .list)), .list)
            }
            if let (operation, type) = BuiltIn.resultFunctions[name] {
                return .node(try result(operation, name, arguments, position), type)
            }
            throw .invalid("the library Vigil has no function \(name)", at: position)
        }
        if let age = BuiltIn.ageUnit(name) {
            try expect(age.isAt ? 1 : 0)
            let day = age.isAt ? try operand(arguments[0], .date) : add(.today)
            let detail = age.unit.rawValue
            return .node(add(.duration, add(.birthDate), day, detail: detail), .integer)
        }
        if let (operation, type) = BuiltIn.listFunctions[name] {
            try expect(1)
            return .node(add(operation, try operand(arguments[0], .list)), type)
        }
        switch name {
        case "Today":
            try expect(0)
            return .node(add(.today), .date)
        case "Now":
            throw .unsupported(
                "Now() elsewhere than in 'date from Now()'; write Today()", at: position)
        case "Coalesce":
            return try coalesce(arguments, position)
        default:
            throw .unsupported(
                "the function \(name); supported are \(BuiltIn.supported)", at: position)
        }
    }

    /// `HasResult(fact, list)`, `Comparator(fact, list)` and `Number(fact, list, units...)`.
    private mutating func result(
        _ operation: VigilCore.Operation, _ name: String, _ arguments: [Located],
        _ position: Position
    ) throws(Refusal) -> Int32 {
        let isNumber = operation == .number
        guard isNumber ? arguments.count > 2 : arguments.count == 2 else {
            throw .invalid(
                "\(name) takes a fact, a value set" + (isNumber ? " and one unit or more" : ""),
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

    private mutating func coalesce(
        _ arguments: [Located], _ position: Position
    ) throws(Refusal) -> Compiled {
        guard let last = arguments.last, arguments.count > 1 else {
            throw .invalid("Coalesce takes 2 arguments or more", at: position)
        }
        var (node, type) = try scalar(last)
        for argument in arguments.dropLast().reversed() {
            let (first, firstType) = try scalar(argument)
            type = try common(firstType, type, at: argument.position)
            node = add(.coalesce, first, node)
        }
        return .node(node, type)
    }

    /// The type of a value that is one or the other.
    func common(
        _ left: CQLType, _ right: CQLType, at position: Position
    ) throws(Refusal) -> CQLType {
        if left == .any { return right }
        if Set([left, right]) == [.integer, .decimal] { return .decimal }
        guard right == .any || left == right else {
            throw .invalid(
                "\(left.rawValue) and \(right.rawValue) cannot stand for each other", at: position)
        }
        return left
    }
}
