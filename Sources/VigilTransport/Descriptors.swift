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

/// SIGINT and SIGTERM as something to poll for (signalfd(2)).
package final class StopDescriptor: Sendable {
    /// Readable once a signal has come, and from then on.
    package let fileDescriptor: Int32

    /// Blocks the two signals for this thread and all that it starts from now on: to be made
    /// before any other thread.
    ///
    /// - Throws: A `TransportError` where the process is at its limit of descriptors.
    package init() throws(TransportError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        fileDescriptor = signalfd(
            -1, &signals, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard fileDescriptor >= 0 else { throw .last("open a signalfd") }
    }

    deinit {
        close(fileDescriptor)
    }
}

/// SIGHUP as something to poll for (signalfd(2)).
package final class ReloadDescriptor: Sendable {
    /// Readable once the signal has come, until it is taken.
    package let fileDescriptor: Int32

    /// Blocks the signal for this thread and all that it starts from now on: to be made before
    /// any other thread.
    ///
    /// - Throws: A `TransportError` where the process is at its limit of descriptors.
    package init() throws(TransportError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        fileDescriptor = signalfd(-1, &signals, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard fileDescriptor >= 0 else { throw .last("open a signalfd") }
    }

    deinit {
        close(fileDescriptor)
    }

    /// Whether the signal has come since this was last asked.
    package func take() -> Bool {
        // A signalfd_siginfo, of which nothing is wanted.
        var information = [UInt8](repeating: 0, count: 128)
        return read(fileDescriptor, &information, information.count) > 0
    }
}
