// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilLog
internal import VigilTransport

/// How far the log is durable: written by the committer's thread, read by the engine's.
package final class CommitProgress: Sendable {
    /// One more than the offset; 0 for none.
    private let reported = Atomic<UInt64>(0)
    let wake: WakeDescriptor

    init() throws(TransportError) {
        wake = try WakeDescriptor()
    }

    /// The last offset that was reported durable; nil where none was since the start.
    var durable: UInt64? {
        let end = reported.load(ordering: .acquiring)
        return end == 0 ? nil : end - 1
    }

    /// Takes a report in, and wakes the engine.
    func take(_ report: LogReport) {
        if case .durable(let offset) = report {
            reported.store(offset + 1, ordering: .releasing)
        }
        wake.wake()
    }
}
