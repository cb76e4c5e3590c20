// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CDigest

/// A node of the Merkle tree over the log's entries (RFC 6962 section 2.1, RFC 9162 section 2.1).
package struct MerkleHash: Sendable {
    /// The number of bytes in a hash.
    package static let length = 32

    fileprivate var digest: [32 of UInt8]

    fileprivate init(digest: [32 of UInt8]) {
        self.digest = digest
    }

    /// The hash that these 32 bytes are; nil for any other number of bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == MerkleHash.length else { return nil }
        digest = [32 of UInt8](repeating: 0)
        for (index, byte) in bytes.enumerated() { digest[index] = byte }
    }

    /// The hash of a leaf: SHA-256 of 0x00 followed by the entry.
    package static func leaf(_ entry: Span<UInt8>) -> MerkleHash {
        var hash = MerkleHash(digest: [32 of UInt8](repeating: 0))
        var target = hash.digest.mutableSpan
        unsafe entry.withUnsafeBufferPointer { input in
            unsafe target.withUnsafeMutableBufferPointer { output in
                guard let start = output.baseAddress else { return }
                unsafe vigil_merkle_leaf(input.baseAddress, input.count, start)
            }
        }
        return hash
    }

    /// The hash of an inner node: SHA-256 of 0x01 and both children.
    package static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        var hash = left
        var target = hash.digest.mutableSpan
        unsafe right.digest.span.withUnsafeBufferPointer { right in
            unsafe target.withUnsafeMutableBufferPointer { left in
                guard let left = left.baseAddress, let right = right.baseAddress else { return }
                unsafe vigil_merkle_node(left, right, left)
            }
        }
        return hash
    }

    /// The root of the empty tree: SHA-256 of nothing.
    package static let empty = MerkleHash(digest: SHA256.digest(of: [UInt8]().span))

    /// The 32 bytes.
    package var bytes: [UInt8] { digest.indices.map { digest[$0] } }

    /// The byte at an index from 0 to 31.
    package subscript(index: Int) -> UInt8 { digest[index] }
}

extension MerkleHash: Hashable {
    package static func == (left: MerkleHash, right: MerkleHash) -> Bool {
        left.digest.indices.allSatisfy { left.digest[$0] == right.digest[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        for index in digest.indices { hasher.combine(digest[index]) }
    }
}
