// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// Parts of the fold, such as the queue of what is due, each against something obvious.
struct FoldPartsTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theDueQueueIsASortedList(seed: UInt64) {
        var random = SeededRandom(state: seed)
        var queue = DueQueue()
        var model: [Int: Int64] = [:]
        for _ in 0..<800 {
            let patient = Int.random(in: 0..<12, using: &random)
            if Int.random(in: 0..<10, using: &random) == 0 {
                model[patient] = nil
                queue.set(.never, patient: patient)
            } else {
                let instant = Int64.random(in: 0..<40, using: &random)
                model[patient] = instant
                queue.set(Instant(milliseconds: instant), patient: patient)
            }
            let limit = Int64.random(in: 0..<40, using: &random)
            let expected = model.filter { $0.value <= limit }.map { ($0.value, $0.key) }.min(by: <)
            let found = queue.next(through: Instant(milliseconds: limit))
            #expect(found?.instant.milliseconds == expected?.0, "seed \(seed)")
            #expect(found?.patient == expected?.1, "seed \(seed)")
        }
    }

    @Test func theDueQueueHoldsNoMoreThanItsPatientsNeed() {
        var queue = DueQueue()
        for instant in 0..<10_000 as Range<Int64> {
            queue.set(Instant(milliseconds: 1_000_000 + instant), patient: Int(instant % 7))
        }
        #expect(queue.heap.count <= 100)
        #expect(queue.next(through: .never)?.instant.milliseconds == 1_009_993)
    }

    /// The gaps between the numbers of a set, as long as none of them has been filled.
    private struct GapModel {
        var high: UInt64 = 0
        var gaps: [(whole: SourceGap, missing: Set<UInt64>)] = []

        mutating func observe(_ number: UInt64) -> String? {
            if number > high {
                let missing = Set(high + 1..<number)
                let gap = SourceGap(source: "s", epoch: 3, from: high + 1, to: max(1, number - 1))
                high = number
                guard !missing.isEmpty else { return nil }
                gaps.append((gap, missing))
                return "gap \(gap.from)-\(gap.to)"
            }
            for index in gaps.indices where gaps[index].missing.contains(number) {
                gaps[index].missing.remove(number)
                guard gaps[index].missing.isEmpty else { return nil }
                let whole = gaps.remove(at: index).whole
                return "closed \(whole.from)-\(whole.to)"
            }
            return nil
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func gapsOpenAndCloseAsTheSetsOfNumbersSay(seed: UInt64) {
        var random = SeededRandom(state: seed)
        var tracker = SourceTracker()
        var model = GapModel()
        for _ in 0..<400 {
            let number = UInt64.random(in: 1...120, using: &random)
            // Another source and another epoch count for themselves.
            _ = tracker.observe(source: "other", epoch: 3, sequence: number)
            _ = tracker.observe(source: "s", epoch: 4, sequence: number)
            let found: String? =
                switch tracker.observe(source: "s", epoch: 3, sequence: number) {
                case .gap(let gap): "gap \(gap.from)-\(gap.to)"
                case .gapClosed(let gap): "closed \(gap.from)-\(gap.to)"
                case .dataQuality: "data quality"
                case .flag, .coverage, .digest, nil: nil
                }
            #expect(found == model.observe(number), "seed \(seed), number \(number)")
        }
    }

    @Test func theGreatestNumbersAreNoTrap() {
        var tracker = SourceTracker()
        _ = tracker.observe(source: "s", epoch: .max, sequence: .max)
        _ = tracker.observe(source: "s", epoch: .max, sequence: 1)
        _ = tracker.observe(source: "s", epoch: .max, sequence: .max - 1)
        guard case .gap(let gap)? = tracker.observe(source: "s", epoch: 0, sequence: .max) else {
            Issue.record("a source that begins at the end has missed what came before")
            return
        }
        #expect(gap.from == 1 && gap.to == .max - 1)
    }

    @Test(arguments: ["28", "28.0", "28.0000", "2.8E+1", "2800e-2", "28.0357142857142857"])
    func aLengthOfSupplyIsReadHoweverItIsWritten(value: String) throws {
        let plan = SupplyPlan(
            start: try Ward.day("2024-01-10"),
            duration: ObservedQuantity(value: value, unit: "d"))
        #expect(plan?.day(after: 2) == (try Ward.day("2024-03-06")))
    }

    /// A length in weeks, and whether it can be read.
    @Test(arguments: [
        ("999999", true), ("999998.999999999999", true), ("1.00000000000000001e-12", true),
        ("0", false), ("-4", false), ("1000000", false), ("1e12", false), ("1e99", false),
    ])
    func aLengthOfSupplyHasBounds(value: String, isRead: Bool) throws {
        let plan = SupplyPlan(
            start: try Ward.day("2024-01-10"),
            duration: ObservedQuantity(value: value, unit: "wk"))
        #expect((plan != nil) == isRead)
        // However long or short, it is counted out without overflow.
        let issues = plan?.furtherIssues(repeats: SupplyPlan.mostIssues, until: nil)
        #expect((issues ?? []).isEmpty)
    }

    @Test func aFlagsIdentityIsWhatTheProtocolSays() {
        // printf 'vigil/test\0ann\0gi-p3a\0001' | sha256sum, its first 16 bytes in base 32.
        let first = FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: 1)
        #expect(first.text == "xhijm7xfrnwpcnckn3bbwulo7i")
        #expect(
            first != FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: 2))
    }

    @Test func identitiesAreReadWrittenAndOrderedAsTheirTexts() throws {
        let texts = (1...2000).map { episode in
            FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: episode).text
        }
        let identities = try texts.map { try #require(FlagID($0)) }
        #expect(identities.map(\.text) == texts)
        #expect(identities.sorted().map(\.text) == texts.sorted())
        #expect(Set(texts.map(\.last)) == Set("aeimquy4"))
        let whole = texts[0]
        // The last character of a text of 26 has two bits that are of no byte.
        let others = ["", "A" + whole.dropFirst(), whole + "a", "1" + whole.dropFirst()]
        for text in others + [String(whole.dropLast()), whole.dropLast() + "b"] {
            #expect(FlagID(text) == nil, "\(text)")
        }
    }

    @Test func versionsAreOrderedAsTheProtocolSays() {
        func version(
            _ number: VersionNumber?, _ updated: Int64?, _ time: Int64, _ offset: UInt64
        ) -> ResourceVersion {
            ResourceVersion(
                number: number, lastUpdated: updated.map { Instant(milliseconds: $0) },
                time: Instant(milliseconds: time), offset: offset)
        }
        #expect(version(1, 9, 9, 9) < version(2, 1, 1, 1))
        #expect(version(nil, 1, 9, 9) < version(nil, 2, 1, 1))
        #expect(version(1, 1, 9, 9) < version(nil, 2, 1, 1))
        #expect(version(nil, nil, 1, 9) < version(nil, nil, 2, 1))
        #expect(version(nil, 9, 1, 9) < version(7, nil, 2, 1))
        #expect(version(1, nil, 1, 1) < version(1, nil, 1, 2))
    }

    @Test func versionNumbersAreComparedHoweverLongTheyAre() throws {
        let texts = [
            "-99999999999999999999", "-9999999999999999999", "-9223372036854775809",
            "-9223372036854775808", "-7", "0", "0012", "9223372036854775807",
            "9223372036854775808", "010000000000000000000", "10000000000000000001",
        ]
        let numbers = try texts.map { try #require(VersionNumber($0.utf8)) }
        for (left, right) in zip(numbers, numbers.dropFirst()) {
            #expect(left < right && !(right < left) && left != right)
        }
        for number in numbers {
            var writer = StateWriter()
            writer.write(number)
            var reader = StateReader(writer.bytes[...])
            #expect(try reader.read(VersionNumber.self) == number)
        }
        #expect(VersionNumber("-0".utf8) == 0)
        #expect(VersionNumber("007".utf8) == 7)
        for text in ["", "-", "+5", "1.0", " 1", "1e3", "--1", "x"] {
            #expect(VersionNumber(text.utf8) == nil)
        }
    }
}
