// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

/// RFC 6962 section 2.1, word for word: slow, and right by inspection.
private enum NaiveTree {
    static func root(_ leaves: ArraySlice<MerkleHash>) -> MerkleHash {
        guard leaves.count > 1 else { return leaves.first ?? .empty }
        let (left, right) = split(leaves)
        return .node(root(left), root(right))
    }

    static func path(_ index: Int, _ leaves: ArraySlice<MerkleHash>) -> [MerkleHash] {
        guard leaves.count > 1 else { return [] }
        let (left, right) = split(leaves)
        return index < right.startIndex
            ? path(index, left) + [root(right)] : path(index, right) + [root(left)]
    }

    static func proof(_ old: Int, _ leaves: ArraySlice<MerkleHash>, _ isKnown: Bool)
        -> [MerkleHash]
    {
        guard old < leaves.endIndex else { return isKnown ? [] : [root(leaves)] }
        let (left, right) = split(leaves)
        return old <= right.startIndex
            ? proof(old, left, isKnown) + [root(right)]
            : proof(old, right, false) + [root(left)]
    }

    private static func split(
        _ leaves: ArraySlice<MerkleHash>
    ) -> (ArraySlice<MerkleHash>, ArraySlice<MerkleHash>) {
        var power = 1
        while power * 2 < leaves.count { power *= 2 }
        let middle = leaves.startIndex + power
        return (leaves[..<middle], leaves[middle...])
    }
}

/// A tree of numbered leaves, with all its complete subtrees.
private struct SampleTree {
    var leaves: [MerkleHash] = []
    var nodes: [MerkleNode: MerkleHash] = [:]
    var roots: [MerkleHash] = [.empty]

    init(count: Int) {
        var frontier = MerkleFrontier()
        for number in 0..<count {
            let leaf = MerkleHash.leaf(Array("entry \(number)".utf8).span)
            leaves.append(leaf)
            frontier.append(leaf) { nodes[$0] = $1 }
            roots.append(frontier.root)
        }
    }

    func hashes(_ plan: MerkleProofPlan) throws -> [MerkleHash] {
        try plan.hashes { try #require(nodes[$0]) }
    }
}

struct MerkleTests {
    private static let tree = SampleTree(count: 70)

    /// The reference trees of Certificate Transparency's own tests.
    @Test func knownTreesHaveTheirRoots() {
        let entries = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        var frontier = MerkleFrontier()
        #expect(hexadecimal(frontier.root.bytes) == roots[0])
        for (entry, root) in zip(entries, roots.dropFirst()) {
            frontier.append(.leaf(bytes(entry).span))
            #expect(hexadecimal(frontier.root.bytes) == root)
        }
    }

    @Test func knownProofsComeOutAsPublished() throws {
        var nodes: [MerkleNode: MerkleHash] = [:]
        var frontier = MerkleFrontier()
        for entry in [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ] {
            frontier.append(.leaf(bytes(entry).span)) { nodes[$0] = $1 }
        }
        func text(_ plan: MerkleProofPlan?) throws -> [String] {
            try #require(plan).hashes { try #require(nodes[$0]) }.map { hexadecimal($0.bytes) }
        }
        #expect(
            try text(.inclusion(of: 0, size: 8)) == [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ])
        #expect(
            try text(.inclusion(of: 5, size: 8)) == [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ])
        #expect(
            try text(.consistency(from: 6, to: 8)) == [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ])
    }

    @Test func everyRootIsTheOneOfTheRecursiveDefinition() {
        for size in 0...70 {
            #expect(Self.tree.roots[size] == NaiveTree.root(Self.tree.leaves[..<size]))
        }
    }

    @Test func everyInclusionProofIsTheDefinedOneAndHoldsForNothingElse() throws {
        let tree = Self.tree
        for size in 1...70 {
            for index in 0..<size {
                let plan = try #require(
                    MerkleProofPlan.inclusion(of: UInt64(index), size: UInt64(size)))
                let proof = try tree.hashes(plan)
                #expect(proof == NaiveTree.path(index, tree.leaves[..<size]))
                func holds(
                    _ leaf: MerkleHash, _ index: Int, _ size: Int, _ proof: [MerkleHash]
                ) -> Bool {
                    MerkleProof.holds(
                        leaf: leaf, at: UInt64(index), size: UInt64(size),
                        root: tree.roots[size], proof: proof)
                }
                #expect(holds(tree.leaves[index], index, size, proof))
                #expect(!holds(.empty, index, size, proof))
                #expect(!holds(tree.leaves[index], index, size, proof + [.empty]))
                #expect(proof.isEmpty || !holds(tree.leaves[index], index, size, proof.dropLast()))
                #expect(size == 1 || !holds(tree.leaves[index], (index + 1) % size, size, proof))
            }
        }
    }

    @Test func everyConsistencyProofIsTheDefinedOneAndHoldsForNothingElse() throws {
        let tree = Self.tree
        for size in 1...70 {
            for old in 1...size {
                let plan = try #require(
                    MerkleProofPlan.consistency(from: UInt64(old), to: UInt64(size)))
                let proof = try tree.hashes(plan)
                #expect(proof == NaiveTree.proof(old, tree.leaves[..<size], true))
                func holds(_ oldRoot: MerkleHash, _ proof: [MerkleHash]) -> Bool {
                    MerkleProof.holds(
                        from: UInt64(old), oldRoot: oldRoot, to: UInt64(size),
                        root: tree.roots[size], proof: proof)
                }
                #expect(holds(tree.roots[old], proof))
                #expect(!holds(.empty, proof))
                #expect(!holds(tree.roots[old], proof + [.empty]))
                #expect(proof.isEmpty || !holds(tree.roots[old], proof.dropLast()))
            }
        }
    }

    @Test func whatIsNotInTheTreeHasNoProof() {
        #expect(MerkleProofPlan.inclusion(of: 7, size: 7) == nil)
        #expect(MerkleProofPlan.consistency(from: 0, to: 7) == nil)
        #expect(MerkleProofPlan.consistency(from: 8, to: 7) == nil)
        #expect(
            !MerkleProof.holds(leaf: .empty, at: .max, size: .max, root: .empty, proof: []))
        #expect(
            !MerkleProof.holds(from: 1, oldRoot: .empty, to: .max, root: .empty, proof: []))
    }

    @Test func plansOfTheLargestTreesAreShort() throws {
        let plan = try #require(MerkleProofPlan.inclusion(of: .max - 1, size: .max))
        #expect(plan.ranges.count == 63)
        #expect(MerkleProofPlan.consistency(from: 1 << 63, to: .max)?.ranges.count == 1)
    }

    @Test func aTreeGoesOnFromItsPeaks() throws {
        var frontier = MerkleFrontier()
        for leaf in Self.tree.leaves.prefix(37) { frontier.append(leaf) }
        #expect(MerkleFrontier(size: 37, peaks: Array(frontier.peaks.dropLast())) == nil)
        var other = try #require(MerkleFrontier(size: 37, peaks: frontier.peaks))
        for leaf in Self.tree.leaves.dropFirst(37) { other.append(leaf) }
        #expect(other.root == Self.tree.roots[70])
    }

    /// RFC 8032 section 7.1, tests 1 and 3.
    @Test func signaturesAreThoseOfTheStandard() throws {
        let table = """
            9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 \
            d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a - \
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555\
            fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
            c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7 \
            fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025 af82 \
            6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1\
            8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
            """
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let seed = bytes(String(parts[0]))
            let key = bytes(String(parts[1]))
            let message = parts[2] == "-" ? [] : bytes(String(parts[2]))
            let signature = bytes(String(parts[3]))
            #expect(Ed25519.publicKey(ofSeed: seed) == key)
            #expect(Ed25519.signature(of: message, seed: seed) == signature)
            #expect(Ed25519.holds(signature, for: message, publicKey: key))
            #expect(!Ed25519.holds(signature, for: message + [0], publicKey: key))
            var other = signature
            other[40] ^= 1
            #expect(!Ed25519.holds(other, for: message, publicKey: key))
        }
        #expect(Ed25519.publicKey(ofSeed: [1, 2, 3]) == nil)
        #expect(!Ed25519.holds([], for: [], publicKey: []))
    }

    private func bytes(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).map { start in
            UInt8(text.dropFirst(start).prefix(2), radix: 16) ?? 0
        }
    }

    @Test func leavesTogetherMakeTheTreeThatTheyMakeOneByOne() {
        let leaves = (0..<300).map { MerkleHash.leaf([UInt8($0 & 255), UInt8($0 >> 8)].span) }
        for start in [0, 1, 2, 3, 7, 8, 63, 64, 100] {
            var begun = MerkleFrontier()
            for leaf in leaves[..<start] { begun.append(leaf) }
            for end in start...leaves.count {
                var together = begun
                together.append(contentsOf: Array(leaves[start..<end]))
                var single = begun
                for leaf in leaves[start..<end] { single.append(leaf) }
                #expect(together == single, "\(start) and \(end - start) more")
            }
        }
    }

    @Test func partsHashTogetherAsTheyDoAlone() {
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 167 ^ $0 >> 7) }
        // Around each length at which padding needs one more block, and one that is alone.
        let parts =
            (0..<300).map { $0..<$0 * 2 } + [5..<69_999] + (0..<3).map { $0..<$0 + 64 }
        let leaves = MerkleHash.leaves(of: parts, in: bytes.span)
        let digests = SHA256.digests(of: parts, in: bytes.span)
        for (index, part) in parts.enumerated() {
            let alone = Array(bytes[part])
            #expect(leaves[index] == .leaf(alone.span))
            #expect(digests[index].indices.map { digests[index][$0] } == SHA256.digest(of: alone))
        }
        #expect(SHA256.digests(of: [], in: bytes.span).isEmpty)
    }
}
