// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CDigest

/// A node of the Merkle tree over the log's entries (RFC 6962 section 2.1, RFC 9162 section 2.1).
///
/// Its memory is the digest's 32 bytes: four words, which are compared at once.
package struct MerkleHash: Hashable, Sendable {
    /// The number of bytes in a hash.
    package static let length = 32

    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0

    private init() {}

    /// The hash that these 32 bytes are; nil for any other number of bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == MerkleHash.length else { return nil }
        unsafe withUnsafeMutableBytes(of: &self) { target in
            unsafe target.copyBytes(from: bytes)
        }
    }

    /// The hash of a leaf: SHA-256 of 0x00 followed by the entry.
    package static func leaf(_ entry: Span<UInt8>) -> MerkleHash {
        var hash = MerkleHash()
        unsafe entry.withUnsafeBufferPointer { input in
            unsafe withUnsafeMutableBytes(of: &hash) { output in
                let output = unsafe output.bindMemory(to: UInt8.self)
                unsafe vigil_merkle_leaf(input.baseAddress, input.count, output.baseAddress)
            }
        }
        return hash
    }

    /// The hashes of the leaves whose entries are some parts of a buffer, in their order.
    package static func leaves(of parts: [Range<Int>], in bytes: Span<UInt8>) -> [MerkleHash] {
        var hashes = [MerkleHash](repeating: MerkleHash(), count: parts.count)
        unsafe hashes.withUnsafeMutableBytes { output in
            unsafe SHA256.hash(parts, of: bytes, prefix: 0x00, into: output)
        }
        return hashes
    }

    /// The hashes of the inner nodes over pairs of children that lie side by side.
    ///
    /// A last child without a sibling is passed over.
    package static func nodes(over children: [MerkleHash]) -> [MerkleHash] {
        let count = children.count / 2
        var hashes = [MerkleHash](repeating: MerkleHash(), count: count)
        let pairs = (0..<count).lazy.map { $0 * 2 * length..<($0 + 1) * 2 * length }
        unsafe children.withUnsafeBytes { input in
            unsafe hashes.withUnsafeMutableBytes { output in
                let bytes = unsafe input.bindMemory(to: UInt8.self)
                unsafe SHA256.hash(pairs, of: bytes.span, prefix: 0x01, into: output)
            }
        }
        return hashes
    }

    /// The hash of an inner node: SHA-256 of 0x01 and both children.
    package static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        var hash = left
        unsafe withUnsafeBytes(of: right) { right in
            unsafe withUnsafeMutableBytes(of: &hash) { left in
                let right = unsafe right.bindMemory(to: UInt8.self).baseAddress
                let left = unsafe left.bindMemory(to: UInt8.self).baseAddress
                unsafe vigil_merkle_node(left, right, left)
            }
        }
        return hash
    }

    /// The root of the empty tree: SHA-256 of nothing.
    package static let empty: MerkleHash = {
        let digest = SHA256.digest(of: [])
        return MerkleHash(digest) ?? MerkleHash()
    }()

    /// The 32 bytes.
    package var bytes: [UInt8] {
        unsafe withUnsafeBytes(of: self) { unsafe [UInt8]($0) }
    }
}
