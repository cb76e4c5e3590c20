// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Tries to get in with a key that nobody knows.
package struct AdmissionProbe: Sendable {
    /// What became of the attempt.
    package enum Verdict: Hashable, Sendable {
        case refused
        case admitted
        /// Nothing came of it in time.
        case unknown
    }

    private static let patienceMilliseconds = 10_000
    /// After a refusal that did not arrive a socket of libzmq may never try again: another does.
    private static let attemptMilliseconds = 1000

    private let context: ZMQContext
    private let keys: CurveKeyPair
    private let server: CurvePublicKey

    /// A probe with a new key.
    ///
    /// - Parameters:
    ///   - context: what its sockets are made in.
    ///   - server: the key of the sockets to be tried.
    /// - Throws: A `TransportError` where this libzmq has no CURVE.
    package init(in context: ZMQContext, server: CurvePublicKey) throws(TransportError) {
        self.context = context
        self.server = server
        keys = try CurveKeyPair.generate()
    }

    /// The key that it comes with.
    package var key: CurvePublicKey { keys.publicKey }

    /// Tries an endpoint as `lastEndpoint` gives it.
    ///
    /// - Parameters:
    ///   - endpoint: where the socket to be tried is bound.
    ///   - kind: a type of socket that may talk to it.
    ///   - interrupt: ends the wait once it is readable.
    /// - Returns: what became of it, at most after ten seconds.
    /// - Throws: A `TransportError`, as a rule a termination.
    package func tryEntering(
        _ endpoint: String, as kind: ZMQSocket.Kind, unlessReadable interrupt: Int32? = nil
    ) throws(TransportError) -> Verdict {
        let end = AdmissionProbe.now + AdmissionProbe.patienceMilliseconds
        var verdict = Verdict.unknown
        while verdict == .unknown, AdmissionProbe.now < end {
            let attemptEnd = min(end, AdmissionProbe.now + AdmissionProbe.attemptMilliseconds)
            guard
                let attempt = try tryOnce(
                    endpoint, as: kind, until: attemptEnd, unlessReadable: interrupt)
            else { break }
            verdict = attempt
        }
        return verdict
    }

    /// nil where the wait was interrupted.
    private func tryOnce(
        _ endpoint: String, as kind: ZMQSocket.Kind, until end: Int,
        unlessReadable interrupt: Int32?
    ) throws(TransportError) -> Verdict? {
        let socket = try ZMQSocket(kind, in: context)
        try socket.set(.linger(milliseconds: 0))
        try socket.set(.curveClient(keys, server: server))
        let monitor = try SocketMonitor(of: socket)
        try socket.connect(to: Endpoint(endpoint))
        let poller = Poller()
        _ = poller.add(monitor.socket)
        let stop = interrupt.map { poller.add(fileDescriptor: $0) }
        while true {
            while let event = try monitor.next() {
                if event == .keyRefused { return .refused }
                if event == .handshakeSucceeded { return .admitted }
            }
            let left = end - AdmissionProbe.now
            guard left > 0 else { return .unknown }
            _ = try poller.wait(timeoutMilliseconds: left)
            if let stop, !poller.events(at: stop).isEmpty { return nil }
        }
    }

    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
