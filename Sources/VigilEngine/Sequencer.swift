// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// How the log's clock runs (protocol section 8).
package enum ClockMode: String, Sendable {
    /// The daemon's UTC time.
    case wall
    /// The largest `time` accepted so far.
    case event
}

/// A record that has its place, and whose bytes are made only where they are wanted.
package struct Draft: Sendable {
    enum Payload {
        case bytes([UInt8])
        /// Far wider than the bytes of an input, of which most drafts are: copied as a reference.
        indirect case output(Output, OutputPlace)
    }

    package var entry: RecordEntry
    var payload: Payload
}

/// Something that happened to a flag, and where the log has it.
package struct FlagChange: Hashable, Sendable {
    package var flagID: FlagID
    package var transition: FlagEvent.Transition
    package var topic: String
    package var offset: UInt64
    /// Whether the flag was resolved on this topic only to be raised on another.
    package var goesOn = false
}

/// Gives what the fold decides its place in the log: offsets, topic sequences, bytes.
///
/// The same code writes a log, folds it again after a restart, and checks a replay, so that none
/// of them can disagree with the others.
package struct Sequencer {
    /// One cause and its outputs: written whole or not at all.
    package typealias Unit = [Draft]
    /// After so many records the unit that reaches them ends with a digest of the trace.
    package static let recordsPerTrace: UInt64 = 4096

    package let identity: LogIdentity
    package internal(set) var nextOffset: UInt64 = 0
    /// The log's clock: the recorded time of the newest record.
    package internal(set) var clock = Instant(day: .earliestEvent, millisecondOfDay: 0)
    var fold: Fold
    private let encoder: FlagEncoder
    /// What happened to flags since the owner last took it away, in order.
    package var flagChanges: [FlagChange] = []
    // What is added here is added in `Sequencer+State.swift` as well.
    var desk: DeliveryDesk
    var packs = PackSet()
    var topicSequences = ShardedTable<String, UInt64>()
    /// Behind the last digest of the trace.
    var traced: UInt64 = 0
    /// The last output or observation; 0, which is none, before there is one.
    var lastOutput: UInt64 = 0
    /// The files of tails that the log tells to have been set aside.
    var toldTails: [String] = []
    /// What the fold has decided and the log that is being read has yet to show, in order.
    var expected: ArraySlice<Draft> = []
    /// What this engine decides by.
    let engineSemantics: Int
    /// By which what follows in the log is decided.
    package internal(set) var semantics: Int
    /// How many records were read whose outputs another engine has decided: these stand as they
    /// are.
    package internal(set) var uncheckedCount: UInt64 = 0

    /// A sequencer at the beginning of a log.
    ///
    /// - Parameters:
    ///   - identity: what the log's first record says of it.
    ///   - engineSemantics: what this engine decides by.
    ///   - describe: reads a record of the log as evidence.
    package init(
        identity: LogIdentity, engineSemantics: Int = LogIdentity.semantics,
        describe: @escaping (UInt64) -> EvidenceDescription?
    ) {
        self.identity = identity
        self.engineSemantics = engineSemantics
        semantics = identity.semantics
        fold = Fold(origin: identity.origin, zone: identity.zone)
        desk = DeliveryDesk(zone: identity.zone)
        encoder = FlagEncoder(
            zone: identity.zone, author: LogIdentity.engine, describe: describe)
        fold.isAdopting = isForeign
    }

    /// The packs in force.
    package var activePacks: [PackIdentity] { packs.identities }

    /// The packs in force as they run.
    var compiledPacks: [CompiledPack] { packs.compiled }

    /// The time that an input is recorded at.
    package func recordedTime(of eventTime: Instant, wall: Instant) -> Instant {
        max(clock, identity.clockMode == .wall ? wall : eventTime)
    }

    /// The time that what no event brings about is recorded at.
    func recordedTime(wall: Instant) -> Instant { recordedTime(of: clock, wall: wall) }

    // MARK: - Writing

    /// The log's first record.
    package mutating func begin(at now: Instant) -> Unit {
        let identity = identity
        return control("genesis", now: now) { identity.encode(to: &$0) }
    }

    /// Works off what is due up to an instant, in the order of the instants: a local day ends
    /// before what is due when the next one begins.
    package mutating func advance(to now: Instant) -> [Unit] {
        guard !isForeign else { return [] }
        var units: [Unit] = []
        while true {
            let dayEnd = dayEnd ?? .never
            if let due = fold.nextDue(through: min(now, dayEnd.adding(milliseconds: -1))) {
                fold.trace.cause = nextOffset
                let outputs = fold.workOff(subject: due.subject, instant: due.instant)
                guard !outputs.isEmpty else { continue }
                let recorded = recordedTime(of: due.instant, wall: now)
                let offset = nextOffset
                let cause = clockRecord(
                    at: due.instant, subject: due.subject, recorded: recorded)
                units.append(
                    write(
                        outputs, after: [cause], causation: offset, time: due.instant,
                        now: recorded))
            } else if dayEnd <= now {
                let recorded = recordedTime(of: dayEnd, wall: now)
                if let unit = closeDay(at: dayEnd, recorded: recorded) { units.append(unit) }
            } else {
                return units
            }
        }
    }

    mutating func clockRecord(at instant: Instant, subject: String?, recorded: Instant) -> Draft {
        let offset = nextOffset
        return draft(
            .control, topic: "system.clock", source: identity.origin, id: String(offset),
            subject: subject ?? "", causation: offset, recorded: recorded,
            payload: .bytes(
                SystemEvent.encode(
                    clock: instant, subject: subject,
                    at: place(offset, causation: offset, time: recorded, topic: nil))))
    }

    /// Puts an accepted event into the log; what is due before it must have been worked off.
    package mutating func take(
        _ event: InputEvent, topic: String, payload: [UInt8], now: Instant
    ) -> Unit {
        let offset = nextOffset
        let cause = draft(
            .input, topic: topic, source: event.source, id: event.id, subject: event.subject,
            causation: offset, recorded: now, payload: .bytes(payload))
        fold.trace.cause = offset
        let outputs = fold.take(event, offset: offset, now: now)
        return write(outputs, after: [cause], causation: offset, time: now, now: now)
    }

    /// Puts a message that only moves an event clock into the log.
    package mutating func takeClock(_ envelope: Envelope, payload: [UInt8], now: Instant) -> Unit {
        let offset = nextOffset
        let cause = draft(
            .input, topic: "system.clock", source: envelope.source, id: envelope.id, subject: "",
            causation: offset, recorded: now, payload: .bytes(payload))
        fold.heard(envelope.source, now: now)
        guard let sequence = envelope.sequence else { return [cause] }
        let outputs = fold.observe(
            source: envelope.source, epoch: envelope.epoch, sequence: sequence)
        return write(outputs, after: [cause], causation: offset, time: now, now: now)
    }

    /// Logs something that the daemon saw, such as a rejected message.
    package mutating func observe(
        _ name: String, now: Instant, data: (inout JSONWriter) -> Void
    ) -> Unit {
        let offset = nextOffset
        let topic = "system.\(name)"
        let place = place(offset, causation: offset, time: now, topic: topic)
        return [
            draft(
                .observation, topic: topic, source: identity.origin, id: String(offset),
                subject: "", causation: offset, recorded: now,
                payload: .bytes(SystemEvent.encode(name, at: place, data: data)))
        ]
    }

    /// Takes in an observation of an earlier run: it has its place in its topic's numbering.
    mutating func observed(_ record: Record) -> Unit {
        let entry = record.entry
        _ = place(nextOffset, causation: nextOffset, time: entry.recorded, topic: entry.topic)
        return [
            draft(
                .observation, topic: entry.topic, source: identity.origin,
                id: String(nextOffset), subject: "", causation: nextOffset,
                recorded: entry.recorded, payload: .bytes(record.payload))
        ]
    }

    /// Puts into the log that a recovery has set a tail aside that was never acknowledged.
    package mutating func tell(
        tornTailAt offset: UInt64, byteCount: UInt64, file: String, now: Instant
    ) -> Unit {
        toldTails.append(file)
        return control("tail", now: now) { json in
            json.number("offset", offset)
            json.number("bytes", byteCount)
            json.string("file", file)
        }
    }

    /// Takes in a control record of an earlier run that says what happened and changes no state.
    mutating func told(_ record: Record) -> Unit {
        let entry = record.entry
        if let file = StartWork.tailFile(in: record) { toldTails.append(file) }
        return [
            draft(
                .control, topic: entry.topic, source: identity.origin, id: String(nextOffset),
                subject: "", causation: nextOffset, recorded: entry.recorded,
                payload: .bytes(record.payload))
        ]
    }

    mutating func control(
        _ name: String, now: Instant, data: (inout JSONWriter) -> Void
    ) -> Unit {
        let offset = nextOffset
        return [
            draft(
                .control, topic: "system.\(name)", source: identity.origin, id: String(offset),
                subject: "", causation: offset, recorded: now,
                payload: .bytes(
                    SystemEvent.encode(
                        name, at: place(offset, causation: offset, time: now, topic: nil),
                        data: data)))
        ]
    }

    /// Puts what a cause has brought about behind it.
    mutating func write(
        _ outputs: [Output], after cause: consuming Unit, causation: UInt64, time: Instant,
        now: Instant
    ) -> Unit {
        var unit = cause
        // What an engine of other semantics has decided stands in the log, and what a shard of the
        // patients brings about another sequencer writes.
        guard !isForeign, !fold.isShard else { return unit }
        for output in outputs {
            let offset = nextOffset
            let output = delivered(output, offset: offset, time: time)
            let topic = Sequencer.topic(of: output)
            let place = place(offset, causation: causation, time: time, topic: topic)
            if case .flag(let event) = output {
                fold.sequenced(event, offset: offset)
                flagChanges.append(
                    FlagChange(
                        flagID: event.flagID, transition: event.transition, topic: topic,
                        offset: offset, goesOn: event.goesOn))
            }
            unit.append(
                draft(
                    .output, topic: topic, source: identity.origin, id: String(offset),
                    subject: Sequencer.subject(of: output), causation: causation, recorded: now,
                    payload: .output(output, place)))
        }
        if nextOffset - traced >= Sequencer.recordsPerTrace {
            unit.append(trace(causation: causation, time: time, now: now))
        }
        return unit
    }

    /// The digest of the trace since the last: it ends a unit, so that its place is in the log.
    private mutating func trace(causation: UInt64, time: Instant, now: Instant) -> Draft {
        let offset = nextOffset
        let topic = "system.trace"
        let place = place(offset, causation: causation, time: time, topic: topic)
        let payload = SystemEvent.encode(trace: fold.trace, from: traced, at: place)
        fold.trace.begin()
        traced = offset + 1
        return draft(
            .output, topic: topic, source: identity.origin, id: String(offset), subject: "",
            causation: causation, recorded: now, payload: .bytes(payload))
    }

    /// The record of a draft, with its bytes.
    package func record(_ draft: Draft) -> Record {
        let payload: [UInt8] =
            switch draft.payload {
            case .bytes(let bytes): bytes
            case .output(.flag(let event), let place): encoder.encode(event, at: place)
            case .output(.gap(let gap), let place):
                SystemEvent.encode(gap: gap, closed: false, at: place)
            case .output(.gapClosed(let gap), let place):
                SystemEvent.encode(gap: gap, closed: true, at: place)
            case .output(.coverage(let report), let place):
                SystemEvent.encode(coverage: report, at: place)
            case .output(.digest(let report), let place):
                SystemEvent.encode(digest: report, at: place)
            case .output(.dataQuality(let quality), let place):
                SystemEvent.encode(quality, at: place)
            }
        return Record(entry: draft.entry, payload: payload)
    }

    static func topic(of output: Output) -> String {
        switch output {
        case .flag(let event): event.topic
        case .gap: "system.gap"
        case .gapClosed: "system.gap-closed"
        case .coverage: "system.coverage"
        case .digest(let report): "system.digest.\(report.practice)"
        case .dataQuality(let quality): "system.data-quality.\(quality.practice)"
        }
    }

    static func subject(of output: Output) -> String {
        switch output {
        case .flag(let event): event.subject
        case .dataQuality(let quality): quality.subject
        case .gap, .gapClosed, .coverage, .digest: ""
        }
    }

    mutating func place(
        _ offset: UInt64, causation: UInt64, time: Instant, topic: String?
    ) -> OutputPlace {
        var sequence: UInt64?
        if let topic {
            sequence = (topicSequences[topic] ?? 0) + 1
            topicSequences[topic] = sequence
        }
        return OutputPlace(
            offset: offset, origin: identity.origin, causation: causation, time: time,
            sequence: sequence)
    }

    mutating func draft(
        _ kind: RecordKind, topic: String, source: String, id: String, subject: String,
        causation: UInt64, recorded: Instant, payload: Draft.Payload
    ) -> Draft {
        let offset = nextOffset
        var previous: UInt64?
        if !subject.isEmpty { previous = fold.chain(offset, to: subject) }
        nextOffset += 1
        if kind == .output || kind == .observation { lastOutput = offset }
        clock = max(clock, recorded)
        return Draft(
            entry: RecordEntry(
                offset: offset, recorded: recorded, kind: kind, topic: topic, source: source,
                eventID: id, subject: subject, causation: causation, previous: previous),
            payload: payload)
    }
}
