// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The codes that a review may carry (protocol section 7).
package enum ReviewCodes {
    /// What a review does: `urn:vigil:review-action`.
    package static let actions: [StaticString] = [
        "accept", "act", "override", "snooze", "hand-over", "reopen",
    ]

    /// What was done, for `act`.
    package static let performed: [StaticString] = [
        "stopped-hazard", "added-protection", "dose-changed", "test-ordered",
        "prescriber-contacted", "referred", "other",
    ]

    /// Why a flag is overridden: `urn:vigil:override-reason`; `other` with a text.
    package static let reasons: [StaticString] = [
        "will-monitor", "tolerated-before", "benefit-outweighs", "test-done-elsewhere",
        "not-my-patient", "data-wrong", "end-of-life", "other",
    ]
}
