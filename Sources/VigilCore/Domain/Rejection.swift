// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Why a message is not accepted and never will be as it stands (protocol section 4).
package struct Rejection: Error, Hashable, Sendable {
    /// In the order in which they apply.
    package enum Code: String, CaseIterable, Sendable {
        case badFrames = "bad-frames"
        case tooLarge = "too-large"
        case malformedJSON = "malformed-json"
        case notCloudEvents = "not-cloudevents"
        case unauthorised
        case idConflict = "id-conflict"
        case unsupportedType = "unsupported-type"
        case topicMismatch = "topic-mismatch"
        case notFHIR = "not-fhir"
        case missingElement = "missing-element"
        case invalidElement = "invalid-element"
        case subjectMismatch = "subject-mismatch"
        case unknownFlag = "unknown-flag"
        case staleReview = "stale-review"
    }

    package var code: Code
    /// A sentence for the sender, and for nobody else: what is wrong and what to do.
    package var message: String
    /// A JSON Pointer (RFC 6901) to the first offending element, for a missing one its parent.
    package var pointer: String

    package init(_ code: Code, _ message: String, at pointer: String = "") {
        self.code = code
        self.message = message
        self.pointer = pointer
    }
}
