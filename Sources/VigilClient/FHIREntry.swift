// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// A resource on its way to become an event.
struct FHIREntry {
    var type: String
    var kind: EventKind
    var id: String
    var subject: String
    /// Its time; of a Patient nil until the time of what is about it is known.
    var moment: FHIRReading.Moment?
    /// Compact JSON.
    var resource: [UInt8]
    /// How it refers to its patient; nil of a Patient.
    var patientReference: String?
    /// The Medication that it refers to.
    var medicationReference: String?
    /// The number of the Bundle that it came in.
    var bundle: Int
    var origin: EventOrigin
}

/// The Medications of the input, by what references call them.
struct MedicationShelf {
    private var texts: [[UInt8]] = []
    /// By Bundle and name.
    private var positions: [String: Int] = [:]
    private var used: Set<Int> = []

    /// Medications that nothing referred to.
    var unusedCount: Int {
        texts.count - used.count
    }

    mutating func keep(_ text: [UInt8], id: String?, fullURL: String?, bundle: Int) {
        let names = [fullURL, id.map { "Medication/\($0)" }].compactMap { $0 }
        for name in names {
            positions["\(bundle) \(name)"] = texts.count
            // Files of one resource a line have no Bundle: any of the input may be meant.
            if positions["* \(name)"] == nil { positions["* \(name)"] = texts.count }
        }
        texts.append(text)
    }

    /// The Medication that a reference in a Bundle means: one of that Bundle, else of any.
    mutating func take(_ reference: String, bundle: Int) -> [UInt8]? {
        guard !reference.hasPrefix("#") else { return nil }
        let parts = FHIRReading.segments(Substring(reference))
        let whole = parts.joined(separator: "/")
        let short = parts.suffix(2).joined(separator: "/")
        for name in ["\(bundle) \(whole)", "\(bundle) \(short)", "* \(whole)", "* \(short)"] {
            if let position = positions[name] {
                used.insert(position)
                return texts[position]
            }
        }
        return nil
    }
}

/// The ids of the input's Patients, by the `fullUrl`s of their entries.
struct PatientShelf {
    /// By Bundle and `fullUrl`.
    private var ids: [String: Set<String>] = [:]

    mutating func keep(_ id: String, fullURL: String, bundle: Int) {
        // A relative one is against FHIR, and may mean somebody else in another Bundle.
        guard fullURL.contains(":") else { return }
        ids["\(bundle) \(fullURL)", default: []].insert(id)
        ids["* \(fullURL)", default: []].insert(id)
    }

    /// The id of the Patient that a reference in a Bundle means: one of that Bundle, else of any.
    ///
    /// Where several Patients have the `fullUrl` nobody can say which is meant: it is none.
    func id(_ reference: String, bundle: Int) -> String? {
        let whole = FHIRReading.segments(Substring(reference)).joined(separator: "/")
        let found = ids["\(bundle) \(whole)"] ?? ids["* \(whole)"] ?? []
        return found.count == 1 ? found.first : nil
    }
}
