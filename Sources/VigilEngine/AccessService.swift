// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilLog
package import VigilTransport

/// Why the daemon ends rather than let strangers in.
package struct AdmissionError: Error, Sendable, CustomStringConvertible {
    package var description: String
}

/// Decides on a thread of its own who comes in, counts the connections, and makes sure on another
/// that strangers stay out.
package final class AccessService: Sendable {
    /// A socket of the daemon's: its domain, where it is bound, what may talk to it.
    struct Watched: Sendable {
        var domain: String
        var endpoints: [String]
        var peer: ZMQSocket.Kind
    }

    private static let probeMilliseconds = 10_000

    private let access: AccessControl
    private let probe: AdmissionProbe
    private let stopping: WakeDescriptor
    private let onFailure: @Sendable (any Error) -> Void
    private let connectionsMax: Int
    private let watched = Mutex<[Watched]>([])
    private let isStopping = Mutex(false)
    private let threads = Mutex<[OwnThread]>([])
    /// Connections that stand, by domain.
    private let connections = Mutex<[String: Set<Int32>]>([:])
    private let newMonitors = Mutex<[Handover]>([])
    private let wake: WakeDescriptor

    /// A monitor on its way to the thread that alone uses it from then on.
    private struct Handover: @unchecked Sendable {
        var domain: String
        var monitor: SocketMonitor
    }

    /// Begins to answer for a context, before any of its sockets is bound; nil without keys.
    ///
    /// - Parameters:
    ///   - context: the sockets' context.
    ///   - access: who may come in.
    ///   - connectionsMax: connections that one socket may have.
    ///   - onFailure: told where this cannot go on: the daemon must end.
    /// - Throws: `TransportError` or `LogError` where the system lacks descriptors or threads.
    package init?(
        context: ZMQContext, access: AccessControl, connectionsMax: Int,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) throws {
        guard let keys = access.keys else { return nil }
        self.access = access
        self.connectionsMax = connectionsMax
        self.onFailure = onFailure
        probe = try AdmissionProbe(in: context, server: keys.publicKey)
        stopping = try WakeDescriptor()
        wake = try WakeDescriptor()
        // It goes over to the thread, which alone uses it from here on.
        nonisolated(unsafe) let authenticator = try Authenticator(in: context)
        let thread = try OwnThread(name: "vigil-access") { [self] in
            do {
                try answer(authenticator)
            } catch {
                if !isStopping.withLock({ $0 }) { onFailure(error) }
            }
        }
        threads.withLock { $0.append(thread) }
    }

    /// Watches a socket before it is bound.
    func watch(_ socket: ZMQSocket, domain: String) throws(TransportError) {
        let handover = Handover(domain: domain, monitor: try SocketMonitor(of: socket))
        newMonitors.withLock { $0.append(handover) }
        wake.wake()
    }

    /// Tells where a socket is bound, so that it is tried.
    func bound(_ socket: Watched) {
        watched.withLock { $0.append(socket) }
    }

    /// Makes sure that strangers are refused everywhere, and goes on doing so.
    ///
    /// - Throws: `AdmissionError` where a stranger was not refused.
    package func start() throws {
        for (domain, endpoint, verdict) in try tryAll() where verdict != .refused {
            throw AdmissionError(
                description: verdict == .admitted
                    ? "a key that nobody knows was let in at \(endpoint) (\(domain))"
                    : "a key that nobody knows was not refused at \(endpoint) (\(domain)) in time")
        }
        let thread = try OwnThread(name: "vigil-probe") { [self] in
            do {
                try probeUntilStopped()
            } catch {
                if !isStopping.withLock({ $0 }) { onFailure(error) }
            }
        }
        threads.withLock { $0.append(thread) }
    }

    /// Ends both threads.
    package func stop() {
        isStopping.withLock { $0 = true }
        stopping.wake()
        wake.wake()
        threads.withLock { threads in
            for thread in threads { thread.join() }
            threads = []
        }
    }

    // MARK: - Trying

    private func tryAll() throws -> [(String, String, AdmissionProbe.Verdict)] {
        var verdicts: [(String, String, AdmissionProbe.Verdict)] = []
        for socket in watched.withLock({ $0 }) {
            for endpoint in socket.endpoints {
                let verdict = try probe.tryEntering(
                    endpoint, as: socket.peer, unlessReadable: stopping.fileDescriptor)
                verdicts.append((socket.domain, endpoint, verdict))
            }
        }
        return verdicts
    }

    private func probeUntilStopped() throws {
        let poller = Poller()
        _ = poller.add(fileDescriptor: stopping.fileDescriptor)
        while try poller.wait(timeoutMilliseconds: AccessService.probeMilliseconds) == 0 {
            for (domain, endpoint, verdict) in try tryAll() where verdict == .admitted {
                throw AdmissionError(
                    description:
                        "a key that nobody knows was let in at \(endpoint) (\(domain))")
            }
        }
    }

    // MARK: - Deciding

    private func answer(_ authenticator: Authenticator) throws {
        var monitors: [Handover] = []
        while !isStopping.withLock({ $0 }) {
            let poller = Poller()
            _ = poller.add(authenticator.socket)
            let woken = poller.add(fileDescriptor: wake.fileDescriptor)
            for watched in monitors { _ = poller.add(watched.monitor.socket) }
            while true {
                _ = try poller.wait(timeoutMilliseconds: nil)
                for watched in monitors { try count(watched) }
                try authenticator.answer(decide)
                if !poller.events(at: woken).isEmpty { break }
            }
            wake.drain()
            monitors += newMonitors.withLock { new in
                defer { new = [] }
                return new
            }
        }
    }

    private func count(_ watched: Handover) throws {
        while let event = try watched.monitor.next() {
            switch event {
            case .accepted(let descriptor):
                _ = connections.withLock { $0[watched.domain, default: []].insert(descriptor) }
            case .disconnected(let descriptor):
                _ = connections.withLock { $0[watched.domain, default: []].remove(descriptor) }
            case .acceptFailed:
                access.refused(
                    .connections, "no descriptor is left for a peer at \(watched.domain)")
            case .handshakeFailed:
                access.refused(
                    .handshake,
                    "a peer at \(watched.domain) has no key, another mechanism, or does "
                        + "not speak the protocol")
            case .keyRefused, .handshakeSucceeded: break
            }
        }
    }

    private func decide(_ peer: Authenticator.Peer) -> Authenticator.Verdict {
        guard peer.key != probe.key else { return .refused }
        let who = "a peer from \(peer.address) at \(peer.domain)"
        guard let mayConnect = access.mayConnect(peer.key) else {
            access.refused(.key, "\(who) has the key \(peer.key.text), which nobody has")
            return .refused
        }
        guard mayConnect else {
            access.refused(.flood, "\(who) is kept out for a minute")
            return .notNow
        }
        let count = connections.withLock { $0[peer.domain]?.count ?? 0 }
        guard count <= connectionsMax else {
            access.refused(.connections, "\(who): \(connectionsMax) connections are there already")
            return .notNow
        }
        return .admitted
    }
}
