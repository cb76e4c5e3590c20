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
    ///   - parameters: literals in place of the defaults of parameters, by their names.
    /// - Returns: the program, and where its definitions are.
    /// - Throws: the first error in the text.
    package static func compile(
        _ text: String, file: String, lists: [String: Int], parameters: [String: String] = [:]
    ) throws(CQLError) -> CompiledLibrary {
        do throws(Refusal) {
            var parser = try Parser(text)
            var compiler = try Compiler(parser.library(), lists: lists, parameters: parameters)
            return try compiler.library()
        } catch {
            throw CQLError(
                code: error.code, message: error.message, file: file, line: error.position.line,
                column: error.position.column)
        }
    }

    /// The name of the one definition of a compiled expression.
    package static let expressionName = "It"

    /// Compiles one expression, to be evaluated at one moment.
    ///
    /// - Parameters:
    ///   - text: the expression; value sets go by the names of their lists, external functions by
    ///     the library's name.
    ///   - lists: the index of each code list by its name.
    /// - Returns: a library that defines the expression as `expressionName`.
    /// - Throws: the first error in the text.
    package static func compileExpression(
        _ text: String, lists: [String: Int] = [:]
    ) throws(CQLError) -> CompiledLibrary {
        do throws(Refusal) {
            var parser = try Parser(text)
            let expression = try parser.wholeExpression()
            var syntax = LibrarySyntax()
            let start = Position(line: 1, column: 1)
            syntax.includes[BuiltIn.libraryName] = start
            for name in lists.map(\.key).sorted() {
                syntax.declarations.append(
                    .init(
                        name: name, position: start, kind: .valueSet(identifier: name, at: start)))
            }
            syntax.declarations.append(
                .init(name: expressionName, position: start, kind: .definition(expression)))
            var compiler = try Compiler(syntax, lists: lists, parameters: [:])
            compiler.isExpression = true
            return try compiler.library()
        } catch {
            throw CQLError(
                code: error.code, message: error.message, file: "", line: error.position.line,
                column: error.position.column)
        }
    }
}
