// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient
internal import VigilTransport

/// `vigil watch`: prints output events as they come.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print output events, one JSON line each, missing none.",
        discussion: """
            Begins with what is new, or with --from at an offset of the log, and goes on until \
            it is interrupted, also over restarts of the daemon: a line on standard error says \
            once what it waits for.

            Exit codes: 0 stopped by SIGINT or SIGTERM; 69 the daemon, or its history, does \
            not answer at the start; 74 the \
            daemon's log is not the one that was read before; 77 the key may not read them.
            """)

    @Option(
        help: ArgumentHelp(
            "A topic's beginning, such as flag.A81001.high; may be given again.",
            valueName: "prefix"))
    var topic: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The first offset of interest.", valueName: "offset"),
        transform: ClientDefaults.count)
    var from: UInt64?

    @Option(help: "The daemon's alerts endpoint.")
    var alerts = ClientDefaults.alerts

    @Option(help: "The daemon's history endpoint.")
    var history = ClientDefaults.history

    @OptionGroup var keys: ClientKeys

    @OptionGroup var format: JSONOnly

    func run() throws {
        try ClientDefaults.reporting {
            guard let topics = OutputTopics.resolve(topic) else {
                throw CommandFailure(
                    .usage,
                    "output topics begin with \(OutputTopics.prefixes.joined(separator: ", "))")
            }
            let run = try WatchRun(
                topics: topics, from: from, alerts: try ClientDefaults.endpoint(alerts),
                history: try ClientDefaults.endpoint(history), curve: try keys.load())
            try run.untilStopped()
        }
    }
}
