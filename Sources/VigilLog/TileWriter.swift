// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Writes tiles as a tree grows: the full ones when they are full, the partial ones when asked.
struct TileWriter {
    /// A tile that is being filled.
    private struct Level {
        var index: UInt64
        var hashes: [UInt8]
        var width: Int { hashes.count / MerkleHash.length }
    }

    private let directory: TileDirectory
    /// The size that the tree is to have at the end: a tile that is full by then needs no partial
    /// one.
    private let finalSize: UInt64
    private var levels: [Level] = []
    private var bundle: [UInt8] = []

    /// A writer that goes on behind a size, whose partial tiles are in the directory.
    init(
        directory: TileDirectory, from size: UInt64, to finalSize: UInt64
    ) throws(LogError) {
        self.directory = directory
        self.finalSize = finalSize
        var count = size
        while count > 0 {
            let level = Level(index: count >> 8, hashes: [])
            levels.append(level)
            count >>= 8
        }
        for level in levels.indices {
            let width = Int(truncatingIfNeeded: size >> UInt64(8 * level) & 255)
            guard width > 0 else { continue }
            let path = TilePath.tile(level: level, index: levels[level].index, width: width)
            levels[level].hashes = try directory.read(path) ?? []
        }
        if size & 255 > 0 {
            let path = TilePath.entries(index: size >> 8, width: Int(size & 255))
            bundle = try directory.read(path) ?? []
        }
    }

    /// The tree that the partial tiles of a size amount to; nil where they do not fit it.
    func frontier(size: UInt64) -> MerkleFrontier? {
        var peaks: [MerkleHash] = []
        for (level, tile) in levels.enumerated().reversed() {
            let width = Int(truncatingIfNeeded: size >> UInt64(8 * level) & 255)
            guard tile.hashes.count == width * MerkleHash.length else { return nil }
            var part = MerkleFrontier()
            for index in 0..<width {
                let start = index * MerkleHash.length
                guard let hash = MerkleHash(tile.hashes[start..<start + MerkleHash.length]) else {
                    return nil
                }
                part.append(hash)
            }
            peaks += part.peaks
        }
        return MerkleFrontier(size: size, peaks: peaks)
    }

    /// Puts an entry into the bundle that is being filled.
    mutating func take(entry: some Collection<UInt8>) {
        // The format of the log's records holds an entry to 16 bits.
        let length = UInt16(truncatingIfNeeded: entry.count)
        bundle.append(UInt8(length >> 8))
        bundle.append(UInt8(length & 255))
        bundle.append(contentsOf: entry)
    }

    /// Puts a subtree that the last entry completed into its tile, if it is a tile's hash.
    mutating func take(_ node: MerkleNode, _ hash: MerkleHash) throws(LogError) {
        guard node.level % 8 == 0 else { return }
        let level = node.level / 8
        if level == levels.count { levels.append(Level(index: 0, hashes: [])) }
        levels[level].hashes += hash.bytes
        guard levels[level].width == TilePath.width else { return }
        let index = levels[level].index
        if level == 0 {
            try directory.write(TilePath.entries(index: index, width: nil), bundle)
            bundle.removeAll(keepingCapacity: true)
        }
        try directory.write(
            TilePath.tile(level: level, index: index, width: nil), levels[level].hashes)
        levels[level].index += 1
        levels[level].hashes.removeAll(keepingCapacity: true)
    }

    /// Writes the partial tiles of the tree as it is.
    func writePartials() throws(LogError) {
        for (level, tile) in levels.enumerated() {
            let isFullAtEnd = finalSize >> UInt64(8 * level + 8) > tile.index
            guard tile.width > 0, !isFullAtEnd else { continue }
            if level == 0 {
                try directory.write(TilePath.entries(index: tile.index, width: tile.width), bundle)
            }
            try directory.write(
                TilePath.tile(level: level, index: tile.index, width: tile.width), tile.hashes)
        }
    }
}
