// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// What the committer's thread tells of its work.
package enum LogReport: Hashable, Sendable {
    /// All records up to and with this offset are durable.
    case durable(through: UInt64)
    /// Nothing more will become durable: the first write or sync that failed. Never retried.
    case failed(LogError)
}

/// The threads that make commits durable: one hashes them, the other writes and syncs.
///
/// One commit after the other is written; a few wait between the stages, so that no stage waits for
/// another to wake up.
final class Committer: Sendable {
    struct State: Sendable {
        /// So many commits may be on their way to the disk, the one that is being written among
        /// them.
        static let countMax = 4

        /// To be hashed, the oldest first.
        var queued: [CommitBuffer] = []
        var isHashing = false
        /// Complete, and the next for the disk, the oldest first.
        var hashed: [CommitBuffer] = []
        var isWriting = false
        /// Whether what was written is being told.
        var isReporting = false
        var spare: [CommitBuffer] = []
        var failure: LogError?
        var isStopping = false

        /// Whether a commit is on its way to the disk.
        var isAnyWaiting: Bool { !queued.isEmpty || isHashing || !hashed.isEmpty }

        /// Whether there is room for another commit.
        var hasRoom: Bool {
            let stages = (isHashing ? 1 : 0) + (isWriting ? 1 : 0)
            return queued.count + hashed.count + stages < Self.countMax
        }

        /// The next commit for the disk, which is being written from now on.
        mutating func takeHashed() -> CommitBuffer? {
            isWriting = !hashed.isEmpty
            return isWriting ? hashed.removeFirst() : nil
        }
    }

    private let state = Monitor(State())
    private let hasher: OwnThread
    private let writer: OwnThread

    init(
        appender: SegmentAppender, report: @escaping @Sendable (LogReport) -> Void
    ) throws(LogError) {
        let state = state
        let tree = appender.tree
        hasher = try OwnThread(name: "vigil-hash") { Self.hash(state, after: tree) }
        do throws(LogError) {
            writer = try OwnThread(name: "vigil-commit") { Self.write(state, appender, report) }
        } catch {
            state.change { $0.isStopping = true }
            hasher.join()
            throw error
        }
    }

    var canSubmit: Bool { state.read { $0.hasRoom && $0.failure == nil } }
    var failure: LogError? { state.read { $0.failure } }

    /// Queues a commit and puts an empty buffer in its place, to be filled meanwhile.
    func submit(_ buffer: inout CommitBuffer, next: UInt64) throws(LogError) {
        let refusal: LogError? = state.change { state in
            if let failure = state.failure { return failure }
            if state.isStopping { return .closed }
            if !state.hasRoom { return .busy }
            var empty = state.spare.popLast() ?? CommitBuffer(firstOffset: next)
            empty.reset(firstOffset: next)
            state.queued.append(buffer)
            // Within the lock: once it is released the bytes are the hasher's alone.
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
            let isBusy = state.isWriting || state.isReporting
            if isBusy || state.isAnyWaiting && state.failure == nil { return .none }
            return .some(state.failure)
        }
        if let failure = failure ?? nil { throw failure }
    }

    /// Lets the threads finish what is queued, and end.
    ///
    /// Called once.
    func stop() {
        state.change { $0.isStopping = true }
        hasher.join()
        writer.join()
    }

    /// Completes one commit after the other, each over the tree of the one before.
    private static func hash(_ state: Monitor<State>, after start: MerkleFrontier) {
        var tree = start
        while var buffer = nextQueued(state) {
            buffer.complete(after: tree)
            tree = buffer.tree
            state.change { state in
                state.isHashing = false
                state.hashed.append(buffer)
                // Within the lock, as above: a second owner of the bytes would make it a copy.
                buffer.bytes = []
            }
        }
    }

    private static func nextQueued(_ state: Monitor<State>) -> CommitBuffer? {
        state.wait { state -> CommitBuffer?? in
            // What a failed writer never takes stays where it is.
            guard !state.queued.isEmpty, state.failure == nil else {
                return state.isStopping ? .some(nil) : .none
            }
            state.isHashing = true
            return .some(state.queued.removeFirst())
        }
    }

    private static func write(
        _ state: Monitor<State>, _ start: SegmentAppender,
        _ report: @Sendable (LogReport) -> Void
    ) {
        var appender = start
        var next = nextCommit(state)
        while var buffer = next {
            // A second owner of the bytes would make writing the header a copy of them.
            next = nil
            do {
                try appender.commit(&buffer)
            } catch {
                state.change { $0.failure = error }
                report(.failed(error))
                state.change { $0.isWriting = false }
                return
            }
            // Before it is told: whoever hears of it finds room for another.
            next = state.change { state in
                state.isReporting = true
                return state.takeHashed()
            }
            let end = buffer.firstOffset + UInt64(buffer.recordCount)
            // A drained log has reported everything.
            if buffer.recordCount > 0 { report(.durable(through: end - 1)) }
            state.change { state in
                state.isReporting = false
                if state.spare.count < State.countMax { state.spare.append(buffer) }
                buffer.bytes = []
            }
            next = next ?? nextCommit(state)
        }
    }

    /// Waits for the next commit; nil once the log is closed and nothing is on its way.
    private static func nextCommit(_ state: Monitor<State>) -> CommitBuffer? {
        state.wait { state -> CommitBuffer?? in
            if let next = state.takeHashed() { return .some(next) }
            return state.isStopping && !state.isAnyWaiting ? .some(nil) : .none
        }
    }
}
