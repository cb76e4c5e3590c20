// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec

@testable import VigilCore

/// Flags as subscribers get them, against the contract's examples.
struct OutputFlagTests {
    private static let zone = ZoneTable(
        name: "Europe/London", initialOffsetSeconds: 0,
        transitions: [ZoneTable.Transition(unixSeconds: 1_711_846_800, offsetSeconds: 3600)])

    private static let identity = FlagID(
        origin: "vigil/south-pcn", subject: "7f3a9c", rule: "gi-p3a", episode: 1)

    private static let records: [UInt64: EvidenceDescription] = [
        84410: EvidenceDescription(
            type: .medicationRequest, id: "rx-8841", text: "Naproxen 500mg tablets"),
        71007: EvidenceDescription(
            type: .medicationRequest, id: "rx-8344",
            text: "Omeprazole 20mg gastro-resistant capsules"),
        92001: EvidenceDescription(
            type: .medicationRequest, id: "rx-9012",
            text: "Omeprazole 20mg gastro-resistant capsules"),
        10233: EvidenceDescription(type: .patient, id: "pat-7f3a", text: "Patient"),
    ]

    private static func encoder(
        _ records: [UInt64: EvidenceDescription] = records
    ) -> FlagEncoder {
        FlagEncoder(zone: zone, author: "Vigil 0.1.0") { records[$0] }
    }

    private static func instant(_ text: String) throws -> Instant {
        try #require(TimeText.instant(rfc3339: Array(text.utf8)))
    }

    private static func evidence(
        _ role: String, _ display: String, _ offset: UInt64, _ day: CivilDay?,
        isHazard: Bool = false, years: Int? = nil
    ) -> Evidence {
        Evidence(
            role: role, display: display, isHazard: isHazard,
            records: [EvidenceRecord(offset: offset, day: day)], ageYears: years)
    }

    /// The flag of the examples.
    private static func event(
        _ transition: FlagEvent.Transition, reason: String?
    ) throws -> FlagEvent {
        let rule = Rule(
            id: "gi-p3a", version: "1.0.0", severity: .high,
            title: "NSAID without gastroprotection, age 65 or over", settleMilliseconds: 0,
            sentence: try SentenceTemplate(
                "{hazard.display} issued {hazard.date} to a patient aged {age}"
                    + "[; the last {protection-lapsed.display} left the window]."),
            denominator: DefinitionID(index: 0), numerator: DefinitionID(index: 0), evidence: [],
            endings: [],
            absences: [AbsenceTest(kind: .prescription, months: 3, inDenominator: true)])
        return FlagEvent(
            transition: transition, flagID: identity, subject: "7f3a9c",
            practice: "A81001",
            pack: PackIdentity(
                id: "pincer", version: "1.0.0",
                hash: "sha256:98c00d4f442dfe059b46a0e6abfb80eda5f81d12acb6cfe5219fc5486c424856"),
            rule: rule, reason: reason, openedAt: try instant("2024-04-12T23:00:00Z"),
            closedAt: nil,
            evidence: [
                evidence(
                    "hazard", "Hazardous medicine", 84410,
                    CivilDay(year: 2024, month: 3, day: 29), isHazard: true),
                evidence(
                    "protection-lapsed", "Protective medicine no longer in the window", 71007,
                    CivilDay(year: 2024, month: 1, day: 12)),
                evidence("age", "Age", 10233, nil, years: 73),
            ], reviewState: "open", review: nil,
            endsOn: CivilDay(year: 2024, month: 6, day: 30), unreadMedicines: 0,
            withdrawn: false, severity: .high,
            group: identity, isFromBaseline: false)
    }

    private static func place(
        _ offset: UInt64, time: String, sequence: UInt64
    ) throws -> OutputPlace {
        OutputPlace(
            offset: offset, origin: "vigil/south-pcn", causation: offset - 1,
            time: try instant(time), sequence: sequence)
    }

    private static func accepted() throws -> StandingReview {
        let mitigation =
            #"{"extension":[{"url":"urn:vigil:seen","valueString":"90217"}],"#
            + #""action":{"coding":[{"system":"urn:vigil:review-action","code":"accept","#
            + #""display":"Accepted: I will deal with it"}]},"#
            + #""date":"2024-04-15T09:12:00+01:00","author":{"type":"Practitioner","#
            + #""identifier":{"system":"https://fhir.hl7.org.uk/Id/gphc-number","#
            + #""value":"2071234"},"display":"PCN pharmacist"}}"#
        let date = try instant("2024-04-15T08:12:00Z")
        return StandingReview(
            content: ReviewContent(
                flagID: "f-3b1e0f6c9a2d4e58", action: "accept", seen: "90217",
                date: ClinicalTime(
                    writtenDay: date.utc.day, precision: .time, instant: date), until: nil,
                mitigation: Array(mitigation.utf8)), instant: date, offset: 90654)
    }

    /// Members that the example words for its own case; they are held to be of the same type.
    private static let freeTexts: Set<String> = [
        "/data/detail", "/data/extension/3/extension/2/valueString",
    ]

    private func compare(_ encoded: [UInt8], with name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let example = try Data(contentsOf: folder.appending(path: "OutputExamples/\(name).json"))
        // The example's identity is none that the protocol's formula gives.
        let expected = try Self.leaves(example).mapValues { value in
            value == "text f-3b1e0f6c9a2d4e58" ? "text \(Self.identity.text)" : value
        }
        let found = try Self.leaves(Data(encoded))
        // What joins flags on one medicine is the daemon's own and not in the examples.
        #expect(Set(found.keys).symmetricDifference(expected.keys).sorted() == ["/group"])
        for (path, value) in expected where !Self.freeTexts.contains(path) {
            #expect(found[path] == value, "\(path)")
        }
    }

    /// Every value by its JSON Pointer, with its type.
    private static func leaves(_ text: Data) throws -> [String: String] {
        var leaves: [String: String] = [:]
        func walk(_ value: Any, _ path: String) {
            switch value {
            case let object as [String: Any]:
                for (key, member) in object { walk(member, "\(path)/\(key)") }
            case let array as [Any]:
                for (index, element) in array.enumerated() { walk(element, "\(path)/\(index)") }
            case let text as String: leaves[path] = "text \(text)"
            case let number as NSNumber:
                let isTruth = CFBooleanLike.isBoolean(number)
                leaves[path] = "\(isTruth ? "truth" : "number") \(number)"
            default: leaves[path] = "null"
            }
        }
        walk(try JSONSerialization.jsonObject(with: text), "")
        return leaves
    }

    @Test func aRaisedFlagIsTheExample() throws {
        try compare(
            Self.encoder().encode(
                try Self.event(.raised, reason: "time"),
                at: try Self.place(90217, time: "2024-04-12T23:00:00Z", sequence: 412)),
            with: "raised")
    }

    @Test func aReviewedFlagIsTheExample() throws {
        var event = try Self.event(.reviewed, reason: nil)
        event.review = try Self.accepted()
        event.reviewState = "accepted"
        try compare(
            Self.encoder().encode(
                event, at: try Self.place(90655, time: "2024-04-15T08:12:03Z", sequence: 413)),
            with: "reviewed")
    }

    @Test func aResolvedFlagIsTheExample() throws {
        var event = try Self.event(.resolved, reason: "protection-issued")
        event.review = try Self.accepted()
        event.reviewState = "accepted"
        event.closedAt = try Self.instant("2024-04-18T09:31:08Z")
        event.evidence.append(
            Self.evidence(
                "protection-issued", "Protective medicine issued", 92001,
                CivilDay(year: 2024, month: 4, day: 18)))
        let encoded = Self.encoder().encode(
            event, at: try Self.place(92002, time: "2024-04-18T09:31:08Z", sequence: 415))
        try compare(encoded, with: "resolved")
        let leaves = try Self.leaves(Data(encoded))
        #expect(
            leaves["/data/detail"] == "text Resolved: Omeprazole 20mg gastro-resistant capsules "
                + "issued 2024-04-18, 3 days after the review. It was open for 5 days.")
    }

    @Test(arguments: [
        ("updated", "evidence", false, "amended"),
        ("resolved", "corrected", true, "entered-in-error"),
        ("resolved", "corrected", false, "final"), ("raised", "event", false, "final"),
    ])
    func theStatusSaysWhatBecameOfTheFlag(
        transition: String, reason: String, withdrawn: Bool, status: String
    ) throws {
        var event = try Self.event(
            try #require(FlagEvent.Transition(rawValue: transition)), reason: reason)
        event.withdrawn = withdrawn
        let leaves = try Self.leaves(
            Data(
                Self.encoder().encode(
                    event, at: try Self.place(5, time: "2024-04-18T09:31:08Z", sequence: 1))))
        #expect(leaves["/data/status"] == "text \(status)")
    }

    @Test func whatIsAbsentHasARoleAndNoDetail() throws {
        var event = try Self.event(.raised, reason: "event")
        event.evidence = [
            Evidence(
                role: "protection-absent", display: "None on record", isHazard: false, records: [])
        ]
        event.endsOn = nil
        event.unreadMedicines = nil
        let leaves = try Self.leaves(
            Data(
                Self.encoder().encode(
                    event, at: try Self.place(5, time: "2024-04-18T09:31:08Z", sequence: 1))))
        #expect(leaves["/data/evidence/0/code/0/coding/0/code"] == "text protection-absent")
        #expect(!leaves.keys.contains { $0.contains("/detail/") || $0.contains("implicated") })
        #expect(!leaves.values.contains("text urn:vigil:forecast"))
        #expect(!leaves.values.contains("text urn:vigil:unread-medicines"))
    }

    @Test(arguments: [(2, "number 2"), (nil, nil)])
    func anAlertSaysWhatCouldNotBeRead(unread: Int?, said: String?) throws {
        var event = try Self.event(.raised, reason: "event")
        event.rule.emits = .alerts
        event.unreadMedicines = unread
        let leaves = try Self.leaves(
            Data(
                Self.encoder().encode(
                    event, at: try Self.place(5, time: "2024-04-18T09:31:08Z", sequence: 1))))
        #expect(leaves["/data/resourceType"] == "text RiskAssessment")
        let place = leaves.first { $0.value == "text urn:vigil:unread-medicines" }?.key
        let value = place?.replacingOccurrences(of: "/url", with: "/valueUnsignedInt")
        #expect(value.flatMap { leaves[$0] } == said)
    }

    @Test(arguments: [
        "Tab\tand\nline, \"quoted\" \\ and /", "Nul \u{0} bell \u{7} escape \u{1B} delete \u{7F}",
        "Naproxène 500 µg 薬 💊", "Line separator \u{2028} and e\u{301}", "",
    ])
    func whatPeopleWriteComesOutAsTheyWroteIt(text: String) throws {
        var records = Self.records
        records[84410] = EvidenceDescription(type: .medicationRequest, id: "rx", text: text)
        var event = try Self.event(.raised, reason: "event")
        event.subject = text
        let encoded = Self.encoder(records).encode(
            event, at: try Self.place(5, time: "2024-04-18T09:31:08Z", sequence: 1))
        #expect(!encoded.contains { $0 < 0x20 })
        let leaves = try Self.leaves(Data(encoded))
        #expect(
            leaves["/data/implicated/0/display"]?.utf8.elementsEqual(
                "text \(text), issued 2024-03-29".utf8) == true)
        #expect(leaves["/subject"]?.utf8.elementsEqual("text \(text)".utf8) == true)
        // The daemon's own reader agrees.
        let read = try JSONDocument().withRoot(of: encoded) { root in
            root.member("subject").first?.text
        }
        #expect(read?.utf8.elementsEqual(text.utf8) == true)
    }

    @Test func aRecordThatCannotBeReadIsNamedByItsOffset() throws {
        let leaves = try Self.leaves(
            Data(
                Self.encoder([:]).encode(
                    try Self.event(.raised, reason: "event"),
                    at: try Self.place(5, time: "2024-04-18T09:31:08Z", sequence: 1))))
        #expect(leaves["/data/implicated/0/display"] == "text Record 84410")
        #expect(leaves["/data/implicated/0/identifier/value"] == "text 84410")
        #expect(leaves["/data/implicated/0/reference"] == nil)
    }
}

/// Tells JSON's true from its 1.
private enum CFBooleanLike {
    static func isBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c"
    }
}
