// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// An event's fingerprint and where the log has the event.
package struct Fingerprint: Hashable, Comparable, Sendable {
    package var value: UInt64
    package var offset: UInt64

    package init(value: UInt64, offset: UInt64) {
        self.value = value
        self.offset = offset
    }

    package static func < (left: Fingerprint, right: Fingerprint) -> Bool {
        (left.value, left.offset) < (right.value, right.offset)
    }
}

/// What a run is about: which records, and of which log.
package struct FingerprintRange: Hashable, Sendable {
    /// The inputs from this offset to before the other are in the run.
    package var first: UInt64
    package var end: UInt64
    /// The leaf of the record before the end: salted, so that no other log has it.
    package var lastLeaf: MerkleHash

    package init(first: UInt64, end: UInt64, lastLeaf: MerkleHash) {
        self.first = first
        self.end = end
        self.lastLeaf = lastLeaf
    }
}

/// The fingerprints of a stretch of the log, sorted, in a file that is read block by block.
///
/// In memory are a filter, 10 bits a fingerprint, and the first fingerprint of each block.
package struct FingerprintRun: Sendable {
    /// What is wrong with a run's file.
    package struct Damaged: Error, Sendable {}

    static let headerLength = 512
    static let blockLength = 4096
    static let entriesPerBlock = 255
    private static let magic: StaticString = "VIGILIDX"
    private static let version: UInt16 = 1

    package let range: FingerprintRange
    package let count: UInt64
    let file: any DiskFile
    let path: String
    private let fences: [UInt64]
    private let filter: FingerprintFilter

    /// The memory that it takes, in bytes.
    package var memoryByteCount: Int { fences.count * 8 + filter.words.count * 8 }

    /// How many blocks of entries there are.
    var blockCount: Int { fences.count }

    init(
        range: FingerprintRange, count: UInt64, file: any DiskFile, path: String,
        fences: [UInt64], filter: FingerprintFilter
    ) {
        self.range = range
        self.count = count
        self.file = file
        self.path = path
        self.fences = fences
        self.filter = filter
    }

    /// Opens a run's file; throws `Damaged` where it is none of this key, or `LogError`.
    init(file: any DiskFile, path: String, key: FingerprintKey) throws {
        let header = try file.read(Self.headerLength, at: 0)
        guard header.count == Self.headerLength, header.hasText(Self.magic, at: 0),
            header.load(UInt32.self, at: 508) == checksum(header, in: 0..<508),
            header.load(UInt16.self, at: 8) == Self.version,
            header.load(UInt64.self, at: 16) == key.check,
            let leaf = MerkleHash(header[48..<80])
        else { throw Damaged() }
        range = FingerprintRange(
            first: header.load(at: 24), end: header.load(at: 32), lastLeaf: leaf)
        count = header.load(at: 40)
        let length = try file.size()
        guard count <= length / 16 else { throw Damaged() }
        let blocks = (Int(count) + Self.entriesPerBlock - 1) / Self.entriesPerBlock
        let start = Self.headerLength + blocks * Self.blockLength
        let words = FingerprintFilter.wordCount(for: Int(count))
        let rest = try file.read((blocks + words) * 8, at: UInt64(start))
        guard rest.count == (blocks + words) * 8, length == UInt64(start + rest.count),
            header.load(UInt32.self, at: 80) == checksum(rest, in: 0..<rest.count)
        else { throw Damaged() }
        fences = (0..<blocks).map { rest.load(at: $0 * 8) }
        filter = FingerprintFilter(words: (blocks..<blocks + words).map { rest.load(at: $0 * 8) })
        self.file = file
        self.path = path
    }

    /// The file's header.
    static func header(
        range: FingerprintRange, count: UInt64, key: FingerprintKey, restChecksum: UInt32
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerLength)
        bytes.storeText(magic, at: 0)
        bytes.store(version, at: 8)
        bytes.store(key.check, at: 16)
        bytes.store(range.first, at: 24)
        bytes.store(range.end, at: 32)
        bytes.store(count, at: 40)
        bytes.replaceSubrange(48..<80, with: range.lastLeaf.bytes)
        bytes.store(restChecksum, at: 80)
        bytes.store(checksum(bytes, in: 0..<508), at: 508)
        return bytes
    }

    /// The offsets of the events with a fingerprint, ascending.
    ///
    /// Throws `Damaged` where a block's checksum fails, or `LogError`.
    package func offsets(of value: UInt64) throws -> [UInt64] {
        guard filter.mayContain(value) else { return [] }
        var low = 0
        var high = fences.count
        while low < high {
            let middle = (low + high) / 2
            if fences[middle] < value { low = middle + 1 } else { high = middle }
        }
        // Equal ones may begin at the end of the block before.
        var block = max(0, low - 1)
        var offsets: [UInt64] = []
        while block < fences.count, fences[block] <= value {
            for entry in try entries(ofBlock: block) where entry.value == value {
                offsets.append(entry.offset)
            }
            block += 1
        }
        return offsets
    }

    /// Whether a lookup would have to read a block.
    func passesFilter(_ value: UInt64) -> Bool { filter.mayContain(value) }

    /// Reads all blocks; throws `Damaged` at the first bad one, or `LogError`.
    package func check() throws {
        for block in 0..<blockCount { _ = try entries(ofBlock: block) }
    }

    /// The entries of a block, in order.
    func entries(ofBlock block: Int) throws -> [Fingerprint] {
        let position = UInt64(Self.headerLength + block * Self.blockLength)
        let bytes = try file.read(Self.blockLength, at: position)
        guard bytes.count == Self.blockLength,
            bytes.load(UInt64.self, at: Self.blockLength - 16) == UInt64(block),
            bytes.load(UInt32.self, at: Self.blockLength - 4)
                == checksum(bytes, in: 0..<Self.blockLength - 4)
        else { throw Damaged() }
        let rest = Int(count) - block * Self.entriesPerBlock
        return (0..<min(rest, Self.entriesPerBlock)).map { index in
            Fingerprint(
                value: bytes.load(at: index * 16), offset: bytes.load(at: index * 16 + 8))
        }
    }
}

/// Says of most fingerprints that are not in a run that they are not: a Bloom filter (Bloom, 1970)
/// of which each fingerprint touches one block of 512 bits (Putze, Sanders and Singler, 2007).
struct FingerprintFilter: Sendable {
    private static let bitsPerKey = 10
    private static let wordsPerBlock = 8
    private static let probes = 6

    private(set) var words: [UInt64]

    init(words: [UInt64]) { self.words = words }

    /// An empty filter for so many fingerprints.
    init(count: Int) {
        words = [UInt64](repeating: 0, count: Self.wordCount(for: count))
    }

    static func wordCount(for count: Int) -> Int {
        max(1, (count * bitsPerKey + 511) / 512) * wordsPerBlock
    }

    mutating func insert(_ value: UInt64) {
        let start = block(of: value)
        var bits = Self.mixed(value)
        for _ in 0..<Self.probes {
            words[start + Int(bits >> 6 & 7)] |= 1 << (bits & 63)
            bits >>= 9
        }
    }

    func mayContain(_ value: UInt64) -> Bool {
        let start = block(of: value)
        var bits = Self.mixed(value)
        for _ in 0..<Self.probes {
            guard words[start + Int(bits >> 6 & 7)] & 1 << (bits & 63) != 0 else { return false }
            bits >>= 9
        }
        return true
    }

    private func block(of value: UInt64) -> Int {
        let blocks = UInt64(words.count / Self.wordsPerBlock)
        return Int(value.multipliedFullWidth(by: blocks).high) * Self.wordsPerBlock
    }

    /// The finaliser of SplitMix64: the block is chosen by the fingerprint's high bits, so these
    /// must not follow from them.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
