// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

@Suite struct TimeTextTests {
    /// Text | RFC 3339 | FHIR dateTime: what it means, or `-` where it is refused.
    @Test(
        arguments: """
            2024 | - | 2024-01-01 year
            2024-02 | - | 2024-02-01 month
            2024-02-29 | - | 2024-02-29 day
            2023-02-29 | - | -
            0000 | - | -
            0001-01-01 | - | 0001-01-01 day
            9999-12-31 | - | 9999-12-31 day
            2024-13 | - | -
            2024-00-01 | - | -
            2024-1-1 | - | -
            20240101 | - | -
            2024- | - | -
            2024-02-29T10:00:00Z | 2024-02-29T10:00:00.000Z | 2024-02-29T10:00:00.000Z
            2024-02-29T10:00:00.1Z | 2024-02-29T10:00:00.100Z | 2024-02-29T10:00:00.100Z
            2024-02-29T10:00:00.0019999999999999999999999Z | 2024-02-29T10:00:00.001Z | 2024-02-29T10:00:00.001Z
            2024-02-29T10:00:00+01:00 | 2024-02-29T09:00:00.000Z | 2024-02-29T09:00:00.000Z
            2024-02-29T00:30:00+01:00 | 2024-02-28T23:30:00.000Z | 2024-02-28T23:30:00.000Z
            2024-02-29T10:00:00-14:00 | 2024-03-01T00:00:00.000Z | 2024-03-01T00:00:00.000Z
            2024-02-29T10:00:00+14:30 | 2024-02-28T19:30:00.000Z | -
            2024-02-29T10:00:00+23:59 | 2024-02-28T10:01:00.000Z | -
            2024-02-29T10:00:00+24:00 | - | -
            2024-02-29t10:00:00z | 2024-02-29T10:00:00.000Z | -
            2016-12-31T23:59:60Z | 2017-01-01T00:00:00.000Z | 2017-01-01T00:00:00.000Z
            2024-02-29T10:00:61Z | - | -
            2024-02-29T24:00:00Z | - | -
            2024-02-29T10:60:00Z | - | -
            2024-02-29T10:00Z | - | -
            2024-02-29T10:00:00 | - | -
            2024-02-29T10:00:00.Z | - | -
            2024-02-29 10:00:00Z | - | -
            2024-02-29T10:00:00Z. | - | -
            2024-02T10:00:00Z | - | -
            2024-02-29T10:00:00+0100 | - | -
            """.split(separator: "\n").map(String.init))
    func aTimeMeansWhatItsStandardSays(line: String) throws {
        let parts = line.components(separatedBy: " | ")
        try #require(parts.count == 3)
        let bytes = Array(parts[0].utf8)
        let instant = TimeText.instant(rfc3339: bytes)
        #expect((instant.map { "\($0)" } ?? "-") == parts[1])
        let time = TimeText.dateTime(fhir: bytes)
        let meaning = time.map { time in
            time.instant.map { "\($0)" } ?? "\(time.writtenDay) \(time.precision)"
        }
        #expect((meaning ?? "-") == parts[2])
    }

    @Test func theWrittenDayIsKeptBesideTheInstant() {
        let time = TimeText.dateTime(fhir: Array("2024-02-29T00:30:00+01:00".utf8))
        #expect(time.map { "\($0.writtenDay)" } == "2024-02-29")
    }

    @Test(arguments: [
        ("2024-07-01T00:30:00", "2024-06-30T23:30:00.000Z"),
        ("2024-07-01T00:30:00.25", "2024-06-30T23:30:00.250Z"),
        ("2024-07-01T00:30:00Z", "2024-07-01T00:30:00.000Z"),
        ("2024-07-01T00:30:00-04:00", "2024-07-01T04:30:00.000Z"),
        ("2024-07-01T00:30", "-"), ("2024-07-01T00:30:00 ", "-"), ("2024-07-01T00:30:00x", "-"),
    ])
    func withoutAnOffsetATimeIsOfTheZoneThatIsGiven(text: String, instant: String) {
        let zone = ZoneTable(name: "Test/East", initialOffsetSeconds: 3600, transitions: [])
        let time = TimeText.dateTime(fhir: Array(text.utf8), zone: zone)
        #expect((time?.instant.map { "\($0)" } ?? "-") == instant)
    }

    @Test func aDateWithATimeIsNoDate() {
        #expect(TimeText.date(fhir: Array("2024-02-29T10:00:00Z".utf8)) == nil)
        #expect(TimeText.date(fhir: Array("2024-02-29".utf8)) != nil)
        #expect(TimeText.instant(fhir: Array("2024-02-29".utf8)) == nil)
    }
}
