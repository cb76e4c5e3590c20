// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Reads the texts of times: RFC 3339, and FHIR R4 `date`, `dateTime` and `instant`.
package enum TimeText {
    /// An RFC 3339 date-time; fractions of a second beyond milliseconds are cut off.
    ///
    /// A leap second is the first instant after it: log time does not count them.
    package static func instant(rfc3339 text: some Collection<UInt8>) -> Instant? {
        var scanner = TimeScanner(text)
        return scanner.dateTime(widestOffsetHours: 23, lowerCase: true).flatMap {
            scanner.isAtEnd ? $0.instant : nil
        }
    }

    /// A FHIR R4 `instant`: a date-time with its offset.
    package static func instant(fhir text: some Collection<UInt8>) -> Instant? {
        dateTime(fhir: text)?.instant
    }

    /// A FHIR R4 `dateTime`: a year, month or day, or a day with a time and its offset.
    ///
    /// - Parameters:
    ///   - text: as it was written.
    ///   - zone: the zone in which a time without an offset is; nil to take none without.
    /// - Returns: what it means; nil where it is none.
    package static func dateTime(
        fhir text: some Collection<UInt8>, zone: ZoneTable? = nil
    ) -> ClinicalTime? {
        var scanner = TimeScanner(text)
        if text.count > 10 {
            return scanner.dateTime(widestOffsetHours: 14, lowerCase: false, zone: zone).flatMap {
                scanner.isAtEnd ? $0 : nil
            }
        }
        return scanner.date().flatMap { scanner.isAtEnd ? $0 : nil }
    }

    /// A FHIR R4 `date`: a year, month or day.
    package static func date(fhir text: some Collection<UInt8>) -> ClinicalTime? {
        text.count > 10 ? nil : dateTime(fhir: text)
    }
}

/// A cursor over the bytes of a time.
private struct TimeScanner<Text: Collection<UInt8>> {
    let text: Text
    var position: Text.Index

    init(_ text: Text) {
        self.text = text
        self.position = text.startIndex
    }

    var isAtEnd: Bool { position == text.endIndex }

    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.endIndex, text[position] == byte else { return false }
        position = text.index(after: position)
        return true
    }

    @inline(__always)
    mutating func digit() -> Int? {
        guard position < text.endIndex else { return nil }
        let digit = text[position] &- 48
        guard digit <= 9 else { return nil }
        position = text.index(after: position)
        return Int(digit)
    }

    @inline(__always)
    mutating func twoDigits() -> Int? {
        guard let tens = digit(), let ones = digit() else { return nil }
        return tens * 10 + ones
    }

    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD` of the calendar.
    mutating func date() -> ClinicalTime? {
        guard let century = twoDigits(), let yearOfCentury = twoDigits() else { return nil }
        var month = 1
        var day = 1
        var precision = ClinicalTime.Precision.year
        if take(UInt8(ascii: "-")) {
            guard let written = twoDigits() else { return nil }
            month = written
            precision = .month
            if take(UInt8(ascii: "-")) {
                guard let written = twoDigits() else { return nil }
                day = written
                precision = .day
            }
        }
        return CivilDay(year: century * 100 + yearOfCentury, month: month, day: day).map {
            ClinicalTime(writtenDay: $0, precision: precision)
        }
    }

    /// A full date, `T`, a time to the second or finer, and `Z` or an offset, without which the
    /// time is one of the zone if there is any.
    mutating func dateTime(
        widestOffsetHours: Int, lowerCase: Bool, zone: ZoneTable? = nil
    ) -> ClinicalTime? {
        guard let date = date(), date.precision == .day,
            take(UInt8(ascii: "T")) || (lowerCase && take(UInt8(ascii: "t"))),
            let hour = twoDigits(), hour <= 23, take(UInt8(ascii: ":")),
            let minute = twoDigits(), minute <= 59, take(UInt8(ascii: ":")),
            let second = twoDigits(), second <= 60,
            let fraction = fractionMilliseconds()
        else { return nil }
        let millisecondOfDay =
            ((hour * 60 + minute) * 60 + second) * 1000 + (second == 60 ? 0 : fraction)
        if isAtEnd, let zone {
            return ClinicalTime(
                writtenDay: date.writtenDay, precision: .time,
                instant: zone.instant(
                    day: date.writtenDay, millisecondOfDay: millisecondOfDay))
        }
        guard let offsetMinutes = offset(widestHours: widestOffsetHours, lowerCase: lowerCase)
        else { return nil }
        let instant = Instant(day: date.writtenDay, millisecondOfDay: millisecondOfDay)
            .adding(milliseconds: Int64(-offsetMinutes) * 60_000)
        return ClinicalTime(writtenDay: date.writtenDay, precision: .time, instant: instant)
    }

    private mutating func fractionMilliseconds() -> Int? {
        guard take(UInt8(ascii: ".")) else { return 0 }
        guard let first = digit() else { return nil }
        var value = first * 100
        var unit = 10
        while let next = digit() {
            value += next * unit
            unit /= 10
        }
        return value
    }

    private mutating func offset(widestHours: Int, lowerCase: Bool) -> Int? {
        if take(UInt8(ascii: "Z")) || (lowerCase && take(UInt8(ascii: "z"))) { return 0 }
        let isWest = take(UInt8(ascii: "-"))
        guard isWest || take(UInt8(ascii: "+")), let hours = twoDigits(), hours <= widestHours,
            take(UInt8(ascii: ":")), let minutes = twoDigits(), minutes <= 59,
            // FHIR's offsets end at 14:00.
            widestHours > 14 || hours < 14 || minutes == 0
        else { return nil }
        return (hours * 60 + minutes) * (isWest ? -1 : 1)
    }
}
