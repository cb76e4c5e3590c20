// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// CQL's three-valued logic.
package enum Truth: UInt8, Sendable {
    case no, yes, unknown
}

/// A value and the instant until which it holds if nothing but time passes.
///
/// The instant may be early, never late (design section 5, "Horizon").
package struct Judgement: Sendable {
    package var truth: Truth
    package var stableUntil: Instant

    package init(truth: Truth, stableUntil: Instant) {
        self.truth = truth
        self.stableUntil = stableUntil
    }
}
