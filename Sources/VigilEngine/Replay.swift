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
        /// Records up to this offset and with it; nil for all.
        package var untilOffset: UInt64?
        /// Whether the open flags' events are wanted.
        package var listsOpen = false
        /// Whether the indicators are wanted.
        package var listsIndicators = false
        /// How much of each output is compared.
        package var comparison = Sequencer.Comparison.place
        /// How many threads share the patients; the log's own packs only.
        package var shardCount = 1
        /// Packs to fold with in place of the log's own, from its first input on; nil for its own.
        package var packs: [PackSource]?

        package init() {}
    }

    /// What a replay came to.
    package struct Outcome: Sendable {
        /// Records folded.
        package var recordCount: UInt64 = 0
        /// How many of them, from the first on, an engine of other semantics has decided: their
        /// outputs are taken as they stand and compared with nothing.
        package var uncheckedCount: UInt64 = 0
        /// Outputs among them, or, with other packs, that those packs bring about.
        package var outputCount: UInt64 = 0
        /// The moment of the state.
        package var asOf: Instant
        package var openFlagCount = 0
        /// Of each flag that is open at that moment the newest raise or update, then the newest
        /// review, flags by their identity; empty with other packs.
        package var open: [Record] = []
        /// Empty where they are not wanted.
        package var indicators: [Indicator] = []
        /// What ended the fold before the log's end, nil where nothing did.
        package var damage: LogError?
    }

    let directory: String
    let reader: LogReader
    let lookup: RecordLookup
    let decoder = EventDecoder()
    let options: Options

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
                try run(
                    sequencer.freshFold, clockMode: sequencer.identity.clockMode,
                    packs: Replay.together(packs))
            } else {
                try run(sequencer, sequencer.isForeign ? nil : try crew(genesis))
            }
        if let failure = lookup.failure { throw failure }
        return outcome
    }

    /// The threads that share the patients; nil where they are not to be, or cannot be, shared.
    private func crew(_ genesis: Record) throws -> ReplayCrew? {
        guard options.shardCount > 1 else { return nil }
        let plan = try ReplayPlan(reader, isWanted: isWanted)
        guard plan.canBeShared else { return nil }
        return try ReplayCrew(options.shardCount, linked: plan.linked) {
            try Sequencer(begunBy: genesis, lookup: lookup)
        }
    }

    private func run(_ start: Sequencer, _ crew: ReplayCrew?) throws -> Outcome {
        var start = start
        crew?.lead(&start)
        var sequencer: Sequencer? = start
        var open = OpenFlagTable()
        var outcome = Outcome(asOf: start.clock)
        func take(
            _ record: Record, _ decisions: [PatientDecision] = [], _ decode: InputDecoding
        ) throws {
            try OpeningError.requireKnownSemantics(of: record)
            sequencer?.expect(decisions)
            try sequencer?.refold(record, comparing: options.comparison, decode: decode)
            open.settle(&sequencer, through: record.entry.offset)
            outcome.recordCount += 1
            if record.entry.kind == .output { outcome.outputCount += 1 }
        }
        func take(_ batch: ReplayBatch) throws {
            try batch.forEach { record, input, decisions in
                try take(record, decisions) { _, _ throws(Rejection) in try input.read() }
            }
        }
        do {
            try reader.scan(from: 0) { view in
                guard isWanted(view) else { return .stop }
                guard let crew else {
                    try take(view.record, [], decoder.decode)
                    return .next
                }
                if let batch = crew.give(view.record) { try take(batch) }
                return .next
            }
        } catch let error as LogError {
            outcome.damage = error
        }
        while let batch = crew?.takeRest() { try take(batch) }
        guard var sequencer else { return outcome }
        outcome.asOf = options.until ?? sequencer.clock
        var undecided: [Draft] = []
        // What precedes damage is told; nothing is worked off as if the log ended there, nor is
        // anything where it was to end at a record.
        if outcome.damage == nil, options.untilOffset == nil {
            if let crew { sequencer.expect(crew.decideDue(until: outcome.asOf)) }
            undecided = sequencer.expected + sequencer.advance(to: outcome.asOf).flatMap { $0 }
            for change in sequencer.flagChanges { open.apply(change) }
        }
        outcome.uncheckedCount = sequencer.uncheckedCount
        outcome.openFlagCount = open.count
        if outcome.damage == nil, options.listsIndicators {
            outcome.indicators =
                crew?.indicators(at: outcome.asOf, sequencer)
                ?? sequencer.indicators(at: outcome.asOf)
        }
        outcome.open = records(of: open, unwritten: undecided, sequencer)
        return outcome
    }

    private func isWanted(_ view: LogRecordView) -> Bool {
        options.until.map { view.recorded <= $0 } ?? true
            && options.untilOffset.map { view.offset <= $0 } ?? true
    }

    /// The newest events of open flags, also those that the log has yet to be given.
    private func records(
        of open: OpenFlagTable, unwritten: [Draft], _ sequencer: Sequencer
    ) -> [Record] {
        guard options.listsOpen else { return [] }
        var drafts: [UInt64: Draft] = [:]
        for draft in unwritten { drafts[draft.entry.offset] = draft }
        return open.entries().flatMap { entry in
            [entry.newest, entry.review].compactMap { $0 }.compactMap { offset in
                drafts[offset].map(sequencer.record) ?? lookup.record(at: offset)
            }
        }
    }

    /// The inputs alone, with packs that the log knows nothing of, under the log's settings.
    private func run(
        _ start: Fold, clockMode: ClockMode, packs: PackSet
    ) throws -> Outcome {
        var outcome = Outcome(asOf: Instant(day: .earliestEvent, millisecondOfDay: 0))
        let (fold, asOf) = try run(start, packs: packs) { outputs, _ in
            outcome.outputCount += UInt64(outputs.count)
        } visiting: {
            outcome.recordCount += 1
        }
        outcome.asOf = asOf
        outcome.openFlagCount = fold.openFlagCount
        if options.listsIndicators { outcome.indicators = fold.indicators(at: outcome.asOf) }
        return outcome
    }

    /// Folds the inputs with other packs.
    ///
    /// - Parameters:
    ///   - start: the empty state.
    ///   - packs: the packs.
    ///   - note: gets what comes out, and when.
    ///   - visiting: called for each record.
    /// - Returns: the state, and the moment of it.
    /// - Throws: `LogError`, `PackError` or a rejection that the log should not hold.
    private func run(
        _ start: Fold, packs: PackSet, note: ([Output], Instant) -> Void,
        visiting: () -> Void = {}
    ) throws -> (fold: Fold, asOf: Instant) {
        var fold = start
        var packs = packs
        var asOf = Instant(day: .earliestEvent, millisecondOfDay: 0)
        note(fold.activate(packs.compiled, now: asOf), asOf)
        func advance(to instant: Instant) {
            while let due = fold.nextDue(through: instant) {
                note(fold.workOff(subject: due.subject, instant: due.instant), due.instant)
            }
            asOf = max(asOf, instant)
        }
        try reader.scan(from: 0) { view in
            guard isWanted(view) else { return .stop }
            visiting()
            advance(to: view.recorded)
            if view.kind == .control, view.record.entry.topic == "system.settings",
                let settings = FoldSettings(record: view.record.payload)
            {
                try packs.apply(settings, before: fold.settings)
                fold.begin(settings, packs: packs.compiled, now: view.recorded)
                note(fold.step(through: .max, now: view.recorded), view.recorded)
            }
            if view.kind == .observation {
                let record = view.record
                if let load = LoadMessage(topic: record.entry.topic, payload: record.payload) {
                    fold.bound(load.bound, source: load.source, now: view.recorded)
                    fold.heard(load.source, now: view.recorded)
                    note(
                        fold.releaseNext(fold.waitingPatientCount, now: view.recorded),
                        view.recorded)
                } else if let source = Sequencer.silentSource(in: record) {
                    fold.fallsSilent(source, now: view.recorded)
                }
            }
            guard view.kind == .input else { return .next }
            let (envelope, decoded) = try decoder.decode(
                view.record, zone: fold.settings.source(view.record.entry.source).zone)
            switch decoded {
            case .input(let event):
                note(fold.take(event, offset: view.offset, now: view.recorded), view.recorded)
            case .clock:
                fold.heard(envelope.source, now: view.recorded)
                guard let sequence = envelope.sequence else { break }
                note(
                    fold.observe(
                        source: envelope.source, epoch: envelope.epoch, sequence: sequence),
                    view.recorded)
            case .load: break
            }
            return .next
        }
        if let until = options.until { advance(to: until) }
        return (fold, asOf)
    }
}

extension Replay {
    /// What a candidate would flag otherwise than other packs, over the whole log.
    ///
    /// - Parameters:
    ///   - candidate: the packs to be judged.
    ///   - others: what they are held against; nil for the packs in force at the log's end.
    /// - Returns: the differences, by rule.
    /// - Throws: `LogError`, `PackError` or `OpeningError`.
    package func compare(
        _ candidate: [PackSource], against others: [PackSource]?
    ) throws -> PackComparison {
        guard let genesis = try reader.record(at: 0) else {
            throw OpeningError.noLog(directory: directory)
        }
        let start = try Sequencer(begunBy: genesis, lookup: lookup).freshFold
        func history(_ packs: PackSet) throws -> (FlagHistory, Fold, Instant) {
            var history = FlagHistory()
            let (fold, asOf) = try run(start, packs: packs) { history.note($0, at: $1) }
            return (history, fold, asOf)
        }
        let (old, _, _) = try history(try others.map(Replay.together) ?? ownPacks())
        let (new, fold, asOf) = try history(Replay.together(candidate))
        return PackComparison(old: old, new: new, patientCount: fold.patientCount, asOf: asOf)
    }

    /// Packs as a start puts them in force.
    private static func together(_ packs: [PackSource]) throws -> PackSet {
        try PackSet(of: packs.map { try PackChange(activating: $0) })
    }

    /// The packs in force at the log's end.
    private func ownPacks() throws -> PackSet {
        var packs = PackSet()
        try reader.scan(from: 0) { view in
            guard view.kind == .control, view.record.entry.topic == "system.pack" else {
                return .next
            }
            packs.apply(
                try PackChange(record: view.record.payload, settings: FoldSettings()),
                recordedAt: view.offset)
            return .next
        }
        return packs
    }
}
