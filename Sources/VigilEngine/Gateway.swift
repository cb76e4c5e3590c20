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
    /// The longest frame of a subscriber: the greetings of CURVE are longer than any subscription.
    private static let subscriptionFrameBytesMax: Int64 = 4096
    /// Pairs in a request.
    private static let pairsMax = 1024
    /// The most frames that a request can have: identity, delimiter and the pairs.
    static let requestFramesMax = 2 + 2 * pairsMax
    /// Requests of a connection that libzmq holds.
    ///
    /// Few, for they may be large; more than a client has under way as a rule, since a connection
    /// that is full does not answer its peer's heartbeats either. It stays as it is while the
    /// socket lives: when it is raised, libzmq does not go on reading from connections that were
    /// full.
    private static let requestQueueMax = 64
    /// Replies for a connection that libzmq holds; the others wait in the `ConnectionLedger`.
    private static let replyQueueMax = 128
    /// Outputs that wait for a client before more are dropped: it reads history then.
    private static let sendQueueMax = 100_000
    /// Peers that may wait for their connection: a storm of them comes at once.
    private static let backlog = 1024
    /// The longest subscription: as long as the longest topic.
    private static let subscriptionBytesMax = 200
    /// Subscriptions that one principal may make in a minute.
    private static let subscriptionsPerMinuteMax = 10_000

    /// What was bound for publishers to connect to.
    let boundEvents: [String]
    /// Where subscribers connect to.
    let boundAlerts: String
    let events: ZMQSocket
    let ingest: ZMQSocket
    let alerts: ZMQSocket
    private let access: AccessControl
    private let buffer = MessageBuffer(frameLimit: requestFramesMax + 1)
    /// The grants that the standing subscriptions were made under.
    private var accessVersion: UInt64
    /// Whether `alerts` is yet to be bound again.
    private var isUnbound = false
    private var flood = FloodMeter(eventsPerMinuteMax: subscriptionsPerMinuteMax)
    /// Who subscribes, and who does not keep up.
    private(set) var subscribers = SubscriberLedger()

    init(
        context: ZMQContext, endpoints: Endpoints, access: AccessControl, service: AccessService?
    ) throws(TransportError) {
        self.access = access
        accessVersion = access.version
        events = try ZMQSocket(.sub, in: context)
        ingest = try ZMQSocket(.router, in: context)
        alerts = try ZMQSocket(.xpub, in: context)
        for (socket, domain) in [(events, "events"), (ingest, "ingest"), (alerts, "alerts")] {
            try socket.set(.maximumFrameBytes(Gateway.frameBytesMax))
            try socket.set(.handshake(milliseconds: 5000))
            try socket.set(.linger(milliseconds: 1000))
            try socket.set(.backlog(Gateway.backlog))
            guard let keys = access.keys else { continue }
            try socket.set(.curveServer(keys, domain: domain))
            try service?.watch(socket, domain: domain)
        }
        try alerts.set(.maximumFrameBytes(Gateway.subscriptionFrameBytesMax))
        try alerts.set(
            access.isEnforced ? .manualSubscriptions(true) : .everySubscription(true))
        try events.set(.receiveHighWater(messages: Gateway.sendQueueMax))
        try events.subscribe(toPrefix: [])
        try ingest.set(.routerMandatory(true))
        try ingest.set(.receiveHighWater(messages: Gateway.requestQueueMax))
        try ingest.set(.sendHighWater(messages: Gateway.replyQueueMax))
        try alerts.set(.dropsWhereFull(false))
        try alerts.set(.heartbeat(everyMilliseconds: 10_000, timeoutMilliseconds: 120_000))
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
        boundAlerts = try alerts.lastEndpoint()
        service?.bound(.init(domain: "events", endpoints: bound, peer: .pub))
        service?.bound(
            .init(domain: "ingest", endpoints: [try ingest.lastEndpoint()], peer: .dealer))
        service?.bound(.init(domain: "alerts", endpoints: [boundAlerts], peer: .sub))
    }

    /// A request on `ingest`.
    struct Request {
        var envelope: [[UInt8]]
        /// 1 to 1024 messages; or one that holds all frames after the envelope, where those are
        /// not so many pairs.
        var arrivals: [Arrival]
        /// What it takes of memory, about.
        var byteCount: Int
    }

    /// The next request, if one is there.
    func nextRequest() throws(TransportError) -> Request? {
        guard try ingest.receive(into: buffer) else { return nil }
        return Gateway.request(in: buffer, from: access.sender(buffer.userID))
    }

    /// Reads the frames of a request.
    static func request(in buffer: MessageBuffer, from sender: Sender) -> Request {
        let start = buffer.envelopeCount
        let rest = buffer.count - start
        var request = Request(
            envelope: buffer.envelope, arrivals: [],
            byteCount: (start..<buffer.count).reduce(64) { $0 + buffer[$1].count + 64 })
        guard !buffer.isTruncated, rest >= 2, rest % 2 == 0, rest <= 2 * Gateway.pairsMax else {
            let frames = (start..<buffer.count).map(buffer.bytes)
            request.arrivals = [Arrival(frames: .other(frames), sender: sender)]
            return request
        }
        request.arrivals = stride(from: start, to: buffer.count, by: 2).map {
            Arrival(
                frames: .pair(topic: buffer.bytes($0), event: buffer.bytes($0 + 1)),
                sender: sender)
        }
        return request
    }

    /// The next message on `events`, if one is there, and its length in bytes.
    func nextEvent() throws(TransportError) -> (arrival: Arrival, byteCount: Int)? {
        guard try events.receive(into: buffer) else { return nil }
        return (
            Arrival(frames: Gateway.event(in: buffer), sender: access.sender(buffer.userID)),
            (0..<buffer.count).reduce(0) { $0 + buffer[$1].count }
        )
    }

    /// Reads the frames of a message on `events`.
    static func event(in buffer: MessageBuffer) -> Arrival.Frames {
        buffer.count == 2 && !buffer.isTruncated
            ? .pair(topic: buffer.bytes(0), event: buffer.bytes(1))
            : .other((0..<buffer.count).map(buffer.bytes))
    }

    /// Sends a reply, where its client is there and has room for it.
    func send(_ reply: ReplyQueue.Pending) throws(TransportError) -> ZMQSocket.SendOutcome {
        try ingest.send(reply.envelope + reply.frames)
    }

    /// Publishes an output to whom it may concern.
    ///
    /// - Returns: false where it passed over a subscriber whose queue is full, who has to read
    ///   history for it.
    func publish(topic: [UInt8], event: [UInt8]) throws(TransportError) -> Bool {
        guard try alerts.send([topic, event]) == .wouldBlock else { return true }
        // Nobody is to wait for one who does not read.
        try alerts.set(.dropsWhereFull(true))
        _ = try alerts.send([topic, event])
        try alerts.set(.dropsWhereFull(false))
        return false
    }

    // MARK: - Subscriptions

    /// Looks for subscribers that do not keep up, and tells of those that have fallen behind.
    mutating func lookAfterSubscribers() {
        let fallen = subscribers.look()
        guard !fallen.isEmpty else { return }
        let names = Set(fallen).sorted().joined(separator: ", ")
        access.tell(
            "\(fallen.count) more subscribers do not take what is published (\(names)): what does "
                + "not fit into their queues they have to read from history")
    }

    /// Puts in force what subscribers ask for, as far as it is granted.
    ///
    /// Where everybody may do everything libzmq has done so by itself.
    mutating func takeSubscriptions() throws(TransportError) {
        if access.isEnforced { try startAgainAfterChange() }
        while try alerts.receive(into: buffer) {
            // What has no sender is libzmq's own word of a connection that has ended.
            guard let descriptor = buffer.descriptor else { continue }
            let sender = access.sender(buffer.userID)
            if case .stranger = sender { continue }
            subscribers.met(descriptor, of: sender.name)
            guard access.isEnforced, let user = buffer.userID else { continue }
            guard let request = Gateway.subscription(in: buffer) else { continue }
            if request.isWanted {
                try subscribe(user, to: request.prefix)
            } else {
                try unsubscribe(user, from: request.prefix)
            }
        }
    }

    /// Reads what a subscriber asks for: one frame, 1 for what it wants and 0 for what it wants no
    /// more, and the prefix; nil for anything else.
    static func subscription(
        in buffer: MessageBuffer
    ) -> (isWanted: Bool, prefix: [UInt8])? {
        let frame = buffer.bytes(0)
        guard buffer.receivedCount == 1, let kind = frame.first, kind <= 1 else { return nil }
        return (kind == 1, Array(frame.dropFirst()))
    }

    private mutating func subscribe(
        _ user: String, to prefix: [UInt8]
    ) throws(TransportError) {
        let sender = access.sender(user)
        guard !flood.isOver(user) else {
            // Only without its connections is libzmq rid of what it keeps for them.
            access.refused(.flood, "\(sender.name) subscribes without end")
            access.suspend(user)
            return
        }
        guard prefix.count <= Gateway.subscriptionBytesMax else {
            access.refused(.subscribe, "\(sender.name) asked for a topic of \(prefix.count) bytes")
            return
        }
        guard case .principal(let grants) = sender else { return }
        let granted = grants.subscriptions(for: prefix)
        if granted.isEmpty {
            access.refused(.subscribe, "\(sender.name) asked for topics that are not granted")
        }
        for prefix in granted { try alerts.subscribe(toPrefix: prefix) }
    }

    /// Takes back only what was put in force as it was asked for.
    ///
    /// What it was narrowed to may
    /// be in force for another of its subscriptions too. The subscriber's socket leaves out what
    /// it no longer wants.
    private func unsubscribe(_ user: String, from prefix: [UInt8]) throws(TransportError) {
        guard case .principal(let grants) = access.sender(user), grants.readsEverything else {
            return
        }
        try alerts.unsubscribe(fromPrefix: prefix)
    }

    /// After a change of the grants all subscribers are made to come again: libzmq has no way to
    /// take a subscription from a connection that is silent.
    private mutating func startAgainAfterChange() throws(TransportError) {
        let version = access.version
        if version != accessVersion {
            accessVersion = version
            if !isUnbound { try alerts.unbind(from: boundAlerts) }
            isUnbound = true
        }
        if isUnbound, try alerts.bindAgain(to: boundAlerts) { isUnbound = false }
    }
}

/// Counts what each principal asks for in a minute.
struct FloodMeter {
    let eventsPerMinuteMax: Int
    private var begin = ContinuousClock.now
    private var counts: [String: Int] = [:]

    init(eventsPerMinuteMax: Int) {
        self.eventsPerMinuteMax = eventsPerMinuteMax
    }

    /// Takes note of one, and says whether that is too many.
    mutating func isOver(_ user: String) -> Bool {
        let now = ContinuousClock.now
        if begin.duration(to: now) >= .seconds(60) {
            begin = now
            counts = [:]
        }
        counts[user, default: 0] += 1
        return counts[user, default: 0] > eventsPerMinuteMax
    }
}
