// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import VigilCore

/// Civil days and zones against Foundation's calendar.
struct CalendarTests {
    private static func gregorian(_ zone: TimeZone) -> Calendar {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = zone
        return calendar
    }

    @Test func civilDaysAreTheCalendars() throws {
        let calendar = Self.gregorian(try #require(TimeZone(identifier: "UTC")))
        var number: Int32 = -100_000
        while number < 100_000 {
            let date = Date(timeIntervalSince1970: Double(number) * 86_400)
            let expected = calendar.dateComponents([.year, .month, .day], from: date)
            let (year, month, day) = CivilDay(number: number).parts
            #expect(year == expected.year && month == expected.month && day == expected.day)
            #expect(CivilDay(year: year, month: month, day: day)?.number == number)
            number += 97
        }
    }

    @Test func monthsClipToTheLastDayAsTheCalendarDoes() throws {
        let calendar = Self.gregorian(try #require(TimeZone(identifier: "UTC")))
        for start in stride(from: Int32(18_000), to: 20_000, by: 13) {
            for months in [-15, -6, -3, -1, 1, 3, 6, 12, 15] {
                let date = Date(timeIntervalSince1970: Double(start) * 86_400)
                let moved = try #require(calendar.date(byAdding: .month, value: months, to: date))
                let expected = Int32((moved.timeIntervalSince1970 / 86_400).rounded())
                #expect(CivilDay(number: start).adding(months: months)?.number == expected)
            }
        }
    }

    @Test(arguments: [
        ("2024-02-29", "2025-02-28", 0), ("2024-02-29", "2025-03-01", 1),
        ("1959-04-10", "2024-04-09", 64), ("1959-04-10", "2024-04-10", 65),
        ("2024-05-01", "2024-04-30", -1),
    ])
    func yearsAreWholeOnTheBirthday(from: String, to: String, years: Int) throws {
        #expect(try Ward.day(from).wholeYears(to: Ward.day(to)) == years)
    }

    @Test func theEndsOfTheCalendarAreNoTrap() {
        #expect(CivilDay.last.adding(days: 1) == nil)
        #expect(CivilDay.first.adding(days: -1) == nil)
        #expect(CivilDay.last.adding(months: .max) == nil)
        #expect(CivilDay.first.adding(days: .min) == nil)
        #expect(CivilDay.last.description == "9999-12-31")
        #expect(CivilDay.first.description == "0001-01-01")
        #expect(Instant(milliseconds: .max).adding(milliseconds: 1) == .never)
        _ = Instant(milliseconds: .min).description
        _ = ZoneTable.utc.day(of: Instant(milliseconds: .min))
    }

    /// Zones with changes at midnight, of half an hour, of a whole day, and none.
    private static let zones = [
        "Europe/London", "Europe/Dublin", "America/New_York", "America/Sao_Paulo",
        "America/Havana", "Asia/Beirut", "Asia/Tehran", "Asia/Kathmandu", "Asia/Amman",
        "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "Pacific/Chatham",
        "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/St_Johns",
        "Atlantic/Azores", "Asia/Kolkata", "America/Scoresbysund", "Antarctica/Troll",
    ]

    private static func table(_ zone: TimeZone) -> ZoneTable {
        var moment = Date(timeIntervalSince1970: 0)
        let initial = zone.secondsFromGMT(for: moment)
        var transitions: [ZoneTable.Transition] = []
        while let next = zone.nextDaylightSavingTimeTransition(after: moment),
            next.timeIntervalSince1970 < 2_000_000_000
        {
            transitions.append(
                ZoneTable.Transition(
                    unixSeconds: Int64(next.timeIntervalSince1970.rounded()),
                    offsetSeconds: zone.secondsFromGMT(for: next)))
            moment = next
        }
        return ZoneTable(
            name: zone.identifier, initialOffsetSeconds: initial, transitions: transitions)
    }

    @Test(arguments: zones)
    func aDayBeginsAtItsFirstInstant(name: String) throws {
        let zone = try #require(TimeZone(identifier: name))
        let table = Self.table(zone)
        for number in 3_650..<21_900 as Range<Int32> {
            let day = CivilDay(number: number)
            let start = table.start(of: day)
            let before = start.adding(milliseconds: -1)
            // The first instant whose local day is the day, or a later one where it is skipped.
            #expect(table.day(of: start) >= day, "\(name) \(day)")
            #expect(table.day(of: before) < day, "\(name) \(day)")
            #expect(table.latestDay(begunBy: start) >= day, "\(name) \(day)")
            let date = Date(timeIntervalSince1970: Double(start.milliseconds) / 1000)
            #expect(zone.secondsFromGMT(for: date) == table.offsetSeconds(at: start))
        }
    }

    @Test(arguments: [
        ("Europe/London", "2024-03-31", "2024-03-31T00:00:00+00:00"),
        ("Europe/London", "2024-04-01", "2024-04-01T00:00:00+01:00"),
        // Midnight does not exist.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"),
        ("Africa/Cairo", "2024-04-26", "2024-04-26T01:00:00+03:00"),
        // 30 December 2011 was skipped whole.
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"),
        // Midnight comes twice, and the first one counts.
        ("America/Havana", "2023-11-05", "2023-11-05T00:00:00-04:00"),
    ])
    func midnightIs(name: String, day: String, start: String) throws {
        let table = Self.table(try #require(TimeZone(identifier: name)))
        #expect(table.describe(table.start(of: try Ward.day(day))) == start)
    }

    @Test(arguments: zones)
    func aLocalTimeIsTheFirstInstantAtWhichTheClockShowsIt(name: String) throws {
        let table = Self.table(try #require(TimeZone(identifier: name)))
        // Every hour and a bit of forty years: all changes are among them.
        for hour in 0..<(40 * 366 * 24) {
            let instant = Instant(milliseconds: Int64(hour) * 3_601_000)
            let (day, millisecond) = table.local(instant)
            let found = table.instant(day: day, millisecondOfDay: millisecond)
            #expect(found <= instant, "\(name) \(instant)")
            let shown = table.local(found)
            #expect(shown.day == day && shown.millisecondOfDay == millisecond, "\(name)")
        }
    }

    @Test(arguments: [
        ("Europe/London", "2024-03-31", 90, "2024-03-31T02:30:00+01:00"),
        ("Europe/London", "2024-10-27", 90, "2024-10-27T01:30:00+01:00"),
        ("Europe/London", "2024-10-27", 120, "2024-10-27T02:00:00+00:00"),
        ("America/New_York", "2024-03-10", 150, "2024-03-10T03:30:00-04:00"),
        ("Pacific/Apia", "2011-12-30", 600, "2011-12-31T10:00:00+14:00"),
    ])
    func aTimeThatTheClockSkipsOrShowsTwiceIs(
        name: String, day: String, minute: Int, instant: String
    ) throws {
        let table = Self.table(try #require(TimeZone(identifier: name)))
        let found = table.instant(day: try Ward.day(day), millisecondOfDay: minute * 60_000)
        #expect(table.describe(found) == instant)
    }
}
