// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// The indicators of many days, found by jumps, against those that are asked for day by day.
struct DailyIndicatorTests {
    @Test func theIndicatorsOfManyDaysAreThoseOfEachDay() throws {
        var ward = try Ward(packs: [
            Ward.pincer(), BundledPacks.named("pincer-audit").compile(),
        ])
        _ = try ward.play(
            """
            2023-01-02 09:00 ann born 1958-05-10
            2023-01-03 09:00 ann naproxen rx1 on 2023-01-03
            2023-01-20 09:00 bob born 1940-02-29
            2023-02-01 09:00 bob naproxen rx2 on 2023-01-31
            2023-02-02 09:00 bob apixaban rx3 on 2023-02-02
            2023-03-30 09:00 bob omeprazole rx4 on 2023-03-30
            2023-04-01 09:00 ann naproxen rx5 on 2023-11-30
            2023-06-01 09:00 bob naproxen rx6 on 2023-05-31
            2023-06-02 09:00 cat born 2000-01-01
            2023-06-03 09:00 cat naproxen rx7 on 2023-06-03
            """)
        let days = try Ward.day("2022-12-30")...Ward.day("2024-04-30")
        #expect(try Self.numerators(of: ward.fold, comparedOn: days, zone: .utc) > 100)
    }

    /// Clocks change on 2024-03-31 and on 2024-10-27, a leap day lies between.
    @Test(arguments: 0..<2 as Range<UInt64>)
    func `random patients are counted on each day as on that day alone`(_ seed: UInt64) throws {
        let london = ZoneTable(
            name: "Europe/London", initialOffsetSeconds: 0,
            transitions: [
                .init(unixSeconds: 1_711_846_800, offsetSeconds: 3600),
                .init(unixSeconds: 1_729_990_800, offsetSeconds: 0),
            ])
        var ward = try Ward(
            zone: london,
            packs: BundledPacks.names.map { try BundledPacks.named($0).compile() })
        // Of one practice the prescriptions of the first months are not all known.
        ward.fold.settings = FoldSettings(
            sources: [], parameters: [],
            coverage: [
                FoldSettings.Coverage(
                    practice: "B1", kind: .prescription, from: try Ward.day("2023-11-29"))
            ])
        var random = SeededRandom(state: seed)
        for number in 0..<3 { _ = try ward.play(Self.story(of: number, &random)) }
        let days = try Ward.day("2024-02-20")...Ward.day("2024-11-05")
        #expect(try Self.numerators(of: ward.fold, comparedOn: days, zone: london) > 0)
    }

    /// Some records of a patient, on awkward days more often than by chance.
    private static func story(of number: Int, _ random: inout SeededRandom) -> String {
        let practice = number.isMultiple(of: 2) ? "A1" : "B1"
        let days = [
            "2023-08-31", "2023-10-29", "2023-11-30", "2023-12-31", "2024-02-28", "2024-02-29",
            "2024-03-30", "2024-03-31", "2024-05-31", "2024-10-27",
        ]
        func day() -> String {
            if Bool.random(using: &random), let day = days.randomElement(using: &random) {
                return day
            }
            return CivilDay(number: Int32.random(in: 19_600...20_020, using: &random)).description
        }
        var lines = ["born 1959-0\(1 + number)-28 practice \(practice)"]
        for record in 0..<Int.random(in: 4...14, using: &random) {
            let code = Ward.codes.keys.sorted().randomElement(using: &random) ?? "naproxen"
            let id = code == "failure" ? "c\(record)" : "rx\(record)"
            var line = "\(code) \(id) on \(day()) practice \(practice)"
            switch (code, Int.random(in: 0...7, using: &random)) {
            case ("failure", 0...3): line += " until \(day())"
            case ("failure", _): break
            case (_, 0): line += " as dispense of rx\(max(0, record - 1))"
            case (_, 1): line += " as statement"
            case (_, 2): line += " supply 84d"
            case (_, 3): line += " supply 28d repeats 3"
            default: break
            }
            lines.append(line)
            if Int.random(in: 0...7, using: &random) == 0, code != "failure" {
                lines.append("\(code) \(id) on \(day()) status stopped practice \(practice)")
            }
        }
        if Int.random(in: 0...4, using: &random) == 0 { lines.append("left died \(day())") }
        return lines.map { "2024-12-01 09:00 patient\(number) \($0)" }.joined(separator: "\n")
    }

    /// How many numerators there are on some days, each held against that of the day alone.
    private static func numerators(
        of fold: Fold, comparedOn days: ClosedRange<CivilDay>, zone: ZoneTable
    ) throws -> Int {
        let daily = fold.dailyIndicators(days)
        var counted = 0
        for number in 0...Int(days.upperBound.number - days.lowerBound.number) {
            let day = CivilDay(number: days.lowerBound.number + Int32(number))
            let single = fold.indicators(at: zone.start(of: day))
            for indicator in daily {
                let practices = single.filter { $0.rule == indicator.rule }
                try #require(practices.allSatisfy { $0.pack == indicator.pack })
                let sums = [
                    practices.reduce(0) { $0 + $1.denominator },
                    practices.reduce(0) { $0 + $1.numerator },
                    practices.reduce(0) { $0 + $1.unknown },
                ]
                try #require(
                    [
                        indicator.denominators[number], indicator.numerators[number],
                        indicator.unknown[number],
                    ] == sums, "\(day), \(indicator.rule)")
                counted += sums[1]
            }
        }
        return counted
    }
}
