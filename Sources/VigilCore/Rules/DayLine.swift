// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The moments at which some days begin, one after the other; each has a place, from 0.
package struct DayLine: Sendable {
    package let moments: [Instant]
    /// The same as `Outcome.until` has moments.
    private let keys: [Int64]

    package init(_ days: ClosedRange<CivilDay>, zone: ZoneTable) {
        moments = (days.lowerBound.number...days.upperBound.number).map {
            zone.start(of: CivilDay(number: $0))
        }
        keys = moments.map { Outcome.key(of: $0, in: zone) }
    }

    package var count: Int { keys.count }

    /// The local day at a place: a later one than asked for where the zone skips that.
    func day(at place: Int) -> CivilDay {
        CivilDay(number: Int32(truncatingIfNeeded: keys[place] >> 32))
    }

    /// The moment at a place as an `Outcome.until`; behind the last place, never.
    func key(at place: Int) -> Int64 { place < count ? keys[place] : Outcome.never }

    /// The first place at which an `Outcome.until` has come; `count` if there is none.
    func place(ofKey until: Int64) -> Int {
        guard until != Outcome.never else { return count }
        var place = min(max(Int(until >> 32) - Int(keys[0] >> 32), 0), count)
        while place > 0, keys[place - 1] >= until { place -= 1 }
        while place < count, keys[place] < until { place += 1 }
        return place
    }

    /// The first place at which a moment has come; `count` if there is none.
    func place(of moment: Instant) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if moments[middle] < moment { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Where on a line a day that moves with today comes to fixed days: the ends of windows, that all
/// patients share.
struct WindowTable: Sendable {
    /// The moving day at the first place.
    private let first: Int32
    /// The places at which it has come to the first day and to each one after it.
    private var places: [Int32] = []
    private let end: Int32

    /// The table of a day so far from today; nil where that leaves the calendar.
    init?(_ span: CalendarSpan, on line: DayLine) {
        end = Int32(line.count)
        var days: [Int32] = []
        for place in 0..<line.count {
            let today = DateValue(day: line.day(at: place), precision: .day)
            guard let day = today.adding(span.amount, span.unit)?.day.number else { return nil }
            days.append(day)
        }
        first = days.first ?? 0
        for (place, day) in days.enumerated() {
            while places.count <= Int(day - first) { places.append(Int32(place)) }
        }
    }

    /// The first place at which the moving day is a fixed one or later.
    func place(reaching day: Int32) -> Int32 {
        let distance = Int(day) - Int(first)
        if distance <= 0 { return 0 }
        return distance < places.count ? places[distance] : end
    }
}
