// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
internal import VigilLog
package import VigilTransport

/// The engine's loop.
///
/// It takes messages in, has the intake decide, the log make it durable, and lets out what is
/// durable. One thread owns it.
package final class Engine {
    /// A commit that is this large does not wait for the one before it, in bytes.
    private static let commitBytes = 256 << 10
    /// No more is taken in while this much waits for the disk, in bytes.
    private static let bufferedBytesMax = 8 << 20
    /// Free space below which inputs are answered `busy`: for what is decided already.
    private static let freeBytesMin: UInt64 = 64 << 20
    /// Free space for the longest message that a stream may hold: what is taken from its queue
    /// cannot be put back.
    private static let streamBytesMin: UInt64 = 32 << 20
    /// Messages taken from a socket before the others have their turn.
    private static let messagesPerTurn = 1024
    /// Messages that are read together: few enough that deciding about the first need not wait
    /// long, and many enough that handing them over costs nothing.
    private static let messagesPerBatch = 64
    /// Replies that may wait for all clients unless told otherwise, in bytes.
    package static let queueBytesDefault = 256 << 20
    /// How soon replies that found no room are tried again.
    private static let retryMilliseconds = 2

    private var gateway: Gateway
    private let access: AccessControl
    private let writer: LogWriter
    private let quarantine: QuarantineWriter
    private let lookup: RecordLookup
    private let reader: LogReader
    private let progress: CommitProgress
    private let openFlags: OpenFlags
    private let snapshots: SnapshotKeeper
    private let clock: () -> Instant
    private var intake: Intake
    private var meter: StatusMeter
    private var replies = ReplyQueue()
    private var ledger: ConnectionLedger
    /// Events of streams that were taken and are yet to be decided about.
    private var heldEvents: ArraySlice<Batch.Item> = []
    private var unpublished: ArraySlice<Record> = []
    private var flagChanges: ArraySlice<FlagChange> = []
    private var submittedThrough: UInt64?
    private var durable: UInt64?
    /// The last durable offset that is an output event; 0, which never is one, for none.
    private var lastOutput: UInt64 = 0
    private var nextHeartbeat = ContinuousClock.now
    private var freeBytes: UInt64 = 0
    /// What the start has to write, until there was room for it.
    private var startWork: StartWork?
    /// Where orders for the engine are given.
    package let orders: Orders
    private var carriedOut: [(order: Orders.Pending, outcome: OrderOutcome, requires: UInt64?)] = []

    /// Binds the sockets for a log that is open.
    ///
    /// - Parameters:
    ///   - log: what it goes on with.
    ///   - context: what the sockets are made in.
    ///   - endpoints: what they are bound to.
    ///   - openFlags: kept up to date for the history.
    ///   - clock: the daemon's time.
    ///   - board: where the engine puts up how it is.
    ///   - access: who may do what.
    ///   - service: watches the sockets; nil without keys.
    ///   - queueBytesMax: replies that may wait for all clients of the ingest socket together, in
    ///     bytes.
    /// - Throws: where an endpoint cannot be bound.
    package init(
        log: OpenedLog, context: ZMQContext, endpoints: Endpoints, openFlags: OpenFlags,
        clock: @escaping () -> Instant, board: StatusBoard = StatusBoard(),
        access: AccessControl = AccessControl(), service: AccessService? = nil,
        queueBytesMax: Int = Engine.queueBytesDefault
    ) throws(TransportError) {
        ledger = ConnectionLedger(heldBytesTotalMax: queueBytesMax)
        gateway = try Gateway(
            context: context, endpoints: endpoints, access: access, service: service)
        self.access = access
        self.openFlags = openFlags
        self.clock = clock
        writer = log.writer
        quarantine = log.quarantine
        lookup = log.lookup
        reader = log.reader
        progress = log.progress
        intake = log.intake
        meter = StatusMeter(board: board, durableThrough: log.durableThrough)
        durable = log.durableThrough
        submittedThrough = log.durableThrough
        lastOutput = log.lastOutput
        snapshots = log.snapshots
        if let durable { openFlags.begin(log.openFlags, asOf: durable) }
        startWork = log.start
        orders = Orders(waking: log.progress)
    }

    /// Endpoints as they were bound, with the ports that the system chose.
    package var boundEndpoints: (events: [String], ingest: String, alerts: String) {
        get throws(TransportError) {
            (
                gateway.boundEvents, try gateway.ingest.lastEndpoint(),
                gateway.boundAlerts
            )
        }
    }

    /// Makes durable what the opening has to write, and a first step of what it changes.
    ///
    /// On a full disk nothing is written: what is there is served, and inputs are answered `busy`
    /// until there is space.
    ///
    /// - Returns: whether there was space.
    /// - Throws: `LogError` at the first failed write or sync, and where a new log has no space.
    package func start() throws -> Bool {
        let now = clock()
        try checkSpace()
        try begin(now)
        try commit()
        try writer.drain()
        try release()
        showStatus()
        return startWork == nil
    }

    /// Stages what the start has to write, once there is space.
    private func begin(_ now: Instant) throws {
        guard var work = startWork else { return }
        guard !intake.isFull else {
            if work.isNew { throw LogError.noSpace(path: "a new log") }
            return
        }
        if let tail = try writer.repair() { work.tails.append(tail) }
        startWork = nil
        try intake.begin(work, now: now)
    }

    /// Runs until `stop` is readable, then makes everything durable that was decided, answers and
    /// publishes it.
    ///
    /// `onReady` is called once, when no steps of the start are left that come before any input.
    ///
    /// - Throws: `LogError` at the first failed write or sync; nothing is acknowledged after it.
    package func run(until stop: StopDescriptor, onReady: () throws -> Void = {}) throws {
        defer {
            orders.close()
            for left in carriedOut { left.order.answer(.refused("the daemon stops")) }
        }
        let reading = try ReadAhead(eventBytesMax: intake.eventBytesMax)
        let poller = Poller()
        let slots = (
            ingest: poller.add(gateway.ingest), events: poller.add(gateway.events),
            alerts: poller.add(gateway.alerts),
            wake: poller.add(fileDescriptor: progress.wake.fileDescriptor),
            stop: poller.add(fileDescriptor: stop.fileDescriptor)
        )
        var isReady = false
        while true {
            if !isReady, !intake.isSteppingFirst {
                isReady = true
                try onReady()
            }
            let isTaking = writer.bufferedByteCount < Engine.bufferedBytesMax
            let isListening = isTaking && !intake.isSteppingFirst
            poller.setInterest(isListening ? .readable : [], of: slots.ingest)
            // On a full disk a stream's messages are better off in its queue.
            let isStreaming =
                isListening && intake.spaceLeft >= Engine.streamBytesMin && heldEvents.isEmpty
            poller.setInterest(isStreaming ? .readable : [], of: slots.events)
            let isStepping = isTaking && intake.sequencer.isStepping
            let pause = ledger.isHolding ? Engine.retryMilliseconds : 100
            _ = try poller.wait(timeoutMilliseconds: isStepping ? 0 : pause)
            if !poller.events(at: slots.stop).isEmpty {
                meter.stop()
                break
            }
            if !poller.events(at: slots.wake).isEmpty { progress.wake.drain() }
            let now = clock()
            try checkSpace()
            try begin(now)
            intake.tick(wall: now)
            try takeOrders(now)
            if isTaking {
                // They wait in their queues: all steps before one of them would be a long turn.
                if !intake.isSteppingFirst { try takeRequests(reading, now) }
                if !intake.isFull, !intake.isSteppingFirst { try takeEvents(reading, now) }
                intake.step(wall: now)
            }
            try gateway.takeSubscriptions()
            try commit()
            try release()
            showStatus()
            try beat(now)
        }
        if !heldEvents.isEmpty {
            try intake.duplicates.finishMending()
            for item in heldEvents { _ = decide(item, socket: "events", clock()) }
        }
        intake.finish(wall: clock())
        try write()
        try quarantine.sync()
        try writer.close()
        try release()
        try intake.duplicates.close(durableThrough: durable)
        if !intake.sequencer.isStepping {
            snapshots.finish(intake.sequencer.state, openFlags.table)
        }
    }

    // MARK: - In

    /// Decides about the requests that wait, while the next ones are read.
    private func takeRequests(_ reading: ReadAhead, _ now: Instant) throws {
        var requests: [(envelope: [[UInt8]], batchCount: Int)] = []
        var taken = 0
        var byteCount = writer.bufferedByteCount
        while taken < Engine.messagesPerTurn, byteCount < Engine.bufferedBytesMax,
            let request = try gateway.nextRequest()
        {
            let count = request.arrivals.count
            for start in stride(from: 0, to: count, by: Engine.messagesPerBatch) {
                let end = min(start + Engine.messagesPerBatch, count)
                reading.append(Batch(request.arrivals[start..<end]))
            }
            requests.append(
                (request.envelope, (count - 1) / Engine.messagesPerBatch + 1))
            taken += count
            byteCount += request.byteCount
        }
        for request in requests {
            var reply = ReplyQueue.Pending(envelope: request.envelope, frames: [])
            for _ in 0..<request.batchCount {
                try take(reading.next(), now, reply: &reply)
            }
            let head = intake.sequencer.nextOffset
            reply.requires = head == 0 ? nil : head - 1
            replies.append(reply)
            try write()
        }
    }

    /// Decides about messages of a request, as far as not too much is outstanding already.
    private func take(
        _ batch: Batch?, _ now: Instant, reply: inout ReplyQueue.Pending
    ) throws {
        let identity = reply.envelope.first ?? []
        let room = ledger.room(for: identity)
        var taken = (events: 0, bytes: 0)
        for item in batch?.takeItems() ?? [] {
            let isBusy =
                reply.isPutOff || taken.events >= room.events || taken.bytes >= room.bytes
            let outcome = decide(item, socket: "ingest", isBusy: isBusy, now)
            reply.frames.append(Reply.encode(outcome))
            if case .busy = outcome { reply.isPutOff = true }
            guard !isBusy, case .message(let message, _) = item else { continue }
            taken.events += 1
            taken.bytes += message.topic.count + message.event.count
            try keepUp()
        }
        guard taken.events > 0 else { return }
        ledger.took(taken.events, taken.bytes, from: identity)
        reply.eventCount += taken.events
        reply.eventBytes += taken.bytes
    }

    /// Decides about a message that was read, or puts it off.
    private func decide(
        _ item: Batch.Item, socket: String, isBusy: Bool = false, _ now: Instant
    ) -> Intake.Outcome {
        switch item {
        case .message(let message, let sender):
            let outcome =
                isBusy
                ? intake.putOff(message, from: sender)
                : intake.receive(message, socket: socket, from: sender, wall: now)
            told(outcome, to: sender)
            return outcome
        case .other(let frames, _):
            return intake.refuse(frames: frames, socket: socket, wall: now)
        }
    }

    private func takeOrders(_ now: Instant) throws {
        for order in orders.take() {
            let outcome =
                startWork == nil
                ? intake.carryOut(order.order, wall: now)
                : .refused("the disk is full: nothing can be recorded")
            let head = intake.sequencer.nextOffset
            carriedOut.append((order, outcome, head == 0 ? nil : head - 1))
            try write()
        }
    }

    /// Decides about the events of streams that wait: what was taken from its queue cannot be put
    /// back, so that there is room for all of it before.
    private func takeEvents(_ reading: ReadAhead, _ now: Instant) throws {
        try decideHeld(now)
        guard heldEvents.isEmpty else { return }
        var arrivals: [Arrival] = []
        var batchCount = 0
        var taken = 0
        var byteCount: UInt64 = 0
        while taken < Engine.messagesPerTurn, byteCount < Engine.bufferedBytesMax,
            byteCount <= intake.spaceLeft,
            intake.spaceLeft - byteCount >= Engine.streamBytesMin,
            let event = try gateway.nextEvent()
        {
            taken += 1
            byteCount += Intake.spaceNeeded(for: event.byteCount)
            arrivals.append(event.arrival)
            guard arrivals.count == Engine.messagesPerBatch else { continue }
            reading.append(Batch(arrivals[...]))
            arrivals.removeAll()
            batchCount += 1
        }
        if !arrivals.isEmpty {
            reading.append(Batch(arrivals[...]))
            batchCount += 1
        }
        for _ in 0..<batchCount {
            heldEvents += reading.next()?.takeItems() ?? []
            try decideHeld(now)
        }
    }

    /// Decides about events of streams that were taken, up to the first of which it cannot be told
    /// yet whether the log has it.
    ///
    /// That and those behind it are held: nobody sends them again.
    private func decideHeld(_ now: Instant) throws {
        while let item = heldEvents.first {
            if case .message(let message, _) = item {
                let byteCount = message.topic.count + message.event.count
                guard intake.isDecidable(message),
                    Intake.spaceNeeded(for: byteCount) <= intake.spaceLeft
                else { return }
            }
            heldEvents.removeFirst()
            _ = decide(item, socket: "events", now)
            try keepUp()
        }
    }

    private func told(_ outcome: Intake.Outcome, to sender: Sender) {
        guard case .rejected(let rejection, _) = outcome, rejection.code == .unauthorised else {
            return
        }
        access.refused(
            .publish, "\(sender.name) sent an event of a source or on a topic that is not granted")
    }

    /// Reserves space for what is decided in this turn, before it is.
    private func checkSpace() throws {
        let waiting = UInt64(writer.bufferedByteCount + quarantine.bufferedByteCount)
        let reserved = Engine.freeBytesMin + waiting
        freeBytes = try writer.freeBytes()
        intake.isFull = freeBytes < reserved
        intake.spaceLeft = freeBytes < reserved ? 0 : freeBytes - reserved
    }

    private func showStatus() {
        meter.turn(
            intake: intake, durable: durable, lastOutput: lastOutput, openFlags: openFlags,
            freeBytes: freeBytes, refusals: access.refusals,
            subscribers: gateway.subscribers.counts)
    }

    // MARK: - Durable

    /// Moves what was decided into the commit that is being filled.
    private func write() throws {
        if let failure = lookup.failure ?? intake.duplicates.failure { throw failure }
        for message in intake.takeQuarantined() {
            quarantine.append(message)
            meter.quarantined += 1
        }
        for unit in intake.takeStaged() {
            try writer.append(unit: unit)
            for record in unit
            where record.entry.kind == .output || record.entry.kind == .observation {
                unpublished.append(record)
            }
        }
        flagChanges += intake.sequencer.flagChanges
        intake.sequencer.flagChanges = []
    }

    /// A commit closes when the one before it is durable, or when it has grown large.
    private func commit() throws {
        try write()
        // What was rejected is kept before the log, or the reply, says so.
        try quarantine.sync()
        guard writer.bufferedRecordCount > 0 else { return }
        // What was durable at the start is nothing that the committer reports.
        let isIdle = submittedThrough == progress.durable ?? durable
        guard isIdle || writer.bufferedByteCount >= Engine.commitBytes, writer.canSubmit else {
            if let failure = writer.failure { throw failure }
            return
        }
        let head = writer.nextOffset - 1
        submittedThrough = head
        // Between changes of rules: what patients stand at is then the same of all.
        let isMarked = snapshots.isDue(at: head + 1) && !intake.sequencer.isStepping
        if isMarked { snapshots.mark(head + 1) }
        try writer.submit()
        meter.submitted(through: head)
        if isMarked {
            snapshots.begin(intake.sequencer.state, openFlags.table, changes: flagChanges)
        }
    }

    /// Lets out what has become durable while there is more to decide, and closes a commit in which
    /// a flag waits as soon as none is on its way: it does not wait for the events behind its own.
    private func keepUp() throws {
        if let reported = progress.durable, reported != durable { try release() }
        guard submittedThrough == durable,
            !unpublished.isEmpty || !intake.sequencer.flagChanges.isEmpty
        else { return }
        try commit()
    }

    /// Lets out what has become durable.
    private func release() throws {
        if let failure = writer.failure { throw failure }
        durable = progress.durable ?? durable
        if let durable {
            // History comes first: who is told of a record must find it there.
            let settled = flagChanges.prefix { $0.offset <= durable }
            openFlags.apply(settled, asOf: durable)
            meter.settled(through: durable, changes: settled)
            flagChanges.removeFirst(settled.count)
            reader.extend(durableHead: durable)
            lookup.forget(through: durable)
            try intake.duplicates.settle(durableThrough: durable)
        }
        while let first = carriedOut.first, durable ?? 0 >= first.requires ?? 0 {
            first.order.answer(first.outcome)
            carriedOut.removeFirst()
        }
        let given = ledger.abandonedCount
        try ledger.retry(send: gateway.send)
        while let reply = replies.next(durable: durable) {
            try ledger.deliver(reply, send: gateway.send)
        }
        if ledger.abandonedCount > given {
            access.refused(.flood, "a client of ingest sends and takes no replies: it gets none")
        }
        while let durable, let record = unpublished.first, record.entry.offset <= durable {
            unpublished.removeFirst()
            if try !gateway.publish(
                topic: Array(record.entry.topic.utf8), event: record.payload)
            {
                meter.passedOver += 1
            }
            lastOutput = record.entry.offset
        }
    }

    private func beat(_ now: Instant) throws {
        // A clock of the day that is set back makes nobody wait.
        guard ContinuousClock.now >= nextHeartbeat, let durable else { return }
        nextHeartbeat = .now + .seconds(1)
        // Before the heartbeat goes out: it would wait for a moment with everybody.
        gateway.lookAfterSubscribers()
        _ = try gateway.publish(
            topic: Array("system.heartbeat".utf8),
            event: Heartbeat.encode(
                origin: intake.sequencer.identity.origin, now: now, offset: durable,
                output: lastOutput))
    }
}

/// The sign of life that says how far the log has come (protocol section 5); not a record.
enum Heartbeat {
    static func encode(origin: String, now: Instant, offset: UInt64, output: UInt64) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.number("offset", offset)
            json.number("output", output)
            json.string("specversion", "1.0")
            json.string("id", "heartbeat-\(now.milliseconds)")
            json.string("source", origin)
            json.string("type", "health.vigil.system.heartbeat.v1")
            json.string("time", now.description)
            json.object("data") { json in
                json.number("offset", offset)
                json.number("output", output)
            }
        }
        return json.bytes
    }
}
