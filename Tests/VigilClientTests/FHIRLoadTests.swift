// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilClient
import VigilCodec
import VigilCore

@Suite struct FHIRLoadTests {
    /// The events of texts, each a file of its own.
    private func events(_ texts: [String], source: String = "urn:test") -> [OutgoingEvent] {
        let load = FHIRLoad(source: source, practice: "A81001")
        for (index, text) in texts.enumerated() {
            #expect(load.add(Array(text.utf8), file: "f\(index)", position: 1, unit: .resource))
        }
        return all(of: load)
    }

    private func all(of load: FHIRLoad) -> [OutgoingEvent] {
        let events = load.events()
        var all: [OutgoingEvent] = []
        while let event = events.next() { all.append(event) }
        return all
    }

    private func bundle(_ resources: String...) -> String {
        let entries = resources.map { "{\"fullUrl\":\"urn:uuid:x\",\"resource\":\($0)}" }
        return "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
            + entries.joined(separator: ",") + "]}"
    }

    private func object(_ event: OutgoingEvent) throws -> [String: Any] {
        try #require(
            JSONSerialization.jsonObject(with: Data(event.event)) as? [String: Any])
    }

    /// The value of an attribute of each event.
    private func attribute(_ name: String, _ events: [OutgoingEvent]) throws -> [String] {
        try events.map { try object($0)[name] as? String ?? "" }
    }

    private func condition(_ id: String, _ date: String, patient: String = "p1") -> String {
        """
        {"resourceType":"Condition","id":"\(id)","subject":{"reference":"Patient/\(patient)"},\
        "recordedDate":"\(date)"}
        """
    }

    private func patient(_ id: String) -> String {
        "{\"resourceType\":\"Patient\",\"id\":\"\(id)\",\"birthDate\":\"1950-03-04\"}"
    }

    @Test func theEnvelopeIsThatOfTheProtocol() throws {
        let text = """
            { "resourceType" : "Condition", "id":"c1",
              "note": [{"text": "a  b \\u00e9 \\"c\\""}], "x": 1.50,
              "subject": {"reference": "urn:uuid:p1"}, "onsetDateTime": "2024-05-06" }
            """
        let compact =
            "{\"resourceType\":\"Condition\",\"id\":\"c1\","
            + "\"note\":[{\"text\":\"a  b \\u00e9 \\\"c\\\"\"}],\"x\":1.50,"
            + "\"subject\":{\"reference\":\"urn:uuid:p1\"},\"onsetDateTime\":\"2024-05-06\"}"
        let digest = hexadecimal(SHA256.digest(of: Array(compact.utf8)).prefix(8))
        let event = try #require(events([text]).first)
        #expect(event.topic == "condition.A81001")
        #expect(
            String(decoding: event.event, as: UTF8.self)
                == "{\"specversion\":\"1.0\",\"id\":\"Condition/c1/\(digest)\","
                + "\"source\":\"urn:test\",\"type\":\"health.vigil.condition.created.v1\","
                + "\"subject\":\"p1\",\"time\":\"2024-05-06T00:00:00Z\","
                + "\"datacontenttype\":\"application/fhir+json\",\"data\":\(compact)}")
    }

    @Test func allFilesAreMergedByClinicalTimeAndTiesKeepTheirOrder() throws {
        let ids = try attribute(
            "id",
            events([
                bundle(condition("c", "2024-02-01"), condition("b", "2024-01-01")),
                bundle(
                    condition("a", "2023-12-31T23:59:59Z"), condition("d", "2024-02-01"),
                    condition("e", "2024-02-01T01:00:00+02:00")),
            ])
        ).map { $0.split(separator: "/")[1] }
        #expect(ids == ["a", "b", "e", "c", "d"])
    }

    @Test func aPatientComesFirstAtTheEarliestTimeOfAllThatIsAboutIt() throws {
        let events = events([
            bundle(condition("c", "2024-02-01"), condition("b", "2020-01-01T10:00:00+01:00")),
            bundle(condition("z", "2019-01-01", patient: "p2"), patient("p1"), patient("p3")),
        ])
        #expect(
            try attribute("subject", events) == ["p3", "p2", "p1", "p1", "p1"])
        #expect(
            try attribute("time", events) == [
                "1950-03-04T00:00:00Z", "2019-01-01T00:00:00Z", "2020-01-01T10:00:00+01:00",
                "2020-01-01T10:00:00+01:00", "2024-02-01T00:00:00Z",
            ])
        #expect(events[2].topic == "patient.A81001")
    }

    /// Resource type and its times; the time of the envelope.
    private static let times = """
        MedicationRequest | "authoredOn":"2024-01-02" | 2024-01-02T00:00:00Z
        MedicationDispense | "whenPrepared":"2024-01-01","whenHandedOver":"2024-01-02" | 2024-01-02T00:00:00Z
        MedicationStatement | "effectivePeriod":{"start":"2024-01","end":"2024-02"} | 2024-01-01T00:00:00Z
        Condition | "recordedDate":"2024-03-01","onsetPeriod":{"start":"2023"} | 2023-01-01T00:00:00Z
        AllergyIntolerance | "recordedDate":"2024-03-01" | 2024-03-01T00:00:00Z
        Observation | "issued":"2024-03-02T00:00:00Z","effectiveDateTime":"2024-03-01T08:00:00.5+01:00" | 2024-03-01T08:00:00.5+01:00
        Observation | "effectivePeriod":{"start":"2024-03-01","end":"2024-03-05"} | 2024-03-05T00:00:00Z
        DiagnosticReport | "issued":"2024-03-02T00:00:00Z" | 2024-03-02T00:00:00Z
        Encounter | "period":{"start":"2024-03-01T09:00:00Z"} | 2024-03-01T09:00:00Z
        Procedure | "performedPeriod":{"start":"2024-03-01","end":"2024-03-05"} | 2024-03-01T00:00:00Z
        Procedure | "meta":{"lastUpdated":"2024-03-01T09:00:00Z"} | 2024-03-01T09:00:00Z
        Condition | "recordedDate":"2024-02-30","meta":{"lastUpdated":"2024-03-01T09:00:00Z"} | 2024-03-01T09:00:00Z
        """

    @Test(arguments: times.split(separator: "\n").map(String.init))
    func theTimeIsTheClinicalDate(row: String) throws {
        let cells = row.components(separatedBy: " | ")
        let text = """
            {"resourceType":"\(cells[0])","id":"r","subject":{"reference":"Patient/p"},\(cells[1])}
            """
        #expect(try attribute("time", events([text])) == [cells[2]])
    }

    @Test func whatNamesItsPatientOtherwiseIsReadToo() throws {
        let subjects = [
            "\"subject\":{\"reference\":\"http://a/b/Patient/p7/_history/3\"}",
            "\"patient\":{\"reference\":\"urn:uuid:p8\"}",
            "\"subject\":{\"identifier\":{\"value\":\"p9\"}}",
        ].map { "{\"resourceType\":\"Condition\",\"id\":\"r\",\($0),\"recordedDate\":\"2024\"}" }
        #expect(try attribute("subject", events(subjects)) == ["p7", "p8", "p9"])
    }

    @Test func anObservationThatNamesADeviceIsOfKindDevice() throws {
        let text = """
            {"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p"},\
            "device":{"display":"scale"},"effectiveDateTime":"2024-01-01"}
            """
        let event = try #require(events([text]).first)
        #expect(event.topic == "device.A81001")
        #expect(try attribute("type", [event]) == ["health.vigil.device.created.v1"])
    }

    @Test func aReferencedMedicationIsPutInAsContained() throws {
        let request = """
            {"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"Patient/p"},\
            "medicationReference" : {"reference":"urn:uuid:med"},"authoredOn":"2024-01-01"}
            """
        let text = """
            {"resourceType":"Bundle","entry":[{"resource":\(request)},\
            {"fullUrl":"urn:uuid:med","resource":{"resourceType":"Medication","id":"med",\
            "code":{"text":"Naproxen"}}}]}
            """
        let load = FHIRLoad(source: "s", practice: "A1")
        #expect(load.add(Array(text.utf8), file: "f", position: 1, unit: .resource))
        let events = load.events()
        let event = try #require(events.next())
        let data = try #require(try object(event)["data"] as? [String: Any])
        let contained = try #require(data["contained"] as? [[String: Any]])
        #expect(contained.count == 1 && contained[0]["id"] as? String == "med")
        let reference = data["medicationReference"] as? [String: String]
        #expect(reference?["reference"] == "#med")
        #expect(events.unusedMedicationCount == 0)
        #expect(
            decoded(event)
                == "MedicationRequest m Naproxen")
    }

    @Test func aContainedMedicationDoesNotTakeTheNameOfAnother() throws {
        let text = """
            {"resourceType":"Bundle","entry":[{"resource":{"resourceType":"MedicationDispense",\
            "id":"m","contained":[{"resourceType":"Medication","id":"x"}],\
            "subject":{"reference":"Patient/p"},"medicationReference":{"reference":"Medication/x"},\
            "whenHandedOver":"2024-01-01"}},{"resource":{"resourceType":"Medication","id":"x",\
            "code":{"text":"Right"}}}]}
            """
        let event = try #require(events([text]).first)
        let data = try #require(try object(event)["data"] as? [String: Any])
        let contained = try #require(data["contained"] as? [[String: Any]])
        let reference = (data["medicationReference"] as? [String: String])?["reference"] ?? ""
        #expect(contained.map { "#\($0["id"] as? String ?? "")" } == ["#x", reference])
    }

    @Test func aPatientIsMeantByTheFullURLOfItsEntry() throws {
        let request = """
            {"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order",\
            "subject":{"reference":"urn:uuid:PAT","display":"Ann"},"authoredOn":"2024-01-01",\
            "medicationCodeableConcept":{"text":"Naproxen"}}
            """
        let allergy = """
            {"resourceType":"AllergyIntolerance","id":"a","recordedDate":"2024-01-02",\
            "patient":{"reference":"https://h/Patient/123/_history/2"}}
            """
        let text = """
            {"resourceType":"Bundle","entry":[{"resource":\(request)},{"resource":\(allergy)},\
            {"fullUrl":"urn:uuid:PAT","resource":\(patient("m2"))},\
            {"fullUrl":"https://h/Patient/123","resource":\(patient("m3"))}]}
            """
        let events = events([text])
        #expect(try attribute("subject", events) == ["m2", "m2", "m3", "m3"])
        let sent = events.map { String(decoding: $0.event, as: UTF8.self) }
        let named = request.replacing("urn:uuid:PAT", with: "Patient/m2")
        #expect(sent[1].hasSuffix(",\"data\":\(named)}"))
        #expect(sent[3].hasSuffix("\"patient\":{\"reference\":\"Patient/m3\"}}}"))
        #expect(decoded(events[1]) == "MedicationRequest m Naproxen")
    }

    @Test func aFullURLOfSeveralPatientsMeansNone() throws {
        func page(_ id: String?) -> String {
            let entry = id.map { "{\"fullUrl\":\"urn:uuid:PAT\",\"resource\":\(patient($0))}," }
            return """
                {"resourceType":"Bundle","entry":[\(entry ?? ""){"resource":\
                {"resourceType":"Condition","id":"c","recordedDate":"2024",\
                "subject":{"reference":"urn:uuid:PAT"}}}]}
                """
        }
        func subjects(_ ids: String?...) throws -> [String] {
            try attribute("subject", events(ids.map { page($0) }))
        }
        #expect(try subjects(nil) == ["PAT"])
        #expect(try subjects(nil, "m2") == ["m2", "m2", "m2"])
        #expect(try subjects("m2", "m3", nil) == ["m2", "m3", "m2", "m3", "PAT"])
        // Where the id says the same, the resource goes out as it came.
        let same = try #require(events([page("PAT")]).last)
        #expect(
            String(decoding: same.event, as: UTF8.self).contains("\"reference\":\"urn:uuid:PAT\""))
    }

    @Test func typesThatNoKindTakesAreCountedAndUnnamedPatientsRefused() {
        let load = FHIRLoad(source: "s", practice: "A1")
        let text = bundle(
            "{\"resourceType\":\"CarePlan\",\"id\":\"1\"}",
            "{\"resourceType\":\"CarePlan\",\"id\":\"2\"}",
            "{\"resourceType\":\"Condition\",\"id\":\"3\",\"recordedDate\":\"2024\"}",
            "{\"resourceType\":\"Patient\",\"id\":\"4\"}")
        #expect(load.add(Array(text.utf8), file: "f", position: 1, unit: .resource))
        #expect(load.skippedByType == ["CarePlan": 2])
        #expect(all(of: load).isEmpty)
        #expect(
            load.refusals.map(\.origin.description) == ["f, resource 3", "f, resource 4"])
        #expect(!load.add(Array("{\"a\":1}".utf8), file: "f", position: 1, unit: .line))
    }

    /// The daemon's own decoder takes what the publisher makes.
    private func decoded(_ event: OutgoingEvent) -> String {
        let decoder = EventDecoder()
        do {
            let envelope = try decoder.readEnvelope(event.event, maximumBytes: 1 << 20)
            let read = try decoder.readResource(envelope, topic: Array(event.topic.utf8))
            guard case .input(let input) = read,
                case .clinical(let content) = input.resource.content
            else { return "other" }
            try EventDecoder.checkSubject(input)
            return "\(input.resource.type.rawValue) \(input.resource.id) \(content.text ?? "")"
        } catch {
            return "\(error)"
        }
    }
}
