// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
package import VigilLog
package import VigilPacks

/// Folds a log again: to compare it, or to see its state at a moment.
package struct Replay {
    /// What to fold, and how far.
    package struct Options: Sendable {
        /// Records up to this instant, and what is due up to it; nil for all.
        package var until: Instant?
        /// How much of each output is compared.
        package var comparison = Sequencer.Comparison.place
        /// Packs to fold with in place of the log's own, from its first input on; nil for its own.
        package var packs: [PackSource]?

        package init() {}
    }

    /// What a replay came to.
    package struct Outcome: Sendable {
        /// Records folded.
        package var recordCount: UInt64 = 0
        /// Outputs among them, or, with other packs, that those packs bring about.
        package var outputCount: UInt64 = 0
        /// The moment of the state.
        package var asOf: Instant
        package var openFlagCount = 0
        package var indicators: [Indicator] = []
        /// What ended the fold before the log's end, nil where nothing did.
        package var damage: LogError?
    }

    private let directory: String
    private let reader: LogReader
    private let lookup: RecordLookup
    private let decoder = EventDecoder()
    private let options: Options

    /// A replay of the log in a data directory, beside its daemon or not.
    ///
    /// - Throws: `LogError` where there is no log that can be read.
    package init(directory: String, options: Options) throws(LogError) {
        self.directory = directory
        reader = try LogReader(directory: directory)
        let evidence = try LogReader(directory: directory)
        lookup = RecordLookup { try evidence.record(at: $0) }
        self.options = options
    }

    /// Folds the log.
    ///
    /// - Throws: `ReplayDifference` at the first output that is not what its inputs amount to;
    ///   `LogError`, `PackError` or `OpeningError`.
    package func run() throws -> Outcome {
        guard let genesis = try reader.record(at: 0) else {
            throw OpeningError.noLog(directory: directory)
        }
        let sequencer = try Sequencer(begunBy: genesis, lookup: lookup)
        let outcome =
            if let packs = options.packs {
                try run(sequencer.fold, clockMode: sequencer.identity.clockMode, packs: packs)
            } else {
                try run(sequencer)
            }
        if let failure = lookup.failure { throw failure }
        return outcome
    }

    private func run(_ start: Sequencer) throws -> Outcome {
        var sequencer = start
        var outcome = Outcome(asOf: sequencer.clock)
        do {
            try reader.scan(from: 0) { view in
                if let until = options.until, view.recorded > until { return .stop }
                try sequencer.refold(view.record, comparing: options.comparison, decoder: decoder)
                outcome.recordCount += 1
                if view.kind == .output { outcome.outputCount += 1 }
                return .next
            }
        } catch let error as LogError {
            // What precedes the damage is told; nothing is worked off as if the log ended there.
            outcome.damage = error
            outcome.asOf = sequencer.clock
            outcome.openFlagCount = sequencer.fold.openFlagCount
            return outcome
        }
        _ = sequencer.advance(to: options.until ?? sequencer.clock)
        outcome.asOf = options.until ?? sequencer.clock
        outcome.openFlagCount = sequencer.fold.openFlagCount
        outcome.indicators = sequencer.indicators(at: outcome.asOf)
        return outcome
    }

    /// The inputs alone, with packs that the log knows nothing of.
    private func run(
        _ start: Fold, clockMode: ClockMode, packs: [PackSource]
    ) throws -> Outcome {
        var fold = start
        var outcome = Outcome(asOf: Instant(day: .earliestEvent, millisecondOfDay: 0))
        let compiled = try packs.map { try $0.compile() }
        outcome.outputCount += UInt64(fold.activate(compiled, now: outcome.asOf).count)
        func advance(to instant: Instant) {
            while let due = fold.nextDue(through: instant) {
                let outputs = fold.workOff(subject: due.subject, instant: due.instant)
                outcome.outputCount += UInt64(outputs.count)
            }
            outcome.asOf = max(outcome.asOf, instant)
        }
        try reader.scan(from: 0) { view in
            if let until = options.until, view.recorded > until { return .stop }
            outcome.recordCount += 1
            advance(to: view.recorded)
            if view.kind == .observation {
                let record = view.record
                if let load = LoadMessage(topic: record.entry.topic, payload: record.payload) {
                    fold.bound(load.bound, source: load.source, now: view.recorded)
                    let outputs = fold.releaseNext(fold.waitingPatientCount, now: view.recorded)
                    outcome.outputCount += UInt64(outputs.count)
                }
            }
            guard view.kind == .input else { return .next }
            let (envelope, decoded) = try decoder.decode(view.record)
            switch decoded {
            case .input(let event):
                let outputs = fold.take(event, offset: view.offset, now: view.recorded)
                outcome.outputCount += UInt64(outputs.count)
            case .clock:
                guard let sequence = envelope.sequence else { break }
                let outputs = fold.observe(
                    source: envelope.source, epoch: envelope.epoch, sequence: sequence)
                outcome.outputCount += UInt64(outputs.count)
            case .load: break
            }
            return .next
        }
        if let until = options.until { advance(to: until) }
        outcome.openFlagCount = fold.openFlagCount
        outcome.indicators = fold.indicators(at: outcome.asOf)
        return outcome
    }
}
