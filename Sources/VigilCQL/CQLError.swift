// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Why a CQL text was not compiled, and where.
package struct CQLError: Error, Hashable, Sendable {
    /// Whether the text is wrong or beyond what Vigil compiles.
    package enum Code: String, Sendable {
        /// CQL that Vigil does not compile; the message says what it does instead.
        case unsupported
        /// Not CQL, or CQL that means nothing: an unknown name, operands of the wrong types.
        case invalid
        /// A value given for a parameter is not one of its, or there is no such parameter.
        case parameter
    }

    /// Whether to mend the text or to write it otherwise.
    package var code: Code
    /// One sentence without a full stop.
    package var message: String
    /// As given to the compiler.
    package var file: String
    /// From 1.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int

    package init(code: Code, message: String, file: String, line: Int, column: Int) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
        self.column = column
    }
}

extension CQLError: CustomStringConvertible {
    /// `file:line:column: code: message`.
    package var description: String {
        "\(file):\(line):\(column): \(code.rawValue): \(message)"
    }
}

/// A place in the text; the file is added where the error leaves the compiler.
struct Position: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// An error on its way out of the compiler.
struct Refusal: Error {
    var code: CQLError.Code
    var message: String
    var position: Position

    static func unsupported(_ message: String, at position: Position) -> Refusal {
        Refusal(code: .unsupported, message: message, position: position)
    }

    static func parameter(_ message: String, at position: Position) -> Refusal {
        Refusal(code: .parameter, message: message, position: position)
    }

    static func invalid(_ message: String, at position: Position) -> Refusal {
        Refusal(code: .invalid, message: message, position: position)
    }
}
