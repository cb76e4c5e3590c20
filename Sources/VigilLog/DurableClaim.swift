// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What is durable, said outside the commits: all records below an offset.
struct DurableClaim: Hashable, Sendable {
    /// Grows with each claim; its parity is the sector that it is written to.
    var sequence: UInt64
    var durableEnd: UInt64
    /// The first offset of the segment that holds the end, and the byte there behind it.
    var segmentFirstOffset: UInt64
    var position: UInt64

    static let magic: StaticString = "VIGILDUR"

    /// The sector's 512 bytes.
    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogFormat.sectorLength)
        bytes.storeText(Self.magic, at: 0)
        bytes.store(LogFormat.version, at: 8)
        bytes.store(sequence, at: 16)
        bytes.store(durableEnd, at: 24)
        bytes.store(segmentFirstOffset, at: 32)
        bytes.store(position, at: 40)
        bytes.store(checksum(bytes, in: 0..<508), at: 508)
        return bytes
    }

    /// Writes the claim to its sector.
    ///
    /// Not synced: a lost claim costs a rewrite at the next start and nothing else.
    func write(to file: any DiskFile) throws(LogError) {
        let sector = sequence % 2 * UInt64(LogFormat.sectorLength)
        try file.write(bytes, at: sector)
    }

    /// The greatest claim of the two sectors that can be read, nil where there is none.
    static func greatest(in file: any DiskFile) throws(LogError) -> DurableClaim? {
        let both = try file.read(2 * LogFormat.sectorLength, at: 0)
        var greatest: DurableClaim?
        for start in [0, LogFormat.sectorLength] {
            guard let claim = read(both, at: start) else { continue }
            if let known = greatest, known.sequence > claim.sequence { continue }
            greatest = claim
        }
        return greatest
    }

    private static func read(_ bytes: [UInt8], at start: Int) -> DurableClaim? {
        guard bytes.count >= start + LogFormat.sectorLength, bytes.hasText(magic, at: start),
            bytes.load(UInt16.self, at: start + 8) == LogFormat.version,
            bytes.load(UInt32.self, at: start + 508)
                == checksum(bytes, in: start..<start + 508)
        else { return nil }
        return DurableClaim(
            sequence: bytes.load(at: start + 16), durableEnd: bytes.load(at: start + 24),
            segmentFirstOffset: bytes.load(at: start + 32), position: bytes.load(at: start + 40))
    }
}
