// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// What a verification found to be wrong.
package struct VerificationFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first record that is bad by itself; where none of a commit or of a stretch between two
    /// checkpoints is, the first of those that may be; nil where the finding is about no record.
    package var firstOffset: UInt64?
    /// The last record that the finding is about, nil where it is not known.
    package var lastOffset: UInt64?
    /// One sentence, without its end.
    package var finding: String

    package var description: String {
        guard let firstOffset else { return finding }
        let range = lastOffset.map { $0 > firstOffset ? " (to \($0))" : "" } ?? ""
        return "first bad offset \(firstOffset)\(range): \(finding)"
    }

    /// A finding about the log as a whole.
    static func ofLog(_ finding: String) -> VerificationFailure {
        VerificationFailure(firstOffset: nil, lastOffset: nil, finding: finding)
    }
}

/// What a verification checked and found to be right.
package struct VerifiedLog: Hashable, Sendable {
    package var recordCount: UInt64
    /// The root of the tree over all of them.
    package var root: MerkleHash
    /// How many signed checkpoints the log was compared with.
    package var checkpointCount: Int
    /// Whether their signatures were checked: not where the log's key is gone.
    package var areSignaturesChecked: Bool
}

/// Checks a log from its first byte to what is durable now; a daemon may run beside it.
package struct LogVerification {
    private let walk: TreeWalk
    private let history: SignedHistory
    private let signed: [SignedCheckpoint]
    /// The one that was kept elsewhere.
    private let kept: SignedCheckpoint?
    private let key: SigningKey?

    /// How many records there are to be checked.
    package var recordCount: UInt64 { walk.end }

    /// A verification of the log in a data directory.
    ///
    /// `checkpoint` is a signed note that was kept elsewhere. Throws `LogError`, or `TreeError`
    /// where the key or what was signed cannot be read.
    package init(
        directory: String, checkpoint: SignedCheckpoint? = nil, disk: any Disk = LinuxDisk()
    ) throws {
        // Before the durable end is read: nothing is signed that is not durable.
        history = SignedHistory(directory: directory, disk: disk)
        kept = checkpoint
        signed = try history.all() + [checkpoint].compactMap { $0 }
        do {
            key = try KeyFile(directory: directory).load()
        } catch TreeError.noKey {
            key = nil
        }
        walk = try TreeWalk(directory: directory, disk: disk)
    }

    /// Reads the log through.
    ///
    /// - Parameter progress: gets the number of records checked so far, now and then.
    /// - Returns: what was checked.
    /// - Throws: `VerificationFailure`; `LogError` where a file cannot be read at all.
    package func run(progress: (UInt64) -> Void = { _ in }) throws -> VerifiedLog {
        try requireOwnCheckpoint()
        var tree = TreeScan(expecting: signed.map(\.head))
        do {
            try walk.check(&tree) { records, altered in
                guard let last = records.last else { return }
                if let first = records.first, first.offset == 0 {
                    try requireOrigin(first.source)
                }
                if let offset = altered?.offset {
                    throw VerificationFailure(
                        firstOffset: offset, lastOffset: offset,
                        finding: "the payload is not the one whose digest is in the entry")
                }
                progress(last.offset + 1)
            }
            try tree.requireAllSigned()
        } catch let error as LogError {
            throw try Self.failure(error)
        } catch let error as TreeError {
            throw Self.failure(error)
        }
        try requireSignatures()
        // A key may have signed anything: without that, a log that was cut looks whole.
        if key != nil, try !history.isKept {
            throw VerificationFailure.ofLog(TreeError.signedIsGone(path: history.path).description)
        }
        return VerifiedLog(
            recordCount: tree.frontier.size, root: tree.frontier.root,
            checkpointCount: signed.count, areSignaturesChecked: key != nil)
    }

    private func requireOrigin(_ origin: String) throws(VerificationFailure) {
        guard let other = signed.first(where: { $0.checkpoint.origin != origin }) else { return }
        throw .ofLog("the log is \(origin), a checkpoint is of \(other.checkpoint.origin)")
    }

    /// Asked first: whatever log another key's checkpoint is of, this one is not compared with it.
    private func requireOwnCheckpoint() throws(VerificationFailure) {
        guard let key, let kept, !kept.note.isSigned(by: key.verifier) else { return }
        let own = "\(key.verifier.name)+\(hexadecimal(key.verifier.id))"
        let signers = kept.note.signatures.map { "\($0.name)+\(hexadecimal($0.keyID))" }
        guard !signers.contains(own) else {
            throw .ofLog("the checkpoint that was given is not what this log's key \(own) signed")
        }
        throw .ofLog(
            "the checkpoint that was given is of another log or key: it is signed by"
                + " \(signers.joined(separator: ", ")), and this log's key is \(own); if it is of"
                + " this log, the key was changed since")
    }

    private func requireSignatures() throws(VerificationFailure) {
        guard let key, let other = signed.first(where: { !$0.note.isSigned(by: key.verifier) })
        else { return }
        throw .ofLog(
            "the checkpoint of \(other.head.size) records has the log's root, but no signature of"
                + " the log's key")
    }

    /// Damage becomes a finding; a failing system call stays what it is.
    private static func failure(_ error: LogError) throws(LogError) -> VerificationFailure {
        guard case .damaged(let damage) = error else { throw error }
        return VerificationFailure(
            firstOffset: damage.firstOffset, lastOffset: damage.lastOffset,
            finding: "\(damage.finding) in \(damage.file) at byte \(damage.position)")
    }

    private static func failure(_ error: TreeError) -> VerificationFailure {
        switch error {
        case .shorter(let size, let signed):
            VerificationFailure(
                firstOffset: size, lastOffset: signed > size ? signed - 1 : nil,
                finding: "the log ends here, but a checkpoint of \(signed) records was signed")
        case .rewritten(let after, let signed):
            VerificationFailure(
                firstOffset: after, lastOffset: signed > 0 ? signed - 1 : nil,
                finding: "the history was rewritten: one of these records is not the one that the"
                    + " checkpoint of \(signed) records was signed for")
        case .rootDiffers(let first, let end):
            VerificationFailure(
                firstOffset: first, lastOffset: end > first ? end - 1 : nil,
                finding: "the tree's root in the commit does not follow from the records")
        default: .ofLog(error.description)
        }
    }
}
