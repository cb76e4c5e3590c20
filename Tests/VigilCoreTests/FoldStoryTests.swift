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
}
