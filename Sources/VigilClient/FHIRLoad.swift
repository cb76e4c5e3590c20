// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Merges FHIR resources of many files into events in the order of their clinical times
/// (protocol section 9, `vigil publish`).
///
/// The envelope depends on the resources alone, so the same files again are all duplicates.
package final class FHIRLoad {
    private let source: String
    private let practice: String
    private let document = JSONDocument()
    private var entries: [FHIREntry] = []
    private var textCount = 0
    private var medications = MedicationShelf()
    private var patients = PatientShelf()
    private let editor = ReferenceEditor()
    private var skipped: [String: Int] = [:]
    /// Resources that no envelope can be made for.
    package private(set) var refusals: [Refusal] = []

    /// Begins without resources.
    ///
    /// - Parameters:
    ///   - source: The CloudEvents `source` of every event.
    ///   - practice: The practice in every topic.
    package init(source: String, practice: String) {
        self.source = source
        self.practice = practice
    }

    /// Resources left out so far, by type; not the Medications, which others may refer to.
    package var skippedByType: [String: Int] {
        skipped
    }

    /// The events of all that was added, in their order; what has no time at all is refused.
    package func events() -> FHIREvents {
        resolvePatients()
        FHIREvents.movePatientsForward(&entries)
        for entry in entries where entry.moment == nil {
            let name = "\(entry.type)/\(entry.id)"
            refuse(entry.origin, "\(name) has no date and no meta.lastUpdated", at: "/data")
        }
        entries.removeAll { $0.moment == nil }
        return FHIREvents(entries, medications, source: source, practice: practice)
    }

    /// Gives what refers to a Patient by the `fullUrl` of its entry that Patient's id.
    private func resolvePatients() {
        for index in entries.indices {
            let entry = entries[index]
            guard let reference = entry.patientReference,
                let id = patients.id(reference, bundle: entry.bundle), id != entry.subject,
                let resource = editor.refer(entry.resource, toPatient: id)
            else { continue }
            entries[index].subject = id
            entries[index].resource = resource
        }
    }

    /// Adds a Bundle or a resource.
    ///
    /// - Parameters:
    ///   - text: The JSON text.
    ///   - file: The name of the file for messages to people.
    ///   - position: The line of the text, or 1.
    ///   - unit: What positions count: the lines of an NDJSON file, or the resources of a file
    ///     that is one JSON text; a line that is a Bundle is named by its line.
    /// - Returns: false where the text is not a FHIR resource.
    package func add(_ text: [UInt8], file: String, position: Int, unit: EventOrigin.Unit) -> Bool {
        do {
            return try document.withRoot(of: text) { root in
                guard let type = root.string("resourceType") else { return false }
                textCount += 1
                let origin = EventOrigin(file: file, position: position, unit: unit)
                if type == "Bundle" {
                    addBundle(root, origin)
                } else {
                    add(root, type, nil, origin, fallback: nil)
                }
                return true
            }
        } catch {
            return false
        }
    }

    private func addBundle(_ bundle: JSONValue, _ origin: EventOrigin) {
        let timestamp = FHIRReading.timestamp(of: bundle)
        var origin = origin
        guard let list = bundle.member("entry").first else { return }
        for (index, entry) in list.children.enumerated() {
            if origin.unit == .resource { origin.position = index + 1 }
            guard let resource = entry.member("resource").first,
                let type = resource.string("resourceType")
            else {
                skipped["(no resource)", default: 0] += 1
                continue
            }
            add(resource, type, entry.string("fullUrl"), origin, fallback: timestamp)
        }
    }

    private func add(
        _ resource: JSONValue, _ type: String, _ fullURL: String?, _ origin: EventOrigin,
        fallback: FHIRReading.Moment?
    ) {
        if type == "Medication" {
            medications.keep(
                resource.compactText, id: resource.string("id"), fullURL: fullURL,
                bundle: textCount)
            return
        }
        guard let kind = FHIRReading.kind(of: resource, type: type) else {
            skipped[type, default: 0] += 1
            return
        }
        guard let id = resource.string("id"), !id.isEmpty else {
            refuse(origin, "a \(type) without an id cannot be published", at: "/data")
            return
        }
        guard let subject = FHIRReading.subject(of: resource, type: type), !subject.isEmpty else {
            refuse(origin, "\(type)/\(id) does not name its patient", at: "/data")
            return
        }
        if kind == .patient, let fullURL {
            patients.keep(id, fullURL: fullURL, bundle: textCount)
        }
        let moment =
            FHIRReading.clinicalTime(of: resource, type: type)
            ?? FHIRReading.lastUpdated(of: resource) ?? fallback
            ?? FHIRReading.birthDate(of: resource)
        let patientReference =
            kind == .patient ? nil : FHIRReading.patient(of: resource)?.string("reference")
        let medicationReference =
            resource.member("medicationReference").first?.string("reference")
        entries.append(
            FHIREntry(
                type: type, kind: kind, id: id, subject: subject, moment: moment,
                resource: resource.compactText, patientReference: patientReference,
                medicationReference: medicationReference, bundle: textCount, origin: origin))
    }

    private func refuse(_ origin: EventOrigin, _ message: String, at pointer: String) {
        refusals.append(
            Refusal(
                origin: origin, code: Rejection.Code.missingElement.rawValue, message: message,
                pointer: pointer))
    }
}
