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
    /// On ipc only processes of this user are let in.
    case ipcUser(Int)
}

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
        case .ipcUser(let user): try setValue(ZMQ_IPC_FILTER_UID, UInt32(clamping: user))
        }
    }

    private func set(_ number: Int32, _ value: Int) throws(TransportError) {
        try setValue(number, Int32(clamping: value))
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
