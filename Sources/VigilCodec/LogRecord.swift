// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Why bytes are no log record, or a record cannot be made into bytes.
package enum LogRecordError: Error, Hashable, Sendable {
    /// The bytes end before the record does.
    case truncated
    /// The entry has a version that this program does not know.
    case unknownVersion(UInt8)
    case unknownKind(UInt8)
    /// A bit or byte that this version keeps at zero is set.
    case reservedBitsSet
    /// A text of the entry is not UTF-8.
    case notUTF8
    /// The entry's lengths do not add up to its length.
    case malformedEntry
    /// The entry would not fit in its 16-bit length.
    case entryTooLarge
    /// The payload would not fit in its 32-bit length.
    case payloadTooLarge
}

/// The 16 random bytes that keep a payload from being guessed from its digest.
///
/// They lie beside the payload and outside the entry, which auditors see: an erased payload takes
/// its salt along, and what remains of it says nothing.
package struct RecordSalt: Hashable, Sendable {
    package var first: UInt64
    package var second: UInt64

    /// The salt whose bytes are the two words, little endian.
    package init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }
}

/// Where the parts of a record lie: the normative text is `schemas/log-format.md`.
enum LogRecordLayout {
    static let frameLength = 8
    static let saltLength = 16
    static let digestStart = 36
    /// Version to the payload's digest; four texts follow, each after its 16-bit length.
    static let fixedEntryLength = 68
    static let version: UInt8 = 1
    static let endOfUnit: UInt8 = 1
    static let hasPrevious: UInt8 = 1
}

/// Appends a record's bytes to a buffer, all but its payload's digest: `sealLogRecords` puts that
/// in for all records of a commit.
///
/// `endsUnit` marks the last record of a unit. Throws `entryTooLarge` or `payloadTooLarge`, the
/// buffer then unchanged.
package func encodeLogRecord(
    _ record: Record, salt: RecordSalt, endsUnit: Bool, to bytes: inout [UInt8]
) throws(LogRecordError) {
    typealias Layout = LogRecordLayout
    // The texts are read where they are: a copy of the entry would count references.
    let textsLength =
        8 + record.entry.topic.utf8.count + record.entry.source.utf8.count
        + record.entry.eventID.utf8.count + record.entry.subject.utf8.count
    guard let entryLength = UInt16(exactly: Layout.fixedEntryLength + textsLength) else {
        throw .entryTooLarge
    }
    guard let payloadLength = UInt32(exactly: record.payload.count) else {
        throw .payloadTooLarge
    }
    let length =
        Layout.frameLength + Int(entryLength) + Layout.saltLength + record.payload.count
    bytes.append(addingCapacity: length) { span in
        span.withUnsafeMutableBufferPointer { room, count in
            var output = RecordBytes(UnsafeMutableRawBufferPointer(room))
            output.store(entryLength)
            output.store(endsUnit ? Layout.endOfUnit : 0)
            output.store(UInt8(0))
            output.store(payloadLength)
            output.store(Layout.version)
            output.store(record.entry.kind.rawValue)
            output.store(record.entry.previous == nil ? 0 : Layout.hasPrevious)
            output.store(UInt8(0))
            output.store(record.entry.offset)
            output.store(record.entry.recorded.milliseconds)
            output.store(record.entry.causation)
            output.store(record.entry.previous ?? 0)
            for _ in 0..<4 { output.store(UInt64(0)) }
            output.store(record.entry.topic)
            output.store(record.entry.source)
            output.store(record.entry.eventID)
            output.store(record.entry.subject)
            output.store(salt.first)
            output.store(salt.second)
            record.payload.withUnsafeBytes { output.store($0) }
            count = output.position
        }
    }
}

/// Room for a record, which is filled from its beginning: every byte is written once.
private struct RecordBytes {
    private let room: UnsafeMutableRawBufferPointer
    /// How many bytes were written.
    private(set) var position = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    /// Puts an integer next, little endian.
    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        room.storeBytes(of: value.littleEndian, toByteOffset: position, as: Value.self)
        position += MemoryLayout<Value>.size
    }

    /// Puts a text next, behind its 16-bit length, which the entry's length has bounded.
    mutating func store(_ text: String) {
        let letters = text.utf8Span.span
        store(UInt16(truncatingIfNeeded: letters.count))
        letters.withUnsafeBytes { store($0) }
    }

    /// Puts some bytes next.
    mutating func store(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: room[position...]).copyMemory(from: bytes)
        position += bytes.count
    }
}
