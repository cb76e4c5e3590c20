// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// State that a snapshot can hold.
///
/// `write` and `init(state:)` stand side by side and name every stored property in the same order:
/// whoever adds one adds it to both, and raises `Fold.stateVersion`. A test holds the properties
/// against a list, and restored states against those that they are of.
package protocol StateCodable {
    /// Appends the value's bytes.
    func write(to state: inout StateWriter)

    /// Reads what `write` wrote; throws where the bytes are anything else.
    init(state: inout StateReader) throws(StateError)
}

/// Bytes that are no state of this version.
package struct StateError: Error, Hashable, Sendable {
    package init() {}
}

/// Texts that many values share, written once and numbered in order of first appearance.
package struct StateTexts: Sendable {
    private var numbers: [ExactText: Int] = [:]
    package private(set) var texts: [String] = []

    package init() {}

    /// The texts of a snapshot, by their numbers.
    init(texts: [String]) {
        self.texts = texts
        for (number, text) in texts.enumerated() { numbers[ExactText(text)] = number }
    }

    mutating func number(of text: String) -> Int {
        let key = ExactText(text)
        if let known = numbers[key] { return known }
        numbers[key] = texts.count
        texts.append(text)
        return texts.count - 1
    }
}

/// Makes bytes of state: integers in as many bytes as they need, 7 bits each, lowest first.
package struct StateWriter {
    package private(set) var bytes: [UInt8] = []
    /// Shared with the other parts of a snapshot, and written behind them.
    package var texts: StateTexts

    package init(texts: StateTexts = StateTexts()) {
        self.texts = texts
    }

    /// A writer that begins anew in the room of bytes that nobody needs any more.
    init(texts: StateTexts, reusing room: consuming [UInt8]) {
        self.texts = texts
        bytes = room
        bytes.removeAll(keepingCapacity: true)
    }

    package mutating func write(_ value: some StateCodable) {
        value.write(to: &self)
    }

    /// A whole number, in as few bytes as it needs.
    package mutating func writeNumber(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Eight bytes, lowest first.
    package mutating func writeWord(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// A number whose sign is in the lowest bit, so that it is short on both sides of zero.
    mutating func writeDifference(_ value: Int64) {
        writeNumber(StateWriter.folded(value))
    }

    /// A number of milliseconds that is likely to be whole hours or seconds, or `Instant.never`.
    mutating func writeSpan(_ milliseconds: Int64) {
        if milliseconds == .max {
            writeNumber(0)
        } else if milliseconds % 3_600_000 == 0 {
            writeNumber(StateWriter.folded(milliseconds / 3_600_000) << 2 | 1)
        } else if milliseconds % 1000 == 0 {
            writeNumber(StateWriter.folded(milliseconds / 1000) << 2 | 2)
        } else if milliseconds.magnitude < 1 << 60 {
            writeNumber(StateWriter.folded(milliseconds) << 2 | 3)
        } else {
            writeNumber(4)
            writeDifference(milliseconds)
        }
    }

    private static func folded(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value &<< 1) ^ UInt64(bitPattern: value &>> 63)
    }

    /// Bytes, after their number.
    package mutating func writeBytes(_ value: some Collection<UInt8>) {
        writeNumber(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Bytes as they stand.
    mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

    /// A text that other values are likely to have as well.
    package mutating func writeShared(_ text: String) {
        writeNumber(UInt64(texts.number(of: text)))
    }

    /// The same of a text that may be missing.
    package mutating func writeShared(_ text: String?) {
        writeNumber(text.map { UInt64(texts.number(of: $0)) + 1 } ?? 0)
    }
}

/// Reads what a `StateWriter` wrote; total: any bytes give values or `StateError`.
package struct StateReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private let texts: [String]
    /// Of each coding the list of it alone, which most facts have: shared rather than made anew.
    let singleCodings: [[CodingID]]

    package init(_ bytes: ArraySlice<UInt8>, texts: [String] = []) {
        self.init(bytes, texts: texts, singleCodings: [])
    }

    init(_ bytes: ArraySlice<UInt8>, texts: [String], singleCodings: [[CodingID]]) {
        self.bytes = bytes
        self.texts = texts
        self.singleCodings = singleCodings
        position = bytes.startIndex
    }

    /// Whether everything was read.
    package var isAtEnd: Bool { position == bytes.endIndex }

    /// How many bytes have been read.
    var passedCount: Int { position - bytes.startIndex }

    /// Leaves out what stands before a place, which is how many bytes have been read then.
    ///
    /// - Throws: `StateError` where more than that have been read.
    mutating func skip(to place: Int) throws(StateError) {
        guard place >= passedCount, place <= bytes.count else { throw StateError() }
        position = bytes.startIndex + place
    }

    /// The next value.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func read<Value: StateCodable>(
        _ type: Value.Type = Value.self
    ) throws(StateError) -> Value {
        try Value(state: &self)
    }

    /// The next byte.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readByte() throws(StateError) -> UInt8 {
        guard position < bytes.endIndex else { throw StateError() }
        defer { position += 1 }
        return bytes[position]
    }

    /// What `writeNumber` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readNumber() throws(StateError) -> UInt64 {
        let first = try readByte()
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw StateError() }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// What `writeWord` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readWord() throws(StateError) -> UInt64 {
        guard bytes.endIndex - position >= 8 else { throw StateError() }
        var value: UInt64 = 0
        for place in 0..<8 { value |= UInt64(bytes[position + place]) << UInt64(8 * place) }
        position += 8
        return value
    }

    /// What `writeDifference` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    mutating func readDifference() throws(StateError) -> Int64 {
        let folded = try readNumber()
        return Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
    }

    /// What `writeSpan` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    mutating func readSpan() throws(StateError) -> Int64 {
        let number = try readNumber()
        let folded = number >> 2
        let value = Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
        switch number & 3 {
        case 1: return value &* 3_600_000
        case 2: return value &* 1000
        case 3: return value
        default: return number == 0 ? .max : try readDifference()
        }
    }

    /// A number of things that take at least a byte each, so that no length is believed blindly.
    package mutating func readCount() throws(StateError) -> Int {
        let count = try readNumber()
        guard count <= UInt64(bytes.endIndex - position) else { throw StateError() }
        return Int(count)
    }

    /// What `writeBytes` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readBytes() throws(StateError) -> ArraySlice<UInt8> {
        let count = try readCount()
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// What `writeShared` wrote.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readShared() throws(StateError) -> String {
        let number = try readNumber()
        guard number < UInt64(texts.count) else { throw StateError() }
        return texts[Int(number)]
    }

    /// What `writeShared` wrote of a text that may be missing.
    ///
    /// - Throws: `StateError` where the bytes hold no such thing.
    package mutating func readSharedOptional() throws(StateError) -> String? {
        let number = try readNumber()
        guard number > 0 else { return nil }
        guard number <= UInt64(texts.count) else { throw StateError() }
        return texts[Int(number) - 1]
    }
}

// MARK: - Plain values

extension UInt64: StateCodable {
    package func write(to state: inout StateWriter) { state.writeNumber(self) }
    package init(state: inout StateReader) throws(StateError) { self = try state.readNumber() }
}

extension Int64: StateCodable {
    package func write(to state: inout StateWriter) { state.writeDifference(self) }
    package init(state: inout StateReader) throws(StateError) {
        self = try state.readDifference()
    }
}

extension Int: StateCodable {
    package func write(to state: inout StateWriter) { state.write(Int64(self)) }
    package init(state: inout StateReader) throws(StateError) {
        self = Int(try state.read(Int64.self))
    }
}

extension Int32: StateCodable {
    package func write(to state: inout StateWriter) { state.write(Int64(self)) }
    package init(state: inout StateReader) throws(StateError) {
        guard let value = Int32(exactly: try state.read(Int64.self)) else { throw StateError() }
        self = value
    }
}

extension Bool: StateCodable {
    package func write(to state: inout StateWriter) { state.writeNumber(self ? 1 : 0) }
    package init(state: inout StateReader) throws(StateError) {
        let byte = try state.readByte()
        guard byte <= 1 else { throw StateError() }
        self = byte == 1
    }
}

extension String: StateCodable {
    package func write(to state: inout StateWriter) { state.writeBytes(utf8) }
    package init(state: inout StateReader) throws(StateError) {
        self = String(decoding: try state.readBytes(), as: UTF8.self)
    }
}

extension UInt8: StateCodable {
    package func write(to state: inout StateWriter) { state.writeNumber(UInt64(self)) }
    package init(state: inout StateReader) throws(StateError) {
        guard let value = UInt8(exactly: try state.readNumber()) else { throw StateError() }
        self = value
    }
}

extension Optional: StateCodable where Wrapped: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(self != nil)
        if let self { state.write(self) }
    }

    package init(state: inout StateReader) throws(StateError) {
        self = try state.read(Bool.self) ? try state.read(Wrapped.self) : nil
    }
}

extension Array: StateCodable where Element: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(count))
        for element in self { state.write(element) }
    }

    package init(state: inout StateReader) throws(StateError) {
        let count = try state.readCount()
        self = []
        reserveCapacity(count)
        for _ in 0..<count { append(try state.read(Element.self)) }
    }
}

extension Dictionary: StateCodable where Key: StateCodable & Comparable, Value: StateCodable {
    /// In the order of the keys, so that equal states have equal bytes.
    package func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(count))
        for (key, value) in sorted(by: { $0.key < $1.key }) {
            state.write(key)
            state.write(value)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        let count = try state.readCount()
        self.init(minimumCapacity: count)
        for _ in 0..<count {
            let key = try state.read(Key.self)
            self[key] = try state.read(Value.self)
        }
    }
}

extension StateCodable where Self: RawRepresentable, RawValue == String {
    /// A case by its name, which many share.
    package func write(to state: inout StateWriter) { state.writeShared(rawValue) }
    package init(state: inout StateReader) throws(StateError) {
        guard let value = Self(rawValue: try state.readShared()) else { throw StateError() }
        self = value
    }
}

extension StateCodable where Self: RawRepresentable, RawValue == UInt8 {
    package func write(to state: inout StateWriter) { state.write(rawValue) }
    package init(state: inout StateReader) throws(StateError) {
        guard let value = Self(rawValue: try state.readByte()) else { throw StateError() }
        self = value
    }
}
