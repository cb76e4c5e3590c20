// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Reads inbound messages, in two stages with the duplicate check between them.
///
/// Rejection codes apply in an order (protocol section 4): whether the sender may write and
/// whether the event was here before is decided after its attributes and before its resource.
/// An instance serves one thread at a time and reuses its buffers.
package final class EventDecoder {
    private let document = JSONDocument()
    private let buffers = DecoderBuffers()
    private var generation: UInt64 = 0

    /// Makes a decoder with empty buffers.
    package init() {}

    /// Reads the CloudEvents attributes of an event; the whole text is checked to be JSON.
    ///
    /// - Parameters:
    ///   - event: The event's frame.
    ///   - maximumBytes: The longest event taken.
    /// - Returns: The attributes; they hold beyond the next call.
    /// - Throws: `EnvelopeRejection` with `too-large`, `malformed-json` or `not-cloudevents`.
    package func readEnvelope(
        _ event: [UInt8], maximumBytes: Int
    ) throws(EnvelopeRejection) -> Envelope {
        guard event.count <= maximumBytes else {
            throw EnvelopeRejection(
                Rejection(
                    .tooLarge,
                    "The event has \(event.count) bytes; at most \(maximumBytes) are taken."))
        }
        generation &+= 1
        let root: JSONValue
        do {
            root = try document.unsafeParse(event)
        } catch {
            throw EnvelopeRejection(
                Rejection(
                    .malformedJSON,
                    "The event is not JSON: \(error.message), at byte \(error.offset)."
                ))
        }
        var reader = EnvelopeReader(root, texts: buffers.texts)
        return try reader.read(generation: generation)
    }

    /// Reads the topic and the resource of the event whose envelope was read last.
    ///
    /// - Parameters:
    ///   - envelope: What the newest `readEnvelope` of this decoder returned.
    ///   - topic: The topic's frame.
    ///   - zone: The zone in which the source writes times without an offset; nil where FHIR's
    ///     rule holds, that each has one.
    /// - Returns: The event as the fold takes it, or the instant of a clock event.
    /// - Throws: `Rejection` with `unsupported-type`, `topic-mismatch`, `not-fhir`,
    ///   `missing-element` or `invalid-element`, or `malformed-json` for a repeated member.
    package func readResource(
        _ envelope: Envelope, topic: [UInt8], zone: ZoneTable? = nil
    ) throws(Rejection) -> DecodedEvent {
        precondition(envelope.generation == generation, "the document is another event's")
        guard let type = envelope.type else {
            throw Rejection(
                .unsupportedType, "The daemon takes no event of this type.", at: "/type")
        }
        guard let topic = InboundTopic(topic) else {
            try checkMembers(of: envelope, type)
            throw Rejection(.topicMismatch, "The topic is not <kind>.<practice>.")
        }
        switch (type, topic) {
        case (.clock, .clock):
            return .clock(envelope.time)
        case (.load(let bound), .load(let topicBound)) where bound == topicBound:
            return .load(bound)
        case (.resource(let kind, let action), .kind(let topicKind, let practice))
        where kind == topicKind:
            let resource = try readData(envelope, kind: kind, action: action, zone: zone)
            return .input(
                InputEvent(
                    kind: kind, practice: practice, id: envelope.id, source: envelope.source,
                    subject: envelope.subject, action: action, time: envelope.time,
                    sequence: envelope.sequence, epoch: envelope.epoch, resource: resource))
        default:
            try checkMembers(of: envelope, type)
            throw Rejection(
                .topicMismatch, "The type and the topic are of different kinds.", at: "/type")
        }
    }

    /// Refuses what has a member twice, before its topic is judged.
    private func checkMembers(of envelope: Envelope, _ type: InboundType) throws(Rejection) {
        guard case .resource(let kind, let action) = type else { return }
        do throws(Rejection) {
            _ = try readData(envelope, kind: kind, action: action, zone: nil)
        } catch {
            if error.code == .malformedJSON { throw error }
        }
    }

    /// Says of a clock event that the log's clock is not for others to set, whatever its topic.
    ///
    /// - Throws: `Rejection` with `unsupported-type`.
    package static func checkClock(_ envelope: Envelope, isSettable: Bool) throws(Rejection) {
        guard envelope.type == .clock, !isSettable else { return }
        throw Rejection(
            .unsupportedType, "This log runs on the wall clock: nobody else may set it.",
            at: "/type")
    }

    private func readData(
        _ envelope: Envelope, kind: EventKind, action: EventAction, zone: ZoneTable?
    ) throws(Rejection) -> Resource {
        guard let data = envelope.dataIndex.flatMap({ document.value(at: $0) }) else {
            throw Rejection(.notFHIR, "The event has no data: a FHIR resource is needed.")
        }
        guard data.kind == .object else {
            throw Rejection(.notFHIR, "data is not a FHIR resource.", at: data.pointer)
        }
        var reader = FHIRReader(data, zone: zone, buffers: buffers)
        let named = reader.element(.resourceType, of: data)
        // Which of two types it is to be nobody can say: that is a fault of the JSON.
        if let rejection = reader.problems.rejection { throw rejection }
        if let named, named.kind != .string {
            throw Rejection(.notFHIR, "resourceType is not a text.", at: named.pointer)
        }
        guard let name = named else {
            throw Rejection(
                .notFHIR, "data has no resourceType: a FHIR resource is needed.", at: data.pointer)
        }
        guard let type = ResourceType(named: name), kind.resourceTypes.contains(type) else {
            throw Rejection(
                .notFHIR, "Events of kind \(kind.rawValue) do not carry this resource type.",
                at: name.pointer)
        }
        let resource = reader.read(type, isDeleted: action == .deleted)
        if let rejection = reader.problems.rejection { throw rejection }
        return resource
    }

    /// Checks that a resource which names its patient names the event's subject, as a source in
    /// mode `same` promises (protocol section 3).
    ///
    /// - Throws: `Rejection` with `subject-mismatch`.
    package static func checkSubject(_ event: InputEvent) throws(Rejection) {
        guard case .names(let names) = event.resource.patient,
            // By bytes: strings that Unicode calls equivalent are different identifiers.
            !names.contains(where: { $0.isExactly(event.subject) })
        else { return }
        let type = event.resource.type
        // Of a deleted Patient `resourceType` and `id` suffice, and the subject may be one of the
        // identifiers that are not there any more.
        if type == .patient, event.action == .deleted, names.count <= 1 { return }
        let pointer = type == .patient ? "/data/id" : "/data/\(type.patientElement)"
        throw Rejection(
            .subjectMismatch, "The resource names another patient than the event's subject.",
            at: pointer)
    }
}

/// What a decoder uses again for one event after another.
struct DecoderBuffers {
    let members = MemberTable()
    let texts = JSONTextCache()
    let concepts = ConceptCache()
    let directions = ReadCache<DirectionsText>()
    let amounts = ReadCache<SupplyAmount>()
}

/// What an inbound message is.
package enum DecodedEvent: Sendable {
    /// An event about a patient.
    case input(InputEvent)
    /// The event clock is to be moved to this instant, the event's `time`.
    case clock(Instant)
    /// A bulk load of the event's source begins or has ended.
    case load(LoadBound)
}

extension EventKind {
    /// The FHIR resource types that events of this kind carry.
    package var resourceTypes: [ResourceType] {
        switch self {
        case .patient: [.patient]
        case .encounter: [.encounter]
        case .condition: [.condition, .allergyIntolerance]
        case .prescription: [.medicationRequest, .medicationDispense, .medicationStatement]
        case .observation: [.observation, .diagnosticReport, .procedure]
        case .device: [.observation]
        case .review: [.detectedIssue]
        }
    }
}

extension ResourceType {
    fileprivate init?(named value: JSONValue) {
        guard let type = value.textBytes.named(in: ResourceType.names) else { return nil }
        self = type
    }

    private static let names: [(text: StaticString, name: ResourceType)] = [
        ("Patient", .patient), ("Encounter", .encounter), ("Condition", .condition),
        ("AllergyIntolerance", .allergyIntolerance), ("MedicationRequest", .medicationRequest),
        ("MedicationDispense", .medicationDispense), ("MedicationStatement", .medicationStatement),
        ("Observation", .observation), ("DiagnosticReport", .diagnosticReport),
        ("Procedure", .procedure), ("DetectedIssue", .detectedIssue),
    ]
}
