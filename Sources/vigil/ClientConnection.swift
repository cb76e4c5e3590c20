// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilTransport

/// A connection to the daemon's `ingest` or `history` socket that is made anew when it fails.
final class ClientConnection {
    /// What comes of a connection.
    enum Arrival {
        case reply([[UInt8]])
        /// It was lost: what is under way on it may have no answer.
        case loss
    }

    private let context: ZMQContext
    private let endpoint: Endpoint
    private let curve: ClientCurve?
    private var socket: ZMQSocket
    private var monitor: SocketMonitor
    private let message = MessageBuffer(frameLimit: 16_384)
    /// Whether the other side did not take the last handshake: it wants keys, or has others.
    private var hasFailedHandshake = false
    /// Whether it stands, as far as `next` or `takeLoss` has heard.
    private(set) var isStanding = false

    /// Begins to connect.
    ///
    /// - Throws: A `TransportError` where the endpoint cannot be used at all.
    init(
        to endpoint: Endpoint, with curve: ClientCurve?, in context: ZMQContext
    ) throws(TransportError) {
        self.context = context
        self.endpoint = endpoint
        self.curve = curve
        (socket, monitor) = try ClientConnection.open(endpoint, curve, context)
    }

    private static func open(
        _ endpoint: Endpoint, _ curve: ClientCurve?, _ context: ZMQContext
    ) throws(TransportError) -> (ZMQSocket, SocketMonitor) {
        let socket = try ZMQSocket(.dealer, in: context)
        // What is under way is bounded by its owner; unsent requests must not hold up the end.
        try socket.set(.linger(milliseconds: 0))
        try socket.set(.sendHighWater(messages: 0))
        try socket.set(.receiveHighWater(messages: 0))
        try socket.set(.reconnect(milliseconds: 50, upToMilliseconds: 1000))
        try socket.set(.heartbeat(everyMilliseconds: 2000, timeoutMilliseconds: 6000))
        if let curve { try socket.set(curve.option) }
        let monitor = try SocketMonitor(of: socket)
        try socket.connect(to: endpoint)
        return (socket, monitor)
    }

    /// Drops the connection and all that is under way on it, and makes another.
    ///
    /// - Throws: A `TransportError` where the system lacks descriptors.
    func renew() throws(TransportError) {
        (socket, monitor) = try ClientConnection.open(endpoint, curve, context)
        isStanding = false
    }

    /// Sends a request.
    ///
    /// - Returns: whether it is on its way: a connection that has just failed has no queue any
    ///   more, so that the request is as lost as one that was under way on it.
    /// - Throws: A `TransportError`; never for a daemon that is not there.
    func send(_ frames: [[UInt8]]) throws(TransportError) -> Bool {
        try socket.send(frames) == .sent
    }

    /// What to say where no answer has come.
    ///
    /// - Parameter option: names the endpoint on the command line.
    /// - Returns: that nothing is there, that it takes no such connection, or that it is silent.
    func unreachable(option: String) -> CommandFailure {
        if let refusal {
            return CommandFailure(.unreachable, "\(refusal); \(option) names the endpoint")
        }
        guard isStanding else { return ClientDefaults.unreachable(endpoint, option: option) }
        return CommandFailure(
            .unreachable,
            "what is at \(endpoint) is there and does not answer; a daemon may be at work that "
                + "comes first: try again later, or name its endpoint with \(option)")
    }

    /// Why there is no connection, where something is at the endpoint that takes none; nil else.
    var refusal: String? {
        guard hasFailedHandshake else { return nil }
        let keys =
            curve == nil
            ? "it may want keys: give --server-key and --key-file"
            : "--server-key may be another daemon's"
        return "what is at \(endpoint) takes no connection of this kind: \(keys)"
    }

    /// The frames of the next reply, if one is there, without a delimiter.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    func receive() throws(TransportError) -> [[UInt8]]? {
        guard try socket.receive(into: message) else { return nil }
        let first = message.count > 1 && message[0].isEmpty ? 1 : 0
        return (first..<message.count).map { message.bytes($0) }
    }

    /// The next reply, if one is there, or that the connection was lost.
    ///
    /// Until it was lost, replies are those to the requests that were sent on it, in their order.
    ///
    /// - Throws: A `CommandFailure` where the daemon refuses the key, or a `TransportError`.
    func next() throws -> Arrival? {
        let frames = try receive()
        // Only after it was taken: libzmq connects again by itself, and tells of the loss before it
        // hands out what comes on the new connection. That may answer a later request than the
        // oldest, which went down with the old one.
        if try takeLoss() { return .loss }
        return frames.map { .reply($0) }
    }

    /// Whether the connection was lost since this was last asked.
    ///
    /// - Throws: A `CommandFailure` where the daemon refuses the key, or a `TransportError`.
    func takeLoss() throws -> Bool {
        var isLost = false
        while let event = try monitor.next() {
            switch event {
            case .keyRefused: throw ClientCurve.refused(curve, by: endpoint)
            case .handshakeFailed:
                (isLost, hasFailedHandshake, isStanding) = (true, true, false)
            case .disconnected: (isLost, isStanding) = (true, false)
            case .handshakeSucceeded: (hasFailedHandshake, isStanding) = (false, true)
            case .accepted, .acceptFailed: break
            }
        }
        return isLost
    }

    /// Adds what there is to wait for.
    func add(to poller: Poller) {
        _ = poller.add(socket)
        _ = poller.add(monitor.socket)
    }
}
