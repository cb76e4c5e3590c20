// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// Patients of whom a Patient resource says that they are one.
struct FoldMergeTests {
    private static let two = """
        2024-03-01 09:00 ann born 1940-01-01
        2024-03-01 09:01 bob born 1940-01-01 practice B82002
        2024-03-01 09:05 ann naproxen rx1
        2024-03-01 09:20 now

        """

    /// What a story brings about, with the subject of each flag.
    private func told(_ story: String) throws -> String {
        var ward = try Ward()
        let lines = try ward.play(story).split(separator: "\n")
        return zip(lines, ward.flagEvents).map { "\($0) \($1.subject)" }.joined(separator: "\n")
    }

    @Test(arguments: [
        "2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob",
        "2024-03-02 09:00 bob born 1940-01-01 practice B82002 link replaces:ann",
        // The usual form: the retired record is inactive, which deregisters nobody.
        "2024-03-02 09:00 ann left link replaced-by:bob",
    ])
    func theSurvivorHasTheFlagsOfBoth(link: String) throws {
        let lines = try told(
            Self.two + link + """

                2024-03-03 09:00 ann omeprazole rx2
                2024-03-04 09:00 bob naproxen rx3
                """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved merged ann
                2024-03-02T09:00 gi-p3a raised event bob
                2024-03-03T09:00 gi-p3a resolved protection-issued bob
                """)
    }

    @Test func theSurvivorsPracticeNamesTheTopic() throws {
        var ward = try Ward()
        _ = try ward.play(Self.two)
        _ = try ward.play("2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob")
        #expect(
            ward.flagEvents.map(\.topic) == [
                "flag.A81001.moderate.gi-p3a", "flag.B82002.moderate.gi-p3a",
            ])
    }

    @Test func anUpdateWithoutTheLinkUndoesIt() throws {
        let lines = try told(
            Self.two + """
                2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob
                2024-03-03 09:00 ann born 1940-01-01
                2024-03-04 09:00 now
                """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved merged ann
                2024-03-02T09:00 gi-p3a raised event bob
                2024-03-03T09:00 gi-p3a resolved corrected bob
                2024-03-03T09:10 gi-p3a raised correction ann
                """)
    }

    @Test func whatIsTrueOfBothTogetherIsRaised() throws {
        let lines = try told(
            """
            2024-03-01 09:00 ann born 1980-01-01
            2024-03-01 09:01 bob born 1980-01-01
            2024-03-01 09:05 ann naproxen rx1
            2024-03-01 09:06 bob apixaban rx1 source urn:other
            2024-03-02 09:00 ann born 1980-01-01 link replaced-by:bob
            2024-03-03 09:00 ann naproxen rx1 on 2024-03-01 status stopped
            """)
        #expect(
            lines == """
                2024-03-02T09:00 gi-p3d raised correction bob
                2024-03-03T09:00 gi-p3d resolved hazard-stopped bob
                """)
    }

    @Test func whoNamesSomebodyUnknownAgainAndAgainWaitsOnce() throws {
        var ward = try Ward()
        _ = try ward.play(
            """
            2024-03-01 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-03 09:00 ann born 1940-01-01 link replaced-by:cid
            """)
        #expect(ward.fold.merges.waiting == [ExactText("cid"): [0]])
        _ = try ward.play("2024-03-04 09:00 ann born 1940-01-01")
        #expect(ward.fold.merges.waiting.isEmpty)
    }

    @Test func aLinkWaitsForTheSubjectItNames() throws {
        let lines = try told(
            """
            2024-03-01 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-01 09:05 ann naproxen rx1
            2024-03-02 09:00 bob apixaban rx2
            """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved merged ann
                2024-03-02T09:00 gi-p3a raised event bob
                2024-03-02T09:00 gi-p3d raised event bob
                """)
    }

    /// The links of three subjects, a to c, one a day; the subject that has the flag in the end.
    @Test(arguments: [
        ("a replaced-by:b | b replaced-by:c", "c"),
        ("b replaced-by:c | a replaced-by:b", "c"),
        // Round in a ring: the newest counts.
        ("a replaced-by:b | b replaced-by:a", "a"),
        ("a replaced-by:b | b replaced-by:c | c replaced-by:a", "a"),
        ("a replaced-by:a", "a"),
        // Replaced by two: the newest counts.
        ("a replaced-by:b | c replaces:a", "c"),
        ("a replaced-by:b | b replaced-by:c | b -", "b"),
    ])
    func chainsAndRingsEndAtOneSubject(links: String, survivor: String) throws {
        var ward = try Ward()
        var story = "2024-03-01 09:00 a naproxen rx1\n"
        for name in ["a", "b", "c"] { story += "2024-03-01 09:00 \(name) born 1940-01-01\n" }
        for (day, link) in links.split(separator: "|").enumerated() {
            let words = link.split(separator: " ")
            story += "2024-03-0\(day + 2) 09:00 \(words[0]) born 1940-01-01"
            story += words[1] == "-" ? "\n" : " link \(words[1])\n"
        }
        _ = try ward.play(story + "2024-03-09 00:00 now")
        let open = ward.fold.patients.filter { !$0.episodes.open.isEmpty }.map(\.subject)
        #expect(open == [survivor])
    }

    @Test func aReviewOfTheRetiredsFlagIsAcceptedAndChangesNothing() throws {
        var ward = try Ward()
        _ = try ward.play(Self.two)
        let flag = try #require(ward.flagEvents.first)
        _ = try ward.play("2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob")
        let date = ClinicalTime(writtenDay: try Ward.day("2024-03-02"), precision: .day)
        let review = ReviewContent(
            flagID: flag.flagID, action: "accept", seen: nil, date: date, until: nil,
            mitigation: [])
        let places = ReviewPlaces(flag: "", date: "", until: "", seen: "", isUntilFirst: false)
        let now = ZoneTable.utc.start(of: try Ward.day("2024-03-03"))
        let event = InputEvent(
            kind: .review, practice: "A81001", id: "r", source: "urn:test", subject: "ann",
            action: .created, time: now,
            resource: Resource(
                type: .detectedIssue, id: "r", content: .review(review, at: places)))
        try ward.fold.checkBounds(of: review, at: places, event: event, now: now)
        try ward.fold.checkFlag(of: review, at: places, event: event)
        #expect(ward.fold.take(event, offset: 99, now: now).isEmpty)
    }

    @Test func aStopReachesTheIssuesOfItsCourseInBothRecords() throws {
        let lines = try told(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:01 bob born 1940-01-01
            2024-03-01 09:05 ann naproxen rx1 plan p1
            2024-03-01 09:06 bob naproxen p1 planned
            2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-05 09:00 bob naproxen p1 planned status stopped
            """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved merged ann
                2024-03-02T09:00 gi-p3a raised event bob
                2024-03-05T09:00 gi-p3a resolved hazard-stopped bob
                """)
    }
}
