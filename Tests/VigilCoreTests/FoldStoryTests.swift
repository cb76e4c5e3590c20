// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// What becomes of a patient's flags, told event by event.
struct FoldStoryTests {
    struct Story: CustomTestStringConvertible {
        var claim: String
        var events: String
        var outputs: String

        var testDescription: String { claim }
    }

    @Test(arguments: settling + stopping + correcting)
    func theStoryComesOutAs(story: Story) throws {
        var ward = try Ward()
        #expect(try ward.play(story.events) == story.outputs)
    }

    private static let settling: [Story] = [
        Story(
            claim: "what an input makes true is raised once it has settled, as an event's doing",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-01 09:14:59 now
                2024-03-01 09:30 now
                """,
            outputs: "2024-03-01T09:15 gi-p3a raised event"),
        Story(
            claim: "a protection of the same consultation clears what was settling",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-01 09:06 ann omeprazole rx2
                2024-03-02 09:00 now
                """,
            outputs: ""),
        Story(
            claim: "settling starts anew when the rule becomes true again",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-01 09:06 ann omeprazole rx2
                2024-03-01 09:12 ann delete rx2
                2024-03-01 09:16 now
                2024-03-01 12:00 now
                """,
            outputs: "2024-03-01T09:22 gi-p3a raised correction"),
        Story(
            claim: "a rule that settles across midnight is raised once, at its instant",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 23:55 ann naproxen rx1
                2024-03-02 00:04:59 now
                2024-03-02 09:00 now
                """,
            outputs: "2024-03-02T00:05 gi-p3a raised event"),
        Story(
            claim: "what settles until the clock jumps by years is raised and ends in order",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2034-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-02T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "what ends before it has settled is never raised",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-06-01 23:55 ann naproxen rx1 on 2024-03-01
                2024-06-03 00:00 now
                """,
            outputs: ""),
        Story(
            claim: "time raises at once, on the birthday",
            events: """
                2024-03-01 09:00 ann born 1959-04-10
                2024-03-01 09:05 ann naproxen rx1
                2024-07-01 00:00 now
                """,
            outputs: """
                2024-04-10T00:00 gi-p3a raised time
                2024-06-02T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "a future date counts from its day on, and is time's doing",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 on 2024-03-10
                2024-04-01 00:00 now
                """,
            outputs: "2024-03-10T00:00 gi-p3a raised time"),
        Story(
            claim: "an unknown birth date is never raised by age, and leaves an open flag open",
            events: """
                2024-03-01 09:00 ann born version 1
                2024-03-01 09:05 ann naproxen rx1
                2024-03-02 09:00 ann born 1940-01-01 version 2
                2024-03-02 10:00 ann born version 3
                2024-03-03 09:00 now
                """,
            outputs: "2024-03-02T09:10 gi-p3a raised correction"),
    ]

    private static let stopping: [Story] = [
        Story(
            claim: "an order that is newly stopped ends its hazard from that day",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 status stopped
                2024-07-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                """),
        Story(
            claim: "an order first seen as stopped counts to the end of its window",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 status stopped
                2024-07-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-02T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "a later active version takes a stop back",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 status stopped
                2024-03-11 09:00 ann naproxen rx1 on 2024-03-01
                2024-03-12 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                2024-03-11T09:10 gi-p3a raised event
                """),
        Story(
            claim: "completed changes nothing, also after a stop",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 status stopped
                2024-03-11 09:00 ann naproxen rx1 on 2024-03-01 status completed
                2024-03-12 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                """),
        Story(
            claim: "on-hold suspends until the next active",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 status on-hold
                2024-03-20 09:00 ann naproxen rx1 on 2024-03-01 status active
                2024-03-21 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                2024-03-20T09:10 gi-p3a raised event
                """),
        Story(
            claim: "a stop that arrives before the order it stops counts from its own day",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-12 09:00 ann naproxen rx1 on 2024-03-01 status stopped sent 2024-03-10
                2024-03-12 09:05 ann naproxen rx1 on 2024-03-01 sent 2024-03-01
                2024-03-13 00:00 now
                """,
            outputs: ""),
        Story(
            claim: "protection that is stopped no longer protects",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann omeprazole rx2
                2024-03-01 09:06 ann naproxen rx1
                2024-03-05 09:00 ann omeprazole rx2 on 2024-03-01 status stopped
                2024-03-06 00:00 now
                """,
            outputs: "2024-03-05T09:10 gi-p3a raised event"),
        Story(
            claim: "a plan is no issue, but its stop ends its course",
            events: """
                2024-02-01 09:00 ann born 1940-01-01
                2024-03-01 09:00 ann naproxen plan1 planned
                2024-03-01 09:05 ann naproxen rx1 plan plan1
                2024-03-29 09:05 ann naproxen rx2 plan plan1
                2024-04-26 09:05 ann naproxen rx3 plan plan1
                2024-04-30 09:00 ann naproxen plan1 planned status stopped
                2024-09-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-04-30T09:00 gi-p3a resolved hazard-stopped
                """),
        Story(
            claim: "a later issue of a stopped course starts again, and other courses go on",
            events: """
                2024-02-01 09:00 ann born 1940-01-01
                2024-03-01 09:00 ann naproxen plan1 planned
                2024-03-01 09:05 ann naproxen rx1 plan plan1
                2024-03-05 09:05 ann naproxen rx9 plan plan9
                2024-03-10 09:00 ann naproxen plan1 planned status stopped
                2024-03-11 09:00 ann naproxen rx9 plan plan9 on 2024-03-05 status stopped
                2024-03-20 09:00 ann naproxen rx2 plan plan1
                2024-03-21 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-11T09:00 gi-p3a resolved hazard-stopped
                2024-03-20T09:10 gi-p3a raised event
                """),
        Story(
            claim: "without a course, stopping an order ends the earlier issues of its medicine",
            events: """
                2024-02-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-05 09:05 ann ibuprofen rx2
                2024-03-29 09:05 ann naproxen rx3
                2024-04-01 09:00 ann ibuprofen rx2 on 2024-03-05 status stopped
                2024-04-10 09:00 ann naproxen rx3 on 2024-03-29 status stopped
                2024-04-11 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-05T09:05 gi-p3a updated evidence
                2024-04-10T09:00 gi-p3a resolved hazard-stopped
                """),
    ]

    private static let correcting: [Story] = [
        Story(
            claim: "a hazard entered in error is corrected",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-02 09:00 ann delete rx1
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-02T09:00 gi-p3a resolved corrected
                """),
        Story(
            claim: "a tombstone of an unknown resource keeps older versions of it out",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-02 09:00 ann delete rx1 sent 2024-03-02
                2024-03-02 09:05 ann naproxen rx1 sent 2024-03-01
                2024-03-03 09:00 now
                """,
            outputs: ""),
        Story(
            claim: "the greater version counts, whichever comes last",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-02 09:00 ann naproxen rx1 status cancelled version 2
                2024-03-02 09:05 ann naproxen rx1 version 1
                2024-03-03 09:00 now
                """,
            outputs: ""),
        Story(
            claim: "a corrected birth date raises as a correction, and takes back as corrected",
            events: """
                2024-03-01 09:00 ann born 1980-01-01
                2024-03-01 09:05 ann apixaban rx0
                2024-03-01 09:06 ann omeprazole rx2 on 2023-11-01
                2024-03-01 09:07 ann naproxen rx1
                2024-03-02 09:00 ann born 1940-01-01
                2024-03-03 09:00 ann born 1980-01-01
                """,
            outputs: """
                2024-03-01T09:07 gi-p3d raised event
                2024-03-02T09:10 gi-p3a raised correction
                2024-03-03T09:00 gi-p3a resolved corrected
                """),
        Story(
            claim: "protection ends a flag as such, also when it comes late",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-02 09:00 ann omeprazole rx2 on 2024-02-20
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-02T09:00 gi-p3a resolved protection-issued
                """),
        Story(
            claim: "a diagnosis taken back ends its flag as corrected",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:01 ann omeprazole rx2
                2024-03-01 09:05 ann failure c1
                2024-03-01 09:06 ann naproxen rx1
                2024-03-02 09:00 ann delete c1
                """,
            outputs: """
                2024-03-01T09:06 hf-p3i raised event
                2024-03-02T09:00 hf-p3i resolved corrected
                """),
        Story(
            claim: "evidence is updated by a new hazard coding, not by a further issue",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-20 09:05 ann naproxen rx2
                2024-03-21 09:05 ann ibuprofen rx3
                2024-03-22 09:05 ann ibuprofen rx4
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-21T09:05 gi-p3a updated evidence
                """),
    ]
}
