// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
private import Glibc

/// A ZeroMQ socket, owned by one thread: make it, use it and drop it there.
///
/// Receiving and sending never wait; a `Poller` does. Failures that belong to the protocol of
/// queues (nothing there, no room, nobody of that name) are values, the others are thrown.
package final class ZMQSocket {
    /// The socket types that Vigil uses, by their names in the ZeroMQ RFCs.
    package enum Kind: Sendable {
        case pair, pub, sub, rep, dealer, router, xpub
    }

    /// How an attempt to send ended.
    package enum SendOutcome: Hashable, Sendable {
        /// libzmq has taken the message.
        case sent
        /// A queue is full, or no peer is connected: the message was not taken.
        case wouldBlock
        /// A ROUTER with `routerMandatory` has no peer of that routing identity.
        case unreachable
    }

    let handle: UnsafeMutableRawPointer
    let context: ZMQContext

    /// Opens a socket.
    ///
    /// - Throws: A `TransportError` where the context is at its limit of sockets or has ended.
    package init(_ kind: Kind, in context: ZMQContext) throws(TransportError) {
        guard let handle = zmq_socket(context.handle, kind.number) else {
            throw .last("open a socket")
        }
        self.handle = handle
        self.context = context
    }

    deinit {
        zmq_close(handle)
    }

    /// Listens at an endpoint.
    ///
    /// - Throws: A `TransportError` with the endpoint, such as "Address already in use".
    package func bind(to endpoint: Endpoint) throws(TransportError) {
        if endpoint.isIPv6 { try set(.ipv6(true)) }
        guard !endpoint.isListenedAt else {
            throw TransportError(
                operation: "bind", endpoint: endpoint.description, code: EADDRINUSE,
                reason: "Address already in use")
        }
        guard zmq_bind(handle, endpoint.bindText) == 0 else {
            throw .last("bind", endpoint: endpoint.description)
        }
    }

    /// Binds once more where the socket was bound before.
    ///
    /// - Parameter endpoint: as `lastEndpoint` gave it.
    /// - Returns: false where the endpoint is not free yet: libzmq gives it up at its leisure.
    /// - Throws: A `TransportError`, as a rule a termination.
    package func bindAgain(to endpoint: String) throws(TransportError) -> Bool {
        let endpoint = try Endpoint(endpoint)
        do {
            try bind(to: endpoint)
            return true
        } catch {
            guard error.code == EADDRINUSE else { throw error }
            return false
        }
    }

    /// Connects to an endpoint, now or whenever something listens there.
    ///
    /// - Throws: A `TransportError` where the text is no address; a silent peer is no error.
    package func connect(to endpoint: Endpoint) throws(TransportError) {
        if endpoint.isIPv6 { try set(.ipv6(true)) }
        guard zmq_connect(handle, endpoint.description) == 0 else {
            throw .last("connect to", endpoint: endpoint.description)
        }
    }

    /// The endpoint that the last bind or connect came to, with the port that the system chose.
    ///
    /// - Throws: A `TransportError` where the context has ended.
    package func lastEndpoint() throws(TransportError) -> String {
        var text = [CChar](repeating: 0, count: 512)
        var size = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else {
            throw .last("read the endpoint of a socket")
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Asks publishers for the topics that begin with a prefix; only for `sub`.
    ///
    /// - Throws: A `TransportError` for a prefix over 245 bytes: libzmq 4.3.4 corrupts
    ///   subscriptions of 246 to 255 bytes.
    package func subscribe(toPrefix prefix: [UInt8]) throws(TransportError) {
        guard prefix.count <= 245 else {
            throw TransportError(
                operation: "subscribe", reason: "a prefix has at most 245 bytes")
        }
        guard zmq_setsockopt(handle, ZMQ_SUBSCRIBE, prefix, prefix.count) == 0 else {
            throw .last("subscribe")
        }
    }

    /// Takes a subscription back: a `sub`'s own, or on an `xpub` with manual subscriptions that
    /// of the peer whose message was received last.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    package func unsubscribe(fromPrefix prefix: [UInt8]) throws(TransportError) {
        guard zmq_setsockopt(handle, ZMQ_UNSUBSCRIBE, prefix, prefix.count) == 0 else {
            throw .last("unsubscribe")
        }
    }

    /// Stops listening at an endpoint as `lastEndpoint` gives it, and ends the connections that
    /// were made there.
    ///
    /// - Throws: A `TransportError` where the socket is not bound there.
    package func unbind(from endpoint: String) throws(TransportError) {
        guard zmq_unbind(handle, endpoint) == 0 else {
            throw .last("unbind", endpoint: endpoint)
        }
    }

    /// Takes the next whole message, if one is there.
    ///
    /// - Returns: false where none is there; the buffer then holds nothing.
    /// - Throws: A `TransportError`, as a rule a termination.
    package func receive(into message: MessageBuffer) throws(TransportError) -> Bool {
        message.removeAll()
        var more = true
        while more {
            let frame = message.nextFrame()
            guard zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) >= 0 else {
                let error = TransportError.last("receive")
                if error.code == EINTR { continue }
                message.removeAll()
                if error.code == EAGAIN { return false }
                throw error
            }
            more = zmq_msg_more(frame) != 0
            message.keepFrame()
        }
        return true
    }

    /// Sends one frame; `more` says that the message goes on with another.
    ///
    /// Where the first frame was taken libzmq takes the others too.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    package func send(
        _ frame: UnsafeRawBufferPointer, more: Bool = false
    ) throws(TransportError) -> SendOutcome {
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        while zmq_send(handle, frame.baseAddress, frame.count, flags) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EHOSTUNREACH: return .unreachable
            default: throw .last("send")
            }
        }
        return .sent
    }

    /// Sends a message of one or more frames, all or nothing.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    package func send(_ frames: [[UInt8]]) throws(TransportError) -> SendOutcome {
        for (index, frame) in frames.enumerated() {
            let hasMore = index + 1 < frames.count
            var outcome = try send(frame, more: hasMore)
            if outcome == .wouldBlock, index == 0 {
                // While sending libzmq hears of what peers have taken once a millisecond at most.
                try takeNews()
                outcome = try send(frame, more: hasMore)
            }
            guard outcome == .sent else { return outcome }
        }
        return .sent
    }

    private func send(_ frame: [UInt8], more: Bool) throws(TransportError) -> SendOutcome {
        // Typed throws do not pass through the closure, so it hands the result out.
        let result = frame.withUnsafeBytes { bytes in
            Result { () throws(TransportError) -> SendOutcome in try send(bytes, more: more) }
        }
        return try result.get()
    }

    /// Lets the socket take in at once what its connections have to tell: zmq_getsockopt(3).
    private func takeNews() throws(TransportError) {
        var events: Int32 = 0
        var size = MemoryLayout.size(ofValue: events)
        guard zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) == 0 else {
            throw .last("read the state of a socket")
        }
    }
}

extension ZMQSocket.Kind {
    fileprivate var number: Int32 {
        switch self {
        case .pair: ZMQ_PAIR
        case .pub: ZMQ_PUB
        case .sub: ZMQ_SUB
        case .rep: ZMQ_REP
        case .dealer: ZMQ_DEALER
        case .router: ZMQ_ROUTER
        case .xpub: ZMQ_XPUB
        }
    }
}
