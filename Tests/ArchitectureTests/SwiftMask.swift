// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Blanks what is not code, so that a rule about code is not broken by prose.
struct SwiftMask {
    private var input: [UInt8]
    private var position = 0
    private static let newline = UInt8(ascii: "\n")
    private var output: [UInt8] = []

    /// The text with comments and the contents of string literals replaced by spaces; line breaks
    /// stay, so that positions do.
    static func blankingTextAndComments(_ text: String) -> String {
        var mask = SwiftMask(input: Array(text.utf8))
        mask.run()
        return String(decoding: mask.output, as: UTF8.self)
    }

    private init(input: [UInt8]) {
        self.input = input
    }

    private func starts(with text: String) -> Bool {
        input[position...].starts(with: text.utf8)
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where position < input.count {
            output.append(input[position] == Self.newline ? Self.newline : UInt8(ascii: " "))
            position += 1
        }
    }

    private mutating func run() {
        while position < input.count {
            let byte = input[position]
            if byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "#") {
                output.append(byte)
                position += 1
            } else if starts(with: "//") {
                while position < input.count, input[position] != Self.newline { blank(1) }
            } else if starts(with: "/*") {
                blockComment()
            } else if let hashes = openingHashes() {
                string(hashes: hashes)
            } else {
                output.append(byte)
                position += 1
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && position < input.count
    }

    /// How many `#` stand before a quotation mark here; nil where no string begins.
    private func openingHashes() -> Int? {
        var index = position
        while index < input.count, input[index] == UInt8(ascii: "#") { index += 1 }
        return index < input.count && input[index] == UInt8(ascii: "\"") ? index - position : nil
    }

    private mutating func string(hashes: Int) {
        blank(hashes)
        let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        let pounds = String(repeating: "#", count: hashes)
        blank(quote.utf8.count)
        while position < input.count {
            if starts(with: "\\" + pounds + "(") {
                blank(2 + hashes)
                interpolation()
            } else if starts(with: "\\" + pounds) {
                blank(2 + hashes)
            } else if starts(with: quote + pounds) {
                blank(quote.utf8.count + hashes)
                return
            } else if quote.utf8.count == 1, input[position] == Self.newline {
                return
            } else {
                blank(1)
            }
        }
    }

    private mutating func interpolation() {
        var depth = 1
        while position < input.count, depth > 0 {
            if let hashes = openingHashes() {
                string(hashes: hashes)
                continue
            }
            if input[position] == UInt8(ascii: "(") { depth += 1 }
            if input[position] == UInt8(ascii: ")") { depth -= 1 }
            blank(1)
        }
    }
}
