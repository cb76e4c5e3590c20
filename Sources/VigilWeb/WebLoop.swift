// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Takes connections and answers on them, one at a time, by poll(2).
///
/// Whoever opens many, and whoever sends without end, gets a bounded share of descriptors, memory
/// and time: the log needs them.
final class WebLoop {
    /// Connections beyond these are closed at once.
    static let connectionsMax = 64
    /// So long it takes no connection after one could not be taken.
    private static let rest = Duration.seconds(1)

    private let listener: OwnedDescriptor
    /// Readable once it is to end.
    private let stop: OwnedDescriptor
    private let report: () -> DaemonReport
    private let onFailure: (String) -> Void
    private var connections: [WebConnection] = []
    private var restsUntil: ContinuousClock.Instant?
    private var isFailing = false

    init(
        listener: OwnedDescriptor, stop: OwnedDescriptor, report: @escaping () -> DaemonReport,
        onFailure: @escaping (String) -> Void
    ) {
        self.listener = listener
        self.stop = stop
        self.report = report
        self.onFailure = onFailure
    }

    /// Serves until it is to end.
    func run() {
        while true {
            let now = ContinuousClock.now
            if let end = restsUntil, end <= now { restsUntil = nil }
            connections.removeAll { $0.isOver(at: now) }
            var items = [
                pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0),
                // One below 0 is passed over (poll(2)).
                pollfd(
                    fd: restsUntil == nil ? listener.number : -1, events: Int16(POLLIN),
                    revents: 0),
            ]
            items += connections.map {
                pollfd(fd: $0.descriptor.number, events: $0.events, revents: 0)
            }
            guard poll(&items, nfds_t(items.count), timeout(at: now)) > 0 else { continue }
            if items[0].revents != 0 { return }
            for (connection, item) in zip(connections, items.dropFirst(2))
            where item.revents != 0 {
                connection.goOn(report)
            }
            if items[1].revents != 0 { takeConnection() }
        }
    }

    /// Milliseconds until something is to be given up or tried again, -1 for none.
    private func timeout(at now: ContinuousClock.Instant) -> Int32 {
        let ends = connections.map(\.deadline) + [restsUntil].compactMap { $0 }
        guard let end = ends.min() else { return -1 }
        let rest = now.duration(to: end).components
        return Int32(rest.seconds * 1000 + rest.attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func takeConnection() {
        let number = accept(listener.number, nil, nil)
        guard number >= 0 else {
            let code = errno
            // Whoever came has gone again.
            if [EAGAIN, EINTR, ECONNABORTED].contains(code) { return }
            if !isFailing {
                onFailure("the http socket takes no connection: \(String(cString: strerror(code)))")
            }
            isFailing = true
            restsUntil = ContinuousClock.now + Self.rest
            return
        }
        isFailing = false
        let descriptor = OwnedDescriptor(number)
        let now = ContinuousClock.now
        connections.removeAll { $0.isOver(at: now) }
        guard connections.count < Self.connectionsMax else { return }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        connections.append(WebConnection(descriptor))
    }
}
