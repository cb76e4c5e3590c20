// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilLog
internal import VigilTransport

/// `vigil keys`: the key that the log is signed with, and the keys of the sockets.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make and show keys, or begin to sign another history.",
        subcommands: [KeysNewCommand.self, KeysShowCommand.self, KeysAcceptHistoryCommand.self])
}

/// `vigil keys new`: the keys of a daemon's or a client's sockets.
struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make a CURVE key pair for a daemon or a client.",
        discussion: """
            Writes the pair for its owner alone, and the public key beside it as FILE.pub; both \
            are certificates as pyzmq and czmq read them. Prints the public key. A file that is \
            there is never written over.

            Exit codes: 0; 78 a file is there already or cannot be written.
            """)

    @Option(help: "The file to write.")
    var out: String

    @Flag(help: "Print the public key in a JSON object.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let pair = try CurveKeyPair.generate()
            _ = try CurveKeyFile(path: out).write(pair)
            Terminal.printKey(pair.publicKey.text, asJSON: json)
        }
    }
}

/// `vigil keys show`: what auditors check signatures with, or what a peer's key is.
struct KeysShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print a log's verifier key (C2SP vkey), or the public key of a file of keys.",
        discussion: """
            With --data, the log's: it is made when `vigil serve` first starts; give the line to \
            whoever audits. With a file, the CURVE key of a daemon or a client, in Z85.

            Exit codes: 0; 64 neither or both are named; 66 there is no key; 74 others than its \
            owner may read the log's key; 78 the file of keys cannot be used.
            """)

    @Option(help: "The data directory.")
    var data: String?

    @Argument(help: "A file that vigil keys new has made.")
    var file: String?

    @Flag(help: "Print the key in a JSON object.")
    var json = false

    func run() throws {
        try reportingDaemon {
            if let file, data == nil {
                let key = try CurveKeyFile(path: file).loadPublicKey()
                Terminal.printKey(key.text, asJSON: json)
                return
            }
            guard let data, file == nil else {
                throw CommandFailure(.usage, "name either --data or a file of keys")
            }
            let key = try KeyFile(directory: data).load()
            Terminal.printKey(key.verifier.text, asJSON: json)
        }
    }
}

/// `vigil keys accept-history`: for a log that cannot be what it was when it was signed.
struct KeysAcceptHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-history",
        abstract: "Let the log as it is now be signed, with a new key.",
        discussion: """
            For a log that came back from a backup without its end, or without its key, or without \
            what that has signed: `vigil serve` refuses it. Puts what was signed, and the key, \
            aside in the data directory; the next start makes a new key, so that one key never \
            signs two histories. Give auditors the new key and say why: earlier checkpoints do not \
            lead to later ones. What was lost is lost; restore a newer copy instead where you can.

            Exit codes: 0; 66 nothing was signed; 74 a daemon runs on the directory.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Print as JSON where what was signed and the key are now.")
    var json = false

    func run() throws {
        try reportingDaemon {
            guard let accepted = try AcceptedHistory.accept(directory: data) else {
                throw CommandFailure(.missingInput, "nothing was signed in \(data)")
            }
            if json {
                Terminal.printObject { json in
                    if let signed = accepted.signed { json.string("signed", signed) }
                    if let key = accepted.key { json.string("key", key) }
                }
                return
            }
            let places = [accepted.signed, accepted.key].compactMap { $0 }
            let text =
                "What was signed, and the key, are now aside: \(places.joined(separator: ", ")); "
                + "the next start makes a new key."
            Terminal.printLine(Array(text.utf8))
        }
    }
}

extension Terminal {
    fileprivate static func printKey(_ text: String, asJSON: Bool) {
        guard asJSON else {
            printLine(Array(text.utf8))
            return
        }
        printObject { $0.string("key", text) }
    }
}
