// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// A packed patient is the patient that was packed.
struct PackedPatientTests {
    private static func text(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        // The places of objects differ.
        return text.replacing(/#\d+/, with: "")
    }

    /// Each fact by itself: of what several share, as may be, only the first is told in full.
    private static func texts(_ facts: PatientFacts?) -> [String] {
        var person = facts
        person?.facts = []
        return [text(person as Any)] + (facts?.facts ?? []).map { text($0) }
    }

    private static func fact(_ offset: UInt64, _ day: Int32, full: Bool) -> Fact {
        let date = ClinicalTime(writtenDay: CivilDay(number: day), precision: .day)
        var fact = Fact(
            type: full ? .encounter : .medicationRequest, offset: offset,
            codings: [CodingID(index: 3)] + (full ? [CodingID(index: 9)] : []), date: date,
            day: CivilDay(number: day), details: details(of: offset, full: full))
        fact.known = Instant(milliseconds: 1_700_000_000_123)
        guard full else { return fact }
        fact.date = ClinicalTime(
            writtenDay: CivilDay(number: day + 1), precision: .time,
            instant: Instant(milliseconds: 99))
        fact.endDay = CivilDay(number: day + 2)
        fact.endsAt = Instant(milliseconds: 1_700_000_000_456)
        fact.stoppedOn = CivilDay(number: day + 3)
        fact.issue = 2
        fact.supplyEnd = CivilDay(number: day - 4)
        fact.supply = SupplyIdentity(
            source: ExactText("urn:other"), id: IdentifierHash("a"), names: [IdentifierHash("b")])
        return fact
    }

    /// Of most facts what others say, too; of some in another object, of some inhaled or not.
    private static func details(of offset: UInt64, full: Bool) -> FactDetails {
        if full {
            return FactDetails(
                issued: Instant(milliseconds: -5),
                value: .codings([Coding(system: "s", code: "c", display: "d")]),
                components: [
                    ObservedComponent(
                        codings: [Coding(system: "s", code: "c")], value: .boolean(true))
                ],
                referenceHigh: ObservedQuantity(value: "7.10", unit: "mmol/L"),
                encounterClass: "EMER",
                quantity: ObservedQuantity(value: "56", comparator: "<", unit: "tablet"))
        }
        return FactDetails(
            status: offset % 9 == 2 ? "stopped" : "active",
            issued: offset % 8 == 4 ? Instant(milliseconds: 12) : nil,
            quantity: ObservedQuantity(
                value: offset % 10 == 7 ? "28" : "56", comparator: "<", unit: "tablet"),
            directions: offset % 11 == 3 ? nil : "one a day",
            isInhaled: [nil, nil, true, false][Int(offset / 7 % 4)])
    }

    private static func patient() -> Patient {
        var patient = Patient(subject: "4000000001", practice: "A81001")
        for number in 0..<40 as Range<UInt64> {
            let isFull = number % 3 == 1
            let fact = Self.fact(number * 7, Int32(19_000 + number), full: isFull)
            let key = Patient.ResourceKey(
                source: ExactText(number % 5 == 0 ? "urn:a" : "urn:b"), type: fact.type,
                id: IdentifierHash("\(number)"))
            let version = ResourceVersion(
                number: number % 2 == 0 ? VersionNumber(number == 8 ? Int64.min : 1) : nil,
                lastUpdated: isFull ? Instant(milliseconds: Int64(number)) : nil,
                time: Instant(milliseconds: Int64(number) * 1_000_003), offset: number * 7)
            var history = MedicineHistory(
                single: version, id: key.id, codings: number % 4 == 0 ? [] : fact.codings)
            var state = Patient.ResourceState(
                version: version, isWithdrawn: number == 6,
                factOffset: number == 6 ? nil : fact.offset)
            if number == 9 {
                _ = history.note(status: "stopped", version: version)
                state.version.offset += 1
            }
            state.life =
                isFull ? .condition(EndedHistory()) : Patient.Life(history, version: state.version)
            patient.resources[key] = state
            if number != 6 { patient.facts.facts.append(fact) }
        }
        // Of no resource that is kept.
        patient.facts.facts.append(Self.fact(9999, 20_000, full: true))
        patient.view = patient.facts
        patient.episodes[2].pending = Episode.Pending(
            since: Instant(milliseconds: 1), reason: "event", settlesAt: .never)
        patient.episodes[2].isQuiet = true
        patient.episodes[2].stableUntil = Instant(milliseconds: 7_200_000)
        patient.episodes[2].truth = .unknown
        patient.episodes[7].count = 3
        patient.episodes[7].truth = .yes
        patient.loads = [4]
        patient.pastEpisodes["gone"] = Episode(count: 2)
        patient.mergedInto = 5
        return patient
    }

    @Test func everyPartOfAPatientIsThereAgain() throws {
        let patient = Self.patient()
        var writer = StateWriter()
        writer.write(patient)
        var reader = StateReader(writer.bytes[...], texts: writer.texts.texts)
        let read = try reader.read(Patient.self)
        #expect(reader.isAtEnd)
        #expect(Self.texts(read.facts) == Self.texts(patient.facts))
        #expect(Self.text(read.resources.entries) == Self.text(patient.resources.entries))
        #expect(Self.texts(read.view) == Self.texts(patient.view))
        #expect(Self.text(read.episodes) == Self.text(patient.episodes))
        #expect(read.loads == [4] && read.mergedInto == 5)
        #expect(read.pastEpisodes.mapValues(\.count) == ["gone": 2])
    }
    @Test func aPatientReadAndWrittenAgainHasTheSameBytes() throws {
        var writer = StateWriter()
        writer.write(Self.patient())
        var reader = StateReader(writer.bytes[...], texts: writer.texts.texts)
        var again = StateWriter(texts: writer.texts)
        again.write(try reader.read(Patient.self))
        #expect(again.bytes == writer.bytes && again.texts.texts == writer.texts.texts)
    }

    @Test func damagedBytesAreAnErrorOrAPatient() {
        var writer = StateWriter()
        writer.write(Self.patient())
        let bytes = writer.bytes
        var refused = 0
        for place in stride(from: 0, to: bytes.count, by: 7) {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            var damage = StateReader(damaged[...], texts: writer.texts.texts)
            if (try? damage.read(Patient.self)) == nil { refused += 1 }
            var reader = StateReader(bytes[..<place], texts: writer.texts.texts)
            #expect(throws: StateError.self) { try reader.read(Patient.self) }
        }
        #expect(refused > 0)
    }

    private static let spans: [Int64] = [
        0, 1, -1, 999, -1000, 3_600_000, -7_200_000, .max, .max - 1, .min, .min + 1, 1 << 60,
        (1 << 60) - 1,
    ]

    @Test(arguments: spans)
    func everySpanIsReadAsItWasWritten(_ milliseconds: Int64) throws {
        var writer = StateWriter()
        writer.writeSpan(milliseconds)
        var reader = StateReader(writer.bytes[...])
        #expect(try reader.readSpan() == milliseconds)
        #expect(reader.isAtEnd)
    }
}
