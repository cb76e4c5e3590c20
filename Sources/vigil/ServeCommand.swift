// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilDaemon

/// `vigil serve`: runs the daemon.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the daemon.",
        discussion: """
            Prints one line of JSON, {"ready": ...} with the endpoints, once it accepts; ends on \
            SIGTERM or SIGINT with 0. What the command line says counts before the environment \
            (VIGIL_INGEST and so on), that before the file, and that before the defaults. On \
            SIGHUP the file, the packs and the code lists are read again, and put in force if \
            they are in order.

            Exit codes: 0; 64 usage; 65 a pack is refused; 66 there is no such pack; 69 an \
            endpoint is taken; 74 the log cannot be written or is damaged; 77 strangers could not \
            be shown to be kept out; 78 the configuration is wrong.
            """)

    @OptionGroup var options: DaemonOptions

    @OptionGroup var format: JSONOnly

    func run() throws {
        try reportingDaemon {
            let options = options
            let (settings, hints) = try options.settings()
            for hint in hints { Terminal.say("vigil: " + hint) }
            let daemon = try Daemon(settings) { try options.settings().settings }
            try daemon.run { line in Terminal.printLine(Array(line.utf8)) }
        }
    }
}
