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
            flagID: flag.flagID.text, action: "accept", seen: nil, date: date, until: nil,
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

    @Test func aStopUnderTheSurvivorEndsWhatCameUnderTheRetired() throws {
        let lines = try told(
            Self.two + """
                2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob
                2024-03-05 09:00 bob naproxen rx1 on 2024-03-01 status stopped
                """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved merged ann
                2024-03-02T09:00 gi-p3a raised event bob
                2024-03-05T09:00 gi-p3a resolved hazard-stopped bob
                """)
    }

    @Test func aHoldOfTheRetiredLastsUntilTheNextActiveUnderTheSurvivor() throws {
        let lines = try told(
            Self.two + """
                2024-03-02 09:00 ann naproxen rx1 on 2024-03-01 status on-hold
                2024-03-03 09:00 ann born 1940-01-01 link replaced-by:bob
                2024-03-05 09:00 bob naproxen rx1 on 2024-03-01 status completed
                2024-03-07 09:00 bob naproxen rx1 on 2024-03-01
                2024-03-08 09:00 now
                """)
        #expect(
            lines == """
                2024-03-01T09:15 gi-p3a raised event ann
                2024-03-02T09:00 gi-p3a resolved hazard-stopped ann
                2024-03-07T09:10 gi-p3a raised event bob
                """)
    }

    /// The subjects in order of appearance; the first is the one that survives.
    @Test(arguments: ["a b c", "b c a", "c b a", "a c b"])
    func whatSubjectsHaveOfOneOrderIsOneHistoryInWhateverOrder(order: String) throws {
        let names = order.split(separator: " ")
        var story = ""
        for name in names { story += "2024-03-01 09:00 \(name) born 1940-01-01\n" }
        story += """
            2024-03-01 09:05 a naproxen rx1 on 2024-03-01
            2024-03-02 09:00 b naproxen rx1 on 2024-03-01 status on-hold
            2024-03-03 09:00 c naproxen rx1 on 2024-03-01 status completed

            """
        for name in names.dropFirst() {
            story += "2024-03-04 09:00 \(name) born 1940-01-01 link replaced-by:\(names[0])\n"
        }
        var ward = try Ward()
        _ = try ward.play(story)
        let hold = try Ward.day("2024-03-02")
        #expect(ward.fold.seen(of: 0).facts.map(\.stoppedOn) == [hold])
    }

    @Test func aDiagnosisIsOverSinceAnySubjectsVersionSaidSo() throws {
        var ward = try Ward()
        _ = try ward.play(
            """
            2024-03-01 09:00 ann born 1940-01-01
            2024-03-01 09:01 bob born 1940-01-01
            2024-03-10 09:00 ann failure c1 on 2020-01-01 status resolved
            2024-03-12 09:00 ann born 1940-01-01 link replaced-by:bob
            2024-03-20 09:00 bob failure c1 on 2020-01-01 status inactive
            """)
        let (first, second) = (try Ward.day("2024-03-10"), try Ward.day("2024-03-20"))
        #expect(ward.fold.seen(of: 1).facts.map(\.endDay) == [first])
        _ = try ward.play("2024-03-21 09:00 ann born 1940-01-01")
        #expect(ward.fold.seen(of: 0).facts.map(\.endDay) == [first])
        #expect(ward.fold.seen(of: 1).facts.map(\.endDay) == [second])
    }

    @Test func anOverrideOfTheRetiredsFlagCoversTheSurvivorsWhileTheyAreOne() throws {
        func day(_ text: String) throws -> Instant {
            ZoneTable.utc.start(of: try Ward.day(text))
        }
        func story(_ ward: Ward) -> [String] {
            ward.flagEvents.map {
                "\($0.subject) \($0.transition) \($0.reason ?? "-") \($0.reviewState)"
            }
        }
        var ward = try Ward()
        _ = try ward.play(Self.two)
        let flag = try #require(ward.flagEvents.first)
        let until = "2024-12-01"
        ward.take(
            try Ward.override(flag.flagID.text, on: "2024-03-01", until: until),
            now: try day("2024-03-02"))
        let linked = "2024-03-02 09:00 ann born 1940-01-01 link replaced-by:bob"
        _ = try ward.play(linked)
        #expect(story(ward) == ["ann resolved merged overridden", "bob raised event overridden"])
        var parted = ward
        _ = try parted.play("2024-03-03 09:00 bob naproxen rx2 practice B82002")
        _ = try parted.play("2024-03-04 09:00 ann born 1940-01-01\n2024-03-04 10:00 now")
        #expect(story(parted) == ["bob reviewed - open", "ann raised correction overridden"])
        // What is taken back covers nobody.
        _ = try ward.play("2024-03-03 09:00 now")
        ward.take(
            try Ward.override(flag.flagID.text, on: "2024-03-01", until: until, deleted: true),
            now: try day("2024-03-04"))
        #expect(story(ward) == ["bob reviewed - open"])
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
