// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Writes readings down as CloudEvents with FHIR R4 resources.
enum MonitoringWriter {
    static func event(
        _ reading: SentReading, of patient: MonitoredPatient, number: UInt64, practice: String,
        seed: UInt64
    ) -> SimulatedEvent {
        let kind: EventKind =
            switch reading.content {
            case .patient: .patient
            case .condition: .condition
            case .quantity, .coded, .pressure: .device
            }
        var text = EventText()
        text.begin()
        text.add("{\"specversion\":\"1.0\",\"id\":\"\(patient.subject)-\(number)\"")
        text.add(",\"source\":\"urn:nhs:ods:\(practice):monitoring\",\"epoch\":\"\(seed)\"")
        text.add(
            ",\"sequence\":\"\(number)\",\"type\":\"health.vigil.\(kind.rawValue).created.v1\"")
        text.add(",\"subject\":\"\(patient.subject)\",\"time\":\"")
        text.add(utc: reading.time)
        text.add("\",\"datacontenttype\":\"application/fhir+json\",\"data\":")
        switch reading.content {
        case .patient:
            text.add("{\"resourceType\":\"Patient\",\"id\":\"\(patient.subject)\",\"active\":true,")
            text.add("\"birthDate\":\"\(patient.birthYear)-01-01\"}")
        case .condition(let code):
            text.add("{\"resourceType\":\"Condition\",\"id\":\"co-\(number)\",\"clinicalStatus\":")
            text.add("{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/")
            text.add("condition-clinical\",\"code\":\"active\"}]},\"code\":\(concept(code))")
            addPatient(patient, to: &text)
            text.add(",\"onsetDateTime\":\"")
            text.add(utc: reading.at)
            text.add("\"}")
        case .quantity(let code, let value, let unit):
            begin(code, reading, patient, number, &text)
            text.add(",\(quantity(value, unit))}")
        case .coded(let code, let value):
            begin(code, reading, patient, number, &text)
            text.add(",\"valueCodeableConcept\":\(concept(value))}")
        case .pressure(let systolic, let diastolic):
            begin(.loinc("85354-9"), reading, patient, number, &text)
            text.add(",\"component\":[{\"code\":\(concept(.loinc("8480-6"))),")
            text.add("\(quantity(String(systolic), "mm[Hg]"))},")
            text.add("{\"code\":\(concept(.loinc("8462-4"))),")
            text.add("\(quantity(String(diastolic), "mm[Hg]"))}]}")
        }
        text.add("}")
        return SimulatedEvent(
            topic: "\(kind.rawValue).\(practice)", time: reading.time, bytes: text.bytes)
    }

    private static func begin(
        _ code: SentReading.Code, _ reading: SentReading, _ patient: MonitoredPatient,
        _ number: UInt64, _ text: inout EventText
    ) {
        text.add("{\"resourceType\":\"Observation\",\"id\":\"ob-\(number)\",\"status\":\"final\"")
        text.add(",\"code\":\(concept(code))")
        addPatient(patient, to: &text)
        text.add(",\"effectiveDateTime\":\"")
        text.add(utc: reading.at)
        text.add("\"")
    }

    private static func addPatient(_ patient: MonitoredPatient, to text: inout EventText) {
        text.add(",\"subject\":{\"reference\":\"Patient/\(patient.subject)\"}")
    }

    private static func concept(_ code: SentReading.Code) -> String {
        "{\"coding\":[{\"system\":\"\(code.system)\",\"code\":\"\(code.code)\"}]}"
    }

    private static func quantity(_ value: String, _ unit: String) -> String {
        "\"valueQuantity\":{\"value\":\(value),\"unit\":\"\(unit)\","
            + "\"system\":\"http://unitsofmeasure.org\",\"code\":\"\(unit)\"}"
    }
}
