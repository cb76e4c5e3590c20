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

/// Appends a record's bytes to a buffer, all but its payload's digest: `sealLogRecords` puts that in
/// for all records of a commit.
///
/// `endsUnit` marks the last record of a unit. Throws `entryTooLarge` or `payloadTooLarge`, the
/// buffer then unchanged.
package func encodeLogRecord(
    _ record: Record, salt: RecordSalt, endsUnit: Bool, to bytes: inout [UInt8]
) throws(LogRecordError) {
    typealias Layout = LogRecordLayout
    let entry = record.entry
    let textsLength =
        8 + entry.topic.utf8.count + entry.source.utf8.count + entry.eventID.utf8.count
        + entry.subject.utf8.count
    guard let entryLength = UInt16(exactly: Layout.fixedEntryLength + textsLength) else {
        throw .entryTooLarge
    }
    guard let payloadLength = UInt32(exactly: record.payload.count) else {
        throw .payloadTooLarge
    }
    let start = bytes.count
    let entryStart = start + Layout.frameLength
    let length =
        Layout.frameLength + Int(entryLength) + Layout.saltLength + record.payload.count
    bytes.append(contentsOf: repeatElement(0, count: length))
    bytes.withUnsafeMutableBytes { buffer in
        func store(_ value: some FixedWidthInteger & BitwiseCopyable, at position: Int) {
            buffer.storeBytes(
                of: value.littleEndian, toByteOffset: position, as: type(of: value))
        }
        store(entryLength, at: start)
        store(endsUnit ? Layout.endOfUnit : 0, at: start + 2)
        store(payloadLength, at: start + 4)
        store(Layout.version, at: entryStart)
        store(entry.kind.rawValue, at: entryStart + 1)
        store(entry.previous == nil ? 0 : Layout.hasPrevious, at: entryStart + 2)
        store(entry.offset, at: entryStart + 4)
        store(entry.recorded.milliseconds, at: entryStart + 12)
        store(entry.causation, at: entryStart + 20)
        store(entry.previous ?? 0, at: entryStart + 28)
        var position = entryStart + Layout.fixedEntryLength
        /// A text behind its 16-bit length, which the entry's length has bounded.
        func store(_ text: String) {
            var text = text
            text.withUTF8 { letters in
                store(UInt16(truncatingIfNeeded: letters.count), at: position)
                position += 2
                UnsafeMutableRawBufferPointer(rebasing: buffer[position...])
                    .copyMemory(from: UnsafeRawBufferPointer(letters))
                position += letters.count
            }
        }
        store(entry.topic)
        store(entry.source)
        store(entry.eventID)
        store(entry.subject)
        store(salt.first, at: position)
        store(salt.second, at: position + 8)
        position += Layout.saltLength
        record.payload.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyMemory(from: $0)
        }
    }
}
