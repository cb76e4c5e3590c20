// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What is stopped or put on hold.
extension FoldStoryTests {
    static let stopping: [Story] = [
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
            claim: "an issue of the day of the stop starts again if it was told of later",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen plan1 planned
                2024-03-01 09:05 ann naproxen rx1 plan plan1
                2024-03-10 08:00 ann naproxen rx2 on 2024-03-10 plan plan1
                2024-03-10 09:00 ann naproxen plan1 planned status stopped
                2024-03-10 09:30 ann naproxen rx3 on 2024-03-10 plan plan1
                2024-03-10 10:00 ann naproxen rx2 on 2024-03-10 plan plan1 status completed
                2024-03-11 09:00 ann naproxen rx3 on 2024-03-10 plan plan1 status stopped
                2024-03-12 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                2024-03-10T09:40 gi-p3a raised event
                2024-03-11T09:00 gi-p3a resolved hazard-stopped
                """),
        Story(
            claim: "what was issued after a stopped order goes on",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-10 08:00 ann naproxen rx2 on 2024-03-10
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 status stopped
                2024-03-12 00:00 now
                """,
            outputs: "2024-03-01T09:15 gi-p3a raised event"),
        Story(
            claim: "a draft that becomes an order is no correction",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 planned
                2024-03-02 09:05 ann naproxen rx1
                2024-03-03 00:00 now
                """,
            outputs: "2024-03-02T09:15 gi-p3a raised event"),
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
            claim: "a proposal that is stopped ends no course",
            events: """
                2024-02-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1
                2024-03-05 09:05 ann naproxen n1 planned intent proposal
                2024-03-10 09:00 ann naproxen n1 planned intent proposal status stopped
                2024-07-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-02T00:00 gi-p3a resolved hazard-ended
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
}
