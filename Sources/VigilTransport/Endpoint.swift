// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where a socket binds or connects: `tcp://host:port` or `ipc://path`.
///
/// The grammar is narrower than libzmq's, which takes a source address and the names of network
/// interfaces: what a bind is reachable from must be readable from its text.
package struct Endpoint: Hashable, Sendable {
    private enum Address: Hashable, Sendable {
        /// The host without the brackets of IPv6; the port's text, `*` for any free one.
        case tcp(host: String, port: String, isBracketed: Bool)
        case ipc(path: String)
    }

    private var address: Address

    /// Reads an endpoint's text.
    ///
    /// - Throws: A `TransportError` that names the part which cannot be read.
    package init(_ text: String) throws(TransportError) {
        if let path = text.dropping(prefix: "ipc://") {
            // sockaddr_un.sun_path holds 108 bytes with the terminating zero (unix(7)).
            guard (1...107).contains(path.utf8.count) else {
                throw Endpoint.fault(text, "an ipc path has 1 to 107 bytes")
            }
            address = .ipc(path: path)
        } else if let rest = text.dropping(prefix: "tcp://") {
            address = try Endpoint.tcp(rest, text)
        } else {
            throw Endpoint.fault(text, "an endpoint begins with tcp:// or ipc://")
        }
    }

    private static func tcp(_ rest: String, _ text: String) throws(TransportError) -> Address {
        guard let colon = rest.lastIndex(of: ":") else {
            throw fault(text, "a tcp endpoint is tcp://host:port")
        }
        let port = String(rest[rest.index(after: colon)...])
        guard port == "*" || isPort(port) else {
            throw fault(text, "the port is a number from 0 to 65535, or * for any free one")
        }
        var host = String(rest[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, isBracketed || !host.contains(":"),
            host.utf8.allSatisfy({ isHostByte($0) })
        else {
            throw fault(text, "the host is a name, an IPv4 address, or an IPv6 address in []")
        }
        return .tcp(host: host, port: port, isBracketed: isBracketed)
    }

    private static func fault(_ text: String, _ reason: String) -> TransportError {
        TransportError(operation: "use endpoint", endpoint: text, reason: reason)
    }

    private static func isPort(_ text: String) -> Bool {
        (1...5).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
            && UInt16(text) != nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "-._:%*".utf8.contains(byte)
        }
    }

    /// Whether only this machine can reach a socket bound here: 127.0.0.0/8, `[::1]`,
    /// `localhost`, or `ipc`.
    package var isLoopback: Bool {
        switch address {
        case .ipc: true
        case .tcp(let host, _, true): host == "::1"
        case .tcp(let host, _, false): host == "localhost" || Endpoint.isLoopbackIPv4(host)
        }
    }

    /// Four decimal octets of which the first is 127; shorter forms, which some resolvers take,
    /// are not recognised.
    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127"
            && octets.allSatisfy { octet in
                (octet.count == 1 || !octet.hasPrefix("0")) && UInt8(octet) != nil
                    && !octet.hasPrefix("+")
            }
    }

    /// Refuses an endpoint that other machines could reach.
    ///
    /// - Throws: A `TransportError` that says what is missing: without CURVE keys nobody's
    ///   messages could be told from anybody else's.
    package func requireLoopback() throws(TransportError) {
        guard isLoopback else {
            throw TransportError(
                operation: "bind", endpoint: description,
                reason:
                    "other machines could reach it, which needs CURVE keys (the setting curve); "
                    + "bind 127.0.0.1, [::1], localhost or ipc://")
        }
    }

    /// The path of an ipc endpoint, of at most 107 bytes.
    var ipcPath: String? {
        guard case .ipc(let path) = address else { return nil }
        return path
    }

    /// Whether the socket needs libzmq's IPv6 option.
    var isIPv6: Bool {
        guard case .tcp(_, _, let isBracketed) = address else { return false }
        return isBracketed
    }

    /// The text for `zmq_bind`, which takes no host names: `localhost` becomes 127.0.0.1.
    var bindText: String {
        guard case .tcp("localhost", let port, false) = address else { return description }
        return "tcp://127.0.0.1:\(port)"
    }
}

extension Endpoint: CustomStringConvertible {
    /// The text as libzmq takes it.
    package var description: String {
        switch address {
        case .ipc(let path): "ipc://\(path)"
        case .tcp(let host, let port, true): "tcp://[\(host)]:\(port)"
        case .tcp(let host, let port, false): "tcp://\(host):\(port)"
        }
    }
}

extension String {
    /// What follows a prefix, or nil where the text does not begin with it.
    fileprivate func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
