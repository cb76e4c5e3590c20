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

    let directory: String
    let disk: any Disk
    private let folder: String
    /// The folder of all that was signed.
    let checkpoints: String
    private let key: KeyFile
    /// The file that holds what was signed last.
    package let path: String

    /// What was signed of the log in a data directory.
    package init(directory: String, disk: any Disk = LinuxDisk()) {
        self.directory = directory
        self.disk = disk
        folder = directory + "/signed"
        checkpoints = folder + "/checkpoints"
        path = folder + "/state"
        key = KeyFile(directory: directory)
    }

    /// Whether it is known what was signed last: from before there is a key until both are put
    /// aside.
    var isKept: Bool { get throws { try disk.list(folder).contains("state") } }

    /// Whether anything was ever kept here.
    var hasFiles: Bool { get throws { try !disk.list(folder).isEmpty } }

    /// What was signed last: of no records where a key was made and has signed nothing else yet.
    ///
    /// Nil where no key was made, or what it signed is gone.
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
    /// one is signed and not kept. Throws `signedIsGone`, `signedByOtherKey`, `rewritten`,
    /// `malformedState`, or `LogError`.
    package func sign(_ head: TreeHead, with key: SigningKey) throws -> SignedCheckpoint {
        // Asked before the lock, whose file is in the folder that may be gone.
        guard try isKept else { throw TreeError.signedIsGone(path: path) }
        try disk.makeDirectory(checkpoints)
        return try locked {
            let last = try requireSigned(by: key)
            let name = key.verifier.name
            let signed = SignedCheckpoint(Checkpoint(origin: name, head: head), signedBy: key)
            guard last.head.size < head.size else {
                guard last.head.size > head.size || last.head.root == head.root else {
                    throw TreeError.rewritten(after: 0, signed: head.size)
                }
                return signed
            }
            try disk.replace(path, in: folder, with: signed.note.bytes)
            try disk.replace(
                checkpoints + "/" + LogFormat.padded(head.size), in: checkpoints,
                with: signed.note.bytes)
            return signed
        }
    }

    /// Signs the log of no records, durably, with a key that is yet to be put in its place.
    ///
    /// So that wherever the key is, it is known what it has signed: a key without is refused, since
    /// it may have signed anything. Throws `keyIsGone` where another key has signed more than that,
    /// `malformedState`, or `LogError`.
    func begin(with key: SigningKey) throws {
        guard try !hasSigned else { throw TreeError.keyIsGone(path: self.key.path) }
        try disk.makeDirectory(checkpoints)
        try locked {
            let empty = Checkpoint(
                origin: key.verifier.name, head: TreeHead(size: 0, root: .empty))
            let signed = SignedCheckpoint(empty, signedBy: key)
            try disk.replace(path, in: folder, with: signed.note.bytes)
        }
    }

    /// Throws where there is a key and not what it has signed, or the other way round.
    func requireKey() throws {
        if try key.isThere(on: disk) {
            guard try isKept else { throw TreeError.signedIsGone(path: path) }
        } else {
            guard try !hasSigned else { throw TreeError.keyIsGone(path: key.path) }
        }
    }

    /// Whether anything was signed of a log that had records.
    private var hasSigned: Bool {
        get throws {
            if let last = try newest(), last.head.size > 0 { return true }
            return try !disk.list(checkpoints).isEmpty
        }
    }

    /// What was signed last; throws unless it was signed with this key.
    @discardableResult
    func requireSigned(by key: SigningKey) throws -> SignedCheckpoint {
        guard let last = try newest() else { throw TreeError.signedIsGone(path: path) }
        guard last.note.isSigned(by: key.verifier) else {
            throw TreeError.signedByOtherKey(path: path)
        }
        return last
    }

    /// Puts all that was signed aside, so that the log as it is can be signed.
    ///
    /// Returns the folder's new path, nil where there is none, or nothing in it.
    func retire() throws -> String? {
        guard try hasFiles else { return nil }
        let other = "\(folder).retired-\(disk.clockMilliseconds())"
        try disk.rename(folder, to: other)
        let parent = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        try disk.synchroniseDirectory(parent.joined(separator: "/"))
        return other
    }

    /// Reads one of the files.
    func read(_ path: String) throws -> SignedCheckpoint {
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
