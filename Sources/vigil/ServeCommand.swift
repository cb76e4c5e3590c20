// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import VigilDaemon
internal import VigilEngine

/// `vigil serve`: runs the daemon.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the daemon.",
        discussion: """
            Prints one line of JSON, {"ready": ...} with the endpoints, once it accepts; ends on \
            SIGTERM or SIGINT with 0. What the command line says counts before the file. On \
            SIGHUP the file, the packs and the code lists are read again, and put in force if \
            they are in order.

            Exit codes: 0; 64 usage; 65 a pack is refused; 69 an endpoint is taken; 74 the log \
            cannot be written or is damaged; 78 the configuration is wrong.
            """)

    @Option(help: "The data directory: made where there is none.")
    var data: String

    @Option(help: "A YAML file of settings.")
    var config: String?

    @Option(help: "The log's clock: the machine's (wall) or the largest event time (event).")
    var clock: ClockMode?

    @Option(help: "Bind the SUB socket here; >ENDPOINT connects it to a publisher. Repeatable.")
    var events: [String] = []

    @Option(help: "Bind acknowledged ingest (ROUTER) here.")
    var ingest: String?

    @Option(help: "Bind live outputs (XPUB) here.")
    var alerts: String?

    @Option(help: "Bind history (ROUTER) here.")
    var history: String?

    @Option(help: "HOST:PORT for health and metrics, or none.")
    var http: String?

    @Option(help: "A bundled pack's name or a pack's directory. Repeatable.")
    var pack: [String] = []

    @Option(help: "A directory of code lists to use in place of the packs' own.")
    var codelists: String?

    @Option(help: "A CSV file of further codings: system,code,to-system,to-code.")
    var map: String?

    func run() throws {
        try reportingDaemon {
            try Daemon(try settings(), again: settings).run { line in
                Terminal.printLine(Array(line.utf8))
            }
        }
    }

    /// What the command line and the file say now.
    @Sendable private func settings() throws -> Settings {
        var settings = Settings()
        settings.data = data
        settings.clock = clock
        settings.events = events.isEmpty ? nil : events
        settings.ingest = ingest
        settings.alerts = alerts
        settings.history = history
        settings.http = http
        settings.packs = pack.isEmpty ? nil : pack
        settings.codelists = codelists
        settings.map = map
        if let config {
            guard let text = FileManager.default.contents(atPath: config) else {
                throw DaemonError(.missingInput, "the file \(config) cannot be read")
            }
            try settings.fill(fromYAML: String(decoding: text, as: UTF8.self), file: config)
        }
        return settings
    }
}

extension ClockMode: ExpressibleByArgument {}
