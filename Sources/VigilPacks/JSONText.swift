// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The little JSON that an activation record consists of: objects, arrays and strings.
///
/// Written with a fixed order of members and the fewest escapes (RFC 8785, strings), read
/// strictly: anything that is not written this way, numbers included, does not read.
struct JSONText {
    /// What is read.
    enum Value: Hashable {
        case text(String)
        case array([Value])
        case object([Member])

        struct Member: Hashable {
            var name: String
            var value: Value
        }

        /// The string, or nil.
        var text: String? {
            if case .text(let text) = self { text } else { nil }
        }

        /// The elements of an array, or nil.
        var items: [Value]? {
            if case .array(let items) = self { items } else { nil }
        }

        /// A member of an object, or nil.
        subscript(name: String) -> Value? {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.name == name }?.value
        }
    }

    /// Where a text ceases to read, and why.
    struct Fault: Error, Hashable {
        /// In bytes from the beginning.
        var position: Int
        var what: String
    }

    private(set) var bytes: [UInt8] = []

    /// Appends text as it stands.
    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends a string with its quotes and escapes.
    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x08: raw("\\b")
            case 0x09: raw("\\t")
            case 0x0A: raw("\\n")
            case 0x0C: raw("\\f")
            case 0x0D: raw("\\r")
            case 0..<0x20:
                raw("\\u00")
                let digits = Array("0123456789abcdef".utf8)
                bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Reads a whole text.
    static func parse(_ bytes: [UInt8]) throws(Fault) -> Value {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        guard parser.isAtEnd else {
            throw Fault(position: parser.position, what: "text follows the value")
        }
        return value
    }
}

/// A cursor over the bytes of a text.
private struct JSONParser {
    let bytes: [UInt8]
    private(set) var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private func fault(_ what: String) -> JSONText.Fault {
        JSONText.Fault(position: position, what: what)
    }

    var isAtEnd: Bool { position == bytes.count }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONText.Fault) {
        guard skip(character) else { throw fault("there should be a `\(character)`") }
    }

    mutating func value(depth: Int) throws(JSONText.Fault) -> JSONText.Value {
        guard depth < 8 else { throw fault("it nests too deep") }
        if skip("{") {
            var members: [JSONText.Value.Member] = []
            while !skip("}") {
                if !members.isEmpty { try expect(",") }
                let name = try string()
                try expect(":")
                guard !members.contains(where: { $0.name == name }) else {
                    throw fault("the member `\(name)` is there twice")
                }
                members.append(.init(name: name, value: try value(depth: depth + 1)))
            }
            return .object(members)
        }
        if skip("[") {
            var items: [JSONText.Value] = []
            while !skip("]") {
                if !items.isEmpty { try expect(",") }
                items.append(try value(depth: depth + 1))
            }
            return .array(items)
        }
        return .text(try string())
    }

    private mutating func string() throws(JSONText.Fault) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw fault("a string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                position += 1
                text.append(try escaped())
            case 0..<0x20: throw fault("a control character stands in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw fault("a string is never closed")
    }

    /// The byte that an escape stands for; the writer escapes nothing beyond ASCII.
    private mutating func escaped() throws(JSONText.Fault) -> UInt8 {
        for (letter, byte) in zip("\"\\/bfnrt".unicodeScalars, Array("\"\\/\u{8}\u{c}\n\r\t".utf8))
        where skip(letter) { return byte }
        guard skip("u"), position + 4 <= bytes.count,
            let digits = String(validating: bytes[position..<position + 4], as: UTF8.self),
            let code = UInt8(digits, radix: 16), code < 0x80
        else { throw fault("an escape is not one that the writer makes") }
        position += 4
        return code
    }
}
