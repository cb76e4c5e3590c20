// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A complete subtree: the leaves from `index << level` on, 2^`level` of them.
package struct MerkleNode: Hashable, Sendable {
    package var level: Int
    package var index: UInt64

    package init(level: Int, index: UInt64) {
        self.level = level
        self.index = index
    }

    /// The complete subtrees that some leaves consist of, left to right.
    ///
    /// The range begins at a multiple of the largest power of two that fits in it, as all ranges
    /// of RFC 6962's definitions do; from any other, the subtrees are still the largest aligned.
    package static func covering(_ leaves: Range<UInt64>) -> [MerkleNode] {
        var nodes: [MerkleNode] = []
        var start = leaves.lowerBound
        while start < leaves.upperBound {
            let room = leaves.upperBound - start
            let fitting = UInt64.bitWidth - 1 - room.leadingZeroBitCount
            let level = min(fitting, start == 0 ? fitting : start.trailingZeroBitCount)
            nodes.append(MerkleNode(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        return nodes
    }
}

/// The right edge of a growing Merkle tree: enough to go on, and for the root at each size.
///
/// It holds the roots of the complete subtrees that the leaves so far consist of, at most 64.
package struct MerkleFrontier: Hashable, Sendable {
    /// How many leaves there are.
    package private(set) var size: UInt64
    /// The roots of the subtrees of `MerkleNode.covering(0..<size)`, the largest first.
    package private(set) var peaks: [MerkleHash]

    /// The tree without leaves.
    package init() {
        size = 0
        peaks = []
    }

    /// The tree of this size whose subtrees have these roots, the largest first.
    ///
    /// Nil where the number of roots is not that of the size's bits.
    package init?(size: UInt64, peaks: [MerkleHash]) {
        guard peaks.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.peaks = peaks
    }

    /// Puts a leaf behind the last.
    package mutating func append(_ leaf: MerkleHash) {
        append(leaf) { _, _ in }
    }

    /// Puts a leaf behind the last, and hands out each subtree that it completes, from the leaf up.
    package mutating func append(
        _ leaf: MerkleHash, completing: (MerkleNode, MerkleHash) -> Void
    ) {
        var hash = leaf
        var node = MerkleNode(level: 0, index: size)
        completing(node, hash)
        while node.index & 1 == 1, let left = peaks.popLast() {
            hash = .node(left, hash)
            node = MerkleNode(level: node.level + 1, index: node.index >> 1)
            completing(node, hash)
        }
        peaks.append(hash)
        size += 1
    }

    /// Puts leaves behind the last, a level of the tree after the other: faster than one by one.
    package mutating func append(contentsOf leaves: [MerkleHash]) {
        let end = size + UInt64(leaves.count)
        var row = leaves
        var level: UInt64 = 0
        var unpaired: [MerkleHash] = []
        while !row.isEmpty {
            // A subtree of this level that has waited for its sibling.
            if size >> level & 1 == 1, let left = peaks.popLast() { row.insert(left, at: 0) }
            if row.count & 1 == 1 { unpaired.append(row.removeLast()) }
            row = MerkleHash.nodes(over: row)
            level += 1
        }
        peaks += unpaired.reversed()
        size = end
    }

    /// The root of the tree, of RFC 6962's MTH.
    package var root: MerkleHash { .root(ofPeaks: peaks) }
}

extension MerkleHash {
    /// The root over subtrees that stand side by side, the largest first.
    package static func root(ofPeaks peaks: some BidirectionalCollection<MerkleHash>) -> MerkleHash
    {
        guard var hash = peaks.last else { return .empty }
        for peak in peaks.dropLast().reversed() { hash = .node(peak, hash) }
        return hash
    }
}
