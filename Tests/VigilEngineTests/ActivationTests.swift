// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks

@testable import VigilEngine

/// Packs that are put in force over many patients, and rules that are suspended.
struct ActivationTests {
    private static let subjects = (0..<700).map { "p\($0)" }
    private let wall: Instant

    init() throws {
        wall = try at("2024-03-01T08:00:00Z")
    }

    /// The pack `pincer` in which GI-P3A begins at another age.
    private static func pack(fromAge age: Int) throws -> PackSource {
        let bundled = try BundledPacks.named("pincer")
        return try PackSource(
            files: bundled.files.map { file in
                guard file.name.hasSuffix(".cql") else { return file }
                let text = String(decoding: file.bytes, as: UTF8.self)
                    .replacing("AgeInYears() >= 65", with: "AgeInYears() >= \(age)")
                return PackFile(name: file.name, bytes: Array(text.utf8))
            })
    }

    /// A practice whose patients were born in 1940 and are all on naproxen.
    private func ward(
        _ subjects: [String] = Self.subjects, _ clock: ClockMode = .event
    ) throws -> Desk {
        var desk = try Desk(clock, now: wall)
        let arrival = try at("2024-03-01T09:05:00Z")
        for subject in subjects {
            desk.send(
                Events.patient("2024-03-01T09:00:00Z", id: "p-\(subject)", subject: subject),
                topic: "patient.\(subject.hasSuffix("7") ? "B82002" : "A81001")", wall: arrival)
            desk.send(
                Events.naproxen("2024-03-01T09:05:00Z", id: "rx-\(subject)", subject: subject),
                topic: "prescription.\(subject.hasSuffix("7") ? "B82002" : "A81001")",
                wall: arrival)
        }
        if clock == .event {
            desk.send(
                Events.clock("2024-03-01T10:00:00Z", id: "c"), topic: "system.clock", wall: wall)
        } else {
            desk.intake.tick(wall: try at("2024-03-01T10:00:00Z"))
            desk.flush()
        }
        return desk
    }

    private func reasons(_ records: some Sequence<Record>) -> [String: Int] {
        var counts: [String: Int] = [:]
        for record in records where record.entry.kind == .output {
            let text = String(decoding: record.payload, as: UTF8.self)
            let type = text.firstMatch(of: /"type":"health.vigil.([a-z.]+).v1"/)?.1 ?? ""
            let reason = text.firstMatch(of: /"reason":"([a-z-]+)"/)?.1 ?? ""
            counts["\(type) \(reason)", default: 0] += 1
        }
        return counts
    }

    @Test func aChangeOfRulesIsWorkedOffInStepsAndAPatientsOwnEventComesFirst() throws {
        var desk = try ward(Self.subjects, .wall)
        let before = desk.records.count
        let source = try Self.pack(fromAge: 90)
        desk.intake.stage(
            desk.intake.sequencer.change(
                try PackChange(activating: source), now: desk.intake.sequencer.clock))
        desk.flush()
        #expect(desk.records.count == before + 1)
        #expect(desk.intake.sequencer.isStepping)
        // The last patient is brought up by an event of its own, before it is taken in.
        desk.send(
            Events.naproxen("2024-03-01T10:01:00Z", id: "rx-again", subject: "p699"),
            topic: "prescription.A81001", wall: try at("2024-03-01T10:01:00Z"))
        let own = desk.records[(before + 1)...]
        #expect(own.map(\.entry.subject) == ["p699", "p699"])
        #expect(reasons(own) == ["flag.resolved rules": 1])
        var steps = 0
        while desk.intake.sequencer.isStepping {
            let count = desk.records.count
            desk.intake.step(wall: wall)
            desk.flush()
            steps += 1
            // A unit is a step's record and at most the outputs of a few hundred patients.
            #expect(desk.records.count - count < 600)
        }
        #expect(steps == 3)
        #expect(
            reasons(desk.records[(before)...])["flag.resolved rules"] == Self.subjects.count)
        desk.intake.step(wall: wall)
        #expect(desk.intake.takeStaged().isEmpty)
        try desk.refold(.wall)
    }

    @Test func onAnEventClockAllStepsComeBeforeTheNextInput() throws {
        func log(steps: Int) throws -> [Record] {
            var desk = try ward()
            let before = desk.records.count
            desk.intake.stage(
                desk.intake.sequencer.change(
                    try PackChange(activating: try Self.pack(fromAge: 90)),
                    now: desk.intake.sequencer.clock))
            for _ in 0..<steps { desk.intake.step(wall: wall) }
            #expect(desk.intake.sequencer.isStepping == (steps < 3))
            desk.send(
                Events.clock("2025-03-01T10:00:00Z", id: "leap"), topic: "system.clock",
                wall: wall)
            #expect(!desk.intake.sequencer.isStepping)
            #expect(reasons(desk.records[before...])["flag.resolved rules"] == 700)
            try desk.refold(.event)
            return desk.records
        }
        let whole = try log(steps: 3)
        for steps in 0..<3 {
            let isSame = try log(steps: steps) == whole
            #expect(isSame, "after \(steps) steps")
        }
    }

    @Test func onAnEventClockTheEndOfALoadIsWorkedOffBeforeTheNextInput() throws {
        var desk = try Desk(.event, now: wall)
        func bound(_ name: String) -> [UInt8] {
            let event =
                #"{"specversion":"1.0","id":"\#(name)","source":"urn:test","#
                + #""type":"health.vigil.system.\#(name).v1","time":"2024-03-01T09:00:00Z"}"#
            return Array(event.utf8)
        }
        desk.send(bound("loading"), topic: "system.loading", wall: wall)
        desk.send(Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: wall)
        desk.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: wall)
        desk.send(bound("loaded"), topic: "system.loaded", wall: wall)
        #expect(desk.intake.sequencer.isStepping)
        desk.send(
            Events.clock("2025-03-01T10:00:00Z", id: "leap"), topic: "system.clock", wall: wall)
        let flags = desk.outputs.filter { $0.entry.topic.hasPrefix("flag.") }
        #expect(reasons(flags)["flag.raised baseline"] == 1)
        let loaded = try at("2024-03-01T09:05:00Z")
        #expect(flags.first?.entry.recorded == loaded)
        #expect(flags.count == 2)
        try desk.refold(.event)
    }

    @Test(arguments: [1, 3])
    func whatIsOpenAfterTheStepsIsWhatAFoldWithThatPackFromTheStartHasOpen(
        changes: Int
    ) throws {
        let subjects = Array(Self.subjects.prefix(300))
        var desk = try ward(subjects, .wall)
        let sources = try [90, 70, 84].prefix(changes).map { try Self.pack(fromAge: $0) }
        for (index, source) in sources.enumerated() {
            let now = desk.intake.sequencer.clock
            desk.intake.stage(
                desk.intake.sequencer.change(try PackChange(activating: source), now: now))
            // The next change comes before all are brought up, with events between.
            if index < sources.count - 1 { desk.intake.step(wall: wall) }
            desk.send(
                Events.naproxen(
                    "2024-03-01T1\(index + 1):00:00Z", id: "n\(index)", subject: "p\(index)"),
                topic: "prescription.A81001",
                wall: try at("2024-03-01T1\(index + 1):00:00Z"))
        }
        while desk.intake.sequencer.isStepping { desk.intake.step(wall: wall) }
        desk.flush()
        try desk.refold(.wall)
        // The same inputs with the last pack from the first record on.
        var fresh = Fold(origin: "vigil/test", zone: london)
        var outputs = fresh.activate(
            [try (sources.last ?? Pincer.source()).compile()], now: Instant(milliseconds: 0))
        let decoder = EventDecoder()
        for record in desk.records where record.entry.kind == .input {
            let now = record.entry.recorded
            while let due = fresh.nextDue(through: now) {
                outputs += fresh.workOff(subject: due.subject, instant: due.instant)
            }
            if case .input(let event) = try decoder.decode(record, zone: nil).event {
                outputs += fresh.take(event, offset: record.entry.offset, now: now)
            }
        }
        var expected: Set<String> = []
        for case .flag(let event) in outputs {
            note(
                event.transition == .resolved, "\(event.subject) \(event.topic)", in: &expected)
        }
        var open: Set<String> = []
        for record in desk.outputs where record.entry.topic.hasPrefix("flag.") {
            let text = String(decoding: record.payload, as: UTF8.self)
            note(
                text.contains("flag.resolved.v1"),
                "\(record.entry.subject) \(record.entry.topic)", in: &open)
        }
        #expect(open == expected)
        #expect(open.count == (changes == 1 ? 0 : subjects.count))
    }

    private func note(_ isResolved: Bool, _ flag: String, in open: inout Set<String>) {
        if isResolved { open.remove(flag) } else { open.insert(flag) }
    }

    @Test func aSuspendedRuleIsResolvedAtOnceWhereItIsSuspendedAndComesBack() throws {
        var desk = try ward(Array(Self.subjects.prefix(100)))
        let before = desk.records.count
        func give(_ practice: String?, resume: Bool = false) -> OrderOutcome {
            let outcome = desk.intake.carryOut(
                .suspend(
                    SuspensionOrder(
                        Suspension(rule: "gi-p3a", practice: practice, reason: "wrong dose"),
                        isResumption: resume)), wall: wall)
            while desk.intake.sequencer.isStepping { desk.intake.step(wall: wall) }
            desk.flush()
            return outcome
        }
        func isDone(_ outcome: OrderOutcome) -> Bool {
            if case .done(.some) = outcome { true } else { false }
        }
        #expect(isDone(give("B82002")))
        #expect(reasons(desk.records[before...]) == ["flag.resolved suspended": 10])
        // What is new there is not raised; elsewhere it is. Indicators count both.
        let during = desk.records.count
        for (subject, practice) in [("new7", "B82002"), ("new8", "A81001")] {
            desk.send(
                Events.patient("2024-03-01T10:10:00Z", id: "p-\(subject)", subject: subject),
                topic: "patient.\(practice)", wall: wall)
            desk.send(
                Events.naproxen(
                    "2024-03-01T10:11:00Z", id: "rx-\(subject)", subject: subject),
                topic: "prescription.\(practice)", wall: wall)
        }
        desk.send(
            Events.clock("2024-03-01T11:00:00Z", id: "c2"), topic: "system.clock", wall: wall)
        #expect(reasons(desk.records[during...]) == ["flag.raised event": 1])
        let counted = desk.intake.sequencer.indicators(at: desk.intake.sequencer.clock)
        #expect(
            counted.filter { $0.rule == "gi-p3a" }.map(\.numerator) == [91, 11])
        // A patient who moves there has nothing raised there.
        let move = desk.records.count
        desk.send(
            Events.patient("2024-03-01T11:10:00Z", id: "moved", subject: "new8"),
            topic: "patient.B82002", wall: wall)
        #expect(reasons(desk.records[move...]) == ["flag.resolved suspended": 1])
        #expect(!isDone(give("B82002")))
        #expect(!isDone(give("A81001", resume: true)))
        let resumed = desk.records.count
        #expect(isDone(give(nil, resume: true)))
        #expect(reasons(desk.records[resumed...]) == ["flag.raised rules": 12])
        try desk.refold(.event)
        let again = try Desk(.event, after: desk.units, now: wall)
        #expect(again.records.count == desk.records.count)
    }
}
