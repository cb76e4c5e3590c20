// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// Where the horizon of a rule lies, to the day and to the millisecond.
struct HorizonTests {
    @Test(arguments: [
        // The event, the months, and the last day on which it is in the window.
        ("2024-02-29", 3, "2024-05-31"), ("2023-02-28", 3, "2023-05-31"),
        ("2024-02-28", 3, "2024-05-28"), ("2024-01-31", 3, "2024-04-30"),
        ("2023-11-30", 3, "2024-02-29"), ("2023-08-31", 6, "2024-02-29"),
        ("2023-11-30", 15, "2025-02-28"),
    ])
    func `a window clips at the ends of months`(
        _ event: String, _ months: Int, _ last: String
    ) throws {
        let bench = try Bench(
            """
            define "It": exists ([MedicationRequest: "NSAID"] M
              where Vigil.ClinicalDate(M) during Interval[Today() - \(months) months, Today()])
            """)
        let judgement = try bench.judge("It", PatientFacts("nsaid \(event)"), on: event)
        let after = try CivilDay(number: CivilDay.on(last).number + 1)
        #expect(judgement.truth == .yes)
        #expect(judgement.stableUntil == ZoneTable.utc.start(of: after))
    }

    @Test(arguments: [
        // The diagnosis, the months, and the first day on which it is that old.
        ("2024-01-31", 3, "2024-05-01"), ("2023-11-30", 3, "2024-03-01"),
        ("2023-11-29", 3, "2024-02-29"), ("2024-02-29", 12, "2025-03-01"),
        ("2024-02-01", 3, "2024-05-01"),
    ])
    func `what matures does so on the first day that reaches it`(
        _ event: String, _ months: Int, _ first: String
    ) throws {
        let bench = try Bench(
            """
            define "It": exists ([Condition: "HF"] C
              where Vigil.ClinicalDate(C) same or before Today() - \(months) months)
            """)
        let found = try bench.transitions(
            "It", PatientFacts("hf \(event)"), from: "2023-06-01", until: "2026-01-01")
        #expect(found == ["2023-06-01 no", "\(first) yes"])
    }

    @Test(arguments: [
        "AgeInYears() >= 65: 2024-04-10", "AgeInYears() < 80: 2039-04-10",
        "AgeInYears() = 65: 2024-04-10", "AgeInYears() + 1 > 65: 2024-04-10",
        "AgeInMonths() > 780: 2024-05-10", "66 <= AgeInYears(): 2025-04-10",
        "Today() before @2024-04: 2024-04-01", "Today() = @2024-03: 2024-03-01",
        "Today() after @2024: 2025-01-01", "Today() same month as @2024-06-15: 2024-06-01",
        "Today() - 3 months > @2024-02-29: 2024-06-01",
        "days between Today() and @2024-02-10 < 0: 2024-02-11",
        "AgeInYears() >= 65 and Today() >= @2024-09-01: 2024-09-01",
        "AgeInYears() >= 65 or Today() >= @2024-09-01: 2024-04-10",
        "Today() > @2024-09-01 and AgeInYears() >= 70: 2029-04-10",
        "Today() > @2020-01-01 or AgeInYears() >= 70: never",
        "if AgeInYears() >= 65 then true else Today() > @2024-03-01: 2024-03-02",
        "(AgeInYears() >= 65) is not false: 2024-04-10", "AgeInYears() < 18: never",
        "exists [MedicationRequest: \"NSAID\"]: 2024-02-20",
        "Vigil.DeathDate() is null: never", "Today() before Vigil.DeathDate(): never",
    ])
    func `the first change is found exactly`(_ row: String) throws {
        let colon = try #require(row.lastIndex(of: ":"))
        let bench = try Bench("define \"It\": \(row[..<colon])")
        let patient = try PatientFacts("born 1959-04-10; nsaid 2023-01-01 stopped 2024-02-20")
        let until = try bench.judge("It", patient, on: "2024-02-01").stableUntil
        let shown = until == .never ? "never" : "\(ZoneTable.utc.day(of: until))"
        #expect(shown == row[colon...].dropFirst(2).description)
    }

    @Test func `a missing birth date is not waited for`() throws {
        let bench = try Bench("define \"It\": AgeInYears() >= 65")
        let judgement = try bench.judge("It", .init(), on: "2024-01-01")
        #expect(judgement.truth == .unknown)
        #expect(judgement.stableUntil == .never)
    }

    @Test func `the longest witness keeps an existence`() throws {
        let bench = try Bench(
            """
            define "It": exists ([MedicationRequest: "NSAID"] M
              where Vigil.ClinicalDate(M) during Interval[Today() - 1 month, Today()])
            """)
        let patient = try PatientFacts("nsaid 2024-01-01; nsaid 2024-01-20; nsaid 2024-06-01")
        let found = try bench.judge("It", patient, on: "2024-01-21").stableUntil
        #expect(found == ZoneTable.utc.start(of: try .on("2024-02-21")))
    }

    @Test func `a day begins where its zone says so`() throws {
        let bench = try Bench("define \"It\": Today() >= @2024-04-01")
        // Ahead by an hour from 2024-03-31T01:00Z.
        let london = ZoneTable(
            name: "Europe/London", initialOffsetSeconds: 0,
            transitions: [.init(unixSeconds: 1_711_846_800, offsetSeconds: 3600)])
        let until = try bench.judge("It", .init(), on: "2024-03-01", zone: london).stableUntil
        #expect("\(until)" == "2024-03-31T23:00:00.000Z")
    }

    @Test func `a list of facts is not judged true`() throws {
        let bench = try Bench("define \"It\": [MedicationRequest: \"NSAID\"]")
        let judgement = try bench.judge("It", PatientFacts("nsaid 2024-01-01"), on: "2024-02-01")
        #expect(judgement.truth == .unknown)
    }
}
