// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Where the daemon of a data directory takes orders: `control.sock` in that directory.
///
/// The directory is named by a descriptor of the process, since an ipc path has 107 bytes at most
/// and a directory's may be longer.
package final class ControlEndpoint: Sendable {
    /// The name of the socket in the data directory.
    package static let name = "control.sock"

    private let descriptor: Int32
    package let endpoint: Endpoint

    /// Names the socket of a data directory.
    ///
    /// - Throws: A `TransportError` where the directory cannot be opened.
    package init(directory: String) throws(TransportError) {
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(directory)") }
        endpoint = try Endpoint("ipc:///proc/self/fd/\(descriptor)/\(ControlEndpoint.name)")
    }

    deinit {
        close(descriptor)
    }

    /// Whether a daemon listens there.
    package var isListenedAt: Bool { endpoint.isListenedAt }

    /// Binds a socket that only processes of the same user reach.
    ///
    /// - Throws: A `TransportError` where it cannot be bound.
    package func bind(_ socket: ZMQSocket) throws(TransportError) {
        // The kernel's word for who connects; the mode of the file keeps others from trying.
        try socket.set(.ipcUser(Int(geteuid())))
        try socket.bind(to: endpoint)
        fchmodat(descriptor, ControlEndpoint.name, 0o600, 0)
    }
}
