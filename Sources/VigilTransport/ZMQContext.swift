// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
private import Glibc

/// A libzmq context: the threads that move bytes for the sockets made in it.
///
/// It may be shared between threads; a socket may not. Each socket keeps its context alive, and
/// the context ends when the last of them has gone.
package final class ZMQContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// Starts a context with one thread for traffic: it carries about a gigabyte a second.
    ///
    /// - Throws: A `TransportError` where the system lacks descriptors or memory.
    package init() throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .last("make a ZeroMQ context") }
        self.handle = handle
    }

    deinit {
        // zmq_ctx_term(3): a signal may interrupt the wait for unsent messages.
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}
