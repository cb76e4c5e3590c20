// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension Compiler {
    /// Refuses values for parameters that the library does not have.
    func checkParameterNames() throws(Refusal) {
        let declared = syntax.declarations.filter {
            if case .parameter = $0.kind { true } else { false }
        }.map(\.name)
        for name in parameters.map(\.key).sorted() where !declared.contains(name) {
            let known = declared.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .parameter(
                "there is no parameter \"\(name)\": "
                    + (known.isEmpty ? "the pack has none" : "the pack has \(known)"),
                at: Position(line: 0, column: 0))
        }
    }

    /// The value that is given for a parameter in place of its default, of the default's type.
    mutating func parameter(
        _ declaration: LibrarySyntax.Declaration, given: String, type: String,
        at position: Position
    ) throws(Refusal) -> Compiled {
        let isText = type == CQLType.string.name
        let compiled: Compiled?
        do throws(Refusal) {
            compiled = try compile(
                isText
                    ? Located(syntax: .string(given), position: position)
                    : Parser.literal(given, at: position))
        } catch {
            compiled = nil
        }
        guard let compiled, compiled.shownType == type else {
            throw .parameter(
                "the parameter \"\(declaration.name)\" is of type \(type), which \(given) is not",
                at: position)
        }
        return compiled
    }
}

extension Parser {
    /// Reads a text that is one literal, or one with a sign.
    static func literal(_ text: String, at position: Position) throws(Refusal) -> Located {
        var parser = try Parser(text)
        let expression = try parser.expression()
        guard parser.token.kind == .end, isLiteral(expression.syntax) else {
            throw .invalid("\(text) is no literal", at: position)
        }
        return expression
    }

    private static func isLiteral(_ syntax: Syntax) -> Bool {
        switch syntax {
        case .boolean, .integer, .long, .decimal, .string, .temporal, .quantity: true
        case .unary(.negate, let operand), .unary(.plus, let operand): isLiteral(operand.syntax)
        case .interval(let low, _, let high, _):
            isLiteral(low.syntax) && isLiteral(high.syntax)
        default: false
        }
    }
}
