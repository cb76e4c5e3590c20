// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// From a resource's JSON to what the fold reads.
extension FHIRReader {
    /// The resource of a type that the event's kind takes.
    mutating func read(_ type: ResourceType, isDeleted: Bool) -> Resource {
        let id = readID()
        let meta = object(.meta, of: resource)
        let version = meta.flatMap { element(.versionId, of: $0) }.flatMap { versionNumber($0) }
        let lastUpdated = meta.flatMap { instant(.lastUpdated, of: $0) }
        let patient = patientReference(of: type, id: id)
        return Resource(
            type: type, id: id ?? "", versionNumber: version,
            lastUpdated: lastUpdated, patient: patient,
            content: isDeleted ? nil : content(of: type))
    }

    /// A `meta.versionId`, if it is an integer; any other text is as good as none.
    private mutating func versionNumber(_ value: JSONValue) -> VersionNumber? {
        guard isString(value) else { return nil }
        // Nearly all are plain and short, and are read here without a call across modules for each
        // of their digits.
        if let plain = unsigned(value.textBytes).flatMap({ Int64(exactly: $0) }) {
            return VersionNumber(plain)
        }
        return VersionNumber(value.textBytes)
    }

    /// FHIR's `id`: 1 to 64 letters, digits, hyphens and dots.
    private mutating func readID() -> String? {
        guard let value = required(.id, of: resource) else { return nil }
        let bytes = value.textBytes
        guard value.kind == .string, (1...64).contains(bytes.count), bytes.allSatisfy(isIDByte)
        else {
            invalid(value, "id is not 1 to 64 letters, digits, hyphens and dots.")
            return nil
        }
        return value.text
    }

    private func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default:
            false
        }
    }

    /// nil for what was entered in error: whatever else it says is of no account.
    private mutating func content(of type: ResourceType) -> Content? {
        var status: String?
        if let statuses = FHIRCodes.statuses(of: type) {
            status = requiredCode(.status, of: resource, in: statuses)
            if status == "entered-in-error" { return nil }
        }
        let counts = status.map { FHIRCodes.counts($0, of: type) } ?? true
        switch type {
        case .patient:
            return .patient(patient())
        case .condition:
            return condition(
                clinical: FHIRCodes.conditionClinical,
                system: "http://terminology.hl7.org/CodeSystem/condition-clinical",
                verification: FHIRCodes.conditionVerification,
                system: "http://terminology.hl7.org/CodeSystem/condition-ver-status")
        case .allergyIntolerance:
            return condition(
                clinical: FHIRCodes.allergyClinical,
                system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                verification: FHIRCodes.allergyVerification,
                system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification")
        case .medicationRequest:
            return .clinical(medicationRequest(status: status, counts: counts))
        case .medicationDispense:
            return .clinical(medicationDispense(status: status, counts: counts))
        case .medicationStatement:
            return .clinical(medicationStatement(status: status, counts: counts))
        case .observation:
            return .clinical(observation(status: status, counts: counts))
        case .diagnosticReport:
            return .clinical(diagnosticReport(status: status, counts: counts))
        case .encounter:
            return .clinical(encounter(status: status, counts: counts))
        case .procedure:
            return .clinical(procedure(status: status, counts: counts))
        case .detectedIssue:
            return review()
        }
    }

    private mutating func patient() -> PatientContent {
        var deceased: PatientContent.Deceased?
        if let value = choice("deceased", of: resource) {
            if value.isNamed(.deceasedBoolean) {
                deceased = boolean(value).map { .boolean($0) }
            } else if value.isNamed(.deceasedDateTime) {
                deceased = dateTime(value).map { .at($0) }
            }
        }
        let practitioners = objects(.generalPractitioner, of: resource)
        let organization = object(.managingOrganization, of: resource)
        return PatientContent(
            birthDate: date(.birthDate, of: resource),
            gender: code(.gender, of: resource, in: FHIRCodes.gender),
            active: boolean(.active, of: resource), deceased: deceased,
            namesPractice: practitioners.first != nil || organization != nil,
            links: links())
    }

    /// A Condition or AllergyIntolerance; nil where it was entered in error.
    private mutating func condition(
        clinical: [StaticString], system clinicalSystem: StaticString,
        verification: [StaticString], system verificationSystem: StaticString
    ) -> Content? {
        let verified = conceptCode(
            .verificationStatus, of: resource, system: verificationSystem, in: verification)
        if verified == "entered-in-error" { return nil }
        let status = conceptCode(
            .clinicalStatus, of: resource, system: clinicalSystem, in: clinical)
        let code = element(.code, of: resource).map { concept($0) } ?? Concept()
        let recorded = dateTime(.recordedDate, of: resource)
        let onset = choice("onset", of: resource).flatMap {
            startOrTime($0, dateTime: .onsetDateTime, period: .onsetPeriod)
        }
        var end: ClinicalTime?
        if let value = choice("abatement", of: resource) {
            if value.isNamed(.abatementDateTime) {
                end = dateTime(value)
            } else if value.isNamed(.abatementPeriod) {
                let (first, last) = period(value)
                end = last ?? first
            }
        }
        return .clinical(
            ClinicalContent(
                counts: verified != "refuted" && verified != "differential",
                codings: code.codings, text: code.text, date: onset ?? recorded, end: end,
                details: FactDetails(status: status)))
    }

    /// A dateTime, or the start of a Period; nil for the other types of a choice.
    private mutating func startOrTime(
        _ value: JSONValue, dateTime: MemberName, period: MemberName
    ) -> ClinicalTime? {
        if value.isNamed(dateTime) { return self.dateTime(value) }
        return value.isNamed(period) ? self.period(value).start : nil
    }

    private mutating func encounter(status: String?, counts: Bool) -> ClinicalContent {
        let types = objects(.type, of: resource)
        let reasons = objects(.reasonCode, of: resource)
        var codings: [Coding] = []
        var text: String?
        for value in (Array(types) + Array(reasons)).sorted(by: { $0.index < $1.index }) {
            let concept = concept(value)
            codings += concept.codings
            text = text ?? concept.text
        }
        let span = element(.period, of: resource).map { period($0) }
        let encounterClass =
            object(.class, of: resource)
            .flatMap { string(.code, of: $0) }?.text
        return ClinicalContent(
            counts: counts, codings: codings, text: text, date: span?.start, end: span?.end,
            details: FactDetails(status: status, encounterClass: encounterClass))
    }

    private mutating func procedure(status: String?, counts: Bool) -> ClinicalContent {
        let code = element(.code, of: resource).map { concept($0) } ?? Concept()
        var date: ClinicalTime?
        var end: ClinicalTime?
        if let value = choice("performed", of: resource) {
            if value.isNamed(.performedDateTime) {
                date = dateTime(value)
            } else if value.isNamed(.performedPeriod) {
                (date, end) = period(value)
            }
        }
        return ClinicalContent(
            counts: counts, codings: code.codings, text: code.text, date: date, end: end,
            details: FactDetails(status: status))
    }
}
