// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
package import VigilLog

/// Decides about each message that arrives: decode, check, look for a duplicate, fold.
///
/// It owns the state and touches neither sockets nor files but to confirm a duplicate: the units
/// that it stages are for its owner to write.
package struct Intake {
    /// What becomes of one message.
    package enum Outcome: Sendable {
        case accepted(id: String, offset: UInt64)
        case duplicate(id: String, offset: UInt64)
        case rejected(Rejection, id: String?)
        case busy(id: String?)
    }

    /// The longest event that is taken, in bytes.
    package static let eventBytesDefault = 64 << 10

    package var sequencer: Sequencer
    /// Whether nothing can be taken now: messages are answered `busy`.
    package var isFull = false
    /// What messages may take of the disk before it counts as full, in bytes.
    package var spaceLeft: UInt64 = .max
    /// What a message takes beside its own bytes: its entry, or its line in quarantine.
    private static let messageOverheadBytes: UInt64 = 4096
    /// Units in the order of their offsets, to be written.
    package private(set) var staged: [[Record]] = []
    /// Messages that were rejected, to be kept.
    package private(set) var quarantined: [RejectedMessage] = []
    package private(set) var counts: [String: SourceCounts] = [:]
    /// What became of the messages of all sources.
    package private(set) var total = SourceCounts()
    package private(set) var rejections: [Rejection.Code: UInt64] = [:]
    private let reader: MessageReader
    private let lookup: RecordLookup
    /// The longest event that is taken, in bytes.
    let eventBytesMax: Int
    let duplicates: DuplicateIndex
    private var meter = RejectionMeter()

    /// An intake for a log that has been folded.
    package init(
        sequencer: Sequencer, lookup: RecordLookup, eventBytesMax: Int
    ) {
        self.init(
            sequencer: sequencer, lookup: lookup, eventBytesMax: eventBytesMax,
            duplicates: DuplicateIndex())
    }

    /// An intake that looks for duplicates in the index of a log on disk.
    init(
        sequencer: Sequencer, lookup: RecordLookup, eventBytesMax: Int,
        duplicates: DuplicateIndex
    ) {
        self.sequencer = sequencer
        self.duplicates = duplicates
        self.lookup = lookup
        self.eventBytesMax = eventBytesMax
        reader = MessageReader(eventBytesMax: eventBytesMax)
    }

    /// Takes note of an input that the log has already.
    package mutating func remember(source: String, id: String, offset: UInt64) {
        duplicates.insert(source: source, id: id, offset: offset)
    }

    /// Puts a unit that no message brought about in line to be written.
    package mutating func stage(_ unit: Sequencer.Unit) {
        let records = unit.map { draft in
            let record = sequencer.record(draft)
            lookup.stage(record)
            return record
        }
        staged.append(records)
    }

    /// Hands out what is staged.
    package mutating func takeStaged() -> [[Record]] {
        defer { staged = [] }
        return staged
    }

    /// Hands out what is to be kept in quarantine.
    package mutating func takeQuarantined() -> [RejectedMessage] {
        defer { quarantined = [] }
        return quarantined
    }

    /// Lets the log's clock reach the wall clock, where it follows it, and works off what is due.
    package mutating func tick(wall: Instant) {
        guard !isFull else { return }
        tell(meter.turn(milliseconds: wall.milliseconds), wall: wall)
        guard sequencer.identity.clockMode == .wall else { return }
        advance(to: sequencer.recordedTime(wall: wall))
    }

    /// Tells of the rejections that were merged and are yet to be told, before a stop.
    package mutating func finish(wall: Instant) {
        guard !isFull else { return }
        tell(meter.takeMerged(), wall: wall)
    }

    private mutating func tell(_ merged: [RejectionMeter.Merged], wall: Instant) {
        for rejections in merged {
            tellRejected(wall: wall) { json in
                if let source = rejections.source { json.string("source", source) }
                json.string("code", rejections.code)
                json.number("count", rejections.count)
            }
        }
    }

    /// Works off what is due, and says of sources that they are silent, each at its instant.
    ///
    /// A silence is observed here, on the log's clock, and is in the log from then on: who reads
    /// the log takes its word.
    mutating func advance(to now: Instant) {
        while let silence = sequencer.nextSilence(through: now) {
            let instant = max(sequencer.clock, silence.instant)
            for unit in sequencer.advance(to: instant) { stage(unit) }
            stage(sequencer.takeSilence(silence, now: instant))
        }
        for unit in sequencer.advance(to: now) { stage(unit) }
    }

    // MARK: - Messages

    /// Decides about one message.
    ///
    /// - Parameters:
    ///   - topic: the first frame.
    ///   - event: the second frame.
    ///   - socket: where it came in, for the quarantine.
    ///   - sender: whose it is.
    ///   - wall: the daemon's time.
    /// - Returns: what the sender is answered once the log is durable up to here.
    package mutating func receive(
        topic: [UInt8], event: [UInt8], socket: String, from sender: Sender = .anybody,
        wall: Instant
    ) -> Outcome {
        receive(reader.read(topic: topic, event: event), socket: socket, from: sender, wall: wall)
    }

    /// Decides about one message that was read.
    mutating func receive(
        _ message: ReadMessage, socket: String, from sender: Sender, wall: Instant
    ) -> Outcome {
        guard hasSpace(for: message.topic.count + message.event.count) else {
            return putOff(message, from: sender)
        }
        let source = Intake.source(of: message, from: sender)
        let outcome: Outcome
        do throws(Rejection) {
            let envelope = try message.envelope.get()
            // A member that is there twice is a fault of the text, whoever sent it and whatever
            // the log has.
            if case .failure(let rejection) = message.content, rejection.code == .malformedJSON {
                throw rejection
            }
            guard source != nil else {
                throw Rejection(
                    .unauthorised,
                    "Your key may not publish events of this source on this topic.", at: "/source")
            }
            outcome = try decide(message, envelope, wall: wall)
        } catch {
            outcome = .rejected(error, id: message.id)
            keep(
                RejectedMessage(
                    error, at: wall, socket: socket, source: source, id: message.id,
                    topic: message.topic, event: message.event), wall: wall)
        }
        count(outcome, source: source ?? "")
        return outcome
    }

    /// Whether it can be told now if the log has a message already: not where a damaged part of the
    /// index is being made again.
    func isDecidable(_ message: ReadMessage) -> Bool {
        guard let envelope = try? message.envelope.get() else { return true }
        return duplicates.candidates(duplicates.fingerprint(envelope.source, envelope.id)) != nil
    }

    /// Takes nothing of a message, whose sender is to send it again later.
    mutating func putOff(_ message: ReadMessage, from sender: Sender) -> Outcome {
        count(.busy(id: message.id), source: Intake.source(of: message, from: sender) ?? "")
        return .busy(id: message.id)
    }

    /// Refuses a message that is not made of the frames that its socket takes.
    package mutating func refuse(frames: [[UInt8]], socket: String, wall: Instant) -> Outcome {
        guard hasSpace(for: frames.reduce(0) { $0 + $1.count }) else {
            count(.busy(id: nil), source: "")
            return .busy(id: nil)
        }
        let rejection = Rejection(
            .badFrames,
            socket == "ingest"
                ? "A request is 1 to 1024 pairs of a topic frame and an event frame."
                : "A message is a topic frame and an event frame.")
        keep(
            RejectedMessage(
                rejection, at: wall, socket: socket, source: nil, id: nil,
                topic: frames.first ?? [], event: Array(frames.dropFirst().joined())), wall: wall)
        let outcome = Outcome.rejected(rejection, id: nil)
        count(outcome, source: "")
        return outcome
    }

    /// What a message may take of the disk, in bytes.
    ///
    /// Twice its length: rejected, it is kept as base64.
    static func spaceNeeded(for byteCount: Int) -> UInt64 {
        UInt64(byteCount) * 2 + messageOverheadBytes
    }

    /// Whether there is room for a message, which is then reserved; if not, for none after it.
    private mutating func hasSpace(for byteCount: Int) -> Bool {
        let needed = Intake.spaceNeeded(for: byteCount)
        guard !isFull, needed <= spaceLeft else {
            isFull = true
            return false
        }
        spaceLeft -= needed
        return true
    }

    private mutating func decide(
        _ message: ReadMessage, _ envelope: Envelope, wall: Instant
    ) throws(Rejection) -> Outcome {
        let event = message.event
        let fingerprint = duplicates.fingerprint(envelope.source, envelope.id)
        guard let candidates = duplicates.candidates(fingerprint) else {
            return .busy(id: envelope.id)
        }
        for candidate in candidates {
            guard let known = lookup.record(at: candidate),
                let isSame = known.isSame(envelope, event: event)
            else { continue }
            guard isSame else {
                throw Rejection(
                    .idConflict,
                    "Offset \(candidate) has this source and id with other bytes: "
                        + "give a changed event an id of its own.", at: "/id")
            }
            return .duplicate(id: envelope.id, offset: candidate)
        }
        try EventDecoder.checkClock(
            envelope, isSettable: sequencer.identity.clockMode == .event)
        let source = sequencer.fold.settings.source(envelope.source)
        // Who reads ahead does not know the settings, which may change until this is decided: of a
        // source with a zone of its own the message is read again, in the zone of now.
        let message =
            source.zone.map { reader.read(topic: message.topic, event: event, zone: $0) }
            ?? message
        let decoded = try message.content.get()
        finishSteps(wall: wall)
        let now = sequencer.recordedTime(of: envelope.time, wall: wall)
        let offset: UInt64
        switch decoded {
        case .clock:
            advance(to: now)
            offset = sequencer.nextOffset
            stage(sequencer.takeClock(envelope, payload: event, now: now))
        case .load(let bound):
            // A load moves no clock: its history does.
            let now = sequencer.recordedTime(wall: wall)
            advance(to: now)
            offset = sequencer.nextOffset
            stage(
                sequencer.takeLoad(LoadMessage(bound, envelope, event: event), now: now))
        case .input(let input):
            // Before time is moved: what is rejected must not move an event clock.
            try sequencer.check(input, now: now)
            advance(to: now)
            offset = sequencer.nextOffset
            if let description = message.description { lookup.remember(description, at: offset) }
            stage(
                sequencer.take(
                    input, topic: String(decoding: message.topic, as: UTF8.self),
                    payload: event, now: now))
        }
        duplicates.insert(fingerprint, offset: offset)
        return .accepted(id: envelope.id, offset: offset)
    }

    // MARK: - Accounts

    /// The source that a message counts for: in the accounts a source stands for what its own
    /// publishers sent.
    private static func source(of message: ReadMessage, from sender: Sender) -> String? {
        message.source.flatMap {
            sender.mayPublish(source: $0, topic: message.topic) ? $0 : nil
        }
    }

    private mutating func count(_ outcome: Outcome, source: String) {
        counts[source, default: SourceCounts()].add(outcome)
        total.add(outcome)
        if case .rejected(let rejection, _) = outcome {
            rejections[rejection.code, default: 0] += 1
        }
    }

    private mutating func keep(_ message: RejectedMessage, wall: Instant) {
        quarantined.append(message)
        guard meter.tellsSingly(source: message.source, code: message.code) else { return }
        tellRejected(wall: wall) { json in
            if let source = message.source { json.string("source", source) }
            json.string("code", message.code)
            message.encodeDigest(to: &json)
        }
    }

    private mutating func tellRejected(wall: Instant, data: (inout JSONWriter) -> Void) {
        let now = sequencer.recordedTime(wall: wall)
        advance(to: now)
        stage(sequencer.observe("rejected", now: now, data: data))
    }
}

extension Record {
    /// Whether an accepted message was this one; nil where it had another source or id.
    fileprivate func isSame(_ envelope: Envelope, event: [UInt8]) -> Bool? {
        if let load = LoadMessage(topic: entry.topic, payload: payload) {
            guard load.source.isExactly(envelope.source), load.id.isExactly(envelope.id) else {
                return nil
            }
            return load.digest == hexadecimal(SHA256.digest(of: event))
        }
        guard entry.source.isExactly(envelope.source), entry.eventID.isExactly(envelope.id)
        else { return nil }
        return payload == event
    }
}

extension RejectedMessage {
    fileprivate init(
        _ rejection: Rejection, at instant: Instant, socket: String, source: String?,
        id: String?, topic: [UInt8], event: [UInt8]
    ) {
        self.init(
            at: instant, socket: socket, code: rejection.code.rawValue,
            message: rejection.message, pointer: rejection.pointer, source: source, id: id,
            topic: topic, event: event)
    }
}
