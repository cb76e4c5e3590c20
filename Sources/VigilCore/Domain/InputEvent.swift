// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An accepted inbound event, decoded to what the fold reads; the bytes stay in the log.
///
/// An object, since it is wide, passes from thread to thread and through many hands, and hardly
/// any of them changes it.
package final class InputEvent: Sendable {
    /// The kind and the practice, from the topic `<kind>.<practice>`.
    package let kind: EventKind
    package let practice: String
    /// CloudEvents attributes (protocol section 3).
    package let id: String
    package let source: String
    package let subject: String
    package let action: EventAction
    /// When the source published it.
    package let time: Instant
    /// Where the event stands in its source's numbering, from 1; nil if the source does not number.
    package let sequence: UInt64?
    package let epoch: UInt64
    package let resource: Resource

    package init(
        kind: EventKind, practice: String, id: String, source: String, subject: String,
        action: EventAction, time: Instant, sequence: UInt64? = nil, epoch: UInt64 = 0,
        resource: Resource
    ) {
        self.kind = kind
        self.practice = practice
        self.id = id
        self.source = source
        self.subject = subject
        self.action = action
        self.time = time
        self.sequence = sequence
        self.epoch = epoch
        self.resource = resource
    }

    /// The same event about a resource that is read otherwise.
    package func with(_ resource: Resource) -> InputEvent {
        InputEvent(
            kind: kind, practice: practice, id: id, source: source, subject: subject,
            action: action, time: time, sequence: sequence, epoch: epoch, resource: resource)
    }
}

/// One version of one FHIR resource.
package struct Resource: Sendable {
    package var type: ResourceType
    /// The resource's `id`; with the event's source and the type it identifies the resource.
    package var id: String
    /// `meta.versionId` if it is an integer.
    package var versionNumber: VersionNumber?
    /// `meta.lastUpdated`.
    package var lastUpdated: Instant?
    /// Whom the resource says it is about.
    package var patient: PatientReference?
    /// The content; nil for a tombstone (`deleted`, or a status of `entered-in-error`).
    package var content: Content?

    package init(
        type: ResourceType, id: String, versionNumber: VersionNumber? = nil,
        lastUpdated: Instant? = nil, patient: PatientReference? = nil, content: Content?
    ) {
        self.type = type
        self.id = id
        self.versionNumber = versionNumber
        self.lastUpdated = lastUpdated
        self.patient = patient
        self.content = content
    }
}

/// The FHIR R4 resource types that some kind takes.
package enum ResourceType: String, CaseIterable, Sendable {
    case patient = "Patient"
    case encounter = "Encounter"
    case condition = "Condition"
    case allergyIntolerance = "AllergyIntolerance"
    case medicationRequest = "MedicationRequest"
    case medicationDispense = "MedicationDispense"
    case medicationStatement = "MedicationStatement"
    case observation = "Observation"
    case diagnosticReport = "DiagnosticReport"
    case procedure = "Procedure"
    case detectedIssue = "DetectedIssue"
}

/// How a resource names its patient.
package enum PatientReference: Sendable {
    /// The names that may equal the event's subject: for a reference its last segment, for a
    /// Patient its `id` and every `identifier.value`.
    case names([String])
    /// Only by `identifier.value`, without a reference.
    case identifierOnly(String)
}

/// What a resource says, by what the fold does with it.
package enum Content: Sendable {
    case patient(PatientContent)
    /// By far the widest: copied as a reference.
    indirect case clinical(ClinicalContent)
    /// With its places in the event, which only who refuses it needs.
    indirect case review(ReviewContent, at: ReviewPlaces)
}

/// The FHIR Patient elements that are read.
package struct PatientContent: Sendable {
    package var birthDate: ClinicalTime?
    /// `male`, `female`, `other`, `unknown`, or nil.
    package var gender: String?
    /// nil counts as true.
    package var active: Bool?
    package var deceased: Deceased?
    /// Whether `generalPractitioner` or `managingOrganization` is present.
    package var namesPractice: Bool
    /// `link` of type `replaced-by` or `replaces`.
    package var links: [PatientLink]

    package init(
        birthDate: ClinicalTime? = nil, gender: String? = nil, active: Bool? = nil,
        deceased: Deceased? = nil, namesPractice: Bool = false, links: [PatientLink] = []
    ) {
        self.birthDate = birthDate
        self.gender = gender
        self.active = active
        self.deceased = deceased
        self.namesPractice = namesPractice
        self.links = links
    }

    /// `deceasedBoolean` or `deceasedDateTime`.
    package enum Deceased: Sendable {
        case boolean(Bool)
        case at(ClinicalTime)
    }
}

/// A statement that two Patient resources are about one patient.
package struct PatientLink: Hashable, Sendable {
    /// Which of the two is used on.
    package enum Direction: String, CaseIterable, Sendable {
        case replacedBy = "replaced-by"
        case replaces
    }

    package var direction: Direction
    /// How the other one is named: by its reference's last segment, and by its identifier.
    package var names: [String]

    package init(direction: Direction, names: [String]) {
        self.direction = direction
        self.names = names
    }
}

/// A medicine, condition, result, contact or procedure: what the rules' retrieves see.
package struct ClinicalContent: Sendable {
    /// Whether clinical.md section 1.8 counts it at all ("Never counted, in either pack").
    package var counts: Bool
    /// Every coding that counts for code lists: `code`, `component.code`, `Encounter.type` and
    /// `reasonCode`, the medicine's codings; in document order.
    package var codings: [Coding]
    /// `text` of the code or medicine, else the first coding's `display`: for people.
    package var text: String?
    /// The clinical date of clinical.md section 1.8; nil where the resource names none.
    package var date: ClinicalTime?
    /// `abatement[x]`, `period.end`.
    package var end: ClinicalTime?
    /// What of it becomes part of the fact as it is.
    package var details: FactDetails
    /// What only medicines have.
    package var supply: Supply?

    package init(
        counts: Bool = true, codings: [Coding] = [], text: String? = nil,
        date: ClinicalTime? = nil, end: ClinicalTime? = nil,
        details: FactDetails = FactDetails(), supply: Supply? = nil
    ) {
        self.counts = counts
        self.codings = codings
        self.text = text
        self.date = date
        self.end = end
        self.details = details
        self.supply = supply
    }
}

/// A code in a code system.
package struct Coding: Hashable, Sendable {
    /// The system's URI; empty where the coding names none.
    package var system: String
    package var code: String
    package var display: String?

    package init(system: String, code: String, display: String? = nil) {
        self.system = system
        self.code = code
        self.display = display
    }
}

/// The `value[x]` of an Observation or of a component.
package enum ObservedValue: Sendable {
    case quantity(ObservedQuantity)
    case codings([Coding])
    case text(String)
    case boolean(Bool)
}

/// A FHIR Quantity as written.
///
/// An object, since facts are wide enough and many have none, or share one.
package final class ObservedQuantity: Sendable {
    /// The decimal's text, such as `7.10`: exact, never a binary fraction.
    package let value: String
    /// `<`, `<=`, `>=`, `>` or nil.
    package let comparator: String?
    /// `code` if the system is UCUM, else `unit`.
    package let unit: String?

    package init(value: String, comparator: String? = nil, unit: String? = nil) {
        self.value = value
        self.comparator = comparator
        self.unit = unit
    }
}

/// A component of an Observation.
package struct ObservedComponent: Sendable {
    package var codings: [Coding]
    package var value: ObservedValue

    package init(codings: [Coding], value: ObservedValue) {
        self.codings = codings
        self.value = value
    }
}

/// What an order, dispense or statement says of its course and of how long a supply lasts.
///
/// Shared rather than copied: it is wide, and most that handle a medicine never look at it.
package final class Supply: Sendable {
    package let intent: String?
    /// `doNotPerform`: the medicine is not to be given.
    package let isForbidden: Bool
    /// Last segments of `basedOn` references.
    package let basedOn: [String]
    /// `groupIdentifier.value`, and what `basedOn` names that is no order: a form or a plan of
    /// care may be of several medicines.
    package let groups: [String]
    /// Last segment of `priorPrescription`.
    package let prior: String?
    /// Last segments of `authorizingPrescription` references.
    package let authorizing: [String]
    /// `expectedSupplyDuration` or `daysSupply`.
    package let duration: ObservedQuantity?
    /// `numberOfRepeatsAllowed`.
    package let repeats: Int?
    /// `validityPeriod.end`.
    package let validUntil: ClinicalTime?

    package init(
        intent: String? = nil, basedOn: [String] = [], groups: [String] = [],
        prior: String? = nil, authorizing: [String] = [], duration: ObservedQuantity? = nil,
        repeats: Int? = nil, validUntil: ClinicalTime? = nil, isForbidden: Bool = false
    ) {
        self.intent = intent
        self.isForbidden = isForbidden
        self.basedOn = basedOn
        self.groups = groups
        self.prior = prior
        self.authorizing = authorizing
        self.duration = duration
        self.repeats = repeats
        self.validUntil = validUntil
    }
}

/// A pharmacist's or clinician's decision about a flag (protocol section 7).
package struct ReviewContent: Sendable {
    package var flagID: String
    /// `accept`, `act`, `override`, `snooze`, `hand-over` or `reopen`.
    package var action: String
    /// The `id` of the output event that the reviewer saw.
    package var seen: String?
    package var date: ClinicalTime
    package var until: ClinicalTime?
    /// The `mitigation` element as compact JSON, to be carried by the flag's later events.
    package var mitigation: [UInt8]

    package init(
        flagID: String, action: String, seen: String?, date: ClinicalTime, until: ClinicalTime?,
        mitigation: [UInt8]
    ) {
        self.flagID = flagID
        self.action = action
        self.seen = seen
        self.date = date
        self.until = until
        self.mitigation = mitigation
    }
}

/// Where in its event a review says what can be wrong about it, as JSON Pointers.
package struct ReviewPlaces: Sendable {
    package var flag: String
    package var date: String
    /// Where there is none, as for `seen`, the decision that lacks it.
    package var until: String
    package var seen: String
    /// Whether `until` comes before `date` in the document.
    package var isUntilFirst: Bool

    package init(flag: String, date: String, until: String, seen: String, isUntilFirst: Bool) {
        self.flag = flag
        self.date = date
        self.until = until
        self.seen = seen
        self.isUntilFirst = isUntilFirst
    }
}
