// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
package struct Instant: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Later than anything that happens: what is stable until then is stable for ever.
    package static let never = Instant(milliseconds: .max)

    /// This instant and a number of milliseconds, or `never` where that overflows.
    package func adding(milliseconds more: Int64) -> Instant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(more)
        return overflow ? .never : Instant(milliseconds: sum)
    }

    /// The day in UTC and the milliseconds since its beginning, 0 to 86,399,999.
    package var utc: (day: CivilDay, millisecondOfDay: Int) {
        let dayLength: Int64 = 86_400_000
        var day = milliseconds / dayLength
        var rest = milliseconds % dayLength
        if rest < 0 {
            day -= 1
            rest += dayLength
        }
        return (CivilDay(number: Int32(clamping: day)), Int(rest))
    }

    /// The instant of a time of day in UTC.
    package init(day: CivilDay, millisecondOfDay: Int) {
        self.milliseconds = Int64(day.number) * 86_400_000 + Int64(millisecondOfDay)
    }
}

extension Instant: CustomStringConvertible {
    /// RFC 3339 in UTC with three decimals, such as `2024-04-12T23:00:00.000Z`.
    package var description: String {
        let (day, millisecond) = utc
        return "\(day)T" + timeOfDay(second: millisecond / 1000) + "."
            + padded(millisecond % 1000, 3) + "Z"
    }

    /// RFC 3339 in UTC to the second, such as `2024-04-12T23:00:00Z`.
    package var toTheSecond: String {
        let (day, millisecond) = utc
        return "\(day)T" + timeOfDay(second: millisecond / 1000) + "Z"
    }
}

/// `hh:mm:ss` of a second of the day.
func timeOfDay(second: Int) -> String {
    padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":" + padded(second % 60, 2)
}
