// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// `vigil verify`: checks the log.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every byte of the log, its tree and its checkpoints.",
        discussion: """
            Every checksum, every payload against the digest in its entry, the Merkle tree against \
            the root in each commit and in each checkpoint that was signed. A checkpoint that was \
            kept elsewhere shows also what whoever owns this directory could hide. Works beside a \
            running daemon; it sees what is durable. Damage that lies between checkpoints is named \
            by the range in which it must be; the first offset is printed first.

            Exit codes: 0; 1 damage, or another history than was signed, with the first bad \
            offset; or what was signed is gone, or FILE is of another log or key; 65 FILE is no \
            checkpoint; 66 there is no log or no FILE; 74 a file cannot be read.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "A signed checkpoint of this log that was kept elsewhere.")
    var checkpoint: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let verification = try LogVerification(
                directory: data, checkpoint: try checkpoint.map(readCheckpoint))
            guard FileManager.default.fileExists(atPath: data + "/log") else {
                throw CommandFailure(.missingInput, "there is no log in \(data)")
            }
            var progress = Progress(
                nowMilliseconds: SteadyClock.milliseconds, counting: "records")
            let total = Int(clamping: verification.recordCount)
            do {
                let verified = try verification.run { done in
                    progress.update(
                        done: Int(clamping: done), total: total,
                        nowMilliseconds: SteadyClock.milliseconds)
                }
                progress.clear()
                report(verified)
            } catch let failure as VerificationFailure {
                progress.clear()
                if json { report(failure) }
                throw failure
            } catch {
                progress.clear()
                throw error
            }
        }
    }

    private func readCheckpoint(_ path: String) throws(CommandFailure) -> SignedCheckpoint {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.missingInput, "the file \(path) cannot be read")
        }
        guard let checkpoint = SignedCheckpoint(Array(bytes)) else {
            throw CommandFailure(.badData, "\(path) is no signed checkpoint")
        }
        return checkpoint
    }

    private func report(_ verified: VerifiedLog) {
        let root = Base64.encode(verified.root.bytes)
        guard !json else {
            var json = JSONWriter()
            json.object { json in
                json.boolean("ok", true)
                json.number("records", verified.recordCount)
                json.string("root", root)
                json.number("checkpoints", verified.checkpointCount)
                json.boolean("signaturesChecked", verified.areSignaturesChecked)
            }
            Terminal.printLine(json.bytes)
            return
        }
        let signatures =
            verified.areSignaturesChecked
            ? "" : "; without keys/log.ed25519 their signatures were not checked"
        let text =
            "Verified \(verified.recordCount) records, all as they were written; the tree's root "
            + "is \(root); compared with \(verified.checkpointCount) signed checkpoints"
            + "\(signatures)."
        Terminal.printLine(Array(text.utf8))
    }

    private func report(_ failure: VerificationFailure) {
        var json = JSONWriter()
        json.object { json in
            json.boolean("ok", false)
            if let first = failure.firstOffset { json.number("offset", first) }
            if let last = failure.lastOffset { json.number("lastOffset", last) }
            json.string("finding", failure.finding)
        }
        Terminal.printLine(json.bytes)
    }
}
