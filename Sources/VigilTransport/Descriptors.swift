// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
private import Glibc

/// A descriptor by which other threads wake a thread that waits in a `Poller` (eventfd(2)).
package final class WakeDescriptor: Sendable {
    /// To be added to the poller of the thread that is to be woken.
    package let fileDescriptor: Int32

    /// Opens the descriptor.
    ///
    /// - Throws: A `TransportError` where the process is at its limit of descriptors.
    package init() throws(TransportError) {
        fileDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard fileDescriptor >= 0 else { throw .last("open an eventfd") }
    }

    deinit {
        close(fileDescriptor)
    }

    /// Wakes the waiting thread, at once or when it next waits; from any thread.
    package func wake() {
        // It fails only where the counter is full, and then the thread will wake anyway.
        eventfd_write(fileDescriptor, 1)
    }

    /// Takes back all wakes so far.
    package func drain() {
        var count: eventfd_t = 0
        eventfd_read(fileDescriptor, &count)
    }
}

/// Signals as something to poll for (signalfd(2)).
package final class SignalDescriptor: Sendable {
    /// Readable once a signal has come, until they are drained.
    package let fileDescriptor: Int32

    /// Blocks signals for this thread and all that it starts from now on: to be made before any
    /// other thread.
    ///
    /// - Throws: A `TransportError` where the process is at its limit of descriptors.
    package init(_ numbers: [Int32]) throws(TransportError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        fileDescriptor = signalfd(
            -1, &signals, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard fileDescriptor >= 0 else { throw .last("open a signalfd") }
    }

    /// Takes back all signals so far.
    package func drain() {
        var information = signalfd_siginfo()
        while read(fileDescriptor, &information, MemoryLayout.size(ofValue: information)) > 0 {}
    }

    deinit {
        close(fileDescriptor)
    }
}

/// SIGINT and SIGTERM as something to poll for.
package final class StopDescriptor: Sendable {
    private let signals: SignalDescriptor

    /// Readable once a signal has come, and from then on.
    package var fileDescriptor: Int32 { signals.fileDescriptor }

    /// Blocks the two signals for this thread and all that it starts from now on: to be made
    /// before any other thread.
    ///
    /// - Throws: A `TransportError` where the process is at its limit of descriptors.
    package init() throws(TransportError) {
        signals = try SignalDescriptor([SIGINT, SIGTERM])
    }
}
