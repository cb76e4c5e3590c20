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

    @Test(arguments: settling + stopping + correcting + supplying)
    func theStoryComesOutAs(story: Story) throws {
        var ward = try Ward()
        #expect(try ward.play(story.events) == story.outputs)
    }

    /// What happened to a medicine that no list reads, and whether a flag of 2024-06-01, which
    /// rests on the last three months, counts it.
    @Test(arguments: [
        ("2024-05-29 09:00 ann foreign u", 1),
        ("2024-01-10 09:00 ann foreign u", 0),
        ("2024-01-10 09:00 ann foreign u supply 28d repeats 6", 1),
        ("2024-01-10 09:00 ann foreign u supply 28d repeats 1", 0),
        ("2024-01-10 09:00 ann foreign u supply 143d", 1),
        ("2024-01-10 09:00 ann foreign u supply 142d", 0),
        (
            """
            2024-01-10 09:00 ann foreign u supply 28d repeats 6
            2024-02-01 09:00 ann foreign u on 2024-01-10 supply 28d repeats 6 status stopped
            """, 0
        ),
    ])
    func aFlagCountsTheMedicinesThatCannotBeRead(events: String, count: Int) throws {
        var ward = try Ward()
        _ = try ward.play(
            """
            2024-01-01 09:00 ann born 1940-01-01
            \(events)
            2024-06-01 09:00 ann naproxen rx1
            2024-06-01 10:00 now
            """)
        let flag = try #require(ward.flagEvents.first)
        #expect(flag.unreadMedicines == count)
    }
}
