// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A FHIR `date`, `dateTime` or `instant` as it was written: of any precision, and with the
/// moment where it names one.
package struct ClinicalTime: Hashable, Sendable {
    /// How much of the date was given.
    package enum Precision: UInt8, Comparable, Sendable {
        case year, month, day, time

        package static func < (left: Precision, right: Precision) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// The first day of what was given, as written: with precision `time` the day in the offset
    /// that was written, which may differ from the day in the log's zone.
    package var writtenDay: CivilDay
    package var precision: Precision
    /// The moment; nil unless the precision is `time`.
    package var instant: Instant?

    package init(writtenDay: CivilDay, precision: Precision, instant: Instant? = nil) {
        self.writtenDay = writtenDay
        self.precision = precision
        self.instant = instant
    }

    /// The day in the log's zone; of a partial date the first day it may mean.
    package func day(in zone: ZoneTable) -> CivilDay {
        guard let instant else { return writtenDay }
        return zone.day(of: instant)
    }

    /// The day in the log's zone; of a partial date the last day it may mean.
    func lastDay(in zone: ZoneTable) -> CivilDay {
        let months: Int
        switch precision {
        case .year: months = 12
        case .month: months = 1
        case .day, .time: return day(in: zone)
        }
        // What follows the year 9999 is no day here.
        return writtenDay.adding(months: months)?.adding(days: -1) ?? .last
    }
}
