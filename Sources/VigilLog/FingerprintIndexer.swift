// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Writes, merges and mends runs of fingerprints on a thread of its own, one job at a time.
package final class FingerprintIndexer: Sendable {
    /// The inputs of a stretch of the log, all of them durable.
    package struct Part: Sendable {
        package var entries: [Fingerprint]
        package var first: UInt64
        package var end: UInt64

        package init(entries: [Fingerprint], first: UInt64, end: UInt64) {
            self.entries = entries
            self.first = first
            self.end = end
        }
    }

    /// What is to be done with some runs.
    package enum Job: Sendable {
        /// Puts a part behind them.
        case add(Part)
        /// Makes those of them again that are damaged.
        case mend
    }

    private struct State: Sendable {
        var job: (Job, [FingerprintRun])?
        var isWorking = false
        var result: Result<[FingerprintRun], any Error>?
        var isStopping = false
    }

    private let state = Monitor(State())
    private let thread: OwnThread

    /// Starts the thread.
    package init(store: FingerprintStore) throws(LogError) {
        let state = state
        thread = try OwnThread(name: "vigil-index") {
            while let (job, runs) = Self.nextJob(state) {
                let result = Result {
                    switch job {
                    case .add(let part): try store.adding(part, to: runs)
                    case .mend: try store.mended(runs) { state.read { $0.isStopping } }
                    }
                }
                state.change { state in
                    state.isWorking = false
                    state.result = result
                }
            }
        }
    }

    deinit {
        if !state.read({ $0.isStopping }) { stop() }
    }

    private static func nextJob(_ state: Monitor<State>) -> (Job, [FingerprintRun])? {
        state.wait { state -> (Job, [FingerprintRun])?? in
            if let job = state.job {
                state.job = nil
                return .some(job)
            }
            return state.isStopping ? .some(nil) : .none
        }
    }

    /// Hands over what is to be done with some runs; the job before must be done.
    package func submit(_ job: Job, with runs: [FingerprintRun]) {
        state.change { state in
            state.job = (job, runs)
            state.isWorking = true
        }
    }

    /// What the last job came to, once.
    package func takeResult() -> Result<[FingerprintRun], any Error>? {
        state.change { state in
            defer { state.result = nil }
            return state.result
        }
    }

    /// Waits until no job is being done.
    package func drain() {
        state.wait { $0.isWorking ? nil : () }
    }

    /// Ends the thread after what it is doing, a mending at once; called once.
    package func stop() {
        state.change { $0.isStopping = true }
        thread.join()
    }
}
