// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilTransport

/// Gives an order to the daemon of a data directory.
enum ControlClient {
    /// A change of many patients' rules is recorded at once and worked off later: the daemon
    /// answers within this.
    private static let patienceMilliseconds: Int64 = 60_000

    /// Sends a request and gives the reply, which is no error.
    ///
    /// - Throws: A `CommandFailure` where no daemon runs there or it refuses.
    static func ask(
        directory: String, _ request: (inout JSONWriter) -> Void
    ) throws -> [UInt8] {
        let control: ControlEndpoint
        do throws(TransportError) {
            control = try ControlEndpoint(directory: directory)
        } catch {
            throw CommandFailure(.missingInput, "there is no data directory \(directory)")
        }
        guard control.isListenedAt else {
            throw CommandFailure(
                .unreachable,
                "no daemon runs on \(directory): start it with vigil serve --data \(directory)")
        }
        let connection = try ClientConnection(
            to: control.endpoint, with: nil, in: try ZMQContext())
        let poller = Poller()
        connection.add(to: poller)
        var json = JSONWriter()
        json.object(request)
        _ = try connection.send([json.bytes])
        let deadline = SteadyClock.milliseconds + patienceMilliseconds
        var reply: [UInt8]?
        while reply == nil {
            let left = deadline - SteadyClock.milliseconds
            guard left > 0 else {
                throw CommandFailure(.unreachable, "the daemon of \(directory) does not answer")
            }
            _ = try poller.wait(timeoutMilliseconds: Int(left))
            reply = try connection.receive()?.first
            if reply == nil, try connection.takeLoss() {
                throw CommandFailure(.unreachable, "the daemon of \(directory) has hung up")
            }
        }
        let bytes = reply ?? []
        if let message = refusal(bytes) { throw CommandFailure(.badData, message) }
        return bytes
    }

    private static func refusal(_ reply: [UInt8]) -> String? {
        let message = try? JSONDocument().withRoot(of: reply) { root in
            root.member("error").first?.member("message").first?.text
        }
        return message.flatMap { $0 }
    }

    /// What became of an order, as a sentence or, for programs, as it came.
    static func printOutcome(_ reply: [UInt8], asJSON: Bool, done: String, idle: String) {
        guard !asJSON else {
            Terminal.printLine(reply)
            return
        }
        let offset =
            (try? JSONDocument().withRoot(of: reply) { root in
                root.member("offset").first.flatMap { $0.kind == .number ? $0.text : nil }
            }).flatMap { $0 }
        Terminal.printLine(Array((offset.map { "\(done), by offset \($0)." } ?? idle).utf8))
    }
}
