// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

extension Endpoint {
    /// Whether some process listens at the path of an ipc endpoint.
    ///
    /// libzmq removes whatever is at the path before it binds: without looking first, a second
    /// daemon would take the first one's clients over, and neither would know.
    var isListenedAt: Bool {
        guard let path = ipcPath, !path.hasPrefix("@") else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, length)
            }
        }
        // A listener that is too busy to take one more is a listener.
        return connected == 0 || errno == EAGAIN
    }
}
