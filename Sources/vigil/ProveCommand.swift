// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// `vigil prove`: proofs for an auditor who has a checkpoint.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove that a record is in the log, or that the log has only grown.",
        discussion: """
            Prints one line of JSON: with --offset {"offset", "entry", "leaf", ...} and an \
            inclusion proof, with --from {"from", "fromRoot", ...} and a consistency proof; both \
            with "size", "root", "proof" (the hashes of RFC 6962) and "checkpoint" (a signed note, \
            signed now, of what is durable). Hashes and the entry are base64. Reads the whole log.

            Exit codes: 0; 64 usage, or the offset or size is not in the log; 66 there is no key; \
            74 the log is damaged or not the one that was signed.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(
        parsing: .unconditional,
        help: "Prove that the record with this offset is in the log.",
        transform: ClientDefaults.count)
    var offset: UInt64?

    @Option(
        parsing: .unconditional,
        help: "Prove that the log has grown from the one with this many records.",
        transform: ClientDefaults.count)
    var from: UInt64?

    @OptionGroup var format: JSONOnly

    func validate() throws {
        guard (offset == nil) != (from == nil) else {
            throw ValidationError("Give one of --offset and --from.")
        }
    }

    func run() throws {
        try reportingDaemon {
            let question: ProofQuestion
            if let offset {
                question = .inclusion(offset: offset)
            } else if let from {
                question = .consistency(from: from)
            } else {
                return
            }
            guard let proof = try ProofOfLog.make(question, directory: data) else {
                throw CommandFailure(
                    .usage,
                    offset == nil
                        ? "the log had never that many records, or none: give a size from 1 on"
                        : "the log has no record with that offset")
            }
            Terminal.printLine(line(proof))
        }
    }

    private func line(_ proof: ProofOfLog) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch proof.question {
            case .inclusion(let offset):
                json.number("offset", offset)
                json.string("entry", Base64.encode(proof.entry))
                json.string("leaf", Base64.encode(proof.subject.bytes))
            case .consistency(let size):
                json.number("from", size)
                json.string("fromRoot", Base64.encode(proof.subject.bytes))
            }
            json.number("size", proof.signed.head.size)
            json.string("root", Base64.encode(proof.signed.head.root.bytes))
            json.array("proof") { json in
                for hash in proof.hashes { json.string(Base64.encode(hash.bytes)) }
            }
            json.string("checkpoint", String(decoding: proof.signed.note.bytes, as: UTF8.self))
        }
        return json.bytes
    }
}
