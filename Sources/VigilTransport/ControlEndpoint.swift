// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc
private import Synchronization

/// Where the daemon of a data directory takes orders: `control.sock` in that directory.
///
/// The directory is named by a descriptor of the process, since an ipc path has 107 bytes at most
/// and a directory's may be longer.
package final class ControlEndpoint: Sendable {
    /// The name of the socket in the data directory.
    package static let name = "control.sock"

    private struct File: Equatable {
        var device: dev_t
        var number: ino_t
    }

    private let descriptor: Int32
    package let endpoint: Endpoint
    /// The socket's file, once it is bound.
    private let bound = Mutex<File?>(nil)

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
        bound.withLock { $0 = file }
    }

    /// Removes the file of a socket that was bound here and still is: few tools copy a directory
    /// with a socket in it.
    ///
    /// Another daemon's is left: it may have taken the directory over, and as long as this one is
    /// bound no other file has its number.
    package func remove() {
        guard let file, bound.withLock({ $0 }) == file else { return }
        unlinkat(descriptor, ControlEndpoint.name, 0)
    }

    /// The file that has the socket's name now.
    private var file: File? {
        var status = stat()
        guard fstatat(descriptor, ControlEndpoint.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return nil
        }
        return File(device: status.st_dev, number: status.st_ino)
    }
}
