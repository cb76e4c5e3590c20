// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Whom a resource says it is about (protocol section 3).
extension FHIRReader {
    mutating func patientReference(of type: ResourceType, id: String?) -> PatientReference? {
        if type == .patient {
            var names = id.map { [$0] } ?? []
            names += identifierValues(of: resource)
            return .names(names)
        }
        guard let element = self.object(type.patientElement, of: resource) else { return nil }
        let stated = string(.type, of: element)
        if let stated, !stated.textBytes.isEmpty, !stated.hasText("Patient") {
            invalid(stated, "The reference is not to a Patient.")
        }
        let identifier = object(.identifier, of: element).flatMap { text(.value, of: $0) }
        guard let reference = string(.reference, of: element), !reference.textBytes.isEmpty
        else { return identifier.map { .identifierOnly($0) } }
        let parts = ReferenceText(reference)
        if !parts.type.isEmpty, !parts.type.isText("Patient") {
            invalid(reference, "The reference is not to a Patient.")
        }
        var names =
            parts.isContained
            ? containedPatient(parts.name, reference) : [texts.string(parts.name)]
        if let identifier { names.append(identifier) }
        return names.isEmpty ? nil : .names(names)
    }

    /// What a Patient says of records that take its place, or whose place it takes.
    mutating func links() -> [PatientLink] {
        var links: [PatientLink] = []
        for item in objects(.link, of: resource) {
            let type = requiredCode(.type, of: item, in: FHIRCodes.linkType)
            guard let other = self.object(.other, of: item) else { continue }
            var names = referenceName(other).map { [$0] } ?? []
            let identifier = self.object(.identifier, of: other).flatMap { text(.value, of: $0) }
            if let identifier, !names.contains(identifier) { names.append(identifier) }
            guard let direction = type.flatMap({ PatientLink.Direction(rawValue: $0) }),
                !names.isEmpty
            else { continue }
            links.append(PatientLink(direction: direction, names: names))
        }
        return links
    }

    private mutating func identifierValues(of object: JSONValue) -> [String] {
        var values: [String] = []
        for identifier in objects(.identifier, of: object) {
            if let value = text(.value, of: identifier) { values.append(value) }
        }
        return values
    }

    /// A contained Patient's `id` holds within the resource only: its identifiers name it.
    private mutating func containedPatient(
        _ id: ReferenceText.Part, _ reference: JSONValue
    ) -> [String] {
        guard let patient = contained(id),
            string(.resourceType, of: patient)?.hasText("Patient")
                ?? false
        else {
            invalid(reference, "The reference is not to a Patient.")
            return []
        }
        return identifierValues(of: patient)
    }

    /// The contained resource of an id.
    mutating func contained(_ id: ReferenceText.Part) -> JSONValue? {
        for candidate in objects(.contained, of: resource) {
            if let name = string(.id, of: candidate),
                name.textBytes.elementsEqual(id)
            {
                return candidate
            }
        }
        return nil
    }
}

extension ResourceType {
    /// The element that names the patient.
    var patientElement: MemberName {
        switch self {
        case .allergyIntolerance, .detectedIssue: .patient
        default: .subject
        }
    }
}
