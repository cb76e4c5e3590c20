// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// How far a source has been read: what is behind this place is in the outbox.
package struct SourceMark: Hashable, Sendable {
    /// The file, as the system knows it; 0 where the source is none.
    package var device: UInt64
    package var inode: UInt64
    /// The first byte that was not read.
    package private(set) var position: UInt64
    /// CRC-32C of all bytes before the position: a file may be written anew in its place, or
    /// another be given its number.
    package private(set) var checksum: UInt32

    /// A place in a file of which nothing was read, or in no file.
    package init(device: UInt64 = 0, inode: UInt64 = 0) {
        self.init(device: device, inode: inode, position: 0, checksum: 0)
    }

    fileprivate init(device: UInt64, inode: UInt64, position: UInt64, checksum: UInt32) {
        self.device = device
        self.inode = inode
        self.position = position
        self.checksum = checksum
    }

    /// Moves it behind bytes that follow.
    package mutating func advance(over bytes: ArraySlice<UInt8>) {
        position += UInt64(bytes.count)
        checksum = bytes.withUnsafeBytes { vigil_crc32c(checksum, $0.baseAddress, $0.count) }
    }
}

/// What an outbox holds of one event.
package struct OutboxItem: Hashable, Sendable {
    /// What is to become of it.
    package enum Kind: UInt8, Sendable {
        /// It is to be sent.
        case event = 0
        /// It is none that could be sent: `topic` says why, the event is what was read.
        case unreadable = 1
    }

    package var kind: Kind
    /// From 1, in the order in which they came in.
    package var sequence: UInt64
    package var topic: [UInt8]
    package var event: [UInt8]

    package init(kind: Kind, sequence: UInt64, topic: [UInt8], event: [UInt8]) {
        self.kind = kind
        self.sequence = sequence
        self.topic = topic
        self.event = event
    }
}

/// Why an outbox cannot be used, or no further.
package struct OutboxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kinds of failure.
    package enum Kind: Sendable {
        /// Another process has it.
        case taken
        /// The disk is full.
        case full
        /// What it holds is not what was written.
        case damaged
        /// The system refuses.
        case system
    }

    package var kind: Kind
    package var description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// The bytes of a segment: a header, then frames, all integers little-endian.
enum OutboxFormat {
    static let headerLength = 64
    static let frameHeadLength = 56
    /// The longest event, as of the protocol, and what belongs to it.
    static let frameLengthMax = 2 << 20
    /// Where numbering ends: so far that nobody comes there, and what is beyond is damage.
    static let sequences: ClosedRange<UInt64> = 1...(1 << 62)
    private static let magic = Array("VIGILOUT".utf8)
    private static let version: UInt32 = 1

    /// The beginning of a segment.
    struct Header: Equatable {
        var first: UInt64
        /// How far the source had been read when it was begun.
        var mark: SourceMark
    }

    /// A frame as it lies in a segment.
    struct Frame: Equatable {
        var item: OutboxItem
        var mark: SourceMark
        /// The first sequence of those that were made durable with it.
        var batch: UInt64
        var length: Int
    }

    static func encode(_ header: Header) -> [UInt8] {
        var bytes = magic
        append(version, to: &bytes)
        append(UInt32(0), to: &bytes)
        append(header.first, to: &bytes)
        append(header.mark, to: &bytes)
        append(header.mark.checksum, to: &bytes)
        while bytes.count < headerLength - 4 { bytes.append(0) }
        append(checksum(bytes[...]), to: &bytes)
        return bytes
    }

    static func header(_ bytes: [UInt8]) -> Header? {
        guard bytes.count >= headerLength, bytes.starts(with: magic),
            number(bytes, 8, UInt32.self) == version,
            number(bytes, headerLength - 4, UInt32.self) == checksum(bytes[..<(headerLength - 4)]),
            sequences.contains(number(bytes, 16))
        else { return nil }
        return Header(first: number(bytes, 16), mark: mark(bytes, 24, checksum: 48))
    }

    static func encode(_ item: OutboxItem, mark: SourceMark, batch: UInt64) -> [UInt8] {
        var rest: [UInt8] = []
        rest.reserveCapacity(frameHeadLength + item.topic.count + item.event.count)
        append(UInt32(frameHeadLength + item.topic.count + item.event.count), to: &rest)
        append(item.sequence, to: &rest)
        append(batch, to: &rest)
        append(mark, to: &rest)
        append(UInt16(item.topic.count), to: &rest)
        rest.append(item.kind.rawValue)
        rest.append(0)
        append(mark.checksum, to: &rest)
        rest += item.topic
        rest += item.event
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.count + 4)
        append(checksum(rest[...]), to: &bytes)
        return bytes + rest
    }

    /// The length that the frame at a place claims; nil where none can begin there.
    static func claimedLength(_ bytes: [UInt8], at start: Int) -> Int? {
        guard start + 8 <= bytes.count else { return nil }
        let length = Int(number(bytes, start + 4, UInt32.self))
        return (frameHeadLength...frameLengthMax).contains(length) ? length : nil
    }

    /// The frame at a place; nil where there is no whole and sound one.
    static func frame(_ bytes: [UInt8], at start: Int) -> Frame? {
        guard let length = claimedLength(bytes, at: start), start + length <= bytes.count,
            number(bytes, start, UInt32.self)
                == checksum(bytes[(start + 4)..<(start + length)]),
            let kind = OutboxItem.Kind(rawValue: bytes[start + 50])
        else { return nil }
        let topicEnd = start + frameHeadLength + Int(number(bytes, start + 48, UInt16.self))
        guard topicEnd <= start + length else { return nil }
        return Frame(
            item: OutboxItem(
                kind: kind, sequence: number(bytes, start + 8),
                topic: Array(bytes[(start + frameHeadLength)..<topicEnd]),
                event: Array(bytes[topicEnd..<(start + length)])),
            mark: mark(bytes, start + 24, checksum: start + 52),
            batch: number(bytes, start + 16), length: length)
    }

    static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    private static func append(_ mark: SourceMark, to bytes: inout [UInt8]) {
        append(mark.device, to: &bytes)
        append(mark.inode, to: &bytes)
        append(mark.position, to: &bytes)
    }

    static func number<Value: FixedWidthInteger>(
        _ bytes: [UInt8], _ position: Int, _ type: Value.Type = Value.self
    ) -> Value {
        var value: Value = 0
        for index in (0..<MemoryLayout<Value>.size).reversed() {
            value = value << 8 | Value(truncatingIfNeeded: bytes[position + index])
        }
        return value
    }

    private static func mark(
        _ bytes: [UInt8], _ position: Int, checksum: Int
    ) -> SourceMark {
        SourceMark(
            device: number(bytes, position), inode: number(bytes, position + 8),
            position: number(bytes, position + 16), checksum: number(bytes, checksum))
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { vigil_crc32c(0, $0.baseAddress, $0.count) }
    }
}
