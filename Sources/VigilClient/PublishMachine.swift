// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Decides what `vigil publish` sends and when: batches in a bounded window, everything again
/// that the daemon was too busy for, and everything unanswered again on a new connection.
///
/// Sending again is harmless, since the daemon knows an event by its source and id. After a `busy`
/// nothing more is sent until all that is under way has been answered, so that events keep their
/// order as far as a client can see to it.
package struct PublishMachine: Sendable {
    /// The bounds of what is under way: below those from which a daemon may answer `busy`.
    package struct Limits: Sendable {
        package var eventsPerRequest = 256
        package var bytesPerRequest = 1 << 20
        package var requests = 12
        package var bytes = 12 << 20
        /// How long the daemon may take over a request before the connection is made anew; twice
        /// as long each time until it answers, up to eight times: it may have all that was sent.
        package var replyMilliseconds: Int64 = 15_000
        /// How long there may be no connection to a daemon that has answered before.
        package var silenceMilliseconds: Int64 = 60_000
        /// How long there may be none to a daemon that has not.
        package var firstSilenceMilliseconds: Int64 = 10_000
        /// How long a daemon may be silent on a connection: it may be at work that comes before
        /// any input.
        package var delayMilliseconds: Int64 = 600_000

        package init() {}
    }

    /// What the shell is to do next.
    package enum Step: Equatable, Sendable {
        /// Read one event and `offer` it, or say `inputEnded`.
        case read
        /// Send these as one request.
        case send([OutgoingEvent])
        /// Wait for a reply, at most until this time.
        case wait(untilMilliseconds: Int64)
        /// Drop the connection and open another.
        case reconnect
        /// The daemon has not answered for too long.
        case giveUp
        /// Everything was read, and everything has its answer.
        case finished
    }

    private struct Request {
        var events: [OutgoingEvent]
        var bytes: Int
        var isAlone: Bool { events.contains(where: \.isAlone) }
    }

    private let limits: Limits
    /// Read and not yet in a request, and its size.
    private var gathering: [OutgoingEvent] = []
    private var gatheringBytes = 0
    /// To be sent before anything new, in order.
    private var pending: [Request] = []
    private var underWay: [Request] = []
    private var bytesUnderWay = 0
    private var hasInputEnded = false
    /// Nothing is sent before this time.
    private var resumeMilliseconds: Int64
    private var isDraining = false
    /// Requests at the front of `pending` that were put back while draining.
    private var putBackCount = 0
    /// The last reply, or the moment when there was something to wait for again.
    private var silentSinceMilliseconds: Int64
    /// When the connection was last known to stand.
    private var standingMilliseconds: Int64
    /// The last reply on this connection, or the first request on it.
    private var attemptMilliseconds: Int64
    /// How long the next reply may take on it.
    private var patienceMilliseconds: Int64
    private var isRetrying = false
    package private(set) var acceptedCount = 0
    package private(set) var duplicateCount = 0
    package private(set) var rejectedCount = 0
    /// Whether the daemon has ever answered.
    package private(set) var hasBeenAnswered = false

    /// Begins with nothing sent.
    ///
    /// - Parameters:
    ///   - limits: The bounds of what is under way.
    ///   - nowMilliseconds: The time on a clock that never goes back.
    package init(limits: Limits = Limits(), nowMilliseconds: Int64) {
        self.limits = limits
        self.resumeMilliseconds = nowMilliseconds
        self.silentSinceMilliseconds = nowMilliseconds
        self.standingMilliseconds = nowMilliseconds
        self.attemptMilliseconds = nowMilliseconds
        self.patienceMilliseconds = limits.replyMilliseconds
    }

    /// Events with a final answer.
    package var answeredCount: Int {
        acceptedCount + duplicateCount + rejectedCount
    }

    /// The events of the request that is answered next.
    package var nextAnswered: [OutgoingEvent] {
        underWay.first?.events ?? []
    }

    /// The least position of the events that have no final answer; nil where all have one.
    package var oldestUnanswered: Int? {
        // A request's events are in the order in which they were offered.
        let firsts = (pending + underWay).compactMap { $0.events.first?.origin.position }
        return (firsts + (gathering.first.map { [$0.origin.position] } ?? [])).min()
    }

    /// Adds an event to the next request.
    package mutating func offer(_ event: OutgoingEvent) {
        if event.isAlone { closeRequest() }
        gathering.append(event)
        gatheringBytes += event.event.count
        if event.isAlone { closeRequest() }
        if gathering.count >= limits.eventsPerRequest || gatheringBytes >= limits.bytesPerRequest {
            closeRequest()
        }
    }

    /// Takes note that the next event may be long in coming: what there is goes out.
    package mutating func inputPaused() {
        closeRequest()
    }

    /// Takes note that no more events come.
    package mutating func inputEnded() {
        hasInputEnded = true
        closeRequest()
    }

    private mutating func closeRequest() {
        guard !gathering.isEmpty else { return }
        pending.append(Request(events: gathering, bytes: gatheringBytes))
        gathering = []
        gatheringBytes = 0
    }

    /// Takes note that the connection stands: silence on it is delay.
    package mutating func connectionStands(nowMilliseconds: Int64) {
        standingMilliseconds = nowMilliseconds
    }

    /// Whether an answer takes long, as it may on a connection that stands.
    package func isDelayed(nowMilliseconds: Int64) -> Bool {
        !underWay.isEmpty
            && nowMilliseconds >= silentSinceMilliseconds + limits.firstSilenceMilliseconds
    }

    /// What to do now.
    package mutating func next(nowMilliseconds: Int64) -> Step {
        if !underWay.isEmpty {
            if nowMilliseconds >= giveUpMilliseconds { return .giveUp }
            if nowMilliseconds >= attemptMilliseconds + patienceMilliseconds {
                patienceMilliseconds = min(
                    2 * patienceMilliseconds, 8 * limits.replyMilliseconds)
                connectionLost()
                return .reconnect
            }
        }
        if isDraining, underWay.isEmpty { isDraining = false }
        if !isDraining, nowMilliseconds >= resumeMilliseconds {
            if let request = pending.first {
                if hasRoom(for: request) { return send(request, nowMilliseconds) }
            } else if !hasInputEnded {
                return .read
            } else if underWay.isEmpty {
                return .finished
            }
        }
        let deadline =
            underWay.isEmpty
            ? resumeMilliseconds
            : min(attemptMilliseconds + patienceMilliseconds, giveUpMilliseconds)
        return .wait(untilMilliseconds: deadline)
    }

    /// When the daemon has not answered for too long.
    private var giveUpMilliseconds: Int64 {
        let silence =
            hasBeenAnswered ? limits.silenceMilliseconds : limits.firstSilenceMilliseconds
        return min(
            max(silentSinceMilliseconds, standingMilliseconds) + silence,
            silentSinceMilliseconds + limits.delayMilliseconds)
    }

    /// Takes note that what is under way will have no answer: it is sent again, in its order.
    package mutating func connectionLost() {
        // Who had nothing to wait for has waited for nothing.
        if !underWay.isEmpty { isRetrying = true }
        pending = underWay + pending
        underWay = []
        bytesUnderWay = 0
        isDraining = false
    }

    private func hasRoom(for request: Request) -> Bool {
        if underWay.isEmpty { return true }
        guard !request.isAlone, !underWay.contains(where: \.isAlone) else { return false }
        return underWay.count < limits.requests
            && bytesUnderWay + request.bytes <= limits.bytes
    }

    private mutating func send(_ request: Request, _ nowMilliseconds: Int64) -> Step {
        if underWay.isEmpty {
            attemptMilliseconds = nowMilliseconds
            if !isRetrying { silentSinceMilliseconds = nowMilliseconds }
        }
        pending.removeFirst()
        underWay.append(request)
        bytesUnderWay += request.bytes
        return .send(request.events)
    }

    /// Whether these can be the answers to the oldest request under way: one about each event, or
    /// one about the request as a whole, which names none.
    package func expects(_ replies: [EventReply]) -> Bool {
        guard let request = underWay.first else { return true }
        if replies.count == request.events.count {
            return zip(replies, request.events).allSatisfy { $0.isAbout($1) }
        }
        guard replies.count == 1, case .rejected(nil, _, _, _) = replies[0] else { return false }
        return true
    }

    /// Takes the answers to the oldest request under way, if they are as expected.
    ///
    /// - Returns: What was refused, in the order of the events.
    package mutating func received(
        _ replies: [EventReply], nowMilliseconds: Int64
    ) -> [Refusal] {
        guard !underWay.isEmpty, expects(replies) else { return [] }
        let request = underWay.removeFirst()
        bytesUnderWay -= request.bytes
        silentSinceMilliseconds = nowMilliseconds
        isRetrying = false
        attemptMilliseconds = nowMilliseconds
        patienceMilliseconds = limits.replyMilliseconds
        hasBeenAnswered = true
        var refusals: [Refusal] = []
        var again: [OutgoingEvent] = []
        for (index, event) in request.events.enumerated() {
            switch replies.count == 1 ? replies[0] : replies[index] {
            case .accepted where event.isAlone, .duplicate where event.isAlone: break
            case .accepted: acceptedCount += 1
            case .duplicate: duplicateCount += 1
            case .rejected(_, let code, let message, let pointer):
                rejectedCount += 1
                refusals.append(
                    Refusal(
                        origin: event.origin, code: code, message: message, pointer: pointer))
            case .busy(_, let milliseconds):
                again.append(event)
                let pause = min(max(milliseconds, 1), 60_000)
                resumeMilliseconds = max(resumeMilliseconds, nowMilliseconds + pause)
            }
        }
        if !again.isEmpty { sendAgain(again) }
        return refusals
    }

    /// Puts refused-for-now events before everything not yet sent, after those refused before.
    private mutating func sendAgain(_ events: [OutgoingEvent]) {
        let bytes = events.reduce(0) { $0 + $1.event.count }
        if !isDraining { putBackCount = 0 }
        pending.insert(Request(events: events, bytes: bytes), at: putBackCount)
        putBackCount += 1
        isDraining = true
    }
}
