// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a CQL text into tokens.
struct Lexer {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var position = Position(line: 1, column: 1)

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    /// All tokens, the last of which is `end`.
    static func tokens(of text: String) throws(Refusal) -> [Token] {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        index + ahead < scalars.count ? scalars[index + ahead] : nil
    }

    private mutating func advance() {
        if scalars[index] == "\n" {
            position.line += 1
            position.column = 1
        } else {
            position.column += 1
        }
        index += 1
    }

    private mutating func take(while isWanted: (Unicode.Scalar) -> Bool) -> String {
        var text = String.UnicodeScalarView()
        while let scalar = peek(), isWanted(scalar) {
            text.append(scalar)
            advance()
        }
        return String(text)
    }

    private mutating func skipSpace() throws(Refusal) {
        while let scalar = peek() {
            if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                advance()
            } else if scalar == "/", peek(1) == "/" {
                while let inside = peek(), inside != "\n" { advance() }
            } else if scalar == "/", peek(1) == "*" {
                let start = position
                advance()
                advance()
                while !(peek() == "*" && peek(1) == "/") {
                    if peek() == nil { throw .invalid("this comment has no end", at: start) }
                    advance()
                }
                advance()
                advance()
            } else {
                return
            }
        }
    }

    private mutating func next() throws(Refusal) -> Token {
        try skipSpace()
        let start = position
        guard let scalar = peek() else { return Token(kind: .end, position: start) }
        let kind: Token.Kind
        switch scalar {
        case "\"", "`":
            kind = .quoted(try quoted(scalar))
        case "'":
            kind = .string(try quoted(scalar))
        case "@":
            advance()
            kind = .temporal(take { Lexer.isDigit($0) || "-:.TZ+".unicodeScalars.contains($0) })
        case _ where Lexer.isDigit(scalar):
            kind = number()
        case _ where Lexer.isLetter(scalar):
            kind = .word(take { Lexer.isLetter($0) || Lexer.isDigit($0) })
        default:
            kind = .symbol(try symbol())
        }
        return Token(kind: kind, position: start)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
            || scalar == "$"
    }

    private mutating func number() -> Token.Kind {
        let whole = take(while: Lexer.isDigit)
        guard peek() == ".", let after = peek(1), Lexer.isDigit(after) else {
            if peek() == "L" {
                advance()
                return .long(whole)
            }
            return .integer(whole)
        }
        advance()
        return .decimal(whole + "." + take(while: Lexer.isDigit))
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(Refusal) -> String {
        let start = position
        advance()
        var text = String.UnicodeScalarView()
        while let scalar = peek() {
            let here = position
            advance()
            if scalar == quote { return String(text) }
            guard scalar == "\\" else {
                text.append(scalar)
                continue
            }
            guard let escaped = peek() else { break }
            advance()
            switch escaped {
            case "'", "\"", "`", "\\", "/": text.append(escaped)
            case "n": text.append("\n")
            case "r": text.append("\r")
            case "t": text.append("\t")
            case "f": text.append("\u{c}")
            case "u": text.append(try unicode(here))
            default:
                throw .unsupported(
                    "the escape '\\\(escaped)'; write the character itself", at: here)
            }
        }
        throw .invalid("this \(quote) has no end", at: start)
    }

    /// The scalar of four hexadecimal digits.
    private mutating func unicode(_ start: Position) throws(Refusal) -> Unicode.Scalar {
        var digits = ""
        while digits.utf8.count < 4, let scalar = peek(), scalar.properties.isASCIIHexDigit {
            digits.unicodeScalars.append(scalar)
            advance()
        }
        guard digits.utf8.count == 4, let number = UInt32(digits, radix: 16),
            let scalar = Unicode.Scalar(number)
        else { throw .invalid("'\\u' is followed by four hexadecimal digits", at: start) }
        return scalar
    }

    private mutating func symbol() throws(Refusal) -> String {
        let start = position
        let first = String(scalars[index])
        let pair = first + (peek(1).map { String($0) } ?? "")
        if ["<=", ">=", "!=", "!~", "->"].contains(pair) {
            advance()
            advance()
            return pair
        }
        guard "()[]{},.:=~<>+-*/^&|".contains(first) else {
            throw .invalid("'\(first)' has no meaning in CQL", at: start)
        }
        advance()
        return first
    }
}
