// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilTransport

/// The endpoints of a daemon (protocol section 1).
package struct Endpoints: Sendable {
    /// Where publishers' PUB sockets connect to.
    package var eventsBind: [Endpoint]
    /// Publishers' bound PUB sockets to connect to.
    package var eventsConnect: [Endpoint]
    package var ingest: Endpoint
    package var alerts: Endpoint
    package var history: Endpoint

    package init(
        eventsBind: [Endpoint], eventsConnect: [Endpoint], ingest: Endpoint, alerts: Endpoint,
        history: Endpoint
    ) {
        self.eventsBind = eventsBind
        self.eventsConnect = eventsConnect
        self.ingest = ingest
        self.alerts = alerts
        self.history = history
    }
}

/// The sockets of the engine's thread, with their limits.
struct Gateway {
    /// A longer frame ends its connection; what is longer than an event may be but shorter than
    /// this is answered `too-large`.
    private static let frameBytesMax: Int64 = 8 << 20
    /// Pairs in a request.
    private static let pairsMax = 1024
    /// The most frames that a request can have: identity, delimiter and the pairs.
    private static let requestFramesMax = 2 + 2 * pairsMax
    /// Replies or outputs that wait for a client before more are dropped: it asks again.
    private static let sendQueueMax = 100_000

    /// What was bound for publishers to connect to.
    let boundEvents: [String]
    let events: ZMQSocket
    let ingest: ZMQSocket
    let alerts: ZMQSocket
    private let buffer = MessageBuffer(frameLimit: requestFramesMax + 1)

    init(context: ZMQContext, endpoints: Endpoints) throws(TransportError) {
        events = try ZMQSocket(.sub, in: context)
        ingest = try ZMQSocket(.router, in: context)
        alerts = try ZMQSocket(.xpub, in: context)
        for socket in [events, ingest, alerts] {
            try socket.set(.maximumFrameBytes(Gateway.frameBytesMax))
            try socket.set(.handshake(milliseconds: 5000))
            try socket.set(.linger(milliseconds: 1000))
        }
        try events.set(.receiveHighWater(messages: Gateway.sendQueueMax))
        try events.subscribe(toPrefix: [])
        try ingest.set(.routerMandatory(true))
        try ingest.set(.sendHighWater(messages: Gateway.sendQueueMax))
        try alerts.set(.sendHighWater(messages: Gateway.sendQueueMax))
        var bound: [String] = []
        for endpoint in endpoints.eventsBind {
            try events.bind(to: endpoint)
            bound.append(try events.lastEndpoint())
        }
        boundEvents = bound
        for endpoint in endpoints.eventsConnect { try events.connect(to: endpoint) }
        try ingest.bind(to: endpoints.ingest)
        try alerts.bind(to: endpoints.alerts)
    }

    /// A request on `ingest`.
    struct Request {
        var envelope: [[UInt8]]
        /// nil where the frames are not 1 to 1024 pairs.
        var pairs: [(topic: [UInt8], event: [UInt8])]?
        /// All frames after the envelope, where they are not pairs.
        var frames: [[UInt8]] = []
    }

    /// The next request, if one is there.
    func nextRequest() throws(TransportError) -> Request? {
        guard try ingest.receive(into: buffer) else { return nil }
        let hasDelimiter = buffer.count > 1 && buffer[1].isEmpty
        let start = hasDelimiter ? 2 : 1
        var request = Request(envelope: (0..<min(start, buffer.count)).map(buffer.bytes))
        let rest = max(0, buffer.count - start)
        guard !buffer.isTruncated, rest >= 2, rest % 2 == 0, rest <= 2 * Gateway.pairsMax else {
            request.frames = (start..<max(start, buffer.count)).map(buffer.bytes)
            return request
        }
        request.pairs = stride(from: start, to: buffer.count, by: 2).map {
            (buffer.bytes($0), buffer.bytes($0 + 1))
        }
        return request
    }

    /// The frames of the next message on `events`, if one is there.
    func nextEvent() throws(TransportError) -> [[UInt8]]? {
        guard try events.receive(into: buffer) else { return nil }
        return (0..<buffer.count).map(buffer.bytes)
    }

    /// Takes subscriptions off the publisher's socket; libzmq has applied them already.
    func drainSubscriptions() throws(TransportError) {
        while try alerts.receive(into: buffer) {}
    }

    /// Sends a reply; one whose client is gone or does not read is dropped: it will ask again.
    func send(_ reply: ReplyQueue.Pending) throws(TransportError) {
        _ = try ingest.send(reply.envelope + reply.frames)
    }

    /// Publishes an output to whom it may concern.
    func publish(topic: [UInt8], event: [UInt8]) throws(TransportError) {
        _ = try alerts.send([topic, event])
    }
}
