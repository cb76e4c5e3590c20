// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// What overrides cover after the flag that they were of.
struct FoldOverrideTests {
    private static let until = "2024-12-01"

    private func start(of day: String) throws -> Instant {
        ZoneTable.utc.start(of: try Ward.day(day))
    }

    private func story(_ ward: Ward) -> [String] {
        ward.flagEvents.map {
            "\($0.subject) \($0.transition) \($0.reason ?? "-") \($0.reviewState)"
        }
    }

    /// Plays a story that raises a flag, and overrides that.
    private func override(
        _ story: String, in ward: inout Ward, on day: String, until: String = Self.until
    ) throws {
        _ = try ward.play(story)
        let flag = try #require(ward.flagEvents.last { $0.transition == .raised })
        ward.take(
            try Ward.override(flag.flagID.text, on: day, until: until, of: flag.subject),
            now: try start(of: day).adding(milliseconds: 43_200_000))
    }

    @Test func overridesOfTwoMedicinesStandBesideEachOther() throws {
        var ward = try Ward()
        try override(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:05 ann naproxen rx1
            2024-03-01 10:00 now
            """, in: &ward, on: "2024-03-01")
        try override(
            """
            2024-03-02 09:00 ann naproxen rx1 on 2024-03-01 version 2 status stopped
            2024-03-03 09:00 ann ibuprofen rx2
            2024-03-03 10:00 now
            """, in: &ward, on: "2024-03-03")
        _ = try ward.play(
            """
            2024-03-04 09:00 ann ibuprofen rx2 on 2024-03-03 version 2 status stopped
            2024-03-05 09:00 ann naproxen rx3
            2024-03-05 10:00 now
            """)
        #expect(
            story(ward) == [
                "ann resolved hazard-stopped overridden", "ann raised event overridden",
            ])
    }

    @Test func aWiderOverrideDoesNotComeBackOnceANewerOneHasStoodInItsPlace() throws {
        var ward = try Ward()
        try override(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:05 ann naproxen rx1
            2024-03-01 10:00 now
            2024-03-01 10:05 ann ibuprofen rx2
            2024-03-01 11:00 now
            """, in: &ward, on: "2024-03-01")
        try override(
            """
            2024-03-02 09:00 ann naproxen rx1 on 2024-03-01 version 2 status stopped
            2024-03-02 09:00 ann ibuprofen rx2 on 2024-03-01 version 2 status stopped
            2024-03-03 09:00 ann naproxen rx3
            2024-03-03 10:00 now
            """, in: &ward, on: "2024-03-03", until: "2024-04-01")
        #expect(story(ward).contains("ann raised event overridden"))
        _ = try ward.play(
            """
            2024-03-04 09:00 ann naproxen rx3 on 2024-03-03 version 2 status stopped
            2024-05-07 09:00 ann naproxen rx4
            2024-05-07 10:00 now
            """)
        #expect(
            story(ward) == ["ann resolved hazard-stopped overridden", "ann raised event open"])
    }

    @Test func aMergeLosesNeitherTheSurvivorsOverrideNorTheRetireds() throws {
        var ward = try Ward()
        try override(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:01 bob born 1940-01-01
            2024-03-01 09:05 bob ibuprofen rx2
            2024-03-01 10:00 now
            """, in: &ward, on: "2024-03-01")
        try override(
            """
            2024-03-02 09:00 bob ibuprofen rx2 on 2024-03-01 version 2 status stopped
            2024-03-03 09:00 ann naproxen rx1
            2024-03-03 10:00 now
            """, in: &ward, on: "2024-03-03")
        _ = try ward.play("2024-03-06 09:00 ann born 1940-01-01 link replaced-by:bob")
        #expect(story(ward) == ["ann resolved merged overridden", "bob raised event overridden"])
        _ = try ward.play(
            """
            2024-03-07 09:00 ann naproxen rx1 on 2024-03-03 version 2 status stopped
            2024-03-08 09:00 bob ibuprofen rx4
            2024-03-08 10:00 now
            """)
        #expect(
            story(ward) == [
                "bob resolved hazard-stopped overridden", "bob raised event overridden",
            ])
    }

    @Test func aMergeUndoneInALoadTakesTheOthersOverrideFromAFlag() throws {
        var ward = try Ward()
        try override(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:01 bob born 1940-01-01
            2024-03-01 09:05 ann naproxen rx1
            2024-03-01 10:00 now
            """, in: &ward, on: "2024-03-01")
        _ = try ward.play(
            """
            2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-03 09:00 bob naproxen rx2
            """)
        #expect(story(ward).last == "bob raised event overridden")
        let end = try start(of: "2024-03-05")
        ward.fold.bound(.loading, source: "urn:test", now: try start(of: "2024-03-04"))
        _ = try ward.play("2024-03-04 09:00 ann born 1940-01-01")
        ward.fold.bound(.loaded, source: "urn:test", now: end)
        let released = ward.fold.releaseNext(now: end).outputs
        #expect(
            released.contains { output in
                if case .flag(let event) = output {
                    event.subject == "bob" && event.transition == .reviewed
                        && event.reviewState == "open"
                } else {
                    false
                }
            })
    }

    @Test func aStopThatLiesAheadEndsAnAlertOnItsDay() throws {
        var ward = try Ward(packs: [BundledPacks.named("prescribing-safety").compile()])
        let lines = try ward.play(
            """
            2024-03-01 09:00 ann born 1960-01-01
            2024-03-01 09:05 ann methotrexate rx1
            2024-03-02 09:00 ann methotrexate rx1 on 2024-03-01 version 2 status stopped \
            sent 2024-03-10
            2024-03-20 09:00 now
            """)
        #expect(
            lines == """
                2024-03-01T09:05 mtx-day raised event
                2024-03-10T00:00 mtx-day resolved hazard-ended
                """)
    }
}
