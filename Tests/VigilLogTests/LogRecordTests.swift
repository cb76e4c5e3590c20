// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Testing
import VigilCodec
import VigilCore

struct LogRecordTests {
    @Test func anyRecordComesBackAsItWas() throws {
        for seed in 0..<500 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let unit = makeUnit(at: generator.next() >> 1, using: &generator)
            var bytes: [UInt8] = [7, 7, 7]
            for (index, record) in unit.enumerated() {
                let salt = RecordSalt(first: generator.next(), second: generator.next())
                try encodeLogRecord(
                    record, salt: salt, endsUnit: index == unit.count - 1, to: &bytes)
            }
            let leaves = bytes.sealLogRecords(from: 3)
            #expect(leaves.count == unit.count)
            var position = 3
            for (index, record) in unit.enumerated() {
                let view = try LogRecordView(bytes: bytes, at: position, before: bytes.count)
                #expect(view.record == record, "seed \(seed)")
                #expect(view.endsUnit == (index == unit.count - 1))
                let salted = Array(bytes[view.saltedPayloadPlace])
                #expect(view.hasPayloadDigest(SHA256.digest(of: salted.span)))
                #expect(leaves[index] == .leaf(view.entryBytes.span))
                #expect(Array(view.topicBytes) == Array(record.entry.topic.utf8))
                position = view.end
            }
            #expect(position == bytes.count)
        }
    }

    @Test func alteredOrShortenedBytesGiveAValueOrAnError() throws {
        var generator = SeededGenerator(seed: 1)
        let record = makeRecord(offset: 5, cause: 5, payloadLengthMax: 40, using: &generator)
        var whole: [UInt8] = []
        try encodeLogRecord(
            record, salt: RecordSalt(first: 1, second: 2), endsUnit: true, to: &whole)
        for end in 0..<whole.count {
            #expect(throws: LogRecordError.truncated) {
                try LogRecordView(bytes: whole, at: 0, before: end)
            }
        }
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0...generator.next() % 3 {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(generator.next() & 255)
            }
            guard let view = try? LogRecordView(bytes: bytes, at: 0, before: bytes.count) else {
                continue
            }
            // Reached without a trap: every part of it can be read.
            #expect(view.end <= bytes.count)
            #expect(view.record.payload.count <= bytes.count)
            #expect(view.saltedPayloadPlace.upperBound <= bytes.count)
            #expect(view.entryPlace.lowerBound >= 0)
        }
    }

    @Test(arguments: [
        // Position, byte, error: the frame is 8 bytes, the entry follows.
        (2, UInt8(2), LogRecordError.reservedBitsSet),
        (3, 1, .reservedBitsSet),
        (8, 2, .unknownVersion(2)),
        (9, 0, .unknownKind(0)),
        (9, 5, .unknownKind(5)),
        (10, 2, .reservedBitsSet),
        (11, 1, .reservedBitsSet),
        (36, 1, .reservedBitsSet),
        (0, 81, .malformedEntry),
        (78, 0xFF, .notUTF8),
    ])
    func whatIsReservedIsRefused(position: Int, byte: UInt8, error: LogRecordError) throws {
        let entry = RecordEntry(
            offset: 1, recorded: Instant(milliseconds: 2), kind: .input, topic: "t.p",
            source: "s", eventID: "i", subject: "x", causation: 1, previous: nil)
        var bytes: [UInt8] = []
        try encodeLogRecord(
            Record(entry: entry, payload: Array("{}".utf8)),
            salt: RecordSalt(first: 0, second: 0), endsUnit: false, to: &bytes)
        bytes[position] = byte
        #expect(throws: error) { try LogRecordView(bytes: bytes, at: 0, before: bytes.count) }
    }

    @Test func anEntryTooLargeLeavesTheBufferAlone() throws {
        let entry = RecordEntry(
            offset: 1, recorded: Instant(milliseconds: 2), kind: .input,
            topic: String(repeating: "t", count: 70_000), source: "s", eventID: "i",
            subject: "x", causation: 1, previous: nil)
        var bytes: [UInt8] = [1]
        #expect(throws: LogRecordError.entryTooLarge) {
            try encodeLogRecord(
                Record(entry: entry, payload: []), salt: RecordSalt(first: 0, second: 0),
                endsUnit: true, to: &bytes)
        }
        #expect(bytes == [1])
    }

    @Test func theEntryHoldsTheSaltedDigestAndNotTheSalt() throws {
        let entry = RecordEntry(
            offset: 1, recorded: Instant(milliseconds: 2), kind: .input, topic: "t",
            source: "s", eventID: "i", subject: "x", causation: 1, previous: nil)
        let payload = Array("{\"a\":1}".utf8)
        let salt = RecordSalt(first: 0x0807_0605_0403_0201, second: 0x100F_0E0D_0C0B_0A09)
        var bytes: [UInt8] = []
        try encodeLogRecord(
            Record(entry: entry, payload: payload), salt: salt, endsUnit: true, to: &bytes)
        _ = bytes.sealLogRecords(from: 0)
        let view = try LogRecordView(bytes: bytes, at: 0, before: bytes.count)
        let saltBytes = Array(UInt8(1)...16)
        let digest = SHA256.digest(of: saltBytes + payload)
        #expect(Array(view.entryBytes.dropFirst(36).prefix(32)) == digest)
        #expect(bytes == Array(bytes.prefix(8)) + view.entryBytes + saltBytes + payload)
    }

    @Test func theChecksumIsCRC32CWithAndWithoutHardware() {
        #expect(vigil_crc32c(0, Array("123456789".utf8), 9) == 0xE306_9283)
        // RFC 3720, appendix B.4.
        #expect(vigil_crc32c(0, [UInt8](repeating: 0, count: 32), 32) == 0x8A91_36AA)
        #expect(vigil_crc32c(0, Array(UInt8(0)..<32), 32) == 0x46DD_794E)
        var generator = SeededGenerator(seed: 9)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8(generator.next() & 255) }
            let whole = vigil_crc32c(0, bytes, length)
            #expect(whole == vigil_crc32c_portable(0, bytes, length))
            let cut = length / 3
            let rest = Array(bytes[cut...])
            let first = vigil_crc32c(0, bytes, cut)
            #expect(whole == vigil_crc32c(first, rest, rest.count))
        }
    }

    @Test func longBytesHaveTheSameChecksumInThreeChainsAndInParts() {
        var generator = SeededGenerator(seed: 10)
        let bytes = (0..<70_000).map { _ in UInt8(generator.next() & 255) }
        for length in [16_383, 16_384, 16_391, 16_392, 50_000, 70_000] {
            let whole = vigil_crc32c(7, bytes, length)
            #expect(whole == vigil_crc32c_portable(7, bytes, length))
            for cut in [0, 1, 124, 16_000, length] {
                let rest = Array(bytes[cut..<length])
                let first = vigil_crc32c(7, bytes, cut)
                let second = vigil_crc32c(0, rest, rest.count)
                #expect(vigil_crc32c_joined(first, second, rest.count) == whole)
            }
        }
    }
}
