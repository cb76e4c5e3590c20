// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// What an expression compiles to.
enum Compiled {
    case node(Int32, CQLType)
    /// An Interval whose bounds are at hand, for operators that come down to them.
    case interval(CompiledInterval)
    /// A quantity as it was written.
    case quantity(Quantity)
    case valueSet(list: Int)
    case codeSystem(String)
    case patient

    /// As messages call it.
    var shownType: String {
        switch self {
        case .node(_, let type): type.name
        case .interval: "Interval"
        case .quantity: "Quantity"
        case .valueSet: "ValueSet"
        case .codeSystem: "CodeSystem"
        case .patient: "Patient"
        }
    }
}

struct CompiledInterval {
    var low: Int32
    var lowClosed: Bool
    var high: Int32
    var highClosed: Bool
    /// Of its points; `any` where both bounds are null.
    var type: CQLType
}

/// A name in scope: of a query, or a function's operand.
struct ScopedName {
    var name: String
    var value: Compiled
}

/// One compilation.
struct Compiler {
    private enum Progress {
        case begun
        case done(Compiled)
    }

    let syntax: LibrarySyntax
    let lists: [String: Int]
    let parameters: [String: String]
    /// Whether it is evaluated at one moment alone, so that anything may move.
    var isExpression = false
    var program = Program()
    private var progress: [String: Progress] = [:]
    private var declarations: [String: LibrarySyntax.Declaration] = [:]
    private var definitions: [String: DefinitionID] = [:]
    private var types: [CQLType] = []
    /// The columns of calls, for errors at run time.
    private var columns: [Int: Int] = [:]
    /// The names in scope, innermost last.
    var scope: [ScopedName] = []
    /// Functions whose bodies are being compiled.
    var openFunctions: [String] = []
    /// While a sort key is compiled: the element that it is of.
    var sortElement: (node: Int32, type: CQLType)?
    private var depth = 0

    init(
        _ syntax: LibrarySyntax, lists: [String: Int], parameters: [String: String]
    ) throws(Refusal) {
        self.syntax = syntax
        self.lists = lists
        self.parameters = parameters
        for declaration in syntax.declarations {
            guard declarations.updateValue(declaration, forKey: declaration.name) == nil else {
                throw .invalid(
                    "\"\(declaration.name)\" is declared twice", at: declaration.position)
            }
        }
        try checkParameterNames()
    }

    mutating func library() throws(Refusal) -> CompiledLibrary {
        for declaration in syntax.declarations {
            _ = try reference(to: declaration.name, at: declaration.position)
        }
        try checkFunctions()
        return CompiledLibrary(
            name: syntax.name, version: syntax.version, program: program,
            definitions: definitions, columns: columns, types: types)
    }

    /// The value of a declaration, compiled where it is first needed.
    mutating func reference(to name: String, at position: Position) throws(Refusal) -> Compiled {
        guard let declaration = declarations[name] else {
            throw .invalid("nothing is called \"\(name)\"", at: position)
        }
        switch progress[name] {
        case .done(let compiled): return compiled
        case .begun:
            throw .invalid("\"\(name)\" is defined by way of itself", at: position)
        case nil: break
        }
        progress[name] = .begun
        let (outer, outerElement) = (scope, sortElement)
        scope = []
        sortElement = nil
        let compiled = try compile(declaration)
        (scope, sortElement) = (outer, outerElement)
        progress[name] = .done(compiled)
        return compiled
    }

    private mutating func compile(
        _ declaration: LibrarySyntax.Declaration
    ) throws(Refusal) -> Compiled {
        switch declaration.kind {
        case .valueSet(let identifier, let position):
            guard let list = lists[identifier] else {
                throw .invalid("there is no code list for '\(identifier)'", at: position)
            }
            return .valueSet(list: list)
        case .codeSystem(let identifier): return .codeSystem(identifier)
        case .code(let code, let system, let display, let position):
            return constant(
                .code(try self.code(code, system, display, position)), .code)
        case .concept(let names, let display, let position):
            var codes: [CodeValue] = []
            for name in names {
                guard
                    case .code(let code, let system, let shown, let place) =
                        declarations[name]?.kind
                else { throw .invalid("no code is called \"\(name)\"", at: position) }
                codes.append(try self.code(code, system, shown, place))
            }
            return constant(.concept(codes, display: display), .concept)
        case .parameter(let type, let expression):
            return try parameter(declaration, type, expression)
        case .definition(let expression):
            let compiled = try compile(expression)
            let root: Int32
            let type: CQLType
            switch compiled {
            case .valueSet, .codeSystem, .patient: return compiled
            default: (root, type) = try materialized(compiled, expression.position)
            }
            let id = program.define(root)
            definitions[declaration.name] = id
            types.append(type)
            // What moves with time is compared node by node, so it is not hidden in a definition;
            // bounds and quantities likewise.
            guard case .node = compiled, !program.motions[Int(root)].isMonotone else {
                return compiled
            }
            return .node(program.append(Node(.definition, Int32(id.index))), type)
        }
    }

    private mutating func parameter(
        _ declaration: LibrarySyntax.Declaration, _ type: CQLType?, _ expression: Located
    ) throws(Refusal) -> Compiled {
        var value = try compile(expression)
        func shown(_ value: Compiled) -> CQLType {
            switch value {
            case .node(_, let type): type
            case .quantity: .quantity
            case .interval(let interval): .interval(interval.type)
            default: .any
            }
        }
        let wanted = type ?? shown(value)
        if wanted != shown(value), case .node(_, let found) = value,
            found != .any, !widens(found, to: wanted)
        {
            throw .invalid(
                "the default is \(value.shownType), not \(wanted.name)", at: expression.position)
        } else if case .quantity = value, wanted != .quantity {
            throw .invalid(
                "the default is Quantity, not \(wanted.name)", at: expression.position)
        }
        if let given = parameters[declaration.name] {
            value = try parameter(
                declaration, given: given, type: value.shownType, at: expression.position)
        }
        return widened(value, to: wanted)
    }

    private mutating func widened(_ value: Compiled, to type: CQLType) -> Compiled {
        guard case .node(let node, let own) = value, own != type, own != .any else {
            return value
        }
        return .node(widen(node, own, to: type), type)
    }

    // MARK: Expressions

    /// How deep a program may nest, so that its evaluation cannot exhaust the stack.
    private static let greatestHeight = 300

    mutating func compile(_ expression: Located) throws(Refusal) -> Compiled {
        depth += 1
        defer { depth -= 1 }
        let position = expression.position
        guard depth <= Compiler.greatestHeight else { throw Compiler.tooDeep(position) }
        let compiled = try dispatch(expression.syntax, position)
        if case .node(let node, _) = compiled,
            program.heights[Int(node)] > Compiler.greatestHeight
        {
            throw Compiler.tooDeep(position)
        }
        if case .node(let node, _) = compiled { try checkMotion(node, position) }
        return compiled
    }

    /// A DateTime that moves with time may meet only what its horizon can be told of.
    private func checkMotion(_ index: Int32, _ position: Position) throws(Refusal) {
        let node = program.nodes[Int(index)]
        let fine = program.operands(of: node).filter { program.isFine[Int($0)] }
        guard !isExpression, !fine.isEmpty else { return }
        let isSound: Bool
        switch node.operation {
        case .compare:
            let operands = [node.first, node.second]
            isSound =
                operands.filter { program.motions[Int($0)] == .still }.count == 1
                && fine.allSatisfy { program.motions[Int($0)].isMonotone }
        case .call:
            let function = program.calls[Int(node.first)].function
            let others = program.operands(of: node).filter { !program.isFine[Int($0)] }
            let isAlone =
                fine.count == 1 && program.motions[Int(fine[0])].isMonotone
                && others.allSatisfy { program.motions[Int($0)] == .still }
            isSound =
                function == .dateFrom || isAlone && function.carriesMotion
                || isAlone && function.isTimeComparison && program.operands(of: node).count == 2
        default: isSound = false
        }
        guard isSound else {
            throw .unsupported(
                "Now() in this place: it may be compared with a DateTime that stands still, a "
                    + "quantity may be added to it, and 'hours between X and Now()' compared with "
                    + "a number; elsewhere write Today()", at: position)
        }
    }

    private static func tooDeep(_ position: Position) -> Refusal {
        .unsupported("expressions that go deeper than \(greatestHeight) operations", at: position)
    }

    private mutating func dispatch(
        _ syntax: Syntax, _ position: Position
    ) throws(Refusal) -> Compiled {
        switch syntax {
        case .null, .boolean, .integer, .long, .decimal, .string, .temporal, .quantity, .ratio,
            .code:
            return try literal(syntax, position)
        case .name(let name):
            return try self.name(name, position)
        case .element(let base, let name):
            return try element(name, of: base, position)
        case .index(let base, let index):
            return try self.index(base, index, position)
        case .call(let name, let arguments):
            return try call(name, arguments, position)
        case .method(let base, let name, let arguments):
            return try method(name, of: base, arguments, position)
        case .retrieve(let type, let list):
            return try retrieve(type, list, position)
        case .interval(let low, let lowClosed, let high, let highClosed):
            return try interval(low, lowClosed, high, highClosed, position)
        case .list(let elements, let type):
            return try list(elements, type, position)
        case .tuple(let elements, let type):
            return try tuple(elements, type, position)
        case .query(let query):
            return try self.query(query, position)
        case .unary(let operation, let operand):
            return try unary(operation, operand, position)
        case .binary(let operation, let left, let right):
            return try binary(operation, left, right, position)
        case .between(let value, let low, let high, let isProper):
            return try between(value, low, high, isProper, position)
        case .measure, .measureOf, .component, .extremum, .spread:
            return try temporal(syntax, position)
        case .choice(let condition, let then, let otherwise):
            return try choice(condition, then, otherwise, position)
        case .timing(let timing, let left, let right):
            return try self.timing(timing, left, right, position)
        case .typed(let operation, let operand, let type):
            return try typed(operation, operand, type, position)
        case .convertUnit(let operand, let unit):
            let (node, _) = try value(operand)
            let code = try literal(.string(unit), position)
            guard case .node(let text, _) = code else { return code }
            return call(.convertUnit, [node, text], .quantity, position)
        }
    }

    // MARK: Helpers

    mutating func add(
        _ operation: VigilCore.Operation, _ first: Int32 = 0, _ second: Int32 = 0,
        _ third: Int32 = 0, detail: UInt16 = 0
    ) -> Int32 {
        program.append(Node(operation, first, second, third, detail: detail))
    }

    /// A general operator.
    mutating func call(
        _ function: ValueFunction, _ operands: [Int32], _ type: CQLType, _ position: Position,
        unit: TemporalUnit? = nil, of argument: CQLType? = nil, names: [String] = []
    ) -> Compiled {
        let node = program.append(
            ValueCall(function, operands, unit: unit, type: argument, names: names))
        columns[program.calls.count - 1] = position.column
        return .node(node, type)
    }

    mutating func constant(_ value: Datum, _ type: CQLType) -> Compiled {
        .node(program.append(ValueCall(.constant, constant: value)), type)
    }

    /// The node of an operand that must have a certain type, or be null.
    mutating func operand(
        _ expression: Located, _ wanted: CQLType
    ) throws(Refusal) -> Int32 {
        let compiled = try compile(expression)
        guard case .node(let node, let type) = compiled, type == wanted || type == .any else {
            throw .invalid(
                "expected \(wanted.name), found \(compiled.shownType)", at: expression.position)
        }
        return node
    }

    /// The node and type of an operand of any type.
    mutating func value(_ expression: Located) throws(Refusal) -> (node: Int32, type: CQLType) {
        try materialized(try compile(expression), expression.position)
    }

    /// What was compiled as a node that is evaluated.
    mutating func materialized(
        _ compiled: Compiled, _ position: Position
    ) throws(Refusal) -> (node: Int32, type: CQLType) {
        switch compiled {
        case .node(let node, let type): return (node, type)
        case .quantity(let quantity):
            return (
                program.append(ValueCall(.constant, constant: .quantity(quantity))), .quantity
            )
        case .interval(let interval):
            let call = ValueCall(
                .interval, [interval.low, interval.high],
                type: interval.type == .any ? nil : interval.type,
                closed: (interval.lowClosed, interval.highClosed))
            columns[program.calls.count] = position.column
            return (program.append(call), .interval(interval.type))
        case .valueSet, .codeSystem, .patient:
            throw .invalid("\(compiled.shownType) cannot stand here", at: position)
        }
    }

    mutating func comparison(
        _ left: Int32, _ relation: Comparison.Relation, _ right: Int32,
        to precision: ClinicalTime.Precision = .day
    ) -> Int32 {
        add(.compare, left, right, detail: Comparison(relation, to: precision).detail)
    }

    /// Whether a value comes from the text alone, so that the specification holds to the letter;
    /// over the patient's facts and with time, rules have their documented ways.
    func isPlain(_ node: Int32) -> Bool { !program.readsPatient[Int(node)] }

    // MARK: Types

    /// Whether CQL converts one type to the other by itself.
    func widens(_ type: CQLType, to other: CQLType) -> Bool {
        switch (type, other) {
        case (.any, _), (.integer, .long), (.integer, .decimal), (.long, .decimal),
            (.integer, .quantity), (.long, .quantity), (.decimal, .quantity), (.date, .dateTime),
            (.code, .concept):
            true
        case (.listOf(let one), .listOf(let two)), (.interval(let one), .interval(let two)):
            one == two || widens(one, to: two)
        default: type == other
        }
    }

    /// The type that both convert to; nil where there is none.
    func common(_ left: CQLType, _ right: CQLType) -> CQLType? {
        if left == right { return left }
        if left == .any { return right }
        if right == .any { return left }
        if widens(left, to: right) { return right }
        return widens(right, to: left) ? left : nil
    }

    /// The type of a value that is one or the other.
    func common(
        _ left: CQLType, _ right: CQLType, at position: Position
    ) throws(Refusal) -> CQLType {
        guard let type = common(left, right) else {
            throw .invalid(
                "\(left.name) and \(right.name) cannot stand for each other", at: position)
        }
        return type
    }

    /// A node as one of another type that its own converts to.
    mutating func widen(_ node: Int32, _ type: CQLType, to other: CQLType) -> Int32 {
        guard type != other, type != .any, widens(type, to: other) else { return node }
        return program.append(ValueCall(.widen, [node], type: other))
    }

    func code(
        _ code: String, _ system: String, _ display: String?, _ position: Position
    ) throws(Refusal) -> CodeValue {
        guard case .codeSystem(let identifier) = declarations[system]?.kind else {
            throw .invalid("no code system is called \"\(system)\"", at: position)
        }
        return CodeValue(code: code, system: identifier, display: display)
    }
}
