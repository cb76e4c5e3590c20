// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A code that some resource carried, interned: dense, in order of first appearance in the log.
package struct CodingID: Hashable, Comparable, Sendable {
    package var index: Int32

    package init(index: Int32) {
        self.index = index
    }

    package static func < (left: CodingID, right: CodingID) -> Bool {
        left.index < right.index
    }
}

/// The newest known version of one clinical resource, reduced to what rules read.
///
/// Display texts and references stay in the log: the output encoder reads them at `offset`.
package struct Fact: Sendable {
    package var type: ResourceType
    /// The record of the version that counts.
    package var offset: UInt64
    /// Ascending, without repetition.
    package var codings: [CodingID]
    /// The clinical date (clinical.md section 1.8).
    package var date: ClinicalTime
    /// The same as a day in the log's zone.
    package var day: CivilDay
    /// `abatement[x]` or `period.end`, as a day in the log's zone; for a condition also the day
    /// since which its versions have said that it is over, if that is earlier.
    package var endDay: CivilDay?
    /// `period.end` of an encounter, where that is a moment.
    package var endsAt: Instant?
    /// From this day on it is no exposure any more: the order was stopped.
    package var stoppedOn: CivilDay?
    /// The number of the issue: 0 on the record's own date, then one a repeat of an order.
    package var issue: Int32 = 0
    /// The day on which the supply is used up; nil where none is stated.
    package var supplyEnd: CivilDay?
    /// What ties a medicine's record to others of the same supply.
    package var supply: SupplyIdentity?
    /// What else it says.
    package var details: FactDetails
    /// The log's time at which the resource was first known to say anything like it.
    package var known = Instant.never

    package init(
        type: ResourceType, offset: UInt64, codings: [CodingID], date: ClinicalTime, day: CivilDay,
        endDay: CivilDay? = nil, details: FactDetails = FactDetails()
    ) {
        self.type = type
        self.offset = offset
        self.codings = codings
        self.date = date
        self.day = day
        self.endDay = endDay
        self.details = details
    }
}

/// What a version of a resource says that rules read, beside its codes and its days.
///
/// An object, since it is wide, facts pass through many hands, and many of a patient say the same.
package final class FactDetails: Sendable {
    /// FHIR status (for a Condition the `clinicalStatus` code), as written.
    package let status: String?
    /// `issued`, when a result was made known: it decides between results of one date.
    package let issued: Instant?
    /// The `value[x]` of an Observation.
    package let value: ObservedValue?
    /// Components of an Observation that carry a value, in document order.
    package let components: [ObservedComponent]
    /// The upper end of an Observation's first reference range.
    package let referenceHigh: ObservedQuantity?
    /// The code of an Encounter's `class`, such as `EMER`.
    package let encounterClass: String?
    /// How much of a medicine was ordered or supplied: `quantity` (of `dispenseRequest` for a
    /// request).
    package let quantity: ObservedQuantity?
    /// How a medicine is to be taken, `dosageInstruction` as far as rules read it: a text of
    /// `DosageInstruction`; nil where nothing is said.
    package let directions: String?
    /// Whether route or form of a medicine say that it is inhaled; nil where they say nothing.
    package let isInhaled: Bool?

    package init(
        status: String? = nil, issued: Instant? = nil, value: ObservedValue? = nil,
        components: [ObservedComponent] = [], referenceHigh: ObservedQuantity? = nil,
        encounterClass: String? = nil, quantity: ObservedQuantity? = nil,
        directions: String? = nil, isInhaled: Bool? = nil
    ) {
        self.status = status
        self.issued = issued
        self.value = value
        self.components = components
        self.referenceHigh = referenceHigh
        self.encounterClass = encounterClass
        self.quantity = quantity
        self.directions = directions
        self.isInhaled = isInhaled
    }
}

/// What ties an order, dispense or statement to other records of the same supply.
///
/// Shared by the issues of an order, and rather referred to than copied.
package final class SupplyIdentity: Sendable {
    /// Whose record it is; ids are a source's own.
    package let source: ExactText
    /// Of the resource's `id`.
    package let id: IdentifierHash
    /// Of the ids that it names: a dispense its orders, a statement what it repeats.
    package let names: [IdentifierHash]

    package init(source: ExactText, id: IdentifierHash, names: [IdentifierHash]) {
        self.source = source
        self.id = id
        self.names = names
    }
}

/// What rules may ask about one patient.
package struct PatientFacts: Sendable {
    /// In ascending order of clinical day, then instant, then log offset.
    package var facts: [Fact]
    package var birth: ClinicalTime?
    /// The record that says so.
    package var birthOffset: UInt64?
    package var gender: String?
    /// Dead on this day and after; nil while not known to be dead.
    package var deathDay: CivilDay?
    /// The day from which the patient has been registered since last joining a practice, the first
    /// time from the beginning; nil if never registered.
    package var registrationDay: CivilDay?
    /// The last day of registration; nil while registered or never registered.
    package var deregistrationDay: CivilDay?

    package init(
        facts: [Fact] = [], birth: ClinicalTime? = nil, birthOffset: UInt64? = nil,
        gender: String? = nil, deathDay: CivilDay? = nil, registrationDay: CivilDay? = nil,
        deregistrationDay: CivilDay? = nil
    ) {
        self.facts = facts
        self.birth = birth
        self.birthOffset = birthOffset
        self.gender = gender
        self.deathDay = deathDay
        self.registrationDay = registrationDay
        self.deregistrationDay = deregistrationDay
    }
}
