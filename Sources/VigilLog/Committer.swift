// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What the committer's thread tells of its work.
package enum LogReport: Hashable, Sendable {
    /// All records up to and with this offset are durable.
    case durable(through: UInt64)
    /// Nothing more will become durable: the first write or sync that failed. Never retried.
    case failed(LogError)
}

/// The thread that makes commits durable: at most one at the disk and one waiting for it.
final class Committer: Sendable {
    struct State: Sendable {
        var queued: CommitBuffer?
        var isWriting = false
        var spare: [CommitBuffer] = []
        var failure: LogError?
        var isStopping = false
    }

    private let state = Monitor(State())
    private let thread: OwnThread

    init(
        appender: SegmentAppender, report: @escaping @Sendable (LogReport) -> Void
    ) throws(LogError) {
        let state = state
        thread = try OwnThread(name: "vigil-commit") {
            Self.run(state, appender, report)
        }
    }

    var canSubmit: Bool { state.read { $0.queued == nil && $0.failure == nil } }
    var failure: LogError? { state.read { $0.failure } }

    /// Queues a commit and puts an empty buffer in its place, to be filled meanwhile.
    func submit(_ buffer: inout CommitBuffer, next: UInt64) throws(LogError) {
        let refusal: LogError? = state.change { state in
            if let failure = state.failure { return failure }
            if state.isStopping { return .closed }
            if state.queued != nil { return .busy }
            var empty = state.spare.popLast() ?? CommitBuffer(firstOffset: next)
            empty.reset(firstOffset: next)
            state.queued = buffer
            // Within the lock: once it is released the bytes are the committer's alone.
            buffer = empty
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Waits until nothing is queued or being written and all of it is reported.
    ///
    /// Throws the failure where writing has failed.
    func drain() throws(LogError) {
        let failure: LogError?? = state.wait { state -> LogError?? in
            if state.isWriting || state.queued != nil && state.failure == nil { return .none }
            return .some(state.failure)
        }
        if let failure = failure ?? nil { throw failure }
    }

    /// Lets the thread finish what is queued, and end.
    ///
    /// Called once.
    func stop() {
        state.change { $0.isStopping = true }
        thread.join()
    }

    private static func run(
        _ state: Monitor<State>, _ start: SegmentAppender,
        _ report: @Sendable (LogReport) -> Void
    ) {
        var appender = start
        while var buffer = nextCommit(state) {
            do {
                try appender.commit(&buffer)
            } catch {
                state.change { $0.failure = error }
                report(.failed(error))
                state.change { $0.isWriting = false }
                return
            }
            let end = buffer.firstOffset + UInt64(buffer.recordCount)
            // Before the buffer is free again: a drained log has reported everything.
            if buffer.recordCount > 0 { report(.durable(through: end - 1)) }
            let done = buffer
            state.change { state in
                state.isWriting = false
                if state.spare.count < 2 { state.spare.append(done) }
            }
        }
    }

    /// Waits for the next commit; nil once the log is closed and nothing is queued.
    private static func nextCommit(_ state: Monitor<State>) -> CommitBuffer? {
        state.wait { state -> CommitBuffer?? in
            if let next = state.queued {
                state.queued = nil
                state.isWriting = true
                return .some(next)
            }
            return state.isStopping ? .some(nil) : .none
        }
    }
}
