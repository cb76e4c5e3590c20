// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Orders that are issued more than once.
extension FoldStoryTests {
    static let supplying: [Story] = [
        Story(
            claim: "an order with repeats counts as issued on the day of each",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 2
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-07-27T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "a repeat whose day has not come is no exposure yet",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:01 ann naproxen rx1 on 2023-09-01 supply 1a repeats 1
                2024-08-31 23:59 now
                2024-09-02 00:00 now
                """,
            outputs: "2024-09-01T00:00 gi-p3a raised time"),
        Story(
            claim: "without a duration, or without repeats, an order is issued once",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 repeats 5
                2024-03-01 09:06 ann naproxen rx2 supply 28d
                2024-03-01 09:07 ann naproxen rx3 supply 28furlong repeats 5
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-02T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "an order that is stopped is issued no more, and is no exposure",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5
                2024-04-01 09:00 ann naproxen rx1 on 2024-03-01 supply 28d repeats 5 status stopped
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-04-01T09:00 gi-p3a resolved hazard-stopped
                """),
        Story(
            claim: "first seen as stopped, it counts as issued up to that day",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-04-01 09:00 ann naproxen rx1 on 2024-03-01 supply 28d repeats 5 status stopped
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-04-01T09:10 gi-p3a raised event
                2024-06-30T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "repeats end with the order's validity, the last day counting",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5 valid 2024-03-29
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-30T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "repeats end with the last day of the month that the validity names",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5 valid 2024-03
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-30T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "a validity to a year ends no repeat of that year",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 2 valid 2024
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-07-27T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "repeats end with the order that takes the place of theirs",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5
                2024-04-10 09:05 ann naproxen rx2 prior rx1
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-07-11T00:00 gi-p3a resolved hazard-ended
                """),
        Story(
            claim: "a hold suspends an order and its repeats until it is active again",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5
                2024-03-10 09:00 ann naproxen rx1 on 2024-03-01 supply 28d repeats 5 status on-hold
                2024-04-20 09:00 ann naproxen rx1 on 2024-03-01 supply 28d repeats 5
                2024-04-21 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-03-10T09:00 gi-p3a resolved hazard-stopped
                2024-04-20T09:10 gi-p3a raised event
                """),
        Story(
            claim: "cancelled takes every issue back",
            events: """
                2024-03-01 09:00 ann born 1940-01-01
                2024-03-01 09:05 ann naproxen rx1 supply 28d repeats 5
                2024-06-10 09:00 ann naproxen rx1 on 2024-03-01 status cancelled
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-03-01T09:15 gi-p3a raised event
                2024-06-10T09:00 gi-p3a resolved corrected
                """),
        Story(
            claim: "calendar months clip from the first issue",
            events: """
                2024-01-31 09:00 ann born 1940-01-01
                2024-01-31 09:05 ann naproxen rx1 supply 1mo repeats 2
                2025-01-01 00:00 now
                """,
            outputs: """
                2024-01-31T09:15 gi-p3a raised event
                2024-07-01T00:00 gi-p3a resolved hazard-ended
                """),
    ]
}
