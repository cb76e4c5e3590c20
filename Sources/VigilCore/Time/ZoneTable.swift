// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The offsets of a time zone over time, as the log's first record carries them.
///
/// The fold asks this table and never the machine, so that a log gives the same answers where the
/// zone's rules have since changed.
package struct ZoneTable: Hashable, Sendable {
    /// One change of offset.
    package struct Transition: Hashable, Sendable {
        /// The second of Unix time from which the new offset holds.
        package var unixSeconds: Int64
        /// How far local time is ahead of UTC from then on, in seconds.
        package var offsetSeconds: Int

        package init(unixSeconds: Int64, offsetSeconds: Int) {
            self.unixSeconds = unixSeconds
            self.offsetSeconds = offsetSeconds
        }
    }

    /// The IANA name, such as `Europe/London`.
    package var name: String
    /// The offset ahead of UTC, in seconds, before the first transition.
    package var initialOffsetSeconds: Int
    /// In ascending order of time.
    package var transitions: [Transition]

    package init(name: String, initialOffsetSeconds: Int, transitions: [Transition]) {
        self.name = name
        self.initialOffsetSeconds = initialOffsetSeconds
        self.transitions = transitions
    }

    /// Coordinated universal time: no transitions.
    package static let utc = ZoneTable(name: "UTC", initialOffsetSeconds: 0, transitions: [])

    /// Seconds that local time is ahead of UTC at an instant.
    package func offsetSeconds(at instant: Instant) -> Int {
        offset(after: transitionCount(through: instant))
    }

    /// How many transitions have happened by an instant, its own included.
    private func transitionCount(through instant: Instant) -> Int {
        let (quotient, rest) = instant.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let second = rest < 0 ? quotient - 1 : quotient
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].unixSeconds <= second {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The offset in force after so many transitions.
    private func offset(after count: Int) -> Int {
        count == 0 ? initialOffsetSeconds : transitions[count - 1].offsetSeconds
    }

    /// The local day and the millisecond on its clock at an instant.
    package func local(_ instant: Instant) -> (day: CivilDay, millisecondOfDay: Int) {
        instant.adding(milliseconds: Int64(offsetSeconds(at: instant)) * 1000).utc
    }

    /// The local day of an instant.
    package func day(of instant: Instant) -> CivilDay {
        local(instant).day
    }

    /// The instant at which the local clock shows a time of a day.
    ///
    /// Of a time that the clock shows twice it is the first; one that the clock skips is read as if
    /// it had not been put forward yet.
    ///
    /// - Parameters:
    ///   - day: the local day.
    ///   - millisecondOfDay: what the clock shows, in milliseconds after midnight.
    /// - Returns: the instant.
    package func instant(day: CivilDay, millisecondOfDay: Int) -> Instant {
        let reading = Instant(day: day, millisecondOfDay: millisecondOfDay)
        let widest: Int64 = 26 * 3600 * 1000
        let first = transitionCount(through: reading.adding(milliseconds: -widest))
        let last = transitionCount(through: reading.adding(milliseconds: widest))
        // Ascending: an earlier offset in force gives the earlier instant where two fit.
        for count in first...last {
            let instant = reading.adding(milliseconds: Int64(-offset(after: count)) * 1000)
            if transitionCount(through: instant) == count { return instant }
        }
        return reading.adding(milliseconds: Int64(-offset(after: first)) * 1000)
    }

    /// The first instant whose local day is `day`, or later where the zone skips the whole day.
    package func start(of day: CivilDay) -> Instant {
        let midnight = Instant(day: day, millisecondOfDay: 0)
        let widest: Int64 = 26 * 3600 * 1000
        // Local days never decrease but for changes across midnight; the candidates are midnight
        // read with each offset in force around it, and the transitions themselves.
        let first = transitionCount(through: midnight.adding(milliseconds: -widest))
        let last = transitionCount(through: midnight.adding(milliseconds: widest))
        var best = Instant.never
        for count in first...last {
            let reading = midnight.adding(milliseconds: Int64(-offset(after: count)) * 1000)
            if self.day(of: reading) >= day { best = min(best, reading) }
            guard count > first else { continue }
            let change = Instant(milliseconds: transitions[count - 1].unixSeconds * 1000)
            if self.day(of: change) >= day { best = min(best, change) }
        }
        return best
    }

    /// The latest local day that has begun by an instant: it never goes back, also where clocks
    /// are put back across midnight.
    package func latestDay(begunBy instant: Instant) -> CivilDay {
        var day = day(of: instant)
        while let next = day.adding(days: 1), start(of: next) <= instant { day = next }
        return day
    }

    /// RFC 3339 in local time to the second with its offset, such as `2024-04-13T00:00:00+01:00`.
    package func describe(_ instant: Instant) -> String {
        let offset = offsetSeconds(at: instant)
        let (day, millisecond) = local(instant)
        let minutes = abs(offset) / 60
        return "\(day)T" + timeOfDay(second: millisecond / 1000) + (offset < 0 ? "-" : "+")
            + padded(minutes / 60, 2) + ":" + padded(minutes % 60, 2)
    }
}
