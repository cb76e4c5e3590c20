// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// Registration, practice and death, and what they do to an open flag.
struct FoldPatientTests {
    /// A patient with an open flag from 2024-03-01 on.
    private static let flagged = """
        2024-03-01 09:00 ann born 1940-01-01
        2024-03-01 09:05 ann naproxen rx1
        2024-03-01 09:20 now

        """

    @Test(arguments: [
        ("2024-03-05 09:00 ann born 1940-01-01 died 2024-03-04", "03-05T09:00 deceased"),
        ("2024-03-05 09:00 ann born 1940-01-01 died 2024-03-09", "03-09T00:00 deceased"),
        ("2024-03-05 09:00 ann born 1940-01-01 dead", "03-05T09:00 deceased"),
        // The last day of a registration counts.
        ("2024-03-05 09:00 ann left", "03-06T00:00 deregistered"),
        ("2024-03-05 09:00 ann gone", "03-06T00:00 deregistered"),
        ("2024-03-05 09:00 ann delete p", "03-06T00:00 deregistered"),
        (
            "2024-03-05 09:00 ann left\n2024-03-05 10:00 ann born 1940-01-01",
            "06-02T00:00 hazard-ended"
        ),
    ])
    func aFlagEndsWithItsPatient(events: String, end: String) throws {
        var ward = try Ward()
        _ = try ward.play(Self.flagged)
        let lines = try ward.play(events + "\n2024-07-01 00:00 now")
        #expect(lines == end.replacing(" ", with: " gi-p3a resolved ").prefixed("2024-"))
    }

    @Test func deathTakenBackRaisesAgain() throws {
        var ward = try Ward()
        let lines = try ward.play(
            Self.flagged + """
                2024-03-05 09:00 ann born 1940-01-01 dead
                2024-03-06 09:00 ann born 1940-01-01 dead
                2024-03-07 09:00 ann born 1940-01-01 alive
                2024-03-08 09:00 now
                """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-05T09:00 gi-p3a resolved deceased
                2024-03-07T09:10 gi-p3a raised correction
                """)
    }

    @Test func deathByABooleanCountsFromTheEventThatFirstSaidSo() throws {
        var ward = try Ward()
        _ = try ward.play(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-05 09:00 ann born 1940-01-01 dead
            2024-03-06 09:00 ann born 1940-01-01 dead
            """)
        #expect(ward.fold.patients.first?.facts.deathDay == (try Ward.day("2024-03-05")))
    }

    /// The versions of a diagnosis and the day from which on it is over.
    @Test(arguments: [
        ("active 03-01 | resolved 03-10", "2024-03-10"),
        ("active 03-01 | resolved 03-10 | inactive 03-20", "2024-03-10"),
        // In whatever order they come.
        ("resolved 03-20 | active 03-01 | inactive 03-10", "2024-03-10"),
        ("resolved 03-05 | resolved 03-20 | active 03-10", "2024-03-20"),
        ("resolved 03-05 | active 03-10", "-"),
        ("remission 03-05 until 2024-02-01", "2024-02-01"),
        ("active 03-05 until 2024-02-01", "2024-02-01"),
    ])
    func aDiagnosisIsOverSinceItsVersionsSaySo(versions: String, end: String) throws {
        var ward = try Ward()
        var story = "2024-04-01 09:00 ann born 1940-01-01\n"
        for version in versions.split(separator: "|") {
            let words = version.split(separator: " ")
            story += "2024-04-01 09:00 ann failure c1 on 2020-01-01 status \(words[0])"
            story += " sent 2024-\(words[1])"
            story += words.count > 3 ? " until \(words[3])\n" : "\n"
        }
        _ = try ward.play(story)
        let day = ward.fold.patients.first?.facts.facts.first?.endDay
        #expect((day?.description ?? "-") == end)
    }

    @Test func aMoveTakesTheFlagAlongWithinOneUnit() throws {
        var ward = try Ward()
        _ = try ward.play(Self.flagged)
        let lines = try ward.play("2024-03-05 09:00 ann born 1940-01-01 practice B82002")
        #expect(
            lines == """
                2024-03-05T09:00 gi-p3a resolved moved
                2024-03-05T09:00 gi-p3a raised event
                """)
        let events = ward.flagEvents
        #expect(
            events.map(\.topic) == [
                "flag.A81001.moderate.gi-p3a", "flag.B82002.moderate.gi-p3a",
            ])
        #expect(Set(events.map(\.flagID)).count == 1)
        // The new raise says what any raise says.
        #expect(events.last?.endsOn == (try Ward.day("2024-06-02")))
        #expect(events.last?.unreadMedicines == 0)
    }

    @Test(arguments: [
        // The newest event, by time, whose resource names a practice.
        ("born 1940-01-01 practice B82002 sent 2024-03-04", "B82002"),
        ("born 1940-01-01 practice B82002 sent 2024-02-01", "A81001"),
        ("gone practice B82002", "A81001"),
        ("naproxen rx2 practice B82002", "A81001"),
    ])
    func aFlagBelongsToTheNewestPracticeNamed(event: String, practice: String) throws {
        var ward = try Ward()
        _ = try ward.play(Self.flagged + "2024-03-05 09:00 ann \(event)")
        #expect(ward.fold.practice(of: "ann") == practice)
    }

    @Test func withoutAPatientResourceTheFirstEventNamesThePractice() throws {
        var ward = try Ward()
        _ = try ward.play(
            """
            2024-03-01 09:00 ann apixaban rx1 practice C83003
            2024-03-01 09:01 ann naproxen rx2 practice B82002
            """)
        #expect(ward.flagEvents.map(\.topic) == ["flag.C83003.high.gi-p3d"])
        _ = try ward.play("2024-03-02 09:00 ann gone practice B82002")
        #expect(
            ward.flagEvents.map(\.topic) == [
                "flag.C83003.high.gi-p3d", "flag.B82002.high.gi-p3d",
            ])
    }

    @Test func anotherResourcesPatientsAreLeftAlone() throws {
        var ward = try Ward()
        let lines = try ward.play(
            Self.flagged + """
                2024-03-05 09:00 bob naproxen rx1 status cancelled
                2024-03-05 09:01 ann naproxen rx1 source urn:other status cancelled
                2024-03-05 09:02 bob delete rx1
                """)
        #expect(lines == "2024-03-01T09:15 gi-p3a raised event")
    }
}

extension Ward {
    /// The flags' events of the newest story.
    var flagEvents: [FlagEvent] {
        outputs.compactMap { output in
            if case .flag(let event) = output { event } else { nil }
        }
    }
}

extension String {
    fileprivate func prefixed(_ prefix: String) -> String { prefix + self }
}
