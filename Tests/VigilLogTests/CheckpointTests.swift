// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore

@testable import VigilLog

struct CheckpointTests {
    /// The key and note of the documentation of Go's `golang.org/x/mod/sumdb/note`.
    private static let goKey =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    private static let goVerifier =
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    private static let goNote = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """

    @Test func aNoteOfGoIsSignedAlikeAndHolds() throws {
        let key = try #require(SigningKey(text: Self.goKey))
        #expect(key.verifier.text == Self.goVerifier)
        #expect(key.text == Self.goKey)
        let note = try #require(SignedNote(Array(Self.goNote.utf8)))
        #expect(note.isSigned(by: key.verifier))
        #expect(note == SignedNote(text: note.text, signedBy: key))
        #expect(note.bytes == Array(Self.goNote.utf8))
    }

    @Test func anyFlippedBitOfANoteIsRefused() throws {
        let key = try #require(SigningKey(text: Self.goKey))
        let whole = Array(Self.goNote.utf8)
        for position in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[position] ^= 1 << UInt8(bit)
                #expect(SignedNote(bytes)?.isSigned(by: key.verifier) != true)
            }
        }
    }

    @Test func signaturesOfOthersArePassedOverAndAWrongOneOfOursIsNot() throws {
        let key = try #require(SigningKey(text: Self.goKey))
        let other = try #require(
            SigningKey(name: "witness", seed: [UInt8](repeating: 7, count: 32)))
        var note = SignedNote(text: "a\n", signedBy: key)
        note.signatures.append(other.sign("a\n"))
        let read = try #require(SignedNote(note.bytes))
        #expect(read.isSigned(by: key.verifier))
        #expect(read.isSigned(by: other.verifier))
        note.signatures.append(key.sign("b\n"))
        #expect(!note.isSigned(by: key.verifier))
        #expect(!SignedNote(text: "a\n", signedBy: other).isSigned(by: key.verifier))
    }

    @Test(arguments: [
        "vigil/a\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n|3",
        "vigil/a\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n|0",
        "vigil/a\n03\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n|-",
        "vigil/a\n+3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n|-",
        "vigil/a\n18446744073709551616\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n|-",
        "vigil/a\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n|-",
        "vigil/a\n3\nAAAA\n|-",
        "\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n|-",
        "vigil/a\n3\n|-",
        "|-",
    ])
    func aCheckpointHasThreeLinesInTheOneSpelling(row: String) throws {
        let parts = row.split(separator: "|", omittingEmptySubsequences: false)
        let size = Checkpoint(text: String(parts[0]))?.head.size
        #expect(size.map(String.init) ?? "-" == parts[1])
    }

    @Test func aKeyIsMadeOnceForItsOwnerAlone() throws {
        let directory = try TemporaryDirectory()
        let file = KeyFile(directory: directory.path)
        #expect(throws: TreeError.noKey(path: file.path)) { try file.load() }
        let key = try file.loadOrMake(origin: "vigil/a")
        #expect(try file.loadOrMake(origin: "vigil/a").text == key.text)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(throws: TreeError.keyOfOtherLog(path: file.path, name: "vigil/a")) {
            try file.loadOrMake(origin: "vigil/b")
        }
        for mode in [0o640, 0o604, 0o620, 0o666] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: file.path)
            #expect(throws: TreeError.keyOpenToOthers(path: file.path)) { try file.load() }
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        try Data("PRIVATE+KEY+x".utf8).write(to: URL(fileURLWithPath: file.path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        #expect(throws: TreeError.malformedKey(path: file.path)) { try file.load() }
    }

    @Test func aNameThatNoNoteCanCarryIsRefused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{A0}b"] {
            #expect(SigningKey(name: name, seed: [UInt8](repeating: 1, count: 32)) == nil)
        }
    }

    @Test func whatWasSignedLastOnlyGrows() throws {
        let key = try #require(SigningKey(text: Self.goKey))
        let history = SignedHistory(directory: "/data", disk: SimulatedDisk(seed: 1))
        #expect(try history.newest() == nil)
        let root = MerkleHash.empty
        #expect(throws: TreeError.signedIsGone(path: history.path)) {
            try history.sign(TreeHead(size: 10, root: root), with: key)
        }
        try history.begin(with: key)
        #expect(try history.newest()?.head == TreeHead(size: 0, root: root))
        let ten = try history.sign(TreeHead(size: 10, root: root), with: key)
        #expect(try history.newest() == ten)
        let five = try history.sign(TreeHead(size: 5, root: root), with: key)
        #expect(five.note.isSigned(by: key.verifier))
        #expect(try history.newest() == ten)
        #expect(try history.sign(TreeHead(size: 10, root: root), with: key) == ten)
        let other = MerkleHash.leaf([1].span)
        #expect(throws: TreeError.rewritten(after: 0, signed: 10)) {
            try history.sign(TreeHead(size: 10, root: other), with: key)
        }
        _ = try history.sign(TreeHead(size: 11, root: other), with: key)
        #expect(try history.all().map(\.head.size) == [10, 11])
        let stranger = try #require(
            SigningKey(name: "PeterNeumann", seed: [UInt8](repeating: 7, count: 32)))
        #expect(throws: TreeError.signedByOtherKey(path: history.path)) {
            try history.sign(TreeHead(size: 12, root: other), with: stranger)
        }
        #expect(throws: TreeError.keyIsGone(path: "/data/keys/log.ed25519")) {
            try history.begin(with: stranger)
        }
        #expect(try history.newest()?.head.size == 11)
    }

    @Test func aKeyIsNeverThereWithoutWhatItHasSigned() throws {
        for seed in 0..<20 as Range<UInt64> {
            var isThere = false
            for changes in 0..<40 {
                let disk = SimulatedDisk(seed: seed)
                disk.setFault(.powerLoss(after: changes))
                // The simulated key cannot be read: the file's owner is asked of the machine.
                #expect(throws: (any Error).self) {
                    try KeyFile(directory: "/data").loadOrMake(origin: "vigil/a", disk: disk)
                }
                let left = disk.afterPowerLoss()
                isThere = try left.list("/data/keys").contains("log.ed25519")
                let history = SignedHistory(directory: "/data", disk: left)
                try history.requireKey()
                #expect(try history.newest() != nil || !isThere, "seed \(seed)")
            }
            #expect(isThere, "the last of them was not cut short")
        }
    }

    @Test func aStartThatWasCutShortMakesAnotherKey() throws {
        let directory = try TemporaryDirectory()
        let file = KeyFile(directory: directory.path)
        let history = SignedHistory(directory: directory.path)
        let lost = try file.loadOrMake(origin: "vigil/a")
        try FileManager.default.removeItem(atPath: file.path)
        try history.requireKey()
        let key = try file.loadOrMake(origin: "vigil/a")
        #expect(key.text != lost.text)
        _ = try history.sign(TreeHead(size: 1, root: .leaf([1].span)), with: key)
        // From here on a lost key is one that has signed something.
        try FileManager.default.removeItem(atPath: file.path)
        let gone = TreeError.keyIsGone(path: file.path)
        #expect(throws: gone) { try file.loadOrMake(origin: "vigil/a") }
        #expect(throws: gone) { try history.requireKey() }
        try FileManager.default.removeItem(atPath: history.path)
        #expect(throws: gone) { try history.requireKey() }
        let accepted = try #require(try AcceptedHistory.accept(directory: directory.path))
        #expect(accepted.key == nil && accepted.signed != nil)
        _ = try file.loadOrMake(origin: "vigil/a")
        #expect(try history.all().map(\.head.size) == [0])
    }

    @Test func aLogWhoseKeyHasSignedWhatNobodyKnowsIsNotOpened() throws {
        let log = try SignedLog()
        let state = log.path + "/signed"
        try FileManager.default.removeItem(atPath: state)
        let gone = TreeError.signedIsGone(path: state + "/state")
        #expect(throws: gone) { _ = try openLog(log.path, on: LinuxDisk()) }
        #expect(throws: gone) { try KeyFile(directory: log.path).loadOrMake(origin: "vigil/test") }
        let head = log.older.head
        let key = try KeyFile(directory: log.path).load()
        #expect(throws: gone) {
            try SignedHistory(directory: log.path).sign(head, with: key)
        }
        #expect(!FileManager.default.fileExists(atPath: state))
        let accepted = try #require(try AcceptedHistory.accept(directory: log.path))
        #expect(accepted.signed == nil && accepted.key != nil)
        let (writer, _, _) = try openLog(log.path, on: LinuxDisk())
        try writer.close()
    }

    @Test func whereverSigningIsCutShortTheStateIsTheOneBeforeOrAfter() throws {
        let key = try #require(SigningKey(text: Self.goKey))
        for seed in 0..<20 as Range<UInt64> {
            for changes in 0..<16 {
                let disk = SimulatedDisk(seed: seed)
                let history = SignedHistory(directory: "/data", disk: disk)
                try history.begin(with: key)
                _ = try history.sign(TreeHead(size: 1, root: .empty), with: key)
                disk.setFault(.powerLoss(after: changes))
                let isDone =
                    (try? history.sign(TreeHead(size: 2, root: .empty), with: key)) != nil
                let found = try SignedHistory(directory: "/data", disk: disk.afterPowerLoss())
                    .newest()?.head.size
                #expect(isDone ? found == 2 : found == 1 || found == 2, "seed \(seed)")
            }
        }
    }
}
