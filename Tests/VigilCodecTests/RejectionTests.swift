// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

/// Each line changes one place of a good event: sample | old text | new text | code | pointer.
private let badMessages = """
    request | {"specversion" | {,"specversion" | malformed-json |
    request | "doNotPerform":false | "doNotPerform":falsey | malformed-json |
    request | "numberOfRepeatsAllowed":5 | "unread":05 | malformed-json |
    request | "numberOfRepeatsAllowed":5 | "unread":1. | malformed-json |
    request | "numberOfRepeatsAllowed":5 | "unread":+1 | malformed-json |
    request | "numberOfRepeatsAllowed":5 | "unread":NaN | malformed-json |
    request | "One twice a day" | "One \\x a day" | malformed-json |
    request | "One twice a day" | "One \\ud800 a day" | malformed-json |
    request | "One twice a day" | "One \\udc00 a day" | malformed-json |
    request | "One twice a day" | "One \t a day" | malformed-json |
    request | "text":"One | "t\\ud83dx":"One | malformed-json |
    request | "basedOn":[{ | "basedOn":[{},{ ,{ | malformed-json |
    request | "id":"ev-5" | "id":"ev-5","id":"ev-5" | malformed-json | /id
    request | "id":"ev-5" | "id":"ev-5","\\u0069d":"ev-6" | malformed-json | /id
    request | "id":"ev-5" | "id":"ev-5","a/b~":1,"a/b~":1 | malformed-json | /a~1b~0
    request | "status":"active" | "status":"active","status":"stopped" | malformed-json | /data/status
    request | "code":"42104811000001109" | "code":"1","code":"2" | malformed-json | /data/medicationCodeableConcept/coding/0/code
    request | "resourceType":"MedicationRequest" | "resourceType":"Flag","resourceType":"Flag" | malformed-json | /data/resourceType
    request | prescription.created.v1","subject":"7f3a9c","time":"2024-03-29T10:15:00Z","datacontenttype":"application/fhir+json","sequence":"5","epoch":"2","data":{ | condition.created.v1","subject":"7f3a9c","time":"2024-03-29T10:15:00Z","data":{"resourceType":"Flag", | malformed-json | /data/resourceType
    observation | "issued" | "referenceRange":[],"referenceRange":[],"issued" | malformed-json | /data/referenceRange
    request | "specversion":"1.0", |  | not-cloudevents |
    request | health.vigil.prescription.created.v1 |  | not-cloudevents | /type
    request | "1.0" | "0.3" | not-cloudevents | /specversion
    request | "id":"ev-5", |  | not-cloudevents |
    request | "ev-5" | 5 | not-cloudevents | /id
    request | "ev-5" | "" | not-cloudevents | /id
    request | "ev-5" | "a\\u0000b" | not-cloudevents | /id
    request | "source":"urn:nhs:ods:A81001", |  | not-cloudevents |
    request | "source":"urn:nhs:ods:A81001" | "source":null | not-cloudevents |
    request | "subject":"7f3a9c", |  | not-cloudevents |
    request | "subject":"7f3a9c" | "subject":["7f3a9c"] | not-cloudevents | /subject
    request | "type":"health.vigil.prescription.created.v1", |  | not-cloudevents |
    request | 2024-03-29T10:15:00Z | 2024-03-29 | not-cloudevents | /time
    request | 2024-03-29T10:15:00Z | 2024-02-30T10:15:00Z | not-cloudevents | /time
    request | 2024-03-29T10:15:00Z | 2024-03-29T10:15:00 | not-cloudevents | /time
    request | 2024-03-29T10:15:00Z | 2024-03-29T24:00:00Z | not-cloudevents | /time
    request | 2024-03-29T10:15:00Z | 1899-12-31T23:59:59Z | not-cloudevents | /time
    request | 2024-03-29T10:15:00Z | 2101-01-01T00:00:00Z | not-cloudevents | /time
    request | application/fhir+json | text/plain | not-cloudevents | /datacontenttype
    request | "sequence":"5" | "sequence":5 | not-cloudevents | /sequence
    request | "sequence":"5" | "sequence":"0" | not-cloudevents | /sequence
    request | "sequence":"5" | "sequence":"-1" | not-cloudevents | /sequence
    request | "epoch":"2" | "epoch":"18446744073709551616" | not-cloudevents | /epoch
    request | prescription.created.v1 | prescription.created.v2 | unsupported-type | /type
    request | prescription.created.v1 | prescription.merged.v1 | unsupported-type | /type
    request | prescription.created.v1 | referral.created.v1 | unsupported-type | /type
    request | prescription.created.v1 | condition.created.v1 | topic-mismatch | /type
    request | health.vigil.prescription.created.v1 | health.vigil.system.clock.v1 | topic-mismatch | /type
    deleted | ,"data":{"resourceType":"MedicationRequest","id":"rx-8841"} |  | not-fhir |
    deleted | {"resourceType":"MedicationRequest","id":"rx-8841"} | "text" | not-fhir | /data
    deleted | "resourceType":"MedicationRequest", |  | not-fhir | /data
    request | "resourceType":"MedicationRequest" | "resourceType":7 | not-fhir | /data/resourceType
    request | "resourceType":"MedicationRequest" | "resourceType":"Observation" | not-fhir | /data/resourceType
    review | "resourceType":"DetectedIssue" | "resourceType":"Flag" | not-fhir | /data/resourceType
    request | "id":"rx-8841", |  | missing-element | /data
    deleted | ,"id":"rx-8841" |  | missing-element | /data
    request | "status":"active", |  | missing-element | /data
    request | "intent":"order", |  | missing-element | /data
    request | "medicationCodeableConcept":{ | "medicine":{ | missing-element | /data
    observation | "status":"final", |  | missing-element | /data
    observation | "code":{ | "kode":{ | missing-element | /data
    pressure | "component":[{"code":{ | "component":[{"kode":{ | missing-element | /data/component/0
    encounter | "status":"finished", |  | missing-element | /data
    review | "mitigation":[ | "mitigations":[ | missing-element | /data
    review | "system":"urn:vigil:flag" | "system":"urn:other" | missing-element | /data
    review | "date":"2024-04-15T09:14:35+01:00", |  | missing-element | /data/mitigation/0
    review | "author":{ | "writer":{ | missing-element | /data/mitigation/0
    review | "identifier":{"system":"https://fhir.hl7.org.uk/Id/gphc-number","value":"2071234"} | "display":"A person" | missing-element | /data/mitigation/0/author
    review | urn:vigil:reason | urn:vigil:because | missing-element | /data/mitigation/0
    review | "code":"override" | "code":"hand-over" | missing-element | /data/mitigation/0
    review | "code":"override" | "code":"act" | missing-element | /data/mitigation/0
    review | "code":"benefit-outweighs","display":"Benefit outweighs the risk"}],"text":"Patient informed." | "code":"other"}] | missing-element | /data/mitigation/0/extension/1/valueCodeableConcept
    request | "id":"rx-8841" | "id":"rx 8841" | invalid-element | /data/id
    request | "id":"rx-8841" | "id":8841 | invalid-element | /data/id
    request | "meta":{ | "meta":{"lastUpdated":"2024-03-29", | invalid-element | /data/meta/lastUpdated
    request | "status":"active" | "status":"sleeping" | invalid-element | /data/status
    request | "status":"active" | "status":["active"] | invalid-element | /data/status
    request | "intent":"order" | "intent":"wish" | invalid-element | /data/intent
    request | "doNotPerform":false | "doNotPerform":"false" | invalid-element | /data/doNotPerform
    request | "authoredOn":"2024-03-29" | "authoredOn":"2024-02-30" | invalid-element | /data/authoredOn
    request | "authoredOn":"2024-03-29" | "authoredOn":"29/03/2024" | invalid-element | /data/authoredOn
    request | "authoredOn":"2024-03-29" | "authoredOn":"2024-03-29T10:00" | invalid-element | /data/authoredOn
    request | "authoredOn":"2024-03-29" | "authoredOn":20240329 | invalid-element | /data/authoredOn
    request | "authoredOn":"2024-03-29" | "authoredOn":null | invalid-element | /data/authoredOn
    request | "coding":[{"system":"https://dmd.nhs.uk" | "coding":["x",{"system":"https://dmd.nhs.uk" | invalid-element | /data/medicationCodeableConcept/coding/0
    request | "code":"42104811000001109" | "code":42104811000001109 | invalid-element | /data/medicationCodeableConcept/coding/0/code
    request | "basedOn":[{"reference":"CarePlan/plan-1"}] | "basedOn":{"reference":"CarePlan/plan-1"} | invalid-element | /data/basedOn
    request | "numberOfRepeatsAllowed":5 | "numberOfRepeatsAllowed":5.0 | invalid-element | /data/dispenseRequest/numberOfRepeatsAllowed
    request | "numberOfRepeatsAllowed":5 | "numberOfRepeatsAllowed":-5 | invalid-element | /data/dispenseRequest/numberOfRepeatsAllowed
    request | "numberOfRepeatsAllowed":5 | "numberOfRepeatsAllowed":99999999999999999999 | invalid-element | /data/dispenseRequest/numberOfRepeatsAllowed
    request | "value":56 | "value":"56" | invalid-element | /data/dispenseRequest/quantity/value
    request | "Patient/7f3a9c" | "Group/7f3a9c" | invalid-element | /data/subject/reference
    request | "reference":"Patient/7f3a9c" | "type":"Device","identifier":{"value":"1"} | invalid-element | /data/subject/type
    request | "Patient/7f3a9c" | "#7f3a9c" | invalid-element | /data/subject/reference
    request | "medicationCodeableConcept":{ | "medicationReference":{"reference":"Medication/1"},"medicationCodeableConcept":{ | invalid-element | /data/medicationReference/reference
    contained | "#med" | "#org" | invalid-element | /data/medicationReference/reference
    contained | "#med" | "Medication/77" | invalid-element | /data/medicationReference/reference
    contained | "#med" | "med" | invalid-element | /data/medicationReference/reference
    contained | "#med" | "Medication/med" | invalid-element | /data/medicationReference/reference
    contained | "#med" | "urn:uuid:med" | invalid-element | /data/medicationReference/reference
    patient | "gender":"female" | "gender":"F" | invalid-element | /data/gender
    patient | "birthDate":"1951-02-03" | "birthDate":"1951-02-03T00:00:00Z" | invalid-element | /data/birthDate
    patient | "birthDate":"1951-02-03" | "birthDate":"1951-13" | invalid-element | /data/birthDate
    patient | "birthDate":"1951-02-03" | "birthDate":"0000" | invalid-element | /data/birthDate
    patient | "deceasedBoolean":false | "deceasedBoolean":false,"deceasedDateTime":"2024" | invalid-element | /data/deceasedDateTime
    patient | "deceasedBoolean":false | "deceasedBoolean":0 | invalid-element | /data/deceasedBoolean
    condition | "code":"resolved" | "code":"cured" | invalid-element | /data/clinicalStatus/coding/0/code
    condition | "code":"confirmed" | "code":"sure" | invalid-element | /data/verificationStatus/coding/0/code
    condition | "start":"2019-05" | "start":"2019-5" | invalid-element | /data/onsetPeriod/start
    observation | "comparator":"<" | "comparator":"~" | invalid-element | /data/valueQuantity/comparator
    observation | "value":44.10 | "value":"44.10" | invalid-element | /data/valueQuantity/value
    observation | "valueQuantity":{ | "valueString":"44","valueQuantity":{ | invalid-element | /data/valueQuantity
    observation | "issued":"2024-03-29T09:30:00.250Z" | "issued":"2024-03-29" | invalid-element | /data/issued
    report | "status":"final" | "status":"done" | invalid-element | /data/status
    review | "code":"override" | "code":"ignore" | invalid-element | /data/mitigation/0/action/coding/0/code
    review | "code":"benefit-outweighs" | "code":"because" | invalid-element | /data/mitigation/0/extension/1/valueCodeableConcept/coding/0/code
    review | "valueDate":"2024-10-15" | "valueDate":"2024-10" | invalid-element | /data/mitigation/0/extension/2/valueDate
    review | "type":"Practitioner" | "type":"Patient" | invalid-element | /data/mitigation/0/author/type
    review | "mitigation":[{ | "mitigation":[{"action":{}},{ | missing-element | /data/mitigation/0
    review | "2071234"}}}] | "2071234"}}},{"action":{}}] | invalid-element | /data/mitigation/1
    review | "identifier":[{ | "identifier":[{"system":"urn:vigil:flag","value":"x"},{ | invalid-element | /data/identifier/1
    request | Patient/7f3a9c | Patient/another | subject-mismatch | /data/subject
    allergy | urn:uuid:7f3a9c | urn:uuid:another | subject-mismatch | /data/patient
    patient | "subject":"7f3a9c" | "subject":"another" | subject-mismatch | /data/id
    """

@Suite struct RejectionTests {
    @Test(arguments: badMessages.split(separator: "\n").map(String.init))
    func aBadMessageIsRefusedWithItsCodeAndPlace(line: String) throws {
        let parts = (line + " ").components(separatedBy: " | ")
        try #require(parts.count == 5)
        let name = parts[0]
        let old = parts[1]
        let sample = try Samples.text(name)
        try #require(sample.contains(old))
        // Two of the codes are of JSON; the rest of the line is never read then.
        let range = try #require(sample.range(of: old))
        let text = sample.replacingCharacters(in: range, with: parts[2])
        let rejection = #expect(throws: Rejection.self) {
            try Samples.decode(text, topic: Samples.topic(name))
        }
        #expect(rejection?.code.rawValue == parts[3])
        #expect(rejection?.pointer == parts[4].trimmingCharacters(in: .whitespaces))
        #expect(rejection?.message.hasSuffix(".") == true)
    }

    @Test(arguments: [
        "", "prescription", "prescription.", "referral.A81001", "prescription.A81.001",
        "prescription.A81001 ", "prescription.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456",
        "Prescription.A81001", "system.clock", "flag.A81001",
    ])
    func aTopicThatIsNotTheTypesIsAMismatch(topic: String) throws {
        let text = try Samples.text("request")
        let rejection = #expect(throws: Rejection.self) {
            try Samples.decode(text, topic: topic)
        }
        #expect(rejection?.code == .topicMismatch)
    }

    @Test func theOrderOfCodesIsTheProtocolsNotTheDocuments() throws {
        let text = try Samples.text("request")
            .replacingOccurrences(of: "\"id\":\"rx-8841\"", with: "\"id\":\"rx 8841\"")
            .replacingOccurrences(of: "\"intent\":\"order\",", with: "")
        let rejection = #expect(throws: Rejection.self) {
            try Samples.decode(text, topic: "prescription.A81001")
        }
        #expect(rejection?.code == .missingElement)
    }

    @Test func theFirstOfTwoInvalidElementsInTheDocumentIsNamed() throws {
        let text = try Samples.text("request")
            .replacingOccurrences(of: "\"unit\":\"day\"", with: "\"unit\":1")
            .replacingOccurrences(of: "\"value\":56", with: "\"value\":\"56\"")
        let rejection = #expect(throws: Rejection.self) {
            try Samples.decode(text, topic: "prescription.A81001")
        }
        #expect(rejection?.pointer == "/data/dispenseRequest/quantity/value")
    }

    @Test func lengthsAreCountedInBytes() throws {
        let sample = try Samples.text("request")
        for (id, isTaken) in [
            (String(repeating: "é", count: 64), true), (String(repeating: "é", count: 65), false),
        ] {
            let text = sample.replacingOccurrences(of: "ev-5", with: id)
            let code: Rejection.Code?
            do {
                _ = try Samples.decode(text, topic: "prescription.A81001")
                code = nil
            } catch {
                code = error.code
            }
            #expect(code == (isTaken ? nil : .notCloudEvents))
        }
    }

    @Test func anEventLongerThanTheLimitIsTooLargeWhateverItHolds() {
        let decoder = EventDecoder()
        let failure = #expect(throws: EnvelopeRejection.self) {
            try decoder.readEnvelope([UInt8](repeating: 0, count: 101), maximumBytes: 100)
        }
        #expect(failure?.rejection.code == .tooLarge)
    }

    @Test func aRefusedEnvelopeStillSaysWhoseItIs() throws {
        let text = try Samples.text("request").replacingOccurrences(of: "\"1.0\"", with: "\"2.0\"")
        let failure = #expect(throws: EnvelopeRejection.self) {
            try EventDecoder().readEnvelope(Array(text.utf8), maximumBytes: 65536)
        }
        #expect(failure?.id == "ev-5")
        #expect(failure?.source == "urn:nhs:ods:A81001")
    }

    @Test func anEnvelopeIsReadWhereTheResourceIsBad() throws {
        let decoder = EventDecoder()
        let text = try Samples.text("request").replacingOccurrences(
            of: "\"status\":\"active\"", with: "\"status\":\"?\"")
        let envelope = try decoder.readEnvelope(Array(text.utf8), maximumBytes: 65536)
        #expect(envelope.id == "ev-5")
        #expect(throws: Rejection.self) {
            try decoder.readResource(envelope, topic: Array("prescription.A81001".utf8))
        }
    }

    @Test func aHundredThousandMembersAreComparedInTime() {
        let members = (0..<100_000).map { "\"m\($0)\":0" }.joined(separator: ",")
        let text = "{\(members),\"m7\":1}"
        let failure = #expect(throws: EnvelopeRejection.self) {
            try EventDecoder().readEnvelope(Array(text.utf8), maximumBytes: 1 << 21)
        }
        #expect(failure?.rejection.code == .malformedJSON)
        #expect(failure?.rejection.pointer == "/m7")
    }
}
