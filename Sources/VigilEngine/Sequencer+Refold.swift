// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// Where a log is not what its own inputs amount to.
package struct ReplayDifference: Error, Sendable {
    package var offset: UInt64
    /// What differs, as a sentence.
    package var what: String
}

/// Reads an accepted event of the log: the record, and the zone of its source.
typealias InputDecoding =
    (Record, ZoneTable?) throws(Rejection) -> (envelope: Envelope, event: DecodedEvent)

extension Sequencer {
    /// How much of each recomputed output is held against the record.
    package enum Comparison: Sendable {
        /// Its place, topic, subject and cause: enough for a restart.
        case place
        /// Every byte.
        case bytes
    }

    /// Folds the next record of a log that is being read.
    ///
    /// Causes are folded; outputs and clock records, which follow from them, are recomputed and
    /// compared.
    ///
    /// - Throws: the difference, where the log does not follow from its inputs.
    package mutating func refold(
        _ record: Record, comparing comparison: Comparison, decoder: EventDecoder
    ) throws(ReplayDifference) {
        try refold(record, comparing: comparison, decode: decoder.decode)
    }

    /// The same, with whatever reads inputs.
    mutating func refold(
        _ record: Record, comparing comparison: Comparison, decode: InputDecoding
    ) throws(ReplayDifference) {
        guard record.entry.offset == nextOffsetRead else {
            throw ReplayDifference(
                offset: record.entry.offset,
                what: "expected the record of offset \(nextOffsetRead)")
        }
        if isForeign { return try adopt(record, decode: decode) }
        if expected.isEmpty {
            expected = advance(to: record.entry.recorded).flatMap { $0 }[...]
        }
        if expected.isEmpty {
            expected = try fold(record, decode: decode)[...]
        }
        guard let draft = expected.popFirst() else { return }
        try compare(draft, with: record, comparison)
    }

    /// The offset of the next record to be read: behind `nextOffset` while outputs are expected.
    private var nextOffsetRead: UInt64 {
        expected.first?.entry.offset ?? nextOffset
    }

    /// What was decided when the log broke off and has yet to be written: clock work only, since
    /// an input and its outputs are written as one.
    package mutating func takeUnwritten() -> [Unit] {
        defer { expected = [] }
        var units: [Unit] = []
        for draft in expected {
            if draft.entry.causation == draft.entry.offset {
                units.append([draft])
            } else if !units.isEmpty {
                units[units.count - 1].append(draft)
            }
        }
        return units
    }

    mutating func fold(
        _ record: Record, decode: InputDecoding
    ) throws(ReplayDifference) -> Unit {
        let entry = record.entry
        switch (entry.kind, entry.topic) {
        case (.input, _):
            return try foldInput(record, decode: decode)
        case (.control, "system.genesis"):
            return begin(at: entry.recorded)
        case (.control, "system.tail"):
            return told(record)
        case (.control, "system.semantics"):
            return try changeSemantics(by: record)
        case (.observation, let topic):
            guard let message = LoadMessage(topic: topic, payload: record.payload) else {
                return observedAgain(record)
            }
            return takeLoad(message, now: entry.recorded)
        case (.control, _), (.output, _):
            if entry.kind == .control, let unit = try changeRules(by: record) { return unit }
            throw ReplayDifference(
                offset: entry.offset,
                what: "\(entry.topic) does not follow from what was logged before it")
        }
    }

    private mutating func foldInput(
        _ record: Record, decode: InputDecoding
    ) throws(ReplayDifference) -> Unit {
        let entry = record.entry
        do throws(Rejection) {
            let (envelope, decoded) = try decode(record, settings.source(entry.source).zone)
            switch decoded {
            case .input(let event):
                return take(
                    event, topic: entry.topic, payload: record.payload, now: entry.recorded)
            case .clock:
                return takeClock(envelope, payload: record.payload, now: entry.recorded)
            case .load:
                throw Rejection(.unsupportedType, "A load's messages are no inputs of the log.")
            }
        } catch {
            throw ReplayDifference(
                offset: entry.offset,
                what: "the accepted event is not accepted any more: \(error.message)")
        }
    }

    func compare(
        _ draft: Draft, with record: Record, _ comparison: Comparison
    ) throws(ReplayDifference) {
        var entry = record.entry
        entry.recorded = draft.entry.recorded
        guard entry == draft.entry else {
            throw ReplayDifference(
                offset: entry.offset,
                what: "recorded \(record.entry.topic) of offset \(record.entry.causation), "
                    + "recomputed \(draft.entry.topic) of offset \(draft.entry.causation)")
        }
        guard comparison == .bytes, self.record(draft).payload != record.payload else { return }
        throw ReplayDifference(
            offset: entry.offset, what: "the recomputed \(entry.topic) has other bytes")
    }
}

extension Sequencer {
    /// Checks whom an input is about and, of a review, the flag that it names.
    ///
    /// - Throws: why the input cannot be taken, in the order of protocol section 4.
    package func check(_ event: InputEvent, now: Instant) throws(Rejection) {
        if case .review(let review, let places) = event.resource.content {
            try fold.checkBounds(of: review, at: places, event: event, now: now)
            if let seen = review.seen.flatMap({ UInt64($0) }), seen >= nextOffset {
                throw Rejection(
                    .invalidElement,
                    "No event has this id yet: name the one that the reviewer saw.",
                    at: places.seen)
            }
        }
        switch fold.settings.source(event.source).subjects {
        case .same: try EventDecoder.checkSubject(event)
        case .mapped: try fold.checkBinding(of: event)
        }
        if case .review(let review, let places) = event.resource.content {
            try fold.checkFlag(of: review, at: places, event: event)
        }
    }

    /// The indicators of the rules in force at an instant.
    package func indicators(at now: Instant) -> [Indicator] {
        fold.indicators(at: now)
    }
}

extension EventDecoder {
    /// Decodes an accepted event from the log.
    ///
    /// - Parameters:
    ///   - record: the event's.
    ///   - zone: that of the source's times without an offset, by the settings at the record.
    /// - Returns: its attributes, and the event as the fold takes it.
    /// - Throws: `Rejection` where it would not be accepted.
    func decode(
        _ record: Record, zone: ZoneTable?
    ) throws(Rejection) -> (envelope: Envelope, event: DecodedEvent) {
        let envelope: Envelope
        do throws(EnvelopeRejection) {
            envelope = try readEnvelope(record.payload, maximumBytes: .max)
        } catch {
            throw error.rejection
        }
        let event = try readResource(
            envelope, topic: Array(record.entry.topic.utf8),
            zone: zone)
        return (envelope, event)
    }
}
