// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The sentence of a flag with places for its evidence.
///
/// `{hazard.display}`, `{hazard.date}` and `{age}` are placeholders; a part in `[ ]` is left out
/// whole where one of its placeholders has no value. Packs are checked by parsing every template
/// before it is used.
package struct SentenceTemplate: Hashable, Sendable {
    private enum Piece: Hashable {
        case text(String)
        case placeholder(String)
        /// A part in brackets: flat, brackets do not nest.
        case optional([Piece])
    }

    /// What stands for a placeholder outside brackets that has no value.
    private static let missing = "(not recorded)"

    private let pieces: [Piece]

    private init() {
        pieces = []
    }

    /// No sentence.
    static let empty = SentenceTemplate()

    /// Parses a template.
    ///
    /// - Throws: ``SentenceError`` with the place of the character that does not fit.
    package init(_ template: String) throws(SentenceError) {
        var parser = Parser(characters: Array(template))
        pieces = try parser.pieces(inBracketAt: nil)
    }

    /// A cursor over a template; columns count its characters from 1.
    private struct Parser {
        let characters: [Character]
        var index = 0

        /// Reads to the end, or to behind the bracket that closes the one at a column.
        mutating func pieces(inBracketAt bracket: Int?) throws(SentenceError) -> [Piece] {
            var pieces: [Piece] = []
            var text = ""
            while index < characters.count {
                let character = characters[index]
                index += 1
                guard "{}[]".contains(character) else {
                    text.append(character)
                    continue
                }
                if !text.isEmpty { pieces.append(.text(text)) }
                text = ""
                switch (character, bracket) {
                case ("{", _): pieces.append(.placeholder(try name()))
                case ("[", nil):
                    pieces.append(.optional(try self.pieces(inBracketAt: index)))
                case ("]", .some): return pieces
                default: throw .unexpected(character, column: index)
                }
            }
            if let bracket { throw .notClosed(column: bracket) }
            return text.isEmpty ? pieces : pieces + [.text(text)]
        }

        /// Reads a placeholder's name to behind its closing brace.
        private mutating func name() throws(SentenceError) -> String {
            let opened = index
            var name = ""
            while index < characters.count {
                let character = characters[index]
                index += 1
                switch character {
                case "}":
                    guard !name.isEmpty else { throw .emptyPlaceholder(column: opened) }
                    return name
                case "a"..."z", "0"..."9", "-", ".": name.append(character)
                default: throw .unexpected(character, column: index)
                }
            }
            throw .notClosed(column: opened)
        }
    }

    /// The placeholders in the order of the sentence, each as often as it stands there.
    package var placeholders: [String] {
        pieces.flatMap { piece -> [String] in
            switch piece {
            case .text: []
            case .placeholder(let name): [name]
            case .optional(let inner):
                inner.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
            }
        }
    }

    /// The sentence with the values in their places; of two values of one name the first counts.
    package func render(_ values: [(name: String, text: String)]) -> String {
        func value(_ name: String) -> String? {
            values.first { $0.name == name }?.text
        }
        func rendered(_ part: [Piece], within optional: Bool) -> String? {
            var result = ""
            for piece in part {
                switch piece {
                case .text(let text): result += text
                case .placeholder(let name):
                    let text = value(name)
                    if text == nil, optional { return nil }
                    result += text ?? SentenceTemplate.missing
                case .optional(let inner): result += rendered(inner, within: true) ?? ""
                }
            }
            return result
        }
        return rendered(pieces, within: false) ?? ""
    }
}

/// Why a text is no sentence template; columns count characters from 1.
package enum SentenceError: Error, Hashable, Sendable {
    case unexpected(Character, column: Int)
    case notClosed(column: Int)
    case emptyPlaceholder(column: Int)
}

extension SentenceError: CustomStringConvertible {
    /// What is wrong, in one clause.
    package var description: String {
        switch self {
        case .unexpected(let character, let column):
            "'\(character)' cannot stand at character \(column)"
        case .notClosed(let column):
            "what character \(column) opens is never closed"
        case .emptyPlaceholder(let column):
            "the placeholder at character \(column) has no name"
        }
    }
}
