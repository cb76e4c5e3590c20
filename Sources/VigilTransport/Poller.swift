// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
private import Glibc

/// Waits for any of several sockets and file descriptors, in one thread.
package final class Poller {
    /// What to wait for, or what has come.
    package struct Events: OptionSet, Hashable, Sendable {
        package let rawValue: Int16

        package init(rawValue: Int16) {
            self.rawValue = rawValue
        }

        /// A message or bytes can be taken.
        package static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
    }

    private var items: [zmq_pollitem_t] = []
    /// Keeps the sockets alive as long as their handles are waited on.
    private var sockets: [ZMQSocket] = []

    /// Makes a poller that waits for nothing yet.
    package init() {}

    /// Adds a socket, to wait for messages.
    ///
    /// - Returns: The slot to ask for its events.
    package func add(_ socket: ZMQSocket) -> Int {
        sockets.append(socket)
        items.append(
            zmq_pollitem_t(
                socket: socket.handle, fd: 0, events: Events.readable.rawValue, revents: 0))
        return items.count - 1
    }

    /// Adds a descriptor, such as an eventfd, to wait for bytes; its owner keeps it open.
    ///
    /// - Returns: The slot to ask for its events.
    package func add(fileDescriptor: Int32) -> Int {
        items.append(
            zmq_pollitem_t(
                socket: nil, fd: fileDescriptor, events: Events.readable.rawValue, revents: 0))
        return items.count - 1
    }

    /// Changes what a slot waits for.
    package func setInterest(_ interest: Events, of slot: Int) {
        items[slot].events = interest.rawValue
    }

    /// What the last wait found at a slot.
    package func events(at slot: Int) -> Events {
        Events(rawValue: items[slot].revents)
    }

    /// Waits until a slot has events or the time is over.
    ///
    /// - Parameter timeoutMilliseconds: nil waits for ever, 0 only looks.
    /// - Returns: The number of slots with events; 0 also where a signal cut the wait short.
    /// - Throws: A `TransportError`, as a rule a termination.
    package func wait(timeoutMilliseconds: Int?) throws(TransportError) -> Int {
        let timeout = timeoutMilliseconds.map { max(0, $0) } ?? -1
        let found = zmq_poll(&items, Int32(items.count), timeout)
        guard found < 0 else { return Int(found) }
        guard zmq_errno() == EINTR else { throw .last("wait for sockets") }
        for index in items.indices { items[index].revents = 0 }
        return 0
    }
}
