// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// The same property where `Now()` moves by milliseconds: windows of hours, queries with `sort`,
/// `with` and `without`.
struct HorizonMomentTests {
    /// 2024-03-25, the week in which London's clocks go forward.
    static let firstDay = CivilDay(number: 19_807)
    static let days: Int32 = 10

    @Test(arguments: 0..<24 as Range<UInt64>)
    func `going from horizon to horizon misses nothing that a fine look finds`(
        _ seed: UInt64
    ) throws {
        var rules = RandomMoments(seed: seed, firstDay: Self.firstDay, days: Self.days)
        let (expression, bench) = try Self.compiled(&rules)
        let definition = try #require(bench.library.definitions["It"])
        let zone =
            seed.isMultiple(of: 4) ? HorizonPropertyTests.strange : HorizonPropertyTests.london
        let patient = rules.patient()
        var held: Judgement?
        var changes = 0
        for now in Self.moments(patient, zone) {
            var evaluation = bench.evaluation(patient, at: now, zone)
            let judgement = evaluation.judge(definition)
            try #require(judgement.stableUntil > now, "seed \(seed): \(expression)")
            if let known = held, known.stableUntil <= now { held = nil }
            if let known = held {
                try #require(
                    known.truth == judgement.truth,
                    "seed \(seed), \(now): \(expression)")
            } else {
                held = judgement
                changes += 1
            }
        }
        #expect(changes > 0)
    }

    @Test func `each of the forms is among what is tried`() throws {
        var found: Set<String> = []
        let forms = ["with ", "without ", "sort ", "hours between", "Interval[Now()", "Today()"]
        for seed in UInt64(0)..<24 {
            var rules = RandomMoments(seed: seed, firstDay: Self.firstDay, days: Self.days)
            let (expression, _) = try Self.compiled(&rules)
            found.formUnion(forms.filter(expression.contains))
        }
        #expect(found == Set(forms))
    }

    /// The first expression of a seed that the compiler takes.
    static func compiled(_ rules: inout RandomMoments) throws -> (String, Bench) {
        for _ in 0..<200 {
            let expression = rules.boolean(3)
            do {
                return (expression, try Bench("define \"It\": \(expression)"))
            } catch let error as CQLError {
                // Now() where its horizon could not be told, and nothing else.
                try #require(
                    error.code == .unsupported && error.message.contains("Now()"),
                    "\(error): \(expression)")
            }
        }
        Issue.record("no expression compiles")
        return ("true", try Bench("define \"It\": true"))
    }

    /// Every hour, and wherever a window of whole hours or days from a fact begins or ends, with
    /// the milliseconds about it.
    private static func moments(_ patient: PatientFacts, _ zone: ZoneTable) -> [Instant] {
        let start = zone.start(of: firstDay).milliseconds
        let end = zone.start(of: CivilDay(number: firstDay.number + days)).milliseconds
        var moments = Set(stride(from: start, to: end, by: 3_600_000))
        for fact in patient.facts {
            guard let instant = fact.date.instant else { continue }
            for hours in Int64(-6)...80 {
                let edge = instant.milliseconds + hours * 3_600_000
                moments.formUnion([edge - 1, edge, edge + 1])
            }
        }
        return moments.filter { start <= $0 && $0 < end }.sorted().map(Instant.init(milliseconds:))
    }
}

/// Random expressions of moments, and patients whose facts have times of day.
struct RandomMoments {
    private var random: SeededGenerator
    private let firstDay: CivilDay
    private let days: Int32
    private var aliasCount = 0

    init(seed: UInt64, firstDay: CivilDay, days: Int32) {
        random = SeededGenerator(seed: seed)
        self.firstDay = firstDay
        self.days = days
    }

    private mutating func pick(_ choices: String...) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    private mutating func alias() -> String {
        aliasCount += 1
        return "A\(aliasCount)"
    }

    mutating func boolean(_ depth: Int) -> String {
        guard depth > 0 else { return leaf() }
        switch number(0...6) {
        case 0, 1: return "(\(boolean(depth - 1)) and \(boolean(depth - 1)))"
        case 2: return "(\(boolean(depth - 1)) or \(boolean(depth - 1)))"
        case 3: return "(not \(boolean(depth - 1)))"
        case 4: return "(if \(boolean(0)) then \(boolean(depth - 1)) else \(boolean(0)))"
        case 5: return "Coalesce(\(boolean(depth - 1)), \(boolean(0)))"
        default: return leaf()
        }
    }

    private mutating func leaf() -> String {
        switch number(0...8) {
        case 0: "(Now() \(relation()) \(literal()))"
        case 1: "(\(moment()) \(timing()) \(now()))"
        case 2: "(\(measure()) between \(moment()) and Now() \(relation()) \(number(0...60)))"
        case 3: "(\(moment()) in \(window()))"
        case 4: "(Count(\(query(1))) \(relation()) \(number(0...3)))"
        case 5: "(\(moment()) \(pick("same day as", "before day of", "after day of")) Today())"
        case 6: "(Now() \(timing()) \(moment()) \(pick("+", "-")) \(number(1...60)) hours)"
        default: "(exists \(query(2)))"
        }
    }

    private mutating func list() -> String {
        pick("[MedicationRequest: \"NSAID\"]", "[MedicationRequest: \"PPI\"]")
    }

    /// A DateTime that stands still.
    private mutating func moment() -> String {
        let name = alias()
        return switch number(0...4) {
        case 0: literal()
        case 1: "\(pick("First", "Last"))(\(list())).authoredOn"
        case 2:
            "First(\(list()) \(name) return \(name).authoredOn sort \(pick("asc", "desc")))"
        case 3:
            "Last(\(list()) \(name) where \(name).status = 'active' return \(name).authoredOn)"
        default: "(Last(\(list())).authoredOn + \(number(1...30)) \(pick("hours", "minutes")))"
        }
    }

    private mutating func literal() -> String {
        let day = CivilDay(number: firstDay.number + Int32(number(0...Int(days) - 1)))
        let hour = number(10...23)
        return "@\(day)T\(hour):\(number(10...59)):00.000\(pick("", "Z", "+05:30"))"
    }

    private mutating func now() -> String {
        pick("Now()", "Now() - \(number(1...72)) hours", "Now() + \(number(1...24)) hours")
    }

    private mutating func window() -> String {
        let hours = number(1...72)
        return pick(
            "Interval[Now() - \(hours) hours, Now()]", "Interval(Now() - \(hours) hours, Now()]",
            "Interval[Now() - \(hours) hours, Now() - 1 hour)", "Interval[Now() - 2 days, null]")
    }

    private mutating func relation() -> String { pick("<", "<=", ">=", ">") }

    private mutating func measure() -> String {
        pick("hours", "minutes", "days", "difference in hours", "difference in days")
    }

    private mutating func timing() -> String {
        pick(
            "before", "after", "same or before", "same or after", "before hour of",
            "same hour as", "same day or before")
    }

    private mutating func query(_ depth: Int) -> String {
        guard depth > 0 else { return list() }
        let (name, other) = (alias(), alias())
        let source = query(depth - 1)
        switch number(0...4) {
        case 0:
            return "(\(source) \(name) \(pick("with", "without")) \(list()) \(other) such that "
                + "\(other).authoredOn \(pick("before", "after", "same or before")) "
                + "\(name).authoredOn)"
        case 1:
            return "(\(source) \(name) \(pick("with", "without")) \(list()) \(other) such that "
                + "\(other).authoredOn in \(window()))"
        case 2:
            return "(\(source) \(name) where \(name).authoredOn in \(window()) "
                + "sort by authoredOn \(pick("asc", "desc")))"
        case 3:
            return "(\(source) \(name) where "
                + "\(measure()) between \(name).authoredOn and Now() < \(number(1...60)))"
        default: return "(\(source) \(name) where \(name).authoredOn \(timing()) \(now()))"
        }
    }

    mutating func patient() -> PatientFacts {
        var patient = PatientFacts()
        for offset in 0..<number(1...6) {
            let day = CivilDay(number: firstDay.number + Int32(number(0...Int(days) - 1)))
            let instant = Instant(
                day: day, millisecondOfDay: number(0...86_399_999))
            let time =
                number(0...5) == 0
                ? ClinicalTime(writtenDay: day, precision: .day)
                : ClinicalTime(writtenDay: day, precision: .time, instant: instant)
            var fact = Fact(
                type: .medicationRequest, offset: UInt64(offset),
                codings: [CodingID(index: Int32(number(0...1)))], date: time, day: day)
            if number(0...2) > 0 {
                fact.details = FactDetails(status: pick("active", "stopped"))
            }
            patient.facts.append(fact)
        }
        patient.facts.sort { ($0.day, $0.offset) < ($1.day, $1.offset) }
        return patient
    }
}
