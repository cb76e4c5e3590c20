// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What an algorithm reads out of one record, with where and when.
protocol ReadingSample: Sendable {
    var at: Instant { get }
    var offset: UInt64 { get }
}

/// An algorithm's running state over readings in the order of their moments.
///
/// It is bounded, so that what came before the readings that are kept still counts, and the next
/// reading costs as much as the first.
protocol ReadingMachine: StateCodable, Sendable {
    associatedtype Sample: ReadingSample

    init()

    /// What a fact says to the algorithm, in an order of its own; nothing of others' facts.
    static func samples(of fact: Fact, _ reader: ListReader, zone: ZoneTable) -> [Sample]

    /// Takes in all samples of one moment.
    mutating func take(_ moment: ArraySlice<Sample>, zone: ZoneTable)

    /// Whether nothing but another sample can change what a moment amounts to.
    func isSettled(_ moment: ArraySlice<Sample>, now: Instant) -> Bool

    /// Takes in that a record was corrected or withdrawn of which this is the newest sample.
    mutating func forget(_ offset: UInt64)

    /// Takes in what was known before the readings that are kept, of which some is kept still.
    mutating func refresh(from earlier: ArraySlice<Sample>)
}

extension ReadingMachine {
    func isSettled(_ moment: ArraySlice<Sample>, now: Instant) -> Bool { true }
    mutating func forget(_ offset: UInt64) {}
    mutating func refresh(from earlier: ArraySlice<Sample>) {}
}

/// Where an algorithm stands with the readings of one patient.
struct ReadingTrack<Machine: ReadingMachine>: Sendable {
    /// The state after all samples up to a moment of which readings have gone.
    private(set) var base = Machine()
    private(set) var baseThrough: Instant?
    // All below follows from the base and the readings that are kept.
    private(set) var state = Machine()
    /// The newest moment that `state` has taken in.
    private var settledThrough: Instant?
    /// The samples after that, in order.
    private(set) var open: [Machine.Sample] = []
    /// Whether the state follows the readings.
    private(set) var isCurrent = false

    /// What the track reads, and by which lists.
    struct Source {
        let reader: ListReader
        let zone: ZoneTable
        /// The patient's facts that are kept, in any order.
        let facts: () -> [Fact]
    }

    init() {}

    mutating func invalidate() { isCurrent = false }

    /// Takes in that a record no longer counts.
    mutating func forget(_ offset: UInt64) {
        base.forget(offset)
        isCurrent = false
    }

    /// Takes in a further fact.
    mutating func add(_ fact: Fact, from source: Source, now: Instant) {
        guard isCurrent else { return }
        let samples = Machine.samples(of: fact, source.reader, zone: source.zone)
        guard let first = samples.first else { return }
        if let settledThrough, first.at <= settledThrough {
            isCurrent = false
            return
        }
        var place = open.count
        while place > 0, (first.at, first.offset) < (open[place - 1].at, open[place - 1].offset) {
            place -= 1
        }
        open.insert(contentsOf: samples, at: place)
        settle(now: now, zone: source.zone)
    }

    /// Brings the state up to the facts that are kept.
    mutating func update(from source: Source, now: Instant) {
        guard !isCurrent else { return }
        let samples = ordered(from: source)
        let gone = baseThrough.map { end in samples.prefix { $0.at <= end }.count } ?? 0
        state = base
        state.refresh(from: samples[..<gone])
        open = Array(samples[gone...])
        settledThrough = baseThrough
        isCurrent = true
        settle(now: now, zone: source.zone)
    }

    /// Takes into the base what happened up to a moment of which readings are about to go.
    mutating func advance(through moment: Instant, from source: Source, now: Instant) {
        if let baseThrough, moment <= baseThrough { return }
        let samples = ordered(from: source)
        let gone = baseThrough.map { end in samples.prefix { $0.at <= end }.count } ?? 0
        let end = samples.prefix { $0.at <= moment }.count
        base.refresh(from: samples[..<gone])
        for group in Self.moments(samples[gone..<end]) { base.take(group, zone: source.zone) }
        baseThrough = moment
        if let settledThrough, settledThrough > moment { return }
        isCurrent = false
    }

    /// The samples of each moment in turn.
    static func moments(_ samples: ArraySlice<Machine.Sample>) -> [ArraySlice<Machine.Sample>] {
        var moments: [ArraySlice<Machine.Sample>] = []
        var start = samples.startIndex
        for index in samples.indices where samples[index].at != samples[start].at {
            moments.append(samples[start..<index])
            start = index
        }
        if start < samples.endIndex { moments.append(samples[start...]) }
        return moments
    }

    /// Takes in the moments after which another has begun.
    private mutating func settle(now: Instant, zone: ZoneTable) {
        var taken = 0
        while taken < open.count {
            let moment = open[taken].at
            let rest = open[taken...]
            let group = rest.prefix { $0.at == moment }
            guard group.endIndex < open.count, open[group.endIndex].at <= now,
                state.isSettled(group, now: now)
            else { break }
            state.take(group, zone: zone)
            settledThrough = moment
            taken = group.endIndex
        }
        if taken > 0 { open.removeFirst(taken) }
    }

    private func ordered(from source: Source) -> [Machine.Sample] {
        source.facts().flatMap {
            Machine.samples(of: $0, source.reader, zone: source.zone)
        }.enumerated().sorted {
            ($0.element.at, $0.element.offset, $0.offset)
                < ($1.element.at, $1.element.offset, $1.offset)
        }.map(\.element)
    }
}

extension ReadingTrack: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(base)
        state.write(baseThrough)
    }

    init(state: inout StateReader) throws(StateError) {
        base = try state.read()
        baseThrough = try state.read()
    }
}
