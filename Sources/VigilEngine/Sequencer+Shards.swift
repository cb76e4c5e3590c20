// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Sequencers that share the patients of a log that is read.
///
/// Offsets are in the log already, so that a shard needs nothing of the others: it decides for its
/// patients record by record, and the sequencer that decides for none puts all of it in order and
/// holds it against the log.
extension Sequencer {
    /// Makes a sequencer of nothing yet one of several.
    mutating func become(_ shard: FoldShard) {
        fold.become(shard)
    }

    /// Decides about the next record of a log, and about what is due by then, for the shard's
    /// patients.
    ///
    /// - Parameters:
    ///   - record: of any kind; what follows from others is passed over.
    ///   - decode: reads an input.
    /// - Returns: the decisions, in order.
    /// - Throws: where the record does not follow from those before, which a fold of the whole
    ///   says as well.
    mutating func decide(
        _ record: Record, decode: InputDecoding
    ) throws(ReplayDifference) -> [PatientDecision] {
        let entry = record.entry
        guard entry.kind != .output else { return [] }
        decide(until: entry.recorded)
        nextOffset = entry.offset
        switch (entry.kind, entry.topic) {
        case (.control, "system.clock"): break
        case (.input, _): try decideInput(record, decode: decode)
        default: _ = try fold(record, decode: decode)
        }
        clock = max(clock, entry.recorded)
        return fold.takeDecisions()
    }

    /// Decides about what is due at the end of a log.
    mutating func decideDue(until instant: Instant) -> [PatientDecision] {
        decide(until: instant)
        return fold.takeDecisions()
    }

    /// Tells the sequencer that decides for no patient what the others have decided.
    mutating func expect(_ decisions: [PatientDecision]) {
        fold.expect(decisions)
    }

    /// The indicators at an instant, of the patients of several sequencers.
    func indicators(at now: Instant, of shards: [Sequencer]) -> [Indicator] {
        fold.indicators(at: now, of: shards.map(\.fold))
    }

    private mutating func decide(until instant: Instant) {
        while let due = fold.nextDue(through: instant) {
            _ = fold.workOff(subject: due.subject, instant: due.instant)
        }
    }

    private mutating func decideInput(
        _ record: Record, decode: InputDecoding
    ) throws(ReplayDifference) {
        let entry = record.entry
        do throws(Rejection) {
            let (envelope, decoded) = try decode(record, settings.source(entry.source).zone)
            switch decoded {
            case .input(let event):
                _ = fold.take(event, offset: entry.offset, now: entry.recorded)
            case .clock, .load: fold.heard(envelope.source, now: entry.recorded)
            }
        } catch {
            throw ReplayDifference(offset: entry.offset, what: error.message)
        }
    }
}
