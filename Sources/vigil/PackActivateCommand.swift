// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilDaemon
internal import VigilPacks

/// `vigil pack activate`: puts a pack in force while the daemon runs.
struct PackActivateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Put a pack in force while the daemon runs.",
        discussion: """
            The pack takes the place of one with the same id; the others stay. It is in force \
            once its record is durable; the patients are brought up to it in steps, without \
            stopping intake. A pack that is refused leaves what was in force. At the next start \
            the configuration counts: name the pack there too.

            Exit codes: 0; 65 the pack is refused; 66 there is no such directory; 69 no daemon \
            runs there.
            """)

    @Argument(help: "A bundled pack's name or a pack's directory.")
    var pack: String

    @Option(help: "The daemon's data directory.")
    var data: String

    @Option(help: "A directory of code lists to use in place of the pack's own.")
    var codelists: String?

    @Option(help: "A CSV file of further codings: system,code,to-system,to-code.")
    var map: String?

    @Flag(help: "Print the daemon's reply as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            for source in try PackLoader.load([pack], codelists: codelists, map: map) {
                let reply = try ControlClient.ask(directory: data) {
                    $0.raw("activate", source.activation())
                }
                ControlClient.printOutcome(
                    reply, asJSON: json, done: "\(source.id) \(source.version) is in force",
                    idle: "\(source.id) \(source.version) was in force already.")
            }
        }
    }
}
