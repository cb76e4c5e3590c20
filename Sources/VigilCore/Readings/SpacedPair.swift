// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The newest two readings of a kind that are neither too near each other nor too far apart, found
/// as readings come: two readings need not be neighbours.
struct SpacedPair<Element: ReadingMoment>: Sendable {
    /// Those that a later reading may yet be far enough from: in order.
    private var recent: [Element] = []
    /// The later one first; empty where there are none.
    private(set) var pair: [Element] = []

    init() {}

    /// A reading that is not of the kind ends what the pair stood for; what there was before it
    /// can be the first of another pair.
    mutating func part() {
        pair = []
    }

    /// Takes in a reading after all others; of a pair the two are `apart` so many milliseconds.
    mutating func add(_ later: Element, apart: ClosedRange<Int64>) {
        let farEnough = later.at.adding(milliseconds: -apart.lowerBound)
        let count = recent.prefix { $0.at <= farEnough }.count
        // Only the newest of those that are far enough is of use to this or a later one.
        if count > 1 { recent.removeFirst(count - 1) }
        if count > 0,
            later.at.milliseconds - recent[0].at.milliseconds <= apart.upperBound
        {
            pair = [later, recent[0]]
        }
        recent.append(later)
    }
}

/// What is at one moment.
protocol ReadingMoment: Sendable {
    var at: Instant { get }
}

extension SpacedPair: StateCodable where Element: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(recent)
        state.write(pair)
    }

    init(state: inout StateReader) throws(StateError) {
        recent = try state.read()
        pair = try state.read()
    }
}

extension ReadingTrack {
    /// The state with all that has come by now; `until` becomes the moment of the next reading
    /// that has not, where that is earlier.
    func state(at now: Instant, _ zone: ZoneTable, _ until: inout Instant) -> Machine {
        var state = state
        for moment in ReadingTrack.moments(open[...]) {
            guard let at = moment.first?.at else { continue }
            guard at <= now else {
                until = min(until, at)
                break
            }
            state.take(moment, zone: zone)
        }
        return state
    }
}

extension ExactNumber: StateCodable {
    func write(to state: inout StateWriter) {
        for term in [numerator, denominator] {
            state.write(Int64(truncatingIfNeeded: term >> 64))
            state.writeNumber(UInt64(truncatingIfNeeded: term))
        }
    }

    init(state: inout StateReader) throws(StateError) {
        var terms: [Int128] = []
        for _ in 0..<2 {
            let high = try state.read(Int64.self)
            terms.append(Int128(high) << 64 | Int128(try state.readNumber()))
        }
        guard terms[1] > 0 else { throw StateError() }
        self.init(terms[0], over: terms[1])
    }
}
