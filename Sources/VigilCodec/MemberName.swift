// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The names of members that inbound events are read for.
///
/// The parser numbers them as it meets them, so that to look for a member is to compare numbers.
enum MemberName: Int, CaseIterable, CodingKey, CustomStringConvertible {
    // CloudEvents.
    case id, source, specversion, type, datacontenttype, subject, time, sequence, epoch, data

    // FHIR's general-purpose types, and what several resources have.
    case resourceType, meta, versionId, lastUpdated, identifier, contained, `extension`
    case status, intent, period, start, end, code, coding, system, display, text, url
    case reference, value, unit, comparator, quantity, date, issued

    // Patient, Condition, AllergyIntolerance, Encounter and Procedure.
    case patient, active, birthDate, gender, deceasedBoolean, deceasedDateTime
    case generalPractitioner, managingOrganization, link, other
    case clinicalStatus, verificationStatus, recordedDate, onsetDateTime, onsetPeriod
    case `class`, abatementDateTime, abatementPeriod, reasonCode, performedDateTime, performedPeriod

    // Medicines.
    case medicationCodeableConcept, medicationReference, doNotPerform, authoredOn
    case basedOn, partOf, derivedFrom, groupIdentifier, priorPrescription, authorizingPrescription
    case dispenseRequest, expectedSupplyDuration, numberOfRepeatsAllowed, validityPeriod
    case daysSupply, whenHandedOver, whenPrepared, dosage, dosageInstruction, route, form
    case asNeededBoolean, asNeededCodeableConcept, timing, event, `repeat`, frequency, frequencyMax
    case periodMax, periodUnit, dayOfWeek, timeOfDay, when, count, doseAndRate, doseQuantity
    case doseRange, rateQuantity, low, maxDosePerPeriod, numerator, denominator

    // Results.
    case effectiveDateTime, effectiveInstant, effectivePeriod
    case component, dataAbsentReason, hasMember, referenceRange, high
    case valueQuantity, valueCodeableConcept, valueString, valueBoolean, valueInteger, valueDate

    // Reviews.
    case mitigation, action, author

    /// The name as JSON has it.
    var description: String { stringValue }

    /// The parser's number for it.
    var number: UInt8 { UInt8(truncatingIfNeeded: rawValue + 1) }
}
