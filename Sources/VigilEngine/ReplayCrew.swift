// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
internal import VigilLog

/// Threads that share the patients of a log that is folded again.
///
/// The records go to all of them in batches. Of a batch each thread first reads a part of the
/// inputs, and then decides about its patients; the owner of the crew takes the batches back in
/// order, while the next are in the threads' hands.
package final class ReplayCrew {
    private static let recordsPerBatch = 2048
    private static let bytesPerBatch = 4 << 20
    /// More batches than this are not on their way at once.
    private static let batchesMax = 3

    /// A thread's own: the owner of the crew has it when the threads have ended.
    private final class Shard: @unchecked Sendable {
        var sequencer: Sequencer
        /// Whether the log does not follow from its own records, as the whole will say.
        var isAstray = false

        init(_ sequencer: Sequencer) {
            self.sequencer = sequencer
        }
    }

    private struct Round {
        let batch: ReplayBatch
        var readCount = 0
        var decidedCount = 0
    }

    private struct State {
        /// The batches on their way, oldest first, and the number of the oldest.
        var rounds: ArraySlice<Round> = []
        var isComplete = false
    }

    private let state = Monitor(State())
    private let shards: [Shard]
    private var threads: [OwnThread] = []
    private var settings = FoldSettings()
    private var filling: [Record] = []
    private var filledBytes = 0

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - linked: groups of subjects whose records links may join.
    ///   - start: makes a sequencer at the log's beginning.
    /// - Throws: `LogError` where the machine has no thread to give.
    init(
        _ count: Int, linked: [[String]], start: () throws -> Sequencer
    ) throws {
        shards = try (0..<count).map { number in
            var sequencer = try start()
            sequencer.become(FoldShard(number: number, of: count, linked: linked))
            return Shard(sequencer)
        }
        for number in shards.indices {
            let (state, shard) = (state, shards[number])
            threads.append(
                try OwnThread(name: "vigil-fold-\(number)") {
                    Self.work(state, shard, number, of: count)
                })
        }
    }

    deinit { end() }

    /// Folds the records of a whole log, every byte compared.
    ///
    /// - Parameters:
    ///   - records: from the first on.
    ///   - shards: how many threads share the patients.
    ///   - linked: groups of subjects whose records links may join.
    ///   - start: makes a sequencer at the log's beginning.
    /// - Returns: the sequencer that has told what the threads decided, and the threads.
    /// - Throws: `ReplayDifference`, or `LogError` where the machine has no thread to give.
    @discardableResult
    package static func refold(
        _ records: [Record], shards: Int, linked: [[String]] = [], start: () throws -> Sequencer
    ) throws -> (whole: Sequencer, crew: ReplayCrew) {
        let crew = try ReplayCrew(shards, linked: linked, start: start)
        var whole = try start()
        crew.lead(&whole)
        func take(_ batch: ReplayBatch) throws {
            try batch.forEach { record, input, decisions in
                whole.expect(decisions)
                try whole.refold(record, comparing: .bytes) { _, _ throws(Rejection) in
                    try input.read()
                }
            }
        }
        for record in records {
            if let batch = crew.give(record) { try take(batch) }
        }
        while let batch = crew.takeRest() { try take(batch) }
        return (whole, crew)
    }

    /// Makes a sequencer of nothing yet the one that tells what the threads decide.
    func lead(_ sequencer: inout Sequencer) {
        sequencer.become(FoldShard(number: nil, of: shards.count, linked: []))
    }

    /// Gives the next record of the log.
    ///
    /// - Returns: the oldest batch, once enough others are on their way.
    func give(_ record: Record) -> ReplayBatch? {
        filling.append(record)
        filledBytes += record.payload.count
        let changed = FoldSettings(settingsIn: record)
        guard
            filling.count == Self.recordsPerBatch || filledBytes >= Self.bytesPerBatch
                || changed != nil
        else { return nil }
        submit()
        if let changed { settings = changed }
        return state.read { $0.rounds.count } < Self.batchesMax ? nil : take()
    }

    /// The next batch when no further record is given; nil when there is none.
    func takeRest() -> ReplayBatch? {
        if !filling.isEmpty { submit() }
        return take()
    }

    /// What the threads decide about what is due after the last record, in order.
    ///
    /// No record is given any more.
    func decideDue(until instant: Instant) -> [PatientDecision] {
        end()
        return shards.flatMap { $0.sequencer.decideDue(until: instant) }
            .sorted(by: PatientDecision.precedes)
    }

    /// The indicators of all patients at an instant; `whole` decides for none of them.
    func indicators(at instant: Instant, _ whole: Sequencer) -> [Indicator] {
        end()
        return whole.indicators(at: instant, of: shards.map(\.sequencer))
    }

    private func submit() {
        let batch = ReplayBatch(filling, settings: settings, threads: shards.count)
        filling.removeAll(keepingCapacity: true)
        filledBytes = 0
        state.change { $0.rounds.append(Round(batch: batch)) }
    }

    private func take() -> ReplayBatch? {
        let count = shards.count
        return state.wait { state -> ReplayBatch?? in
            guard let first = state.rounds.first else { return .some(nil) }
            guard first.decidedCount == count else { return .none }
            state.rounds.removeFirst()
            return .some(first.batch)
        }
    }

    private func end() {
        state.change { $0.isComplete = true }
        for thread in threads { thread.join() }
        threads = []
    }

    private static func work(
        _ state: Monitor<State>, _ shard: Shard, _ thread: Int, of count: Int
    ) {
        let decoder = EventDecoder()
        // An index of a slice stays that of its element when those before it go.
        var number = 0
        while let batch = next(state, number) {
            batch.read(by: thread, decoder)
            state.change { $0.rounds[number].readCount += 1 }
            state.wait { $0.rounds[number].readCount == count ? () : nil }
            do throws(ReplayDifference) {
                if !shard.isAstray { try batch.decide(by: thread, &shard.sequencer) }
            } catch {
                shard.isAstray = true
            }
            state.change { $0.rounds[number].decidedCount += 1 }
            number += 1
        }
    }

    private static func next(_ state: Monitor<State>, _ number: Int) -> ReplayBatch? {
        state.wait { state -> ReplayBatch?? in
            if number < state.rounds.endIndex { return .some(state.rounds[number].batch) }
            return state.isComplete ? .some(nil) : .none
        }
    }
}

extension FoldSettings {
    /// The settings that a record puts in force; nil for any other record.
    fileprivate init?(settingsIn record: Record) {
        guard record.entry.kind == .control, record.entry.topic == "system.settings" else {
            return nil
        }
        self.init(record: record.payload)
    }
}
