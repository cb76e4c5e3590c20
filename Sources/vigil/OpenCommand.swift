// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient
internal import VigilTransport

/// `vigil open`: prints the flags and alerts that are open now.
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Print the flags and alerts that are open now.",
        discussion: """
            On a terminal it prints a table, else one JSON line for each flag's newest raise or \
            update and for its newest review.

            Exit codes: 0; 69 the daemon does not answer.
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
            let endpoint = try ClientDefaults.endpoint(history)
            let topics = ["flag.", "alert."].map { kind in
                practice.map { "\(kind)\($0)." } ?? kind
            }
            let asTable = Terminal.printsForPerson && !json
            let reader = ReplyReader()
            var items: [OutputItem] = []
            try pages(of: topics, at: endpoint, reader) { page in
                guard !asTable else {
                    items += page
                    return
                }
                for item in page { Terminal.printLine(reader.line(item.event)) }
            }
            guard asTable else { return }
            for line in OpenTable.lines(items, width: Terminal.width) {
                Terminal.printLine(Array(line.utf8))
            }
        }
    }

    private func pages(
        of topics: [String], at endpoint: Endpoint, _ reader: ReplyReader,
        _ body: ([OutputItem]) -> Void
    ) throws {
        let connection = try ClientConnection(
            to: endpoint, with: try keys.load(), in: try ZMQContext())
        let poller = Poller()
        connection.add(to: poller)
        var after: [UInt8]?
        repeat {
            try connection.send([HistoryRequest.open(topics: topics, after: after)])
            let deadline = SteadyClock.milliseconds + ClientDefaults.patienceMilliseconds
            var frames = try connection.receive()
            while frames == nil {
                let left = deadline - SteadyClock.milliseconds
                guard left > 0 else {
                    throw ClientDefaults.unreachable(endpoint, option: "--history")
                }
                _ = try poller.wait(timeoutMilliseconds: Int(left))
                frames = try connection.receive()
                if frames == nil { _ = try connection.takeLoss() }
            }
            switch reader.openPage(frames ?? []) {
            case .success(let page):
                body(page.items)
                after = page.after
            case .failure(let failure):
                throw CommandFailure(
                    .internalFault,
                    "the daemon does not say what is open: \(failure.message) (\(failure.code))")
            }
        } while after != nil
    }
}
