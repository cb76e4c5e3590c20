// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import VigilCore

/// A checkpoint with its signatures.
package struct SignedCheckpoint: Hashable, Sendable {
    package var checkpoint: Checkpoint
    package var note: SignedNote

    /// The checkpoint's size and root.
    package var head: TreeHead { checkpoint.head }

    /// Reads a note whose text is a checkpoint; nil for anything else.
    package init?(_ bytes: [UInt8]) {
        guard let note = SignedNote(bytes), let checkpoint = Checkpoint(text: note.text) else {
            return nil
        }
        self.note = note
        self.checkpoint = checkpoint
    }

    /// Signs a checkpoint.
    init(_ checkpoint: Checkpoint, signedBy key: SigningKey) {
        self.checkpoint = checkpoint
        note = SignedNote(text: checkpoint.text, signedBy: key)
    }
}

/// What was signed of a log, kept apart from it: a log that comes back without its end, or with
/// another history, is known by it.
package struct SignedHistory: Sendable {
    private static let lengthMax = 1 << 16
    /// How long another process may take to sign, in steps of 20 ms.
    private static let lockAttemptsMax = 500

    private let disk: any Disk
    private let folder: String
    private let checkpoints: String
    /// The file that holds what was signed last.
    package let path: String

    /// What was signed of the log in a data directory.
    package init(directory: String, disk: any Disk = LinuxDisk()) {
        self.disk = disk
        folder = directory + "/signed"
        checkpoints = folder + "/checkpoints"
        path = folder + "/state"
    }

    /// Whether anything was signed.
    var isKept: Bool { get throws { try disk.list(folder).contains("state") } }

    /// What was signed last, nil where nothing was.
    ///
    /// Throws `LogError`, or `TreeError.malformedState`.
    package func newest() throws -> SignedCheckpoint? {
        guard try isKept else { return nil }
        return try read(path)
    }

    /// All that was signed, by size.
    package func all() throws -> [SignedCheckpoint] {
        var all: [SignedCheckpoint] = []
        for name in try disk.list(checkpoints) where UInt64(name) != nil {
            all.append(try read(checkpoints + "/" + name))
        }
        // Written first, so it may be there alone.
        if let newest = try newest(), newest != all.last { all.append(newest) }
        return all.sorted { $0.head.size < $1.head.size }
    }

    /// Signs a head of the log's tree and keeps it, durably, before anybody sees the signature.
    ///
    /// The caller knows that the tree has grown from what was signed before. A head below the last
    /// one is signed and not kept. Throws `signedByOtherKey`, `rewritten`, `malformedState`, or
    /// `LogError`.
    package func sign(_ head: TreeHead, with key: SigningKey) throws -> SignedCheckpoint {
        try disk.makeDirectory(checkpoints)
        return try locked {
            let name = key.verifier.name
            let signed = SignedCheckpoint(Checkpoint(origin: name, head: head), signedBy: key)
            if let last = try newest() {
                guard last.note.isSigned(by: key.verifier) else {
                    throw TreeError.signedByOtherKey(path: path)
                }
                guard last.head.size < head.size else {
                    guard last.head.size > head.size || last.head.root == head.root else {
                        throw TreeError.rewritten(after: 0, signed: head.size)
                    }
                    return signed
                }
            }
            try disk.replace(path, in: folder, with: signed.note.bytes)
            let digits = String(head.size)
            let padded = String(repeating: "0", count: 20 - digits.count) + digits
            try disk.replace(
                checkpoints + "/" + padded, in: checkpoints, with: signed.note.bytes)
            return signed
        }
    }

    /// Throws unless what was signed last was signed with this key.
    func requireSigned(by key: SigningKey) throws {
        guard try newest()?.note.isSigned(by: key.verifier) != false else {
            throw TreeError.signedByOtherKey(path: path)
        }
    }

    /// Puts all that was signed aside, so that the log as it is can be signed.
    ///
    /// Returns the folder's new path, nil where nothing was signed.
    func retire() throws -> String? {
        guard try isKept else { return nil }
        let other = "\(folder).retired-\(disk.clockMilliseconds())"
        try disk.rename(folder, to: other)
        let parent = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        try disk.synchroniseDirectory(parent.joined(separator: "/"))
        return other
    }

    private func read(_ path: String) throws -> SignedCheckpoint {
        let bytes = try disk.open(path, for: .read).read(Self.lengthMax, at: 0)
        guard let signed = SignedCheckpoint(bytes) else {
            throw TreeError.malformedState(path: path)
        }
        return signed
    }

    /// Does something while no other process signs.
    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        var attempts = 0
        while true {
            do {
                let lock = try disk.lock(folder + "/lock")
                return try withExtendedLifetime(lock) { try body() }
            } catch LogError.locked where attempts < Self.lockAttemptsMax {
                attempts += 1
                usleep(20_000)
            }
        }
    }
}
