// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient
internal import VigilTransport

/// Asks the daemon what is open now (protocol section 6).
enum OpenPages {
    /// Hands out the pages of what is open under some topics.
    ///
    /// - Parameters:
    ///   - topics: prefixes.
    ///   - endpoint: the daemon's history endpoint.
    ///   - keys: the client's keys.
    ///   - reader: reads replies.
    ///   - body: takes a page.
    /// - Throws: `CommandFailure` where nothing answers or the daemon refuses.
    static func read(
        _ topics: [String], at endpoint: Endpoint, with keys: ClientKeys, _ reader: ReplyReader,
        _ body: ([OutputItem]) -> Void
    ) throws {
        let connection = try ClientConnection(
            to: endpoint, with: try keys.load(), in: try ZMQContext())
        let poller = Poller()
        connection.add(to: poller)
        var after: [UInt8]?
        repeat {
            _ = try connection.send([OutgoingHistoryRequest.open(topics: topics, after: after)])
            let deadline = SteadyClock.milliseconds + ClientDefaults.patienceMilliseconds
            var frames = try connection.receive()
            while frames == nil {
                let left = deadline - SteadyClock.milliseconds
                guard left > 0 else {
                    throw connection.unreachable(option: "--history")
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
