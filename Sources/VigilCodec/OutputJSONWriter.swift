// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Writes compact JSON with the members in the order of the calls: the same calls give the same
/// bytes on every machine, which `JSONEncoder` does not promise.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// With room for a short text, such as a reply.
    package init() {
        bytes.reserveCapacity(128)
    }

    /// An object as an element of an array, or as the whole text.
    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        container(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// A member whose value is an object.
    package mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    /// A member whose value is an array; `body` writes the elements.
    package mutating func array(_ key: String, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        container(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// A member whose value is a string.
    package mutating func string(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }

    /// A member whose value is a string, or null where there is none.
    package mutating func string(_ key: String, orNull value: String?) {
        if let value { string(key, value) } else { raw(key, Array("null".utf8)) }
    }

    /// A string as JSON text, quotes included.
    package static func quoted(_ value: String) -> [UInt8] {
        var json = JSONWriter()
        json.string(value)
        return json.bytes
    }

    /// A string as an element of an array.
    package mutating func string(_ value: String) {
        separate()
        quote(value)
        needsComma = true
    }

    /// A member whose value is a whole number.
    @inlinable
    package mutating func number(_ key: String, _ value: some BinaryInteger) {
        // Other modules' integers become one here, so that nothing behind it is generic.
        number(key, isNegative: value < 0, magnitude: UInt64(value.magnitude))
    }

    @usableFromInline
    mutating func number(_ key: String, isNegative: Bool, magnitude: UInt64) {
        self.key(key)
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        var (low, high) = (start, bytes.count - 1)
        while low < high {
            bytes.swapAt(low, high)
            (low, high) = (low + 1, high - 1)
        }
        needsComma = true
    }

    /// A member whose value is true or false.
    package mutating func boolean(_ key: String, _ value: Bool) {
        raw(key, Array((value ? "true" : "false").utf8))
    }

    /// A member whose value is JSON already.
    package mutating func raw(_ key: String, _ json: [UInt8]) {
        self.key(key)
        raw(json)
    }

    /// JSON as an element of an array.
    package mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    private mutating func key(_ key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func container(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void
    ) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { letters in
            let isPlain = letters.allSatisfy {
                $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
            if isPlain {
                bytes.append(contentsOf: letters)
            } else {
                escape(letters)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ letters: UnsafeBufferPointer<UInt8>) {
        for byte in letters {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
    }
}
