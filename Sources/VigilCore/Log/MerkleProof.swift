// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a Merkle proof consists of: of which leaves each of its hashes is the root.
///
/// A proof is planned first and its subtrees are looked up after, so that a reader of the log, of
/// tiles or of a test's array can give them.
package struct MerkleProofPlan: Hashable, Sendable {
    /// The ranges of leaves whose roots are the proof, in the order of RFC 6962.
    package private(set) var ranges: [Range<UInt64>]

    /// The proof that a leaf is in a tree (RFC 6962 section 2.1.1, PATH).
    ///
    /// Nil unless the leaf is below the size.
    package static func inclusion(of leaf: UInt64, size: UInt64) -> MerkleProofPlan? {
        guard leaf < size else { return nil }
        var ranges: [Range<UInt64>] = []
        var part = 0..<size
        while part.upperBound - part.lowerBound > 1 {
            let middle = part.lowerBound + splitPoint(part.upperBound - part.lowerBound)
            if leaf < middle {
                ranges.append(middle..<part.upperBound)
                part = part.lowerBound..<middle
            } else {
                ranges.append(part.lowerBound..<middle)
                part = middle..<part.upperBound
            }
        }
        return MerkleProofPlan(ranges: ranges.reversed())
    }

    /// The proof that a tree is another one grown (RFC 6962 section 2.1.2, PROOF).
    ///
    /// Nil unless 0 < `old` <= `size`; empty where the sizes are the same.
    package static func consistency(from old: UInt64, to size: UInt64) -> MerkleProofPlan? {
        guard old > 0, old <= size else { return nil }
        var ranges: [Range<UInt64>] = []
        var part = 0..<size
        // Whether the part is the whole old tree, whose root the verifier has.
        var isOldTree = true
        while part.upperBound != old {
            let middle = part.lowerBound + splitPoint(part.upperBound - part.lowerBound)
            if old <= middle {
                ranges.append(middle..<part.upperBound)
                part = part.lowerBound..<middle
            } else {
                ranges.append(part.lowerBound..<middle)
                part = middle..<part.upperBound
                isOldTree = false
            }
        }
        if !isOldTree { ranges.append(part) }
        return MerkleProofPlan(ranges: ranges.reversed())
    }

    /// The complete subtrees that the proof is made from.
    package var nodes: [MerkleNode] { ranges.flatMap(MerkleNode.covering) }

    /// The proof, from the roots of complete subtrees.
    package func hashes<Failure: Error>(
        _ root: (MerkleNode) throws(Failure) -> MerkleHash
    ) throws(Failure) -> [MerkleHash] {
        var hashes: [MerkleHash] = []
        for range in ranges {
            var peaks: [MerkleHash] = []
            for node in MerkleNode.covering(range) { peaks.append(try root(node)) }
            hashes.append(.root(ofPeaks: peaks))
        }
        return hashes
    }

    /// The largest power of two below a number over 1.
    private static func splitPoint(_ count: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}

/// Checks of Merkle proofs, by a verifier that has roots and nothing else.
package enum MerkleProof {
    /// Whether a proof shows a leaf in the tree of a size and root (RFC 9162 section 2.1.3.2).
    package static func holds(
        leaf: MerkleHash, at index: UInt64, size: UInt64, root: MerkleHash, proof: [MerkleHash]
    ) -> Bool {
        guard index < size else { return false }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                hash = .node(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether a proof shows that a tree is another one grown (RFC 9162 section 2.1.4.2).
    package static func holds(
        from old: UInt64, oldRoot: MerkleHash, to size: UInt64, root: MerkleHash,
        proof: [MerkleHash]
    ) -> Bool {
        guard old > 0, old <= size else { return false }
        if old == size { return proof.isEmpty && oldRoot == root }
        var hashes = proof[...]
        if old & (old - 1) == 0 { hashes = [oldRoot] + hashes }
        guard let first = hashes.popFirst() else { return false }
        var position = old - 1
        var last = size - 1
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        var ofOld = first
        var ofNew = first
        for hash in hashes {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                ofOld = .node(hash, ofOld)
                ofNew = .node(hash, ofNew)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                ofNew = .node(ofNew, hash)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && ofOld == oldRoot && ofNew == root
    }
}
