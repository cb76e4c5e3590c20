// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient
internal import VigilTransport

/// One run of `vigil forward`: from the source to the outbox, and from there to the daemon.
final class ForwardRun {
    /// Steps of the machine before the source is looked at again.
    private static let stepsInARow = 4096
    /// A daemon that says nothing for so long is spoken of.
    private static let silenceMilliseconds: Int64 = 10_000
    /// The wait before another connection is made.
    private static let renewalPauseMilliseconds: Int64 = 500
    /// The wait before a full disk is tried again.
    private static let fullMilliseconds: Int64 = 1000
    /// Events put aside that are told one by one.
    private static let toldMax = 50
    /// Answers in a row that are about other events, each on a connection of its own, before they
    /// are spoken of.
    private static let strangeMax = 3

    /// Why no answer comes.
    private enum Silence {
        case absent, delayed, strange
    }

    private let source: any ForwardSource
    private let outbox: Outbox
    private let directory: String
    private let connection: ClientConnection
    private let endpoint: Endpoint
    private let reader = ReplyReader()
    private var machine: PublishMachine
    /// What is to be put aside, until there is space for it.
    private var heldAsides: [(item: OutboxItem, refusal: Refusal)] = []
    /// The last event that was read from the outbox.
    private var readThrough: UInt64
    /// Since when an answer is waited for; nil while none is.
    private var silentSinceMilliseconds: Int64?
    /// When the connection was last known to stand.
    private var standingMilliseconds: Int64 = 0
    private var strangeCount = 0
    /// What was told of since the last answer.
    private var toldSilences: Set<Silence> = []
    private var isBoundTold = false
    private var isDiskTold = false
    private var isAsideTold = false
    /// Nothing is sent before this moment.
    private var renewalMilliseconds: Int64?
    /// Nothing is written before this moment.
    private var writeMilliseconds: Int64 = 0
    private var counts = ForwardCounts()

    init(
        _ source: any ForwardSource, _ outbox: Outbox, at directory: String,
        _ connection: ClientConnection, _ endpoint: Endpoint
    ) {
        self.source = source
        self.outbox = outbox
        self.directory = directory
        self.connection = connection
        self.endpoint = endpoint
        readThrough = outbox.acknowledgedThrough
        var limits = PublishMachine.Limits()
        // A daemon may be away for as long as it likes: the outbox keeps what it has.
        limits.silenceMilliseconds = .max / 4
        limits.firstSilenceMilliseconds = .max / 4
        limits.delayMilliseconds = .max / 4
        machine = PublishMachine(limits: limits, nowMilliseconds: SteadyClock.milliseconds)
    }

    /// Forwards until the source has ended and all is answered, or a signal comes.
    ///
    /// - Throws: A `CommandFailure`, an `OutboxError` or a `TransportError`.
    func untilDone(_ stop: StopDescriptor) throws -> ForwardCounts {
        while true {
            let poller = Poller()
            let stopSlot = poller.add(fileDescriptor: stop.fileDescriptor)
            // A reply that is not taken yet would wake at once, again and again.
            if heldAsides.isEmpty { connection.add(to: poller) }
            let sourceWait = try takeIn(poller)
            let sendWait = try sendOut()
            if source.isEnded, outbox.waitingCount == 0 {
                counts.isComplete = true
                break
            }
            _ = try poller.wait(timeoutMilliseconds: Int(min(Int64(sourceWait), sendWait, 1000)))
            if !poller.events(at: stopSlot).isEmpty { break }
            try takeReplies()
            tellSilence()
        }
        counts.acceptedCount = machine.acceptedCount
        counts.duplicateCount = machine.duplicateCount
        counts.putAsideCount = outbox.asides.count
        counts.waitingCount = outbox.waitingCount
        return counts
    }

    // MARK: - In

    /// Takes a batch from the source into the outbox.
    ///
    /// - Returns: after how long to look again in any case, in milliseconds.
    private func takeIn(_ poller: Poller) throws -> Int {
        guard !source.isEnded, heldAsides.isEmpty else { return 1000 }
        if outbox.isFull {
            tellBound()
            return 1000
        }
        isBoundTold = false
        let left = writeMilliseconds - SteadyClock.milliseconds
        guard left <= 0 else { return Int(left) }
        let items = try source.take()
        for item in items {
            outbox.append(item.kind, topic: item.topic, event: item.event, mark: item.mark)
        }
        guard try outbox.flush() else {
            tellFullDisk()
            return Int(ForwardRun.fullMilliseconds)
        }
        isDiskTold = false
        try source.confirm()
        return items.isEmpty ? source.wait(in: poller) : 0
    }

    private func tellBound() {
        guard !isBoundTold else { return }
        isBoundTold = true
        Terminal.say(
            "vigil: the outbox \(directory) is full (\(outbox.byteCount) bytes of "
                + "\(outbox.waitingCount) events that wait, \(outbox.asides.byteCount) of what was "
                + "put aside, \(outbox.reserveByteCount) in reserve): nothing more is read until "
                + "the daemon takes some; give it more with --outbox-bytes, or move "
                + "rejected.ndjson away")
    }

    private func tellFullDisk() {
        writeMilliseconds = SteadyClock.milliseconds + ForwardRun.fullMilliseconds
        guard !isDiskTold else { return }
        isDiskTold = true
        Terminal.say(
            "vigil: the disk of \(directory) is full: nothing more is read until there is space")
    }

    // MARK: - Out

    /// Does what the machine decides until it waits.
    ///
    /// - Returns: after how long it wants to be asked again, in milliseconds.
    private func sendOut() throws -> Int64 {
        if let renewalMilliseconds {
            let left = renewalMilliseconds - SteadyClock.milliseconds
            guard left <= 0 else { return left }
            self.renewalMilliseconds = nil
            try connection.renew()
        }
        guard try putAsideHeld() else { return ForwardRun.fullMilliseconds }
        var isPaused = false
        for _ in 0..<ForwardRun.stepsInARow {
            switch machine.next(nowMilliseconds: SteadyClock.milliseconds) {
            case .read:
                guard let item = try outbox.next() else {
                    if isPaused { return 1000 }
                    machine.inputPaused()
                    isPaused = true
                    continue
                }
                isPaused = false
                readThrough = item.sequence
                guard try offer(item) else { return ForwardRun.fullMilliseconds }
            case .send(let events):
                let frames = events.flatMap { [Array($0.topic.utf8), $0.event] }
                guard try connection.send(frames) else {
                    _ = try connection.takeLoss()
                    lose()
                    return ForwardRun.renewalPauseMilliseconds
                }
            case .wait(let deadline): return max(deadline - SteadyClock.milliseconds, 0)
            case .reconnect: try connection.renew()
            case .giveUp, .finished: return 1000
            }
        }
        return 0
    }

    private func offer(_ item: OutboxItem) throws -> Bool {
        switch item.kind {
        case .event:
            let origin = EventOrigin(
                file: directory, position: Int(item.sequence), unit: .line)
            machine.offer(
                OutgoingEvent(
                    topic: String(decoding: item.topic, as: UTF8.self), event: item.event,
                    id: reader.eventID(of: item.event), origin: origin))
            return true
        case .unreadable:
            let why = item.topic.split(
                separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false
            ).map { String(decoding: $0, as: UTF8.self) }
            let origin = EventOrigin(
                file: directory, position: Int(item.sequence), unit: .line)
            let refusal = Refusal(
                origin: origin, code: why[0], message: why.count > 1 ? why[1] : "")
            heldAsides.append((item, refusal))
            return try putAsideHeld()
        }
    }

    private func takeReplies() throws {
        while heldAsides.isEmpty, let arrival = try connection.next() {
            // Also while another connection is yet to be made: who waits must not be woken by it.
            guard renewalMilliseconds == nil else { continue }
            guard case .reply(let frames) = arrival, try take(frames) else {
                lose()
                continue
            }
        }
    }

    /// Takes the answers to a request.
    ///
    /// - Returns: false where they are not about the oldest that is under way.
    private func take(_ frames: [[UInt8]]) throws -> Bool {
        let replies = frames.compactMap { reader.reply($0) }
        guard replies.count == frames.count else {
            throw CommandFailure(
                .internalFault,
                "what answers at \(endpoint) does not follow the protocol; "
                    + "is it the daemon's ingest endpoint?")
        }
        guard machine.expects(replies) else {
            strangeCount += 1
            return false
        }
        heard()
        let request = machine.nextAnswered
        for refusal in machine.received(replies, nowMilliseconds: SteadyClock.milliseconds) {
            let event = request.first { $0.origin == refusal.origin }
            guard let event else { continue }
            let item = OutboxItem(
                kind: .event, sequence: UInt64(event.origin.position),
                topic: Array(event.topic.utf8), event: event.event)
            heldAsides.append((item, refusal))
        }
        if try putAsideHeld() { try acknowledge() }
        return true
    }

    private func lose() {
        machine.connectionLost()
        renewalMilliseconds = SteadyClock.milliseconds + ForwardRun.renewalPauseMilliseconds
    }

    /// Puts aside what was refused, or was never fit to be sent; only then it is acknowledged.
    ///
    /// - Returns: false where there is no space for it now.
    private func putAsideHeld() throws -> Bool {
        guard !heldAsides.isEmpty else { return true }
        while let (item, refusal) = heldAsides.first {
            guard
                try outbox.putAside(
                    item, code: refusal.code, message: refusal.message, pointer: refusal.pointer)
            else {
                tellFullDiskForAsides()
                return false
            }
            heldAsides.removeFirst()
            tell(refusal)
        }
        isAsideTold = false
        try acknowledge()
        return true
    }

    private func tellFullDiskForAsides() {
        guard !isAsideTold else { return }
        isAsideTold = true
        Terminal.say(
            "vigil: the disk of \(directory) is full: what the daemon has refused cannot be put "
                + "aside, and nothing more is read or sent until there is space")
    }

    private func tell(_ refusal: Refusal) {
        guard outbox.asides.count <= ForwardRun.toldMax else { return }
        Terminal.say(
            "vigil: event \(refusal.origin.position) was put aside (\(refusal.code)): see "
                + "\(directory)/rejected.ndjson")
    }

    /// What has its answer, and all before it, need not be kept.
    private func acknowledge() throws {
        let through = machine.oldestUnanswered.map { UInt64($0) - 1 } ?? readThrough
        try outbox.acknowledge(through: through)
    }

    private func heard() {
        silentSinceMilliseconds = nil
        strangeCount = 0
        if !toldSilences.isEmpty {
            Terminal.say("vigil: the daemon at \(endpoint) answers again")
        }
        toldSilences = []
    }

    private func tellSilence() {
        let now = SteadyClock.milliseconds
        // Replies that are not taken for want of space are no silence.
        let isWaiting = heldAsides.isEmpty && machine.oldestUnanswered != nil
        silentSinceMilliseconds = isWaiting ? silentSinceMilliseconds ?? now : nil
        if connection.isStanding { standingMilliseconds = now }
        guard let since = silentSinceMilliseconds, let silence = silence(since: since, now),
            toldSilences.insert(silence).inserted
        else { return }
        let why =
            switch silence {
            case .absent: connection.refusal ?? "nothing answers at \(endpoint)"
            case .delayed: "the daemon at \(endpoint) is there and does not answer yet"
            case .strange:
                "what answers at \(endpoint) does not follow the protocol: is it the daemon's "
                    + "ingest endpoint?"
            }
        Terminal.say(
            "vigil: \(why); \(outbox.waitingCount) events wait in the outbox, and are sent when "
                + "the daemon is there")
    }

    /// What there is to say of a silence, if it is long enough.
    private func silence(since: Int64, _ now: Int64) -> Silence? {
        if strangeCount >= ForwardRun.strangeMax { return .strange }
        let absentSince = max(since, standingMilliseconds)
        if now - absentSince >= ForwardRun.silenceMilliseconds { return .absent }
        let isDelayed = now - since >= ForwardRun.silenceMilliseconds
        return isDelayed && connection.isStanding ? .delayed : nil
    }
}
