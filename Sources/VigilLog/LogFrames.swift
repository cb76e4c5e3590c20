// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import VigilCore

/// What reading a frame's header came to.
enum FrameReading<Frame: Sendable>: Sendable {
    case frame(Frame)
    case invalid
    case unsupportedVersion(UInt16)
}

/// The first sector of a segment.
struct SegmentHeader: Hashable, Sendable {
    var nonce: UInt64
    var firstOffset: UInt64
    /// Drawn when the log was made; the same in all its segments.
    var logIdentity: [UInt64]
    /// The nonce of the segment before, 0 in the first.
    var previousNonce: UInt64

    static let magic: StaticString = "VIGILSEG"

    /// The 512 bytes.
    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogFormat.sectorLength)
        bytes.storeText(Self.magic, at: 0)
        bytes.store(LogFormat.version, at: 8)
        bytes.store(nonce, at: 16)
        bytes.store(firstOffset, at: 24)
        bytes.store(logIdentity[0], at: 32)
        bytes.store(logIdentity[1], at: 40)
        bytes.store(previousNonce, at: 48)
        bytes.store(checksum(bytes, in: 0..<508), at: 508)
        return bytes
    }

    /// Reads the header from the first bytes of a file.
    static func read(_ bytes: [UInt8]) -> FrameReading<SegmentHeader> {
        guard bytes.count >= LogFormat.sectorLength, bytes.hasText(magic, at: 0),
            bytes.load(UInt32.self, at: 508) == checksum(bytes, in: 0..<508)
        else { return .invalid }
        let version = bytes.load(UInt16.self, at: 8)
        guard version == LogFormat.version else { return .unsupportedVersion(version) }
        return .frame(
            SegmentHeader(
                nonce: bytes.load(at: 16), firstOffset: bytes.load(at: 24),
                logIdentity: [bytes.load(at: 32), bytes.load(at: 40)],
                previousNonce: bytes.load(at: 48)))
    }
}

/// The first 128 bytes of a commit.
struct CommitHeader: Hashable, Sendable {
    var nonce: UInt64
    /// Where the commit begins in its segment.
    var position: UInt64
    var firstOffset: UInt64
    /// 0 for a seal, which only claims what lies before it.
    var recordCount: UInt32
    var bodyLength: UInt32
    /// How many records were durable when this was written: all below this offset.
    var durableEnd: UInt64
    /// The root of the tree over all records up to and with this commit; nil where it is not given.
    var root: MerkleHash?

    static let magic: StaticString = "VIGILCOM"
    private static let rootStart = 56

    /// The offset behind the last record; saturates, so that no forged header can trap.
    var endOffset: UInt64 {
        let (end, overflow) = firstOffset.addingReportingOverflow(UInt64(recordCount))
        return overflow ? .max : end
    }

    /// The commit's length in the file, padding included.
    var paddedLength: Int {
        let length = LogFormat.commitHeaderLength + Int(bodyLength)
        return (length + LogFormat.sectorLength - 1) & ~(LogFormat.sectorLength - 1)
    }

    /// Writes the header over the first bytes of a padded commit, its checksums last.
    ///
    /// `bodyChecksum` is the CRC-32C of all that follows the header.
    func write(over bytes: inout [UInt8], bodyChecksum: UInt32) {
        bytes.storeText(Self.magic, at: 0)
        bytes.store(LogFormat.version, at: 8)
        bytes.store(nonce, at: 16)
        bytes.store(position, at: 24)
        bytes.store(firstOffset, at: 32)
        bytes.store(recordCount, at: 40)
        bytes.store(bodyLength, at: 44)
        bytes.store(durableEnd, at: 48)
        if let root {
            bytes.replaceSubrange(
                Self.rootStart..<Self.rootStart + MerkleHash.length, with: root.bytes)
        }
        bytes.store(checksum(bytes, in: 0..<120), at: 120)
        bytes.store(
            vigil_crc32c_joined(
                checksum(bytes, in: 0..<124), bodyChecksum,
                paddedLength - LogFormat.commitHeaderLength), at: 124)
    }

    /// Reads a header, its own checksum checked, from 128 bytes at an index.
    static func read(_ bytes: [UInt8], at index: Int) -> FrameReading<CommitHeader> {
        guard bytes.count - index >= LogFormat.commitHeaderLength,
            bytes.hasText(magic, at: index),
            bytes.load(UInt32.self, at: index + 120)
                == checksum(bytes, in: index..<index + 120)
        else { return .invalid }
        let version = bytes.load(UInt16.self, at: index + 8)
        guard version == LogFormat.version else { return .unsupportedVersion(version) }
        let root = bytes[index + rootStart..<index + rootStart + MerkleHash.length]
        let header = CommitHeader(
            nonce: bytes.load(at: index + 16), position: bytes.load(at: index + 24),
            firstOffset: bytes.load(at: index + 32), recordCount: bytes.load(at: index + 40),
            bodyLength: bytes.load(at: index + 44), durableEnd: bytes.load(at: index + 48),
            root: root.allSatisfy { $0 == 0 } ? nil : MerkleHash(root))
        guard header.bodyLength <= LogFormat.bodyLengthMax else { return .invalid }
        return .frame(header)
    }

    /// Whether the checksum over header, body and padding holds.
    func hasIntactCommit(_ bytes: [UInt8], at index: Int) -> Bool {
        guard bytes.count - index >= paddedLength else { return false }
        return bytes.load(UInt32.self, at: index + 124)
            == Self.commitChecksum(bytes, at: index, length: paddedLength)
    }

    /// CRC-32C of a padded commit without the four bytes that hold it.
    private static func commitChecksum(_ bytes: [UInt8], at index: Int, length: Int) -> UInt32 {
        let head = checksum(bytes, in: index..<index + 124)
        return checksum(
            bytes, in: index + LogFormat.commitHeaderLength..<index + length, after: head)
    }
}
