// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A day of the proleptic Gregorian calendar, counted from 1970-01-01 (day 0).
///
/// Integer arithmetic keeps the fold free of `Calendar`, which costs a thousand times more and
/// depends on the machine. The algorithms are Howard Hinnant's "chrono-Compatible Low-Level Date
/// Algorithms" (public domain).
package struct CivilDay: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01, negative before.
    package var number: Int32

    package init(number: Int32) {
        self.number = number
    }

    /// The day named by its parts, or nil where the calendar has no such day.
    ///
    /// - Parameters:
    ///   - year: 1 to 9999, the range of FHIR and CQL dates.
    ///   - month: 1 to 12.
    ///   - day: 1 to the length of the month.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...CivilDay.length(ofMonth: month, year: year)).contains(day)
        else { return nil }
        self.number = CivilDay.number(year: year, month: month, day: day)
    }

    package static func < (left: CivilDay, right: CivilDay) -> Bool {
        left.number < right.number
    }

    /// Days in a month: 28 to 31.
    package static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Whether the year has a 29 February.
    package static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func number(year: Int, month: Int, day: Int) -> Int32 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// The year, month (1 to 12) and day of the month (1 to 31).
    package var parts: (year: Int, month: Int, day: Int) {
        let shifted = Int(number) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }

    /// The day a number of calendar months away; a day that the target month lacks becomes its
    /// last (CQL 1.5, "Adding Quantities to Date/Time Values").
    ///
    /// - Returns: nil outside the years 1 to 9999.
    package func adding(months: Int) -> CivilDay? {
        let (year, month, day) = parts
        let (total, overflow) = (year * 12 + month - 1).addingReportingOverflow(months)
        guard !overflow, total >= 12, total < 120_000 else { return nil }
        let targetYear = total / 12
        let targetMonth = total % 12 + 1
        let targetDay = min(day, CivilDay.length(ofMonth: targetMonth, year: targetYear))
        return CivilDay(year: targetYear, month: targetMonth, day: targetDay)
    }

    /// The day a number of days away, or nil outside the years 1 to 9999.
    package func adding(days: Int) -> CivilDay? {
        let (total, overflow) = Int(number).addingReportingOverflow(days)
        guard !overflow,
            (CivilDay.first.number...CivilDay.last.number).contains(Int32(clamping: total))
        else { return nil }
        return CivilDay(number: Int32(clamping: total))
    }

    /// Whole years from this day to another, counted on the calendar: a 29 February birthday is
    /// reached on 1 March of other years.
    package func wholeYears(to other: CivilDay) -> Int {
        let (startYear, startMonth, startDay) = parts
        let (endYear, endMonth, endDay) = other.parts
        let reached = (endMonth, endDay) >= (startMonth, startDay)
        return endYear - startYear - (reached ? 0 : 1)
    }

    /// The first day on which so many whole years have passed since this one.
    func firstDay(ofAge years: Int) -> CivilDay {
        guard let day = adding(months: 12 * years) else { return .last }
        return wholeYears(to: day) >= years ? day : day.adding(days: 1) ?? .last
    }

    /// 0001-01-01.
    package static let first = CivilDay(number: -719_162)

    /// 1900-01-01: no event is dated before (protocol section 3).
    package static let earliestEvent = CivilDay(number: -25_567)

    /// 9999-12-31.
    package static let last = CivilDay(number: 2_932_896)
}

extension CivilDay: CustomStringConvertible {
    /// The ISO 8601 date, such as `2024-02-29`.
    package var description: String {
        let (year, month, day) = parts
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
    }
}

/// A non-negative number in decimal with leading zeros.
func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
