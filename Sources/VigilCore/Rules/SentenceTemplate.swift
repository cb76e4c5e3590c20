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

    private var pieces: [Piece] = []

    /// Parses a template.
    ///
    /// - Throws: ``SentenceError`` with the place of the character that does not fit.
    package init(_ template: String) throws(SentenceError) {
        var text = ""
        var optional: [Piece]?
        var placeholder: String?
        var opened = 0

        func flushed(_ pieces: [Piece]) -> [Piece] {
            text.isEmpty ? pieces : pieces + [.text(text)]
        }
        for (index, character) in template.enumerated() {
            let column = index + 1
            if let name = placeholder {
                if character == "}" {
                    guard !name.isEmpty else { throw .emptyPlaceholder(column: opened) }
                    if optional != nil {
                        optional?.append(.placeholder(name))
                    } else {
                        pieces.append(.placeholder(name))
                    }
                    placeholder = nil
                } else if SentenceTemplate.isNamePart(character) {
                    placeholder = name + String(character)
                } else {
                    throw .unexpected(character, column: column)
                }
                continue
            }
            switch character {
            case "{":
                if optional == nil { pieces = flushed(pieces) }
                optional = optional.map(flushed)
                text = ""
                placeholder = ""
                opened = column
            case "[":
                guard optional == nil else { throw .unexpected(character, column: column) }
                pieces = flushed(pieces)
                text = ""
                optional = []
                opened = column
            case "]":
                guard let inner = optional else {
                    throw .unexpected(character, column: column)
                }
                pieces.append(.optional(flushed(inner)))
                text = ""
                optional = nil
            case "}":
                throw .unexpected(character, column: column)
            default:
                text.append(character)
            }
        }
        guard placeholder == nil, optional == nil else { throw .notClosed(column: opened) }
        pieces = flushed(pieces)
    }

    private static func isNamePart(_ character: Character) -> Bool {
        switch character {
        case "a"..."z", "0"..."9", "-", ".": true
        default: false
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

    /// The sentence of a template as text.
    ///
    /// - Throws: ``SentenceError`` where the template does not parse; those of a compiled pack do.
    package static func render(
        _ template: String, values: [(name: String, text: String)]
    ) throws(SentenceError) -> String {
        try SentenceTemplate(template).render(values)
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
