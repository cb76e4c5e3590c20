// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import VigilDaemon
internal import VigilEngine

/// What the command line can say to a daemon.
struct DaemonOptions: ParsableArguments, Sendable {
    @Option(help: "The data directory: made where there is none.")
    var data: String?

    @Option(help: "A YAML file of settings (else VIGIL_CONFIG).")
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

    /// What the command line, the environment and the file say now.
    ///
    /// - Returns: the settings, and sentences about variables that may be misspelt.
    /// - Throws: `DaemonError` where something is wrong with them.
    func settings() throws -> (settings: Settings, hints: [String]) {
        var settings = Settings()
        settings.dataDirectory = data
        settings.clock = clock
        settings.events = events.isEmpty ? nil : events
        settings.ingest = ingest
        settings.alerts = alerts
        settings.history = history
        settings.http = http
        settings.packs = pack.isEmpty ? nil : pack
        settings.codelists = codelists
        settings.map = map
        settings.noteArguments()
        let environment = ProcessInfo.processInfo.environment
        let hints = try settings.fill(fromEnvironment: environment)
        if let file = config ?? environment["VIGIL_CONFIG"] {
            guard let text = FileManager.default.contents(atPath: file) else {
                throw DaemonError(.missingInput, "the file \(file) cannot be read")
            }
            try settings.fill(fromYAML: String(decoding: text, as: UTF8.self), file: file)
        }
        return (settings, hints)
    }
}

extension ClockMode: ExpressibleByArgument {}
