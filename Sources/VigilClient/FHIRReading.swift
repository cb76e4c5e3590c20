// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// What an envelope takes from a FHIR resource: its kind, its subject and its clinical time.
enum FHIRReading {
    /// A moment with the text that names it in the envelope.
    struct Moment {
        var instant: Instant
        /// RFC 3339.
        var text: String
    }

    /// The kind that takes a resource, or nil where none does.
    static func kind(of resource: JSONValue, type: String) -> EventKind? {
        switch ResourceType(rawValue: type) {
        case .patient: .patient
        case .encounter: .encounter
        case .condition, .allergyIntolerance: .condition
        case .medicationRequest, .medicationDispense, .medicationStatement: .prescription
        case .observation: resource.member("device").first == nil ? .observation : .device
        case .diagnosticReport, .procedure: .observation
        case .detectedIssue: .review
        case nil: nil
        }
    }

    /// Whom a resource is about: a Patient's `id`; else the last segment of the reference, or the
    /// identifier where that is all there is.
    static func subject(of resource: JSONValue, type: String) -> String? {
        if type == ResourceType.patient.rawValue { return resource.string("id") }
        let named = patient(of: resource)
        if let reference = named?.string("reference"), let last = lastSegment(reference) {
            return last
        }
        return named?.member("identifier").first?.string("value")
    }

    /// What names the patient of a resource that is no Patient.
    static func patient(of resource: JSONValue) -> JSONValue? {
        resource.member("subject").first ?? resource.member("patient").first
    }

    /// What a reference ends in: after `urn:uuid:`, without `/_history/...`.
    static func lastSegment(_ reference: String) -> String? {
        var text = Substring(reference)
        if text.hasPrefix("urn:uuid:") { text = text.dropFirst("urn:uuid:".count) }
        return segments(text).last.flatMap { $0.isEmpty ? nil : String($0) }
    }

    /// What stands between the slashes of a reference, without `/_history/...`.
    static func segments(_ reference: Substring) -> ArraySlice<Substring> {
        let parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        return parts[..<(parts.firstIndex(of: "_history") ?? parts.endIndex)]
    }

    /// The clinical time of a resource, or nil where it names none; nil for a Patient.
    static func clinicalTime(of resource: JSONValue, type: String) -> Moment? {
        for path in paths(of: type) {
            if let moment = moment(resource, path.element, path.part) { return moment }
        }
        return nil
    }

    /// When the resource was last changed, the time of one that names no other.
    static func lastUpdated(of resource: JSONValue) -> Moment? {
        moment(resource, "meta", "lastUpdated")
    }

    /// A Patient's date of birth, the time of one of whom nothing else is known.
    static func birthDate(of resource: JSONValue) -> Moment? {
        moment(resource, "birthDate", nil)
    }

    /// The time that a Bundle names for itself.
    static func timestamp(of bundle: JSONValue) -> Moment? {
        moment(bundle, "timestamp", nil) ?? lastUpdated(of: bundle)
    }

    private typealias Path = (element: StaticString, part: StaticString?)

    /// Where the clinical date of a type stands, by precedence.
    private static func paths(of type: String) -> [Path] {
        switch ResourceType(rawValue: type) {
        case .medicationRequest: [("authoredOn", nil)]
        case .medicationDispense: [("whenHandedOver", nil), ("whenPrepared", nil)]
        case .medicationStatement: [("effectiveDateTime", nil), ("effectivePeriod", "start")]
        case .condition, .allergyIntolerance:
            [("onsetDateTime", nil), ("onsetPeriod", "start"), ("recordedDate", nil)]
        case .observation, .diagnosticReport:
            [
                ("effectiveDateTime", nil), ("effectiveInstant", nil), ("effectivePeriod", "end"),
                ("effectivePeriod", "start"), ("issued", nil),
            ]
        case .encounter: [("period", "start")]
        case .procedure:
            [("performedDateTime", nil), ("performedPeriod", "start"), ("performedPeriod", "end")]
        case .detectedIssue: [("identifiedDateTime", nil), ("identifiedPeriod", "start")]
        case .patient, nil: []
        }
    }

    private static func moment(
        _ resource: JSONValue, _ element: StaticString, _ part: StaticString?
    ) -> Moment? {
        guard var value = resource.member(element).first else { return nil }
        if let part {
            guard let inner = value.member(part).first else { return nil }
            value = inner
        }
        guard value.kind == .string, let time = TimeText.dateTime(fhir: value.textBytes) else {
            return nil
        }
        if let instant = time.instant { return Moment(instant: instant, text: value.text) }
        let midnight = Instant(day: time.writtenDay, millisecondOfDay: 0)
        return Moment(instant: midnight, text: midnight.toTheSecond)
    }
}
