// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A setting of a socket; most take effect for the binds and connects that follow.
package enum SocketOption: Sendable {
    /// Messages queued for a peer before more are dropped or refused; 0 is no limit.
    case sendHighWater(messages: Int)
    /// Messages queued from a peer before it is made to wait; 0 is no limit.
    case receiveHighWater(messages: Int)
    /// How long unsent messages outlive the socket; -1 is for ever.
    case linger(milliseconds: Int)
    /// A longer frame from a peer ends its connection; -1 is no limit.
    case maximumFrameBytes(Int64)
    /// A ROUTER reports a message to nobody instead of dropping it in silence.
    case routerMandatory(Bool)
    /// How long a peer may take over the handshake before it is cut off; 0 is no limit.
    case handshake(milliseconds: Int)
    /// Whether IPv6 addresses are understood; `bind` and `connect` set it by themselves.
    case ipv6(Bool)
    /// Messages are queued only for peers whose connection stands.
    case onlyConnected(Bool)
    /// The wait before the first attempt to connect again, and the longest it grows to.
    case reconnect(milliseconds: Int, upToMilliseconds: Int)
    /// ZMTP pings: how often, and how long without an answer until the connection counts as dead.
    case heartbeat(everyMilliseconds: Int, timeoutMilliseconds: Int)
    /// An XPUB hands up every subscription, also one that it already has.
    case everySubscription(Bool)
    /// Connections waiting to be accepted.
    case backlog(Int)
    /// Peers must come with a CURVE key that the ZAP handler knows, also where this socket is the
    /// one that connects; without a handler nobody gets in. The domain is the handler's name for
    /// this socket.
    case curveServer(CurveKeyPair, domain: String)
    /// The keys to come with, and the key that the peer must have.
    case curveClient(CurveKeyPair, server: CurvePublicKey)
    /// An XPUB drops messages for subscribers whose queue is full, rather than taking none.
    case dropsWhereFull(Bool)
    /// An XPUB leaves it to its owner to put subscriptions in force.
    case manualSubscriptions(Bool)
    /// On ipc only processes of this user are let in.
    case ipcUser(Int)
}

/// ZMQ_ZAP_ENFORCE_DOMAIN, a draft option that libzmq takes by its number: without it a socket
/// whose ZAP handler is gone lets everybody in.
private let enforceDomain: Int32 = 93

extension ZMQSocket {
    /// Applies a setting.
    ///
    /// - Throws: A `TransportError` where the socket's type does not have it.
    package func set(_ option: SocketOption) throws(TransportError) {
        switch option {
        case .sendHighWater(let messages): try set(ZMQ_SNDHWM, messages)
        case .receiveHighWater(let messages): try set(ZMQ_RCVHWM, messages)
        case .linger(let milliseconds): try set(ZMQ_LINGER, milliseconds)
        case .maximumFrameBytes(let bytes): try setValue(ZMQ_MAXMSGSIZE, bytes)
        case .routerMandatory(let isOn): try set(ZMQ_ROUTER_MANDATORY, isOn ? 1 : 0)
        case .handshake(let milliseconds): try set(ZMQ_HANDSHAKE_IVL, milliseconds)
        case .ipv6(let isOn): try set(ZMQ_IPV6, isOn ? 1 : 0)
        case .onlyConnected(let isOn): try set(ZMQ_IMMEDIATE, isOn ? 1 : 0)
        case .reconnect(let first, let longest):
            try set(ZMQ_RECONNECT_IVL, first)
            try set(ZMQ_RECONNECT_IVL_MAX, longest)
        case .heartbeat(let interval, let timeout):
            try set(ZMQ_HEARTBEAT_IVL, interval)
            try set(ZMQ_HEARTBEAT_TIMEOUT, timeout)
        case .everySubscription(let isOn): try set(ZMQ_XPUB_VERBOSE, isOn ? 1 : 0)
        case .backlog(let connections): try set(ZMQ_BACKLOG, connections)
        case .curveServer(let keys, let domain):
            try set(ZMQ_CURVE_SERVER, 1)
            try setText(ZMQ_CURVE_SECRETKEY, keys.secretText)
            try setText(ZMQ_ZAP_DOMAIN, domain)
            try set(enforceDomain, 1)
        case .curveClient(let keys, let server):
            try setText(ZMQ_CURVE_SERVERKEY, server.text)
            try setText(ZMQ_CURVE_PUBLICKEY, keys.publicKey.text)
            try setText(ZMQ_CURVE_SECRETKEY, keys.secretText)
        case .dropsWhereFull(let isOn): try set(ZMQ_XPUB_NODROP, isOn ? 0 : 1)
        case .manualSubscriptions(let isOn): try set(ZMQ_XPUB_MANUAL, isOn ? 1 : 0)
        case .ipcUser(let user): try setValue(ZMQ_IPC_FILTER_UID, UInt32(clamping: user))
        }
    }

    private func set(_ number: Int32, _ value: Int) throws(TransportError) {
        try setValue(number, Int32(clamping: value))
    }

    private func setText(_ number: Int32, _ text: String) throws(TransportError) {
        guard zmq_setsockopt(handle, number, text, text.utf8.count) == 0 else {
            throw .last("set socket option \(number)")
        }
    }

    private func setValue(
        _ number: Int32, _ value: some FixedWidthInteger
    ) throws(TransportError) {
        var value = value
        guard zmq_setsockopt(handle, number, &value, MemoryLayout.size(ofValue: value)) == 0 else {
            throw .last("set socket option \(number)")
        }
    }
}
