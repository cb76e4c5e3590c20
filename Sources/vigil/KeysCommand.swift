// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilLog

/// `vigil keys`: the key that the log is signed with.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Show the log's key, or begin to sign another history.",
        subcommands: [KeysShowCommand.self, KeysAcceptHistoryCommand.self])
}

/// `vigil keys show`: what auditors check signatures with.
struct KeysShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the log's verifier key (C2SP vkey), one line.",
        discussion: """
            The key is made when `vigil serve` first starts. Give the line to whoever audits.

            Exit codes: 0; 66 there is no key; 74 others than its owner may read the key.
            """)

    @Option(help: "The data directory.")
    var data: String

    func run() throws {
        try reportingDaemon {
            let key = try KeyFile(directory: data).load()
            Terminal.printLine(Array(key.verifier.text.utf8))
        }
    }
}

/// `vigil keys accept-history`: for a log that cannot be what it was when it was signed.
struct KeysAcceptHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-history",
        abstract: "Let the log as it is now be signed, with a new key.",
        discussion: """
            For a log that came back from a backup without its end: `vigil serve` refuses it, \
            because checkpoints of a longer log were signed. Puts what was signed, and the key, \
            aside in the data directory; the next start makes a new key, so that one key never \
            signs two histories. Give auditors the new key and say why: earlier checkpoints do not \
            lead to later ones. What was lost is lost; restore a newer copy instead where you can.

            Exit codes: 0; 66 nothing was signed; 74 a daemon runs on the directory.
            """)

    @Option(help: "The data directory.")
    var data: String

    func run() throws {
        try reportingDaemon {
            guard let accepted = try AcceptedHistory.accept(directory: data) else {
                throw CommandFailure(.missingInput, "nothing was signed in \(data)")
            }
            let key = accepted.key.map { " and \($0)" } ?? ""
            let text =
                "What was signed is now in \(accepted.signed)\(key); the next start makes a new "
                + "key."
            Terminal.printLine(Array(text.utf8))
        }
    }
}
