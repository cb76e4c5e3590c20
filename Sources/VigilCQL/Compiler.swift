// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Turns the text of a CQL library into a program.
package enum CQLCompiler {
    /// Compiles a library.
    ///
    /// - Parameters:
    ///   - text: the whole library.
    ///   - file: what errors call the text.
    ///   - lists: the index of the code list behind each value set's identifier.
    ///   - parameters: values for parameters by their names, in place of the defaults: a CQL
    ///     literal each, of a String the text itself.
    /// - Returns: the program, and where its definitions are.
    /// - Throws: the first error in the text.
    package static func compile(
        _ text: String, file: String, lists: [String: Int],
        parameters: [String: String] = [:]
    ) throws(CQLError) -> CompiledLibrary {
        do throws(Refusal) {
            var parser = try Parser(text)
            var compiler = try Compiler(
                parser.library(), lists: lists, parameters: parameters)
            return try compiler.library()
        } catch {
            throw CQLError(
                code: error.code, message: error.message, file: file, line: error.position.line,
                column: error.position.column)
        }
    }
}

/// What an expression compiles to.
enum Compiled {
    case node(Int32, CQLType)
    /// Intervals exist at compile time alone: every use comes down to their bounds.
    case interval(CompiledInterval)
    case quantity(Int32, CalendarUnit)
    case valueSet(list: Int)
    case patient

    /// As messages call it.
    var shownType: String {
        switch self {
        case .node(_, let type): type.rawValue
        case .interval: "Interval"
        case .quantity: "Quantity"
        case .valueSet: "ValueSet"
        case .patient: "Patient"
        }
    }
}

struct CompiledInterval {
    var low: Int32
    var lowClosed: Bool
    var high: Int32
    var highClosed: Bool
    /// `date` or `integer`.
    var type: CQLType
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
    var program = Program()
    private var progress: [String: Progress] = [:]
    private var declarations: [String: LibrarySyntax.Declaration] = [:]
    private var definitions: [String: DefinitionID] = [:]
    private var types: [CQLType] = []
    /// The query aliases in scope, innermost last.
    var aliases: [(name: String, slot: Int32)] = []
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
        return CompiledLibrary(
            name: syntax.name, version: syntax.version, program: program,
            definitions: definitions, types: types)
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
        let outer = aliases
        aliases = []
        let compiled = try compile(declaration)
        aliases = outer
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
        case .parameter(let type, let expression):
            let value = try compile(expression)
            if let type, type != value.shownType {
                throw .invalid(
                    "the default is \(value.shownType), not \(type)", at: expression.position)
            }
            guard let given = parameters[declaration.name] else { return value }
            return try parameter(
                declaration, given: given, type: value.shownType, at: expression.position)
        case .definition(let expression):
            let compiled = try compile(expression)
            guard case .node(let root, let type) = compiled else { return compiled }
            let id = program.define(root)
            definitions[declaration.name] = id
            types.append(type)
            // What moves with time is compared node by node, so it is not hidden in a definition.
            if program.motions[Int(root)].isMonotone { return .node(root, type) }
            return .node(program.append(Node(.definition, Int32(id.index))), type)
        }
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
        return compiled
    }

    private static func tooDeep(_ position: Position) -> Refusal {
        .unsupported("expressions that go deeper than \(greatestHeight) operations", at: position)
    }

    private mutating func dispatch(
        _ syntax: Syntax, _ position: Position
    ) throws(Refusal) -> Compiled {
        switch syntax {
        case .null, .boolean, .integer, .decimal, .string, .temporal, .quantity:
            return try literal(syntax, position)
        case .name(let name):
            return try self.name(name, position)
        case .element(let base, let name):
            return try element(name, of: base, position)
        case .call(let qualifier, let name, let arguments):
            return try call(qualifier, name, arguments, position)
        case .retrieve(let type, let list):
            return try retrieve(type, list, position)
        case .interval(let low, let lowClosed, let high, let highClosed):
            return try interval(low, lowClosed, high, highClosed, position)
        case .query(let source, let alias, let relations, let condition):
            return try query(source, alias, relations, condition)
        case .unary(let operation, let operand):
            return try unary(operation, operand, position)
        case .binary(let operation, let left, let right):
            return try binary(operation, left, right, position)
        case .between(let value, let low, let high):
            return try between(value, low, high, position)
        case .measure(let operation, let unit, let low, let high):
            return try measure(operation, unit, low, high)
        case .choice(let condition, let then, let otherwise):
            return try choice(condition, then, otherwise, position)
        case .timing(let timing, let left, let right):
            return try self.timing(timing, left, right, position)
        }
    }

    // MARK: Helpers

    mutating func add(
        _ operation: VigilCore.Operation, _ first: Int32 = 0, _ second: Int32 = 0,
        _ third: Int32 = 0, detail: UInt16 = 0
    ) -> Int32 {
        program.append(Node(operation, first, second, third, detail: detail))
    }

    /// The node of an operand that must have a certain type, or be null.
    mutating func operand(
        _ expression: Located, _ wanted: CQLType
    ) throws(Refusal) -> Int32 {
        let compiled = try compile(expression)
        guard case .node(let node, let type) = compiled, type == wanted || type == .any else {
            throw .invalid(
                "expected \(wanted.rawValue), found \(compiled.shownType)",
                at: expression.position)
        }
        return node
    }

    /// The node and type of an operand that is a value at run time.
    mutating func scalar(_ expression: Located) throws(Refusal) -> (node: Int32, type: CQLType) {
        let compiled = try compile(expression)
        guard case .node(let node, let type) = compiled, type != .list else {
            throw .invalid("\(compiled.shownType) cannot stand here", at: expression.position)
        }
        return (node, type)
    }

    mutating func comparison(
        _ left: Int32, _ relation: Comparison.Relation, _ right: Int32,
        to precision: ClinicalTime.Precision = .day
    ) -> Int32 {
        add(.compare, left, right, detail: Comparison(relation, to: precision).detail)
    }
}
