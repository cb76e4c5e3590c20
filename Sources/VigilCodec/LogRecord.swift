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
    static let digestLength = 32
    /// Version to the payload's digest; four texts follow, each after its 16-bit length.
    static let fixedEntryLength = 68
    static let version: UInt8 = 1
    static let endOfUnit: UInt8 = 1
    static let hasPrevious: UInt8 = 1
}

/// Appends a record's bytes to a buffer.
///
/// `endsUnit` marks the last record of a unit. Throws `entryTooLarge` or `payloadTooLarge`, the
/// buffer then unchanged.
package func encodeLogRecord(
    _ record: Record, salt: RecordSalt, endsUnit: Bool, to bytes: inout [UInt8]
) throws(LogRecordError) {
    let entry = record.entry
    let texts = [entry.topic, entry.source, entry.eventID, entry.subject]
    var entryLength = LogRecordLayout.fixedEntryLength
    for text in texts {
        entryLength += 2 + text.utf8.count
    }
    guard let entryLength16 = UInt16(exactly: entryLength) else { throw .entryTooLarge }
    guard let payloadLength = UInt32(exactly: record.payload.count) else {
        throw .payloadTooLarge
    }
    append(entryLength16, to: &bytes)
    bytes.append(endsUnit ? LogRecordLayout.endOfUnit : 0)
    bytes.append(0)
    append(payloadLength, to: &bytes)

    bytes.append(LogRecordLayout.version)
    bytes.append(entry.kind.rawValue)
    bytes.append(entry.previous == nil ? 0 : LogRecordLayout.hasPrevious)
    bytes.append(0)
    append(entry.offset, to: &bytes)
    append(UInt64(bitPattern: entry.recorded.milliseconds), to: &bytes)
    append(entry.causation, to: &bytes)
    append(entry.previous ?? 0, to: &bytes)
    let digest = payloadDigest(of: record.payload, salt: salt)
    for index in digest.indices {
        bytes.append(digest[index])
    }
    for text in texts {
        append(UInt16(truncatingIfNeeded: text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }
    append(salt.first, to: &bytes)
    append(salt.second, to: &bytes)
    bytes.append(contentsOf: record.payload)
}

/// SHA-256 of the salt's bytes followed by the payload.
func payloadDigest(of payload: [UInt8], salt: RecordSalt) -> [32 of UInt8] {
    var prefix = [UInt8]()
    prefix.reserveCapacity(LogRecordLayout.saltLength)
    append(salt.first, to: &prefix)
    append(salt.second, to: &prefix)
    return SHA256.digest(of: prefix.span, then: payload.span)
}

private func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
}
