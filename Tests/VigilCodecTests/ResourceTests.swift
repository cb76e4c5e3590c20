// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

@Suite struct ResourceTests {
    @Test func theEnvelopesAttributesComeThrough() throws {
        let event = try #require(try Samples.input("request"))
        #expect(event.kind == .prescription)
        #expect(event.practice == "A81001")
        #expect(event.id == "ev-5")
        #expect(event.source == "urn:nhs:ods:A81001")
        #expect(event.subject == "7f3a9c")
        #expect(event.action == .created)
        #expect("\(event.time)" == "2024-03-29T10:15:00.000Z")
        #expect(event.sequence == 5)
        #expect(event.epoch == 2)
    }

    @Test func aPatientIsNamedByItsIdAndItsIdentifiers() throws {
        let event = try #require(try Samples.input("patient"))
        #expect(event.resource.versionNumber == 3)
        #expect(event.resource.lastUpdated.map { "\($0)" } == "2024-03-29T10:14:59.500Z")
        guard case .names(let names) = event.resource.patient,
            case .patient(let content) = event.resource.content
        else {
            Issue.record("a Patient has names and content")
            return
        }
        #expect(names == ["7f3a9c", "pseudonym-1"])
        #expect(content.birthDate.map(describe) == "1951-02-03 day")
        #expect(content.gender == "female")
        #expect(content.active == true)
        #expect(content.namesPractice)
        guard case .boolean(false) = content.deceased else {
            Issue.record("deceasedBoolean is read")
            return
        }
    }

    @Test func aVersionIsANumberWhereItIsAnInteger() throws {
        let text = try Samples.text("request")
        for (written, number) in [
            ("12", 12), ("012", 12), ("-3", -3), ("+5", nil), ("1.0", nil), ("", nil),
            ("18446744073709551617", VersionNumber("18446744073709551617".utf8)),
        ] as [(String, VersionNumber?)] {
            let version = text.replacingOccurrences(
                of: #""versionId":"1""#, with: "\"versionId\":\"\(written)\"")
            let decoded = try Samples.decode(version, topic: "prescription.A81001")
            guard case .input(let event) = decoded else { continue }
            #expect(event.resource.versionNumber == number, "\(written)")
        }
    }

    @Test func anOrderCarriesItsMedicineAndItsCourse() throws {
        let content = try #require(try Samples.clinical("request"))
        let supply = try #require(content.supply)
        #expect(content.counts)
        #expect(content.details.status == "active")
        #expect(content.text == "Naproxen 500mg tablets")
        #expect(content.codings.map(\.code) == ["42104811000001109"])
        #expect(content.codings.map(\.system) == ["https://dmd.nhs.uk"])
        #expect(content.date.map(describe) == "2024-03-29 day")
        #expect(supply.intent == "order")
        // A plan of care is no order: like a form, it may hold several medicines.
        #expect(supply.basedOn == [])
        #expect(supply.groups == ["plan-1", "group-1"])
        #expect(supply.prior == "rx-8344")
        #expect(supply.repeats == 5)
        #expect(content.details.quantity?.value == "56")
        #expect(supply.duration?.unit == "d")
        #expect(supply.validUntil.map(describe) == "2024-09-29 day")
        let said = content.details.directions.map { DosageInstruction.instructions(in: $0) }
        #expect(said?.map { $0[.wording] } == ["daily"])
    }

    @Test func aContainedMedicationIsTheMedicine() throws {
        let content = try #require(try Samples.clinical("contained"))
        #expect(content.codings.map(\.code) == ["319740004"])
        #expect(content.text == "Aspirin 75mg tablets")
        #expect(content.details.status == "stopped")
        #expect(!content.counts, "a plan is no issue")
        #expect(content.date.map(describe) == "2024-03-29 2024-03-29T09:00:00.000Z")
    }

    /// A sample, a text of it, what stands in its place, and whether that is inhaled: the name, the
    /// unit, the route by its code and by its text, the form.
    private static let forms: [(String, String, String, Bool?)] = [
        ("request", "Naproxen 500mg tablets", "Salbutamol 100micrograms/dose inhaler", true),
        ("request", "\"tablet\"", "\"inhaler\"", true),
        ("request", "[{\"text\":", inhalation, true),
        ("request", "[{\"text\":", "[{\"route\":{\"text\":\"Inhalation\"},\"text\":", true),
        ("request", "[{\"text\":", "[{\"route\":{\"text\":\"Oral\"},\"text\":", false),
        ("request", "[{\"text\":", "[{\"route\":[\"Inhalation\"],\"text\":", false),
        ("contained", "\"id\":\"med\"", "\"id\":\"med\",\"form\":{\"text\":\"Inhalation\"}", true),
        ("contained", "\"id\":\"med\"", "\"id\":\"med\",\"form\":\"inhaler\"", false),
        ("contained", "Aspirin 75mg tablets", "Terbutaline", nil),
        ("statement", "Ibuprofen from the shop", "Bricanyl Turbohaler", true),
        ("statement", "Ibuprofen from the shop", "Salbutamol 2mg/5ml oral solution", false),
        ("statement", "Ibuprofen from the shop", "Salbutamol", nil),
    ]
    private static let inhalation =
        "[{\"route\":{\"coding\":[{\"system\":\"http://snomed.info/sct\","
        + "\"code\":\"18679011000001101\"}]},\"text\":"

    @Test(arguments: forms)
    func routeFormNameAndUnitSayWhetherAMedicineIsInhaled(
        sample: String, old: String, new: String, isInhaled: Bool?
    ) throws {
        let text = try Samples.text(sample)
        #expect(text.contains(old))
        let decoded = try Samples.decode(
            text.replacingOccurrences(of: old, with: new), topic: "prescription.A81001")
        guard case .input(let event) = decoded,
            case .clinical(let content) = event.resource.content
        else {
            Issue.record("the sample is an order, dispense or statement")
            return
        }
        #expect(content.details.isInhaled == isInhaled)
    }

    @Test func aDispenseIsDatedByItsHandingOver() throws {
        let content = try #require(try Samples.clinical("dispense"))
        #expect(content.date.map(describe) == "2024-03-29 day")
        #expect(content.supply?.authorizing == ["rx-9"])
        #expect(content.supply?.duration?.value == "28")
    }

    @Test func aStatementRunsFromItsStartAndNamesWhatItRepeats() throws {
        let content = try #require(try Samples.clinical("statement"))
        #expect(content.date.map(describe) == "2024-03-01 day")
        #expect(content.end.map(describe) == "2024-03-20 day")
        #expect(content.codings.isEmpty)
        #expect(content.text == "Ibuprofen from the shop")
        #expect(content.supply?.basedOn == ["rx-9"])
    }

    @Test func aConditionTakesItsOnsetBeforeItsRecording() throws {
        let content = try #require(try Samples.clinical("condition"))
        #expect(content.details.status == "resolved")
        #expect(content.text == "Peptic ulcer disease")
        #expect(content.date.map(describe) == "2019-05-01 month")
        #expect(content.end.map(describe) == "2020-01-01 year")
        #expect(content.counts)
    }

    @Test func aResultKeepsItsDecimalAsWritten() throws {
        let content = try #require(try Samples.clinical("observation"))
        guard case .quantity(let quantity) = content.details.value else {
            Issue.record("a valueQuantity is a quantity")
            return
        }
        #expect(quantity.value == "44.10")
        #expect(quantity.comparator == "<")
        #expect(quantity.unit == "mL/min/{1.73_m2}")
        #expect(content.details.issued.map { "\($0)" } == "2024-03-29T09:30:00.250Z")
        #expect(content.date.map(describe) == "2024-03-28 2024-03-28T08:00:00.000Z")
    }

    @Test func componentsCountWithTheirCodesAndOnlyValuedOnesAreKept() throws {
        let content = try #require(try Samples.clinical("pressure"))
        #expect(content.codings.map(\.code) == ["85354-9", "8480-6", "8462-4"])
        #expect(content.details.components.map { $0.codings.map(\.code) } == [["8480-6"]])
    }

    @Test func aReportIsDatedByTheEndOfItsPeriod() throws {
        let content = try #require(try Samples.clinical("report"))
        #expect(content.date.map(describe) == "2024-03-28 day")
    }

    @Test func aContactCountsForItsTypesAndReasons() throws {
        let content = try #require(try Samples.clinical("encounter"))
        #expect(content.codings.map(\.code) == ["185347001", "195967001"])
        #expect(content.end.map(describe) == "2024-03-29 2024-03-29T10:12:00.000Z")
    }

    @Test(arguments: [
        ("request", #""status":"active""#, #""status":"entered-in-error""#),
        (
            "condition", #""code":"confirmed""#,
            #""code":"entered-in-error""#
        ),
        ("review", #""status":"final""#, #""status":"entered-in-error""#),
    ])
    func whatWasEnteredInErrorIsATombstone(name: String, old: String, new: String) throws {
        let text = try Samples.text(name).replacingOccurrences(of: old, with: new)
        guard case .input(let event) = try Samples.decode(text, topic: Samples.topic(name)) else {
            Issue.record("a resource is an input")
            return
        }
        #expect(event.resource.content == nil)
        #expect(!event.resource.id.isEmpty)
    }

    @Test func aDeletedResourceNeedsNothingButItsName() throws {
        let event = try #require(try Samples.input("deleted"))
        #expect(event.action == .deleted)
        #expect(event.resource.content == nil)
        #expect(event.resource.id == "rx-8841")
    }

    @Test func aDeletedPatientMayBeNamedByItsIdAlone() throws {
        let text = try Samples.text("deleted")
            .replacingOccurrences(of: "prescription", with: "patient")
            .replacingOccurrences(of: "MedicationRequest", with: "Patient")
        _ = try Samples.decode(text, topic: "patient.A81001")
        let named = text.replacingOccurrences(
            of: "\"id\":\"rx-8841\"", with: "\"id\":\"1\",\"identifier\":[{\"value\":\"2\"}]")
        let rejection = #expect(throws: Rejection.self) {
            try Samples.decode(named, topic: "patient.A81001")
        }
        #expect(rejection?.code == .subjectMismatch)
    }

    /// Sample | old text | what is put in its place, of a shape that FHIR does not know.
    @Test(
        arguments: """
            observation | "issued" | "referenceRange":{"high":5},"issued"
            observation | "issued" | "referenceRange":[5,{"high":{"value":"5"}}],"issued"
            observation | "issued" | "hasMember":"none","issued"
            observation | "issued" | "hasMember":[1],"issued"
            observation | "issued" | "dataAbsentReason":"unknown","issued"
            request | {"end":"2024-09-29"} | "a year"
            request | {"end":"2024-09-29"} | {"end":"2024-09-31"}
            statement | [{"reference":"MedicationRequest/rx-9"}] | "rx-9"
            statement | "derivedFrom":[{ | "partOf":{"reference":5},"derivedFrom":[5,{
            """.split(separator: "\n").map(String.init))
    func whatTheProtocolDoesNotReadIsNeverRefusedForItsShape(line: String) throws {
        let parts = line.components(separatedBy: " | ")
        #expect(try Samples.text(parts[0]).contains(parts[1]))
        let content = try Samples.clinical(parts[0], replacing: parts[1], with: parts[2])
        #expect(content?.counts == true)
        #expect(content?.details.referenceHigh == nil)
        #expect(content?.supply?.validUntil == nil)
    }

    @Test func aReviewCarriesItsDecisionAndItsWords() throws {
        let event = try #require(try Samples.input("review"))
        guard case .review(let review, let places) = event.resource.content else {
            Issue.record("a DetectedIssue is a review")
            return
        }
        #expect(review.flagID == "mzxw6ytboi")
        #expect(review.action == "override")
        #expect(review.seen == "90217")
        #expect(describe(review.date) == "2024-04-15 2024-04-15T08:14:35.000Z")
        #expect(review.until.map(describe) == "2024-10-15 day")
        let text = String(decoding: review.mitigation, as: UTF8.self)
        #expect(text.hasPrefix(#"{"extension":[{"url":"urn:vigil:seen""#))
        #expect(text.hasSuffix(#""value":"2071234"}}}"#))
        #expect(places.flag == "/data/identifier/0/value")
        #expect(places.seen == "/data/mitigation/0/extension/0/valueString")
        #expect(places.until == "/data/mitigation/0/extension/2/valueDate")
        #expect(places.isUntilFirst)
    }

    @Test func aClockEventNeedsOnlyItsTime() throws {
        let decoded = try Samples.decode(try Samples.text("clock"), topic: "system.clock")
        guard case .clock(let instant) = decoded else {
            Issue.record("a clock event moves the clock")
            return
        }
        #expect("\(instant)" == "2024-06-01T00:00:00.000Z")
    }

    /// Sample | old text | new text | whether it counts (clinical.md, section 1.8).
    @Test(
        arguments: """
            request | "status":"active" | "status":"on-hold" | true
            request | "status":"active" | "status":"draft" | false
            request | "status":"active" | "status":"cancelled" | false
            request | "intent":"order" | "intent":"proposal" | false
            request | "intent":"order" | "intent":"option" | false
            request | "intent":"order" | "intent":"reflex-order" | true
            request | "doNotPerform":false | "doNotPerform":true | false
            request | "authoredOn":"2024-03-29" | "authoredOn":"2024-03" | false
            dispense | "status":"completed" | "status":"declined" | false
            dispense | "status":"completed" | "status":"in-progress" | true
            dispense | "completed","medic | "in-progress","when":1,"medic | true
            dispense | ,"whenHandedOver":"2024-03-29" |  | true
            statement | "status":"active" | "status":"not-taken" | false
            statement | "status":"active" | "status":"stopped" | true
            condition | "code":"confirmed" | "code":"refuted" | false
            condition | "code":"confirmed" | "code":"differential" | false
            condition | "code":"confirmed" | "code":"provisional" | true
            observation | "status":"final" | "status":"preliminary" | true
            observation | "status":"final" | "status":"registered" | false
            observation | "valueQuantity":{"value":44.10, | "dataAbsentReason":{},"x":{ | false
            observation | "valueQuantity":{ | "dataAbsentReason":{},"valueQuantity":{ | true
            pressure | "device":{ | "dataAbsentReason":{},"device":{ | true
            report | "status":"final" | "status":"cancelled" | false
            encounter | "status":"finished" | "status":"planned" | false
            encounter | "status":"finished" | "status":"arrived" | true
            procedure | "status":"completed" | "status":"stopped" | false
            """.split(separator: "\n").map(String.init))
    func whatIsNeverCountedDoesNotCount(line: String) throws {
        let parts = line.components(separatedBy: " | ")
        try #require(parts.count == 4)
        let content = try #require(
            try Samples.clinical(parts[0], replacing: parts[1], with: parts[2]))
        #expect(content.counts == (parts[3] == "true"))
    }

    /// The references and what names the patient in them.
    @Test(
        arguments: """
            Patient/7f3a9c
            7f3a9c
            Patient/7f3a9c/_history/4
            https://example.org/fhir/Patient/7f3a9c
            https://example.org/patients/7f3a9c
            urn:uuid:7f3a9c
            """.split(separator: "\n").map(String.init))
    func aReferenceIsComparedByItsLastSegment(reference: String) throws {
        let text = try Samples.text("request").replacingOccurrences(
            of: "Patient/7f3a9c", with: reference)
        #expect(throws: Never.self) {
            try Samples.decode(text, topic: "prescription.A81001")
        }
    }

    @Test func anIdentifierAloneIsNotCompared() throws {
        let text = try Samples.text("request").replacingOccurrences(
            of: #"{"reference":"Patient/7f3a9c"}"#, with: #"{"identifier":{"value":"another"}}"#)
        guard case .input(let event) = try Samples.decode(text, topic: "prescription.A81001"),
            case .identifierOnly(let value) = event.resource.patient
        else {
            Issue.record("an identifier is a name of its own kind")
            return
        }
        #expect(value == "another")
    }

    @Test func aRepeatedMemberThatNobodyReadsIsKept() throws {
        let text = try Samples.text("request").replacingOccurrences(
            of: #""doNotPerform":false"#, with: #""note":[{"a":1,"a":2}],"note":5"#)
        #expect(throws: Never.self) {
            try Samples.decode(text, topic: "prescription.A81001")
        }
    }

    private func describe(_ time: ClinicalTime) -> String {
        "\(time.writtenDay) " + (time.instant.map { "\($0)" } ?? "\(time.precision)")
    }
}
