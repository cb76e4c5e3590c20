// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// A record where it lies in a buffer: its numbers are read, its texts and payload on demand.
///
/// A recovery folds millions of these; most callers look at one or two texts of a record.
package struct LogRecordView: Sendable {
    package let offset: UInt64
    /// The log's time when the record was made.
    package let recorded: Instant
    package let kind: RecordKind
    /// The offset of the record that brought this one about.
    package let causation: UInt64
    /// The newest earlier record of the same subject.
    package let previous: UInt64?
    /// Whether this is the last record of its unit.
    package let endsUnit: Bool

    private let bytes: [UInt8]
    private let entryRange: Range<Int>
    private let texts: (topic: Range<Int>, source: Range<Int>, id: Range<Int>, subject: Range<Int>)
    private let payloadRange: Range<Int>

    /// Reads the record that begins at a position of a buffer and ends before `end`.
    ///
    /// Total: any bytes give a record or an error.
    package init(
        bytes: [UInt8], at position: Int, before end: Int
    ) throws(LogRecordError) {
        typealias Layout = LogRecordLayout
        guard position >= 0, end <= bytes.count, end - position >= Layout.frameLength else {
            throw .truncated
        }
        let entryLength = Int(bytes.load(UInt16.self, at: position))
        let flags = bytes[position + 2]
        let payloadLength = Int(bytes.load(UInt32.self, at: position + 4))
        guard flags & ~Layout.endOfUnit == 0, bytes[position + 3] == 0 else {
            throw .reservedBitsSet
        }
        let entryStart = position + Layout.frameLength
        guard end - entryStart >= entryLength + Layout.saltLength + payloadLength else {
            throw .truncated
        }
        guard entryLength >= Layout.fixedEntryLength + 8 else { throw .malformedEntry }
        guard bytes[entryStart] == Layout.version else {
            throw .unknownVersion(bytes[entryStart])
        }
        guard let kind = RecordKind(rawValue: bytes[entryStart + 1]) else {
            throw .unknownKind(bytes[entryStart + 1])
        }
        let entryFlags = bytes[entryStart + 2]
        let previous = bytes.load(UInt64.self, at: entryStart + 28)
        let hasPrevious = entryFlags & Layout.hasPrevious != 0
        guard entryFlags & ~Layout.hasPrevious == 0, bytes[entryStart + 3] == 0,
            hasPrevious || previous == 0
        else { throw .reservedBitsSet }

        var cursor = entryStart + Layout.fixedEntryLength
        let entryEnd = entryStart + entryLength
        let topic = try bytes.textRange(at: &cursor, before: entryEnd)
        let source = try bytes.textRange(at: &cursor, before: entryEnd)
        let id = try bytes.textRange(at: &cursor, before: entryEnd)
        let subject = try bytes.textRange(at: &cursor, before: entryEnd)
        guard cursor == entryEnd else { throw .malformedEntry }

        self.offset = bytes.load(UInt64.self, at: entryStart + 4)
        let milliseconds = Int64(bitPattern: bytes.load(UInt64.self, at: entryStart + 12))
        self.recorded = Instant(milliseconds: milliseconds)
        self.kind = kind
        self.causation = bytes.load(UInt64.self, at: entryStart + 20)
        self.previous = hasPrevious ? previous : nil
        self.endsUnit = flags & Layout.endOfUnit != 0
        self.bytes = bytes
        self.entryRange = entryStart..<entryEnd
        self.texts = (topic, source, id, subject)
        let payloadStart = entryEnd + Layout.saltLength
        self.payloadRange = payloadStart..<payloadStart + payloadLength
    }

    /// The position in the buffer behind the record: where the next one begins.
    package var end: Int { payloadRange.upperBound }

    /// The bytes that a Merkle leaf hashes.
    package var entryBytes: ArraySlice<UInt8> { bytes[entryRange] }

    /// The payload, without a copy.
    package var payload: ArraySlice<UInt8> { bytes[payloadRange] }

    /// The topic.
    package var topic: String { text(texts.topic) }

    /// The CloudEvents source.
    package var source: String { text(texts.source) }

    /// The CloudEvents id.
    package var eventID: String { text(texts.id) }

    /// The subject, empty where the record is about no patient.
    package var subject: String { text(texts.subject) }

    /// The topic's UTF-8, for a comparison by prefix without making a string.
    package var topicBytes: ArraySlice<UInt8> { bytes[texts.topic] }

    /// The subject's UTF-8, for a comparison without making a string.
    package var subjectBytes: ArraySlice<UInt8> { bytes[texts.subject] }

    /// The entry as a value.
    package var entry: RecordEntry {
        RecordEntry(
            offset: offset, recorded: recorded, kind: kind, topic: topic, source: source,
            eventID: eventID, subject: subject, causation: causation, previous: previous)
    }

    /// The record as a value.
    package var record: Record { Record(entry: entry, payload: Array(payload)) }

    /// Where the entry lies in the buffer: what a Merkle leaf hashes.
    package var entryPlace: Range<Int> { entryRange }

    /// Where salt and payload lie in the buffer: what the digest in the entry is of.
    package var saltedPayloadPlace: Range<Int> { entryRange.upperBound..<payloadRange.upperBound }

    /// Whether the digest in the entry is this one.
    package func hasPayloadDigest(_ digest: [32 of UInt8]) -> Bool {
        let start = entryRange.lowerBound + LogRecordLayout.digestStart
        return digest.indices.allSatisfy { digest[$0] == bytes[start + $0] }
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}

extension [UInt8] {
    /// A little-endian integer at a position that the caller has checked.
    func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at position: Int
    ) -> Value {
        let raw = span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: type)
        return Value(littleEndian: raw)
    }

    /// A text behind its 16-bit length, which must be UTF-8; the position moves behind it.
    fileprivate func textRange(
        at position: inout Int, before end: Int
    ) throws(LogRecordError) -> Range<Int> {
        guard end - position >= 2 else { throw .malformedEntry }
        let length = Int(load(UInt16.self, at: position))
        let start = position + 2
        guard end - start >= length else { throw .malformedEntry }
        let isASCII = self[start..<start + length].allSatisfy { $0 < 0x80 }
        guard isASCII || String(validating: self[start..<start + length], as: UTF8.self) != nil
        else { throw .notUTF8 }
        position = start + length
        return start..<start + length
    }
}
