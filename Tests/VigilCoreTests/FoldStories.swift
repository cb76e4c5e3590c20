// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What settles, and what is corrected.
extension FoldStoryTests {
    static let settling: [Story] = [
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

    static let correcting: [Story] = [
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
