// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilDaemon

/// `vigil export`: prints the log.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print the log, one JSON line a record.",
        discussion: """
            Works beside a running daemon and without one; it shows what is durable.

            Exit codes: 0; 66 there is no log; 74 the log is damaged: what precedes the damage \
            was printed; or standard output takes no more.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(
        parsing: .unconditional,
        help: "The offset to begin at.",
        transform: ClientDefaults.count)
    var from: UInt64 = 0

    @Option(help: "Only records whose topic begins so. Repeatable.")
    var topic: [String] = []

    @OptionGroup var format: JSONOnly

    func run() throws {
        try reportingDaemon {
            let export = try LogExport(directory: data, topics: topic.map { Array($0.utf8) })
            try export.run(from: from) { chunk in Terminal.print(chunk) }
        }
    }
}
