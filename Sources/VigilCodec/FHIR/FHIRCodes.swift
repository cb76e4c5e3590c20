// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// The closed code lists of FHIR R4 (4.0.1) that are read, and which of their codes do not count.
enum FHIRCodes {
    static let gender: [StaticString] = ["male", "female", "other", "unknown"]

    static let linkType: [StaticString] = ["replaced-by", "replaces", "refer", "seealso"]

    static let comparator: [StaticString] = ["<", "<=", ">=", ">"]

    static let medicationRequestStatus: [StaticString] = [
        "active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft",
        "unknown",
    ]

    static let medicationRequestIntent: [StaticString] = [
        "proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
        "instance-order", "option",
    ]

    static let medicationDispenseStatus: [StaticString] = [
        "preparation", "in-progress", "cancelled", "on-hold", "completed", "entered-in-error",
        "stopped", "declined", "unknown",
    ]

    static let medicationStatementStatus: [StaticString] = [
        "active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown",
        "not-taken",
    ]

    static let observationStatus: [StaticString] = [
        "registered", "preliminary", "final", "amended", "corrected", "cancelled",
        "entered-in-error", "unknown",
    ]

    static let diagnosticReportStatus: [StaticString] = [
        "registered", "partial", "preliminary", "final", "amended", "corrected", "appended",
        "cancelled", "entered-in-error", "unknown",
    ]

    static let encounterStatus: [StaticString] = [
        "planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled",
        "entered-in-error", "unknown",
    ]

    static let procedureStatus: [StaticString] = [
        "preparation", "in-progress", "not-done", "on-hold", "stopped", "completed",
        "entered-in-error", "unknown",
    ]

    static let conditionClinical: [StaticString] = [
        "active", "recurrence", "relapse", "inactive", "remission", "resolved",
    ]

    static let conditionVerification: [StaticString] = [
        "unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error",
    ]

    static let allergyClinical: [StaticString] = ["active", "inactive", "resolved"]

    static let allergyVerification: [StaticString] = [
        "unconfirmed", "confirmed", "refuted", "entered-in-error",
    ]

    /// The statuses of a type; nil for types without `status`.
    static func statuses(of type: ResourceType) -> [StaticString]? {
        switch type {
        case .patient, .condition, .allergyIntolerance: nil
        case .encounter: encounterStatus
        case .medicationRequest: medicationRequestStatus
        case .medicationDispense: medicationDispenseStatus
        case .medicationStatement: medicationStatementStatus
        case .observation, .detectedIssue: observationStatus
        case .diagnosticReport: diagnosticReportStatus
        case .procedure: procedureStatus
        }
    }

    /// Whether a status counts at all (clinical.md, section 1.8, "Never counted").
    static func counts(_ status: String, of type: ResourceType) -> Bool {
        switch type {
        case .medicationRequest: !["draft", "cancelled"].contains(status)
        case .medicationDispense: !["cancelled", "declined", "preparation"].contains(status)
        case .medicationStatement: !["intended", "not-taken"].contains(status)
        case .observation, .diagnosticReport: !["registered", "cancelled"].contains(status)
        case .encounter: !["planned", "cancelled"].contains(status)
        case .procedure: status == "completed"
        case .condition, .allergyIntolerance, .patient, .detectedIssue: true
        }
    }
}
