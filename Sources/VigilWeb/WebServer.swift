// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// Serves the pages, on a thread of its own.
package final class WebServer: Sendable {
    /// Where it listens, with the port that the system chose.
    package let boundAddress: WebAddress
    private let end: OwnedDescriptor

    /// Listens, and answers from then on.
    ///
    /// - Parameters:
    ///   - address: where to listen.
    ///   - report: what there is to tell at the moment of a request.
    ///   - onFailure: told in a sentence where it could take no connection and tries again.
    /// - Throws: `WebError` where the address cannot be had.
    package init(
        address: WebAddress, report: @escaping @Sendable () -> DaemonReport,
        onFailure: @escaping @Sendable (String) -> Void
    ) throws(WebError) {
        let listener = try WebServer.listen(at: address)
        boundAddress = WebServer.bound(listener, at: address)
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw WebServer.failure(address) }
        end = OwnedDescriptor(ends[0])
        let stop = OwnedDescriptor(ends[1])
        let thread = Thread {
            WebLoop(listener: listener, stop: stop, report: report, onFailure: onFailure).run()
        }
        thread.name = "vigil-web"
        thread.start()
    }

    /// Stops answering.
    package func stop() {
        shutdown(end.number, Int32(SHUT_RDWR))
    }

    private static func listen(at address: WebAddress) throws(WebError) -> OwnedDescriptor {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0,
            let place = found?.pointee
        else { throw WebError(isTaken: true, "cannot serve http on \(address): no such address") }
        defer { freeaddrinfo(found) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(place.ai_family, kind, 0)
        guard number >= 0 else { throw failure(address) }
        let descriptor = OwnedDescriptor(number)
        // Else a restart would wait for what is left of the connections before it.
        var isReused: Int32 = 1
        setsockopt(
            number, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        guard bind(number, place.ai_addr, place.ai_addrlen) == 0,
            Glibc.listen(number, Int32(SOMAXCONN)) == 0
        else { throw failure(address) }
        return descriptor
    }

    private static func bound(
        _ listener: OwnedDescriptor, at address: WebAddress
    ) -> WebAddress {
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(listener.number, $0, &length) == 0
            }
        }
        var bound = address
        // The port is at the same place in both families' addresses.
        if isKnown {
            bound.port = withUnsafeBytes(of: name) {
                UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))
            }
        }
        return bound
    }

    /// The last system call's error, as a sentence.
    private static func failure(_ address: WebAddress) -> WebError {
        WebError(
            isTaken: true, "cannot serve http on \(address): \(String(cString: strerror(errno)))")
    }
}
