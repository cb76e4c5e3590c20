// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// JSON text under construction, as bytes.
struct EventText {
    private(set) var bytes: [UInt8] = []
    /// The newest UTC day that was written, with its text: events come in order of time.
    private var utcDay = (number: Int32.min, text: [UInt8]())

    /// Begins a new text and keeps the storage's size.
    mutating func begin() {
        bytes = []
        bytes.reserveCapacity(1536)
    }

    /// Appends text as it stands.
    mutating func add(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends text as it stands.
    mutating func add(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    /// Appends a number that is not negative.
    mutating func add(number: UInt64) {
        var digits: UInt64 = 1
        while number / digits >= 10 { digits *= 10 }
        while digits > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / digits % 10))
            digits /= 10
        }
    }

    /// Appends a number below 100 in two digits.
    private mutating func add(two number: Int) {
        bytes.append(UInt8(ascii: "0") + UInt8(number / 10))
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private mutating func add(timeOfDay second: Int) {
        add(two: second / 3600)
        bytes.append(UInt8(ascii: ":"))
        add(two: second / 60 % 60)
        bytes.append(UInt8(ascii: ":"))
        add(two: second % 60)
    }

    /// Appends RFC 3339 in UTC with three decimals.
    mutating func add(utc instant: Instant) {
        let (day, millisecond) = instant.utc
        if day.number != utcDay.number {
            utcDay = (day.number, Array(day.description.utf8))
        }
        add(utcDay.text)
        bytes.append(UInt8(ascii: "T"))
        add(timeOfDay: millisecond / 1000)
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0") + UInt8(millisecond / 100 % 10))
        add(two: millisecond % 100)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Appends RFC 3339 in local time to the second, with the offset.
    mutating func add(local moment: LocalMoment) {
        add(moment.day.text)
        bytes.append(UInt8(ascii: "T"))
        add(timeOfDay: moment.millisecondOfDay / 1000)
        add(moment.day.offset)
    }
}

/// A day of the simulation with what every event of it needs.
struct LocalDay {
    /// Since the start of the simulation.
    var index: Int
    var civil: CivilDay
    /// The first instant of the day.
    var start: Instant
    /// The date, as ISO 8601.
    var text: [UInt8]
    /// The offset in force at noon, such as `+01:00`.
    var offset: [UInt8]
    /// What the clock shows ahead of the time since the start of the day, in milliseconds; not 0 on
    /// the two days of a year on which the clock changes.
    var clockAheadMilliseconds: Int

    init(index: Int, civil: CivilDay, zone: ZoneTable) {
        self.index = index
        self.civil = civil
        start = zone.start(of: civil)
        text = Array(civil.description.utf8)
        let noon = start.adding(milliseconds: 12 * 3_600_000)
        offset = Array(zone.describe(noon).utf8.suffix(6))
        clockAheadMilliseconds = zone.local(noon).millisecondOfDay - 12 * 3_600_000
    }
}

/// A time of a day of the simulation, away from the hour in which the clock may change.
struct LocalMoment {
    var day: LocalDay
    /// Since the beginning of the day.
    var millisecond: Int

    var instant: Instant { day.start.adding(milliseconds: Int64(millisecond)) }
    var millisecondOfDay: Int { millisecond + day.clockAheadMilliseconds }
}
