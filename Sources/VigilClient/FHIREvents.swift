// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// The events of FHIR resources, one after the other in the order of clinical time.
package final class FHIREvents {
    private let entries: [FHIREntry]
    private let order: [Int]
    private var position = 0
    private var medications: MedicationShelf
    private let editor = ReferenceEditor()
    private let source: String
    private let practice: String

    init(
        _ entries: [FHIREntry], _ medications: MedicationShelf, source: String, practice: String
    ) {
        self.entries = entries
        self.order = FHIREvents.sorted(entries)
        self.medications = medications
        self.source = source
        self.practice = practice
    }

    /// The number of events, also those already taken.
    package var count: Int {
        entries.count
    }

    /// Medications that no event taken so far refers to.
    package var unusedMedicationCount: Int {
        medications.unusedCount
    }

    /// Gives each Patient the earliest time of all that is about it.
    static func movePatientsForward(_ entries: inout [FHIREntry]) {
        var earliest: [String: FHIRReading.Moment] = [:]
        for entry in entries where entry.kind != .patient {
            guard let moment = entry.moment else { continue }
            if let found = earliest[entry.subject], found.instant <= moment.instant { continue }
            earliest[entry.subject] = moment
        }
        for index in entries.indices where entries[index].kind == .patient {
            if let moment = earliest[entries[index].subject] { entries[index].moment = moment }
        }
    }

    /// By time; at one time Patients before what is about them; else as they were read.
    private static func sorted(_ entries: [FHIREntry]) -> [Int] {
        let keys = entries.map { entry in
            (entry.moment?.instant.milliseconds ?? 0, entry.kind == .patient ? 0 : 1)
        }
        return entries.indices.sorted { left, right in
            let (first, second) = (keys[left], keys[right])
            return first == second ? left < right : first < second
        }
    }

    /// The next event, or nil after the last.
    package func next() -> OutgoingEvent? {
        guard position < order.count else { return nil }
        let entry = entries[order[position]]
        position += 1
        var resource = entry.resource
        if let reference = entry.medicationReference,
            let medication = medications.take(reference, bundle: entry.bundle)
        {
            resource = editor.include(medication, in: resource) ?? resource
        }
        // It changes with the resource as it is sent, so that another version is another event.
        let digest = hexadecimal(SHA256.digest(of: resource).prefix(8))
        let id = "\(entry.type)/\(entry.id)/\(digest)"
        return OutgoingEvent(
            topic: "\(entry.kind.rawValue).\(practice)", event: envelope(entry, id, resource),
            id: id, origin: entry.origin, source: source)
    }

    /// The CloudEvents object.
    private func envelope(_ entry: FHIREntry, _ id: String, _ resource: [UInt8]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("specversion", "1.0")
            json.string("id", id)
            json.string("source", source)
            json.string("type", "health.vigil.\(entry.kind.rawValue).created.v1")
            json.string("subject", entry.subject)
            json.string("time", entry.moment?.text ?? "")
            json.string("datacontenttype", "application/fhir+json")
            json.raw("data", resource)
        }
        return json.bytes
    }
}
