// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient
internal import VigilTransport

/// Asks the daemon's history socket one thing after another (protocol section 6).
struct HistoryQuestions {
    private let endpoint: Endpoint
    private let connection: ClientConnection
    private let poller = Poller()
    private let reader: ReplyReader

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - text: the daemon's history endpoint, as the command line has it.
    ///   - keys: the client's keys.
    ///   - reader: reads replies.
    /// - Throws: `CommandFailure` where the endpoint or the keys are none, or a `TransportError`.
    init(at text: String, with keys: ClientKeys, _ reader: ReplyReader) throws {
        endpoint = try ClientDefaults.endpoint(text)
        connection = try ClientConnection(
            to: endpoint, with: try keys.load(), in: try ZMQContext())
        connection.add(to: poller)
        self.reader = reader
    }

    /// Hands out the pages of what is open under some topics.
    ///
    /// - Parameters:
    ///   - topics: prefixes.
    ///   - body: takes a page.
    /// - Throws: `CommandFailure` where nothing answers or the daemon refuses.
    func open(_ topics: [String], _ body: ([OutputItem]) -> Void) throws {
        var after: [UInt8]?
        repeat {
            let frames = try ask(OutgoingHistoryRequest.open(topics: topics, after: after))
            switch reader.openPage(frames) {
            case .success(let page):
                body(page.items)
                after = page.after
            case .failure(let failure):
                throw ClientDefaults.refused(failure, by: endpoint, topics: topics)
            }
        } while after != nil
    }

    /// By which clock the log is stamped: `wall` or `event`.
    ///
    /// - Throws: `CommandFailure` where nothing answers or the daemon does not tell.
    func clock() throws -> String {
        let page = reader.page(try ask(OutgoingHistoryRequest.genesis))
        let genesis = try? page.get().items.first
        guard let clock = genesis.flatMap({ reader.clock(ofGenesis: $0) }) else {
            throw CommandFailure(
                .internalFault, "the daemon does not say by which clock its log is stamped")
        }
        return clock
    }

    /// The frames of the daemon's answer.
    private func ask(_ request: [UInt8]) throws -> [[UInt8]] {
        _ = try connection.send([request])
        let deadline = SteadyClock.milliseconds + ClientDefaults.patienceMilliseconds
        while true {
            if let frames = try connection.receive() { return frames }
            _ = try connection.takeLoss()
            let left = deadline - SteadyClock.milliseconds
            guard left > 0 else {
                throw connection.unreachable(option: "--history")
            }
            _ = try poller.wait(timeoutMilliseconds: Int(left))
        }
    }
}
