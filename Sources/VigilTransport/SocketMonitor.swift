// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What happens to the connections of a socket.
package enum ConnectionEvent: Hashable, Sendable {
    /// A peer has connected to a bound socket; the number is its descriptor.
    case accepted(Int32)
    /// No descriptor was to be had for a peer that connects.
    case acceptFailed
    /// A connection has ended, or did not come to stand.
    case disconnected(Int32)
    /// The peers know each other.
    case handshakeSucceeded
    /// The ZAP handler, here or at the peer, has refused the key.
    case keyRefused
    /// The peer does not speak the protocol, or has another mechanism or other keys.
    case handshakeFailed

    private static let numbers: [(number: Int32, event: @Sendable (Int32) -> ConnectionEvent)] = [
        (ZMQ_EVENT_ACCEPTED, { .accepted($0) }),
        (ZMQ_EVENT_ACCEPT_FAILED, { _ in .acceptFailed }),
        (ZMQ_EVENT_DISCONNECTED, { .disconnected($0) }),
        (ZMQ_EVENT_HANDSHAKE_SUCCEEDED, { _ in .handshakeSucceeded }),
        (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, { _ in .keyRefused }),
        (ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, { _ in .handshakeFailed }),
        (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, { _ in .handshakeFailed }),
    ]

    fileprivate static var mask: Int32 {
        numbers.reduce(0) { $0 | $1.number }
    }

    /// zmq_socket_monitor(3): a 16-bit number and a 32-bit value, in the machine's order.
    fileprivate init?(_ frame: UnsafeRawBufferPointer) {
        guard frame.count == 6 else { return nil }
        let number = Int32(frame.loadUnaligned(as: UInt16.self))
        let value = frame.loadUnaligned(fromByteOffset: 2, as: Int32.self)
        guard let known = ConnectionEvent.numbers.first(where: { $0.number == number }) else {
            return nil
        }
        self = known.event(value)
    }
}

/// Tells what happens to the connections of one socket; used by one thread, not always the
/// socket's own.
package final class SocketMonitor {
    /// To be added to a poller.
    package let socket: ZMQSocket
    private let watched: ZMQSocket
    private let message = MessageBuffer(frameLimit: 2)

    /// Begins to watch a socket, which can be watched once.
    ///
    /// - Throws: A `TransportError` where the context is at its limit of sockets or has ended.
    package init(of watched: ZMQSocket) throws(TransportError) {
        let endpoint = "inproc://monitor-\(UInt(bitPattern: watched.handle))"
        guard zmq_socket_monitor(watched.handle, endpoint, ConnectionEvent.mask) == 0 else {
            throw .last("monitor a socket")
        }
        self.watched = watched
        socket = try ZMQSocket(.pair, in: watched.context)
        // A full queue would make libzmq's thread wait for us.
        try socket.set(.receiveHighWater(messages: 0))
        guard zmq_connect(socket.handle, endpoint) == 0 else {
            throw .last("monitor a socket")
        }
    }

    deinit {
        // First of all: libzmq's thread would wait for ever for somebody to take its events.
        zmq_socket_monitor(watched.handle, nil, 0)
    }

    /// The next event, if one is there.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    package func next() throws(TransportError) -> ConnectionEvent? {
        while try socket.receive(into: message) {
            if let event = ConnectionEvent(message[0]) { return event }
        }
        return nil
    }
}
