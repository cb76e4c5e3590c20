// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// Readings: what algorithms find by their running state is what they find in the whole list.
struct ReadingTests {
    private static let packs = Result {
        try ["deterioration", "home-monitoring"].map { try BundledPacks.named($0).compile() }
    }

    /// One patient's device, and a fold that takes in what it sends.
    private struct Home {
        var fold: Fold
        var offset: UInt64 = 0
        var now: Instant

        init(now: Instant) throws {
            self.now = now
            fold = Fold(origin: "vigil/test", zone: .utc)
            _ = fold.activate(try ReadingTests.packs.get(), now: now)
        }

        mutating func pass(to later: Instant) {
            while let due = fold.nextDue(through: later) {
                _ = fold.workOff(subject: due.subject, instant: due.instant)
            }
            now = max(now, later)
        }

        @discardableResult
        mutating func send(
            _ id: String, version: Int64 = 1, at: Instant?, _ content: ClinicalContent?
        ) -> [Output] {
            var content = content
            if let at {
                content?.date = ClinicalTime(
                    writtenDay: at.utc.day, precision: .time, instant: at)
            }
            let event = InputEvent(
                kind: .device, practice: "A81001", id: "e\(offset)", source: "urn:test",
                subject: "ann", action: .updated, time: now,
                resource: Resource(
                    type: .observation, id: id, versionNumber: VersionNumber(version),
                    content: content.map { .clinical($0) }))
            defer { offset += 1 }
            return fold.take(event, offset: offset, now: now)
        }

        mutating func instruct(_ code: String) {
            send(
                code, at: now,
                ClinicalContent(
                    codings: [Coding(system: "urn:vigil:instruction", code: code)],
                    details: FactDetails(value: .boolean(true))))
        }

        /// What each algorithm that follows readings says, by its state and by the whole list, and
        /// what the list says later, before the horizon.
        mutating func compare(whole facts: [Fact]?) -> [Found] {
            var found: [Found] = []
            for rule in fold.rules.indices {
                guard let use = fold.rules[rule].rule.algorithm, fold.rules[rule].track != nil
                else { continue }
                fold.updateTrack(ofRule: rule, patient: 0, now: now)
                let pack = fold.packs[fold.rules[rule].pack]
                func input(_ patient: PatientFacts, _ now: Instant) -> AlgorithmInput {
                    AlgorithmInput(
                        patient: patient,
                        reader: ListReader(
                            roles: use.lists, lists: pack.pack.lists,
                            membership: pack.membership),
                        codings: fold.codings, now: now, zone: fold.zone)
                }
                let live = use.algorithm.assess(
                    input(fold.seen(of: 0), now), fold.patients[0].tracks,
                    fold.rules[rule].track ?? -1)
                var all = fold.allFacts(of: 0)
                if let facts { all.facts = facts }
                // Readings of a month ago are looked at no more, and tell nobody when.
                let later = min(
                    live.until.adding(milliseconds: -1),
                    now.adding(milliseconds: 20 * 86_400_000))
                found.append(
                    Found(
                        rule: fold.rules[rule].rule.id, live: live.assessment,
                        paper: ReadingTests.paper(use.algorithm, input(all, now)).assessment,
                        later: ReadingTests.paper(use.algorithm, input(all, later)).assessment))
            }
            return found
        }
    }

    private struct Found {
        var rule: String
        var live: Assessment
        var paper: Assessment
        var later: Assessment
    }

    private static func paper(
        _ algorithm: Algorithm, _ input: borrowing AlgorithmInput
    ) -> AlgorithmResult {
        switch algorithm {
        case .news2: PaperNews2.assess(input)
        case .homeOxygen: PaperOxygen.assess(input)
        case .pressureCrisis: PaperPressure.assessCrisis(input)
        case .pressureAverage: PaperPressure.assessAverage(input)
        case .glucoseEpisode: PaperGlucose.assessEpisode(input)
        case .glucoseRange: PaperGlucose.assessRange(input)
        case .glucoseSignal: PaperGlucose.assessSignal(input)
        default: preconditionFailure("It follows no readings.")
        }
    }

    // MARK: - Readings by chance

    private static func loinc(_ code: String) -> Coding {
        Coding(system: "http://loinc.org", code: code)
    }

    private static func quantity(_ code: String, _ value: String, _ unit: String) -> ClinicalContent
    {
        ClinicalContent(
            codings: [loinc(code)],
            details: FactDetails(value: .quantity(ObservedQuantity(value: value, unit: unit))))
    }

    private static func reading(_ random: inout SeededRandom) -> ClinicalContent {
        func whole(_ range: ClosedRange<Int>) -> String {
            String(Int.random(in: range, using: &random))
        }
        switch Int.random(in: 0..<20, using: &random) {
        case 0...2: return quantity("2708-6", whole(80...99), "%")
        case 3: return quantity("2708-6", whole(60...100), "percent")
        case 4, 5: return quantity("8867-4", whole(40...140), "/min")
        case 6, 7: return quantity("9279-1", whole(7...26), "/min")
        case 8: return quantity("8310-5", "3\(whole(5...9)).\(whole(0...9))", "Cel")
        case 9: return quantity("8480-6", whole(85...200), "mm[Hg]")
        case 10, 11:
            return ClinicalContent(
                codings: ["85354-9", "8480-6", "8462-4"].map(loinc),
                details: FactDetails(
                    components: [("8480-6", whole(100...200)), ("8462-4", whole(70...125))].map {
                        ObservedComponent(
                            codings: [loinc($0)],
                            value: .quantity(ObservedQuantity(value: $1, unit: "mm[Hg]")))
                    }))
        case 12:
            return ClinicalContent(
                codings: [Coding(system: "http://snomed.info/sct", code: "1104441000000107")],
                details: FactDetails(
                    value: .codings([
                        Coding(
                            system: "http://snomed.info/sct",
                            code: Bool.random(using: &random) ? "248234008" : "300202002")
                    ])))
        case 13: return quantity("3151-8", whole(0...2), "L/min")
        default:
            return Bool.random(using: &random)
                ? quantity("99504-3", "\(whole(2...5)).\(whole(0...9))", "mmol/L")
                : quantity("99504-3", whole(40...90), "mg/dL")
        }
    }

    private static func expect(
        _ home: inout Home, whole: [Fact]? = nil, _ what: @autoclosure () -> String
    ) {
        for found in home.compare(whole: whole) {
            #expect(found.live == found.paper, "\(found.rule): \(what())")
            let (now, later) = (found.paper, found.later)
            #expect(
                (now.severity, now.step, now.isStale) == (
                    later.severity, later.step, later.isStale
                ),
                "\(found.rule), before its horizon: \(what())")
        }
    }

    /// Rounds of readings at all speeds, a sixth of them late, corrected or withdrawn.
    @Test(arguments: 1...4)
    func anyOrderOfReadingsAndCorrectionsGivesWhatTheWholeListGives(seed: UInt64) throws {
        var random = SeededRandom(state: seed)
        var home = try Home(now: Instant(milliseconds: 1_715_000_000_000))
        var sent: [(id: String, at: Instant, version: Int64)] = []
        if seed % 2 == 0 { home.instruct("spo2-target-88-92") }
        if seed % 3 == 0 { home.instruct("news2-spo2-scale-2") }
        let paces: [Int64] = [20_000, 240_000, 1_800_000, 14_400_000]
        for number in 0..<420 {
            let pace = paces[(number / 60 + Int(seed)) % paces.count]
            home.pass(
                to: home.now.adding(milliseconds: Int64.random(in: 0...2 * pace, using: &random)))
            let kind = Int.random(in: 0..<24, using: &random)
            let index =
                sent.isEmpty ? 0 : max(0, sent.count - 1 - Int.random(in: 0..<40, using: &random))
            switch kind {
            case 0 where !sent.isEmpty:
                sent[index].version += 1
                home.send(sent[index].id, version: sent[index].version, at: nil, nil)
            case 1 where !sent.isEmpty:
                sent[index].version += 1
                home.send(
                    sent[index].id, version: sent[index].version, at: sent[index].at,
                    Self.reading(&random))
            default:
                let lateness =
                    kind < 4 ? Int64.random(in: -pace...8 * pace, using: &random) : 0
                let at = home.now.adding(milliseconds: -lateness)
                sent.append(("r\(number)", at, 1))
                home.send("r\(number)", at: at, Self.reading(&random))
            }
            Self.expect(&home, "seed \(seed), event \(number)")
        }
    }

    // MARK: - A reading a second

    /// The size of a patient's state as a snapshot has it.
    private func size(_ home: Home) -> Int {
        var texts = StateTexts()
        return home.fold.patientBlock(0, texts: &texts).count
    }

    /// A pulse oximeter that sends saturation and pulse each second, and a round of all else now
    /// and then; for some minutes the saturation is low.
    @Test func aReadingASecondFindsTheSameInBoundedState() throws {
        var random = SeededRandom(state: 99)
        var home = try Home(now: Instant(milliseconds: 1_715_000_000_000))
        home.instruct("spo2-target-88-92")
        var facts: [Fact] = home.fold.patients[0].facts.facts
        var sizes: [Int] = []
        for second in 0..<1600 {
            home.pass(to: home.now.adding(milliseconds: 1000))
            func send(_ name: String, _ content: ClinicalContent) {
                let offset = home.offset
                home.send("\(name)\(second)", at: home.now, content)
                let patient = home.fold.patients[0]
                let newest = patient.series.series.compactMap(\.readings.last?.fact)
                facts += (newest + patient.facts.facts.suffix(1)).filter { $0.offset == offset }
            }
            let range = (900..<1300).contains(second) ? 84...87 : 89...93
            let saturation = Int.random(in: range, using: &random)
            send("s", Self.quantity("2708-6", String(saturation), "%"))
            send("p", Self.quantity("8867-4", String(70 + second % 40), "/min"))
            if second % 700 == 60 {
                send("r", Self.quantity("9279-1", "16", "/min"))
                send("t", Self.quantity("8310-5", "36.8", "Cel"))
                send("b", Self.quantity("8480-6", "128", "mm[Hg]"))
                send("f", Self.quantity("3151-8", "0", "L/min"))
                let alert = Coding(system: "http://snomed.info/sct", code: "248234008")
                send("a", ClinicalContent(codings: [alert]))
            }
            guard [750, 1100, 1280, 1599].contains(second) else { continue }
            // In the order that facts have, of one moment as they came.
            let inOrder = facts.sorted {
                ($0.date.instant ?? home.now, $0.offset) < ($1.date.instant ?? home.now, $1.offset)
            }
            Self.expect(&home, whole: inOrder, "second \(second)")
            sizes.append(size(home))
        }
        let patient = home.fold.patients[0]
        let series = patient.series.series.map(\.readings.count)
        #expect(series.max() ?? 0 <= ReadingSeries.keptMax)
        #expect(patient.tracks.vitalSigns.tracks.map(\.track.open.count).max() ?? 0 < 300)
        #expect((sizes.max() ?? 0) * 2 < (sizes.min() ?? 0) * 3, "\(sizes)")
    }

    @Test func whatComesBeforeTheReadingsThatAreKeptIsToldAndNotTakenIn() throws {
        var home = try Home(now: Instant(milliseconds: 1_715_000_000_000))
        let start = home.now
        for second in 0..<Int64(ReadingSeries.keptMax + 1) {
            home.pass(to: start.adding(milliseconds: second * 1000))
            home.send("s\(second)", at: home.now, Self.quantity("2708-6", "97", "%"))
        }
        let late = home.send("late", at: start, Self.quantity("2708-6", "80", "%"))
        guard case .dataQuality(let told)? = late.first else {
            Issue.record("nothing was told: \(late)")
            return
        }
        #expect(told.what == "late-reading")
        #expect(home.fold.patients[0].series.series[0].readings.count == ReadingSeries.keptMin)
        let kept = home.send("s600", version: 2, at: home.now, Self.quantity("2708-6", "90", "%"))
        let raised = kept.contains { output in
            if case .flag(let event) = output { return event.rule.id == "copd-o2" }
            return false
        }
        #expect(raised)
    }

    @Test func aSeriesThatANewPackAsksForAsFactsBecomesFacts() throws {
        var home = try Home(now: Instant(milliseconds: 1_715_000_000_000))
        home.send("k", at: home.now, Self.quantity("33914-3", "40", "mL/min/{1.73_m2}"))
        #expect(home.fold.patients[0].facts.facts.isEmpty)
        _ = home.fold.activate(
            try ReadingTests.packs.get() + [BundledPacks.named("pincer").compile()], now: home.now)
        #expect(home.fold.patients[0].facts.facts.count == 1)
        home.send("k", version: 2, at: nil, nil)
        #expect(home.fold.patients[0].facts.facts.isEmpty)
    }
}
