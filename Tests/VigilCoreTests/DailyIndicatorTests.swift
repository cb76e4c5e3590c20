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
        let first = try Ward.day("2022-12-30")
        let last = try Ward.day("2024-04-30")
        let daily = ward.fold.dailyIndicators(first...last)
        var counted = 0
        for number in 0...Int(last.number - first.number) {
            let day = CivilDay(number: first.number + Int32(number))
            let single = ward.fold.indicators(at: ZoneTable.utc.start(of: day))
            for (row, indicator) in single.enumerated() {
                #expect(daily[row].rule == indicator.rule)
                #expect(daily[row].denominators[number] == indicator.denominator)
                #expect(daily[row].numerators[number] == indicator.numerator)
                #expect(daily[row].unknown[number] == indicator.unknown)
                counted += indicator.numerator
            }
        }
        #expect(counted > 100)
    }
}
