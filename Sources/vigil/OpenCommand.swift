// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient

/// `vigil open`: prints the flags and alerts that are open now.
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Print the flags and alerts that are open now.",
        discussion: """
            On a terminal it prints a table, else one JSON line for each flag's newest raise or \
            update and for its newest review.

            Exit codes: 0; 69 the daemon does not answer; 77 the key may not read them.
            """)

    @Option(help: "Only those of this practice.")
    var practice: String?

    @Flag(help: "Print JSON lines also on a terminal.")
    var json = false

    @Option(help: "The daemon's history endpoint.")
    var history = ClientDefaults.history

    @OptionGroup var keys: ClientKeys

    func run() throws {
        try ClientDefaults.reporting {
            if let practice { try ClientDefaults.checkPractice(practice) }
            let topics = ["flag.", "alert."].map { kind in
                practice.map { "\(kind)\($0)." } ?? kind
            }
            let asTable = Terminal.printsForPerson && !json
            let reader = ReplyReader()
            var items: [OutputItem] = []
            try HistoryQuestions(at: history, with: keys, reader).open(topics) { page in
                guard !asTable else {
                    items += page
                    return
                }
                for item in page { Terminal.printLine(reader.line(item.event)) }
            }
            guard asTable else { return }
            let rows = OpenTable.rows(items)
            let table = rows.isEmpty ? [["nothing is open"]] : rows
            for line in TextTable.lines(table, width: max(Terminal.width, 40)) {
                Terminal.printLine(line)
            }
        }
    }
}
