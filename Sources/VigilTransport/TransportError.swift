// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What went wrong with a socket, and where.
package struct TransportError: Error, Hashable, Sendable {
    /// What was being done, in the words of a person: `bind`, `connect`, `receive`.
    package var operation: String
    /// The endpoint concerned, where there is one.
    package var endpoint: String?
    /// The value of `errno`; 0 where the fault was found before any call.
    package var code: Int32
    /// What the system or the check says about it.
    package var reason: String

    package init(operation: String, endpoint: String? = nil, code: Int32 = 0, reason: String) {
        self.operation = operation
        self.endpoint = endpoint
        self.code = code
        self.reason = reason
    }

    /// The error that libzmq has just reported in this thread.
    static func last(_ operation: String, endpoint: String? = nil) -> TransportError {
        let code = zmq_errno()
        let reason = zmq_strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return TransportError(
            operation: operation, endpoint: endpoint, code: code, reason: reason)
    }
}

extension TransportError: CustomStringConvertible {
    /// One sentence without a full stop, such as `cannot bind tcp://127.0.0.1:5551: Address
    /// already in use`.
    package var description: String {
        let target = endpoint.map { " " + $0 } ?? ""
        return "cannot \(operation)\(target): \(reason)"
    }
}
