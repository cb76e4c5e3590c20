// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Bulk loads, and what is told when a local day ends.
extension Sequencer {
    /// Puts into the log that a source begins a bulk load, or has ended it.
    mutating func takeLoad(_ message: LoadMessage, now: Instant) -> Unit {
        let offset = nextOffset
        let cause = observe(message.bound.rawValue, now: now) { message.encode(to: &$0) }
        fold.bound(message.bound, source: message.source, now: now)
        fold.heard(message.source, now: now)
        guard let sequence = message.sequence else { return cause }
        let outputs = fold.observe(
            source: message.source, epoch: message.epoch, sequence: sequence)
        return write(outputs, after: cause, causation: offset, time: now, now: now)
    }

    /// The source that becomes silent first, at or before an instant; nil where none does.
    mutating func nextSilence(through limit: Instant) -> SourceSilence? {
        fold.nextSilence(through: limit)
    }

    /// Puts into the log that a source is silent.
    mutating func takeSilence(_ silence: SourceSilence, now: Instant) -> Unit {
        let unit = observe("silent", now: now) { json in
            json.string("source", silence.source)
            json.string("since", silence.since.description)
            json.number("rhythmMilliseconds", silence.rhythmMilliseconds)
        }
        fold.fallsSilent(silence.source, now: now)
        return unit
    }

    /// Takes in an observation of an earlier run, other than one of a load.
    mutating func observedAgain(_ record: Record) -> Unit {
        if let source = Sequencer.silentSource(in: record) {
            fold.fallsSilent(source, now: record.entry.recorded)
        }
        return observed(record)
    }

    /// The source that a record says is silent; nil for any other record.
    static func silentSource(in record: Record) -> String? {
        record.entry.topic == "system.silent" ? record.data("source") : nil
    }

    /// Looks at the patients that come next after loads that have ended, as many as are a step.
    mutating func release(now: Instant) -> Unit {
        fold.trace.cause = nextOffset
        let (outputs, count) = fold.releaseNext(now: now)
        return release(count, outputs, now: now)
    }

    /// Looks at so many patients as the step of an earlier run did.
    mutating func release(_ count: Int, now: Instant) -> Unit {
        fold.trace.cause = nextOffset
        return release(count, fold.releaseNext(count, now: now), now: now)
    }

    private mutating func release(_ count: Int, _ outputs: [Output], now: Instant) -> Unit {
        let offset = nextOffset
        let cause = control("step", now: now) { $0.number("loaded", count) }
        return write(outputs, after: cause, causation: offset, time: now, now: now)
    }

    /// When the local day ends for which there is something to tell; nil where there is nothing.
    var dayEnd: Instant? {
        switch (fold.coverageDue, desk.due) {
        case (let coverage?, let digest?): min(coverage, digest)
        case (let due, nil), (nil, let due): due
        }
    }

    /// Tells what there is to tell at the end of a local day; nil where there was nothing.
    mutating func closeDay(at instant: Instant, recorded: Instant) -> Unit? {
        let outputs = fold.closeCoverage(at: instant) + desk.close(at: instant)
        guard !outputs.isEmpty else { return nil }
        let offset = nextOffset
        let cause = clockRecord(at: instant, subject: nil, recorded: recorded)
        return write(outputs, after: [cause], causation: offset, time: instant, now: recorded)
    }

    /// Decides when people are told of a flag.
    mutating func delivered(_ output: Output, offset: UInt64, time: Instant) -> Output {
        guard case .flag(var event) = output else { return output }
        if event.transition == .raised {
            event.delivery = desk.delivery(of: event, at: time, budgets: settings.budgets)
        }
        desk.note(event, offset: offset)
        return .flag(event)
    }
}
