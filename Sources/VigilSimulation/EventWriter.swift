// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Writes errands down as CloudEvents with FHIR R4 resources.
struct EventWriter {
    let source: [UInt8]
    let organisation: [UInt8]
    let topics: [EventKind: String]
    let medicines: [[UInt8]]
    let supplies: [[UInt8]]
    var text = EventText()

    init(practice: String, seed: UInt64) {
        source = Array(
            ("\",\"source\":\"urn:nhs:ods:\(practice):simulated\",\"epoch\":\"\(seed)\",\"sequence\":\"")
                .utf8)
        organisation = Array(
            ("{\"type\":\"Organization\",\"identifier\":{\"system\":"
                + "\"https://fhir.nhs.uk/Id/ods-organization-code\",\"value\":\"\(practice)\"}}")
                .utf8)
        var topics: [EventKind: String] = [:]
        for kind in EventKind.allCases { topics[kind] = "\(kind.rawValue).\(practice)" }
        self.topics = topics
        medicines = Formulary.medicines.map { Array(EventWriter.concept(of: $0).utf8) }
        supplies = Formulary.medicines.map { Array(EventWriter.instruction(of: $0).utf8) }
    }

    private static func concept(of medicine: Medicine) -> String {
        "{\"coding\":[{\"system\":\"https://www.nhsbsa.nhs.uk/bnf\",\"code\":\"\(medicine.bnf)\","
            + "\"display\":\"\(medicine.display)\"},{\"system\":\"http://www.whocc.no/atc\","
            + "\"code\":\"\(medicine.atc)\"}],\"text\":\"\(medicine.display)\"}"
    }

    private static func instruction(of medicine: Medicine) -> String {
        "\"dosageInstruction\":[{\"text\":\"\(medicine.dosage)\"}],"
            + "\"dispenseRequest\":{\"quantity\":{\"value\":\(medicine.quantity),"
            + "\"unit\":\"\(medicine.unit)\"},\"expectedSupplyDuration\":{\"value\":28,"
            + "\"unit\":\"day\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"d\"}}"
    }

    /// The event of an errand.
    ///
    /// - Parameters:
    ///   - authored: When an order was issued, where this is a later version of it.
    ///   - number: The event's sequence number.
    ///   - encounter: The number of the encounter that it belongs to, or nil.
    /// - Returns: The event, complete.
    mutating func write(
        _ action: Errand.Action, of patient: SimulatedPatient, at moment: LocalMoment,
        authored: LocalMoment, number: UInt64, encounter: UInt64?
    ) -> SimulatedEvent {
        let (kind, verb) = EventWriter.type(of: action)
        text.begin()
        text.add("{\"specversion\":\"1.0\",\"id\":\"")
        text.add(patient.subject)
        text.add("-")
        text.add(number: number)
        text.add(source)
        text.add(number: number)
        text.add("\",\"type\":\"health.vigil.")
        text.add(kind.rawValue)
        text.add(".")
        text.add(verb.rawValue)
        text.add(".v1\",\"subject\":\"")
        text.add(patient.subject)
        text.add("\",\"time\":\"")
        text.add(utc: moment.instant)
        text.add("\",\"datacontenttype\":\"application/fhir+json\",\"data\":{\"resourceType\":\"")
        switch action {
        case .demographics(let change): write(change, patient, moment)
        case .encounter(let reason): write(reason, patient, moment, number)
        case .condition(let record): write(record, patient, moment, number)
        case .medicine(let record) where record.action == .deleted:
            begin("MedicationRequest", "rx", patient, record.name, number)
        case .medicine(let record):
            write(record, patient, moment, authored: authored, number, encounter)
        case .result(let measurement): write(measurement, patient, moment, number, encounter)
        }
        text.add("}}")
        return SimulatedEvent(
            topic: topics[kind] ?? "", time: moment.instant, bytes: text.bytes)
    }

    private static func type(of action: Errand.Action) -> (EventKind, EventAction) {
        switch action {
        case .demographics(let change): (.patient, change == .registered ? .created : .updated)
        case .encounter: (.encounter, .created)
        case .condition(let record): (.condition, record.action)
        case .medicine(let record): (.prescription, record.action)
        case .result: (.observation, .created)
        }
    }

    /// The resource type and id: named records keep theirs over their versions.
    mutating func begin(
        _ type: String, _ prefix: String, _ patient: SimulatedPatient, _ name: UInt8,
        _ number: UInt64
    ) {
        text.add(type)
        text.add("\",\"id\":\"")
        text.add(prefix)
        text.add("-")
        if name > 0 {
            text.add(patient.subject)
            text.add("-")
        }
        text.add(number: name > 0 ? UInt64(name) : number)
        text.add("\"")
    }

    mutating func addMeta(_ moment: LocalMoment) {
        text.add(",\"meta\":{\"lastUpdated\":\"")
        text.add(utc: moment.instant)
        text.add("\"}")
    }

    mutating func addSubject(_ patient: SimulatedPatient) {
        text.add(",\"subject\":{\"reference\":\"Patient/")
        text.add(patient.subject)
        text.add("\"}")
    }

    mutating func addEncounter(_ encounter: UInt64?, _ member: String) {
        guard let encounter else { return }
        text.add(member)
        text.add("{\"reference\":\"Encounter/en-")
        text.add(number: encounter)
        text.add("\"}")
    }

    mutating func addMoment(_ member: String, _ moment: LocalMoment) {
        text.add(",\"")
        text.add(member)
        text.add("\":\"")
        text.add(local: moment)
        text.add("\"")
    }

    mutating func write(
        _ change: Errand.Demographics, _ patient: SimulatedPatient, _ moment: LocalMoment
    ) {
        text.add("Patient\",\"id\":\"")
        text.add(patient.subject)
        text.add("\"")
        addMeta(moment)
        text.add(",\"identifier\":[{\"system\":\"urn:vigil:subject\",\"value\":\"")
        text.add(patient.subject)
        text.add(change == .left ? "\"}],\"active\":false" : "\"}],\"active\":true")
        text.add(patient.isMale ? ",\"gender\":\"male\"" : ",\"gender\":\"female\"")
        if let birth = patient.birth {
            text.add(",\"birthDate\":\"")
            text.add(birth.description)
            text.add("\"")
        }
        if change == .died {
            text.add(",\"deceasedDateTime\":\"")
            text.add(moment.day.text)
            text.add("\"")
        }
        text.add(",\"generalPractitioner\":[")
        text.add(organisation)
        text.add("],\"managingOrganization\":")
        text.add(organisation)
    }

    mutating func write(
        _ reason: Illness, _ patient: SimulatedPatient, _ moment: LocalMoment, _ number: UInt64
    ) {
        begin("Encounter", "en", patient, 0, number)
        addMeta(moment)
        text.add(
            ",\"status\":\"finished\",\"class\":{\"system\":"
                + "\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"AMB\","
                + "\"display\":\"ambulatory\"},\"type\":[{\"coding\":[{\"system\":"
                + "\"http://snomed.info/sct\",\"code\":\"11429006\",\"display\":\"Consultation\"}]}]"
        )
        addSubject(patient)
        text.add(",\"reasonCode\":[")
        addConcept(Formulary.diagnoses[Int(reason.rawValue)])
        text.add("],\"period\":{\"start\":\"")
        text.add(local: moment)
        text.add("\"},\"serviceProvider\":")
        text.add(organisation)
    }
}
