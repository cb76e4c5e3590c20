// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Conditions and medicines.
extension EventWriter {
    mutating func addConcept(_ diagnosis: Diagnosis) {
        text.add("{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"")
        text.add(diagnosis.code)
        text.add("\",\"display\":\"")
        text.add(diagnosis.display)
        text.add("\"}],\"text\":\"")
        text.add(diagnosis.display)
        text.add("\"}")
    }

    mutating func write(
        _ record: Errand.ConditionRecord, _ patient: SimulatedPatient, _ moment: LocalMoment,
        _ number: UInt64
    ) {
        begin("Condition", "co", patient, record.name, number)
        addMeta(moment)
        text.add(
            ",\"clinicalStatus\":{\"coding\":[{\"system\":"
                + "\"http://terminology.hl7.org/CodeSystem/condition-clinical\","
                + "\"code\":\"active\"}]},\"verificationStatus\":{\"coding\":[{\"system\":"
                + "\"http://terminology.hl7.org/CodeSystem/condition-ver-status\",\"code\":\"")
        text.add(record.verification.rawValue)
        text.add(
            "\"}]},\"category\":[{\"coding\":[{\"system\":"
                + "\"http://terminology.hl7.org/CodeSystem/condition-category\","
                + "\"code\":\"problem-list-item\"}]}],\"code\":")
        addConcept(Formulary.diagnoses[Int(record.illness.rawValue)])
        addSubject(patient)
        if let onset = record.onset {
            text.add(",\"onsetDateTime\":\"")
            text.add(onset.description)
            text.add("\"")
        }
        addMoment("recordedDate", moment)
    }

    mutating func write(
        _ record: Errand.MedicineRecord, _ patient: SimulatedPatient, _ moment: LocalMoment,
        authored: LocalMoment, _ number: UInt64, _ encounter: UInt64?
    ) {
        let drug = Int(record.drug.rawValue)
        switch record.form {
        case .dispense:
            begin("MedicationDispense", "di", patient, record.name, number)
            addMeta(moment)
            text.add(",\"status\":\"completed\",\"medicationCodeableConcept\":")
            text.add(medicines[drug])
            addSubject(patient)
            addMoment("whenHandedOver", moment)
            return
        case .statement:
            begin("MedicationStatement", "st", patient, record.name, number)
            addMeta(moment)
            text.add(",\"status\":\"active\",\"medicationCodeableConcept\":")
            text.add(medicines[drug])
            addSubject(patient)
            addMoment("effectiveDateTime", moment)
            return
        case .order, .draft, .plan, .cancelled, .stopped:
            begin("MedicationRequest", "rx", patient, record.name, number)
        }
        addMeta(moment)
        text.add(EventWriter.state(of: record.form))
        text.add(medicines[drug])
        addSubject(patient)
        addEncounter(encounter, ",\"encounter\":")
        addMoment("authoredOn", authored)
        text.add(
            ",\"requester\":{\"type\":\"Practitioner\",\"display\":\"Dr Simulated\"},"
                + "\"courseOfTherapyType\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
                + "CodeSystem/medicationrequest-course-of-therapy\",\"code\":\"")
        text.add(record.intervalDays > 0 ? "continuous\"}]}," : "acute\"}]},")
        if record.course > 0 {
            text.add("\"groupIdentifier\":{\"value\":\"")
            text.add(patient.subject)
            text.add("-")
            text.add(number: UInt64(record.course))
            text.add("\"},")
        }
        text.add(supplies[drug])
    }

    /// Status and intent of an order, up to its medicine.
    private static func state(of form: Errand.Form) -> String {
        let (status, intent) =
            switch form {
            case .draft: ("draft", "order")
            case .plan: ("active", "plan")
            case .cancelled: ("cancelled", "order")
            case .stopped: ("stopped", "order")
            case .order, .dispense, .statement: ("active", "order")
            }
        return ",\"status\":\"\(status)\",\"intent\":\"\(intent)\",\"medicationCodeableConcept\":"
    }
}
