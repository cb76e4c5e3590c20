// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// The ZAP handler of a context (ZeroMQ RFC 27): libzmq asks it about every peer's key.
///
/// Owned by one thread. To be made before any socket of the context is bound.
package final class Authenticator {
    /// A peer that wants to come in.
    package struct Peer: Sendable {
        /// The domain of the socket that it connects to.
        package var domain: String
        /// Its address as libzmq tells it, without the port.
        package var address: String
        /// The key that it has proved to own.
        package var key: CurvePublicKey
    }

    /// What becomes of a peer.
    package enum Verdict: Sendable {
        /// It comes in; its messages carry its key as their User-Id.
        case admitted
        /// It is told that it may not.
        case refused
        /// Its connection is ended without a word: it may try again.
        case notNow
    }

    /// To be added to a poller.
    package let socket: ZMQSocket
    private let message = MessageBuffer(frameLimit: 16)

    /// Begins to be asked.
    ///
    /// - Throws: A `TransportError` where the context has a handler already.
    package init(in context: ZMQContext) throws(TransportError) {
        socket = try ZMQSocket(.rep, in: context)
        try socket.set(.linger(milliseconds: 0))
        guard zmq_bind(socket.handle, "inproc://zeromq.zap.01") == 0 else {
            throw .last("bind the handler of keys")
        }
    }

    /// Answers all that is asked.
    ///
    /// - Throws: A `TransportError`, as a rule a termination.
    package func answer(_ decide: (Peer) -> Verdict) throws(TransportError) {
        while try socket.receive(into: message) {
            let peer = Authenticator.peer(in: message)
            let (code, user) =
                switch peer.map(decide) ?? .refused {
                case .admitted: ("200", peer?.key.text ?? "")
                case .refused: ("400", "")
                case .notNow: ("300", "")
                }
            let id = message.count > 1 ? message.bytes(1) : []
            _ = try socket.send([
                Array("1.0".utf8), id, Array(code.utf8), [], Array(user.utf8), [],
            ])
        }
    }

    /// RFC 27: version, request, domain, address, identity, mechanism, and for CURVE the key.
    static func peer(in message: MessageBuffer) -> Peer? {
        guard message.count == 7, message.bytes(0) == Array("1.0".utf8),
            message.bytes(5) == Array("CURVE".utf8),
            let key = CurvePublicKey(bytes: message.bytes(6))
        else { return nil }
        return Peer(
            domain: String(decoding: message[2], as: UTF8.self),
            address: String(decoding: message[3], as: UTF8.self), key: key)
    }
}
