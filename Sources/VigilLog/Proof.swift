// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// What a proof is to show.
package enum ProofQuestion: Hashable, Sendable {
    /// That the record with an offset is in the log.
    case inclusion(offset: UInt64)
    /// That the log has grown from the one of a size, of which nothing was changed.
    case consistency(from: UInt64)
}

/// A Merkle proof on a log as it is now, with the signed checkpoint that it leads to.
package struct ProofOfLog: Hashable, Sendable {
    package var question: ProofQuestion
    /// The log at the moment of the proof.
    package var signed: SignedCheckpoint
    /// The bytes of the entry that is shown to be there; empty for a proof of consistency.
    package var entry: [UInt8] = []
    /// The leaf of that entry, or the root at the size that the log has grown from.
    package var subject: MerkleHash
    /// The proof's hashes, as RFC 6962 orders them.
    package var hashes: [MerkleHash]

    /// Makes a proof, reading the whole log once, and signs the log as it is.
    ///
    /// Nil where the offset or size is not in the log. Throws `TreeError` where the log must not be
    /// signed, `LogError`.
    package static func make(
        _ question: ProofQuestion, directory: String, disk: any Disk = LinuxDisk()
    ) throws -> ProofOfLog? {
        let key = try KeyFile(directory: directory).load()
        let history = SignedHistory(directory: directory, disk: disk)
        var tree = TreeScan(expecting: [try history.requireSigned(by: key).head])
        let walk = try TreeWalk(directory: directory, disk: disk)
        let subjectRange: Range<UInt64>
        let plan: MerkleProofPlan?
        switch question {
        case .inclusion(let offset):
            plan = .inclusion(of: offset, size: walk.end)
            subjectRange = offset..<(offset < .max ? offset + 1 : offset)
        case .consistency(let size):
            plan = .consistency(from: size, to: walk.end)
            subjectRange = 0..<size
        }
        guard let plan else { return nil }
        let subjectNodes = MerkleNode.covering(subjectRange)
        let wanted = Set(plan.nodes + subjectNodes)
        var found: [MerkleNode: MerkleHash] = [:]
        var entry: [UInt8] = []
        try walk.extend(
            &tree,
            completing: { node, hash in
                if wanted.contains(node) { found[node] = hash }
            },
            visit: { record in
                if question == .inclusion(offset: record.offset) {
                    entry = Array(record.entryBytes)
                }
            })
        try tree.requireAllSigned()
        // The walk completes every subtree below its end, and a plan has no other.
        let hashes = plan.hashes { found[$0] ?? .empty }
        let signed = try history.sign(tree.frontier.head, with: key)
        return ProofOfLog(
            question: question, signed: signed, entry: entry,
            subject: .root(ofPeaks: subjectNodes.compactMap { found[$0] }), hashes: hashes)
    }
}
