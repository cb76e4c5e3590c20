// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilLog
import VigilSimulation

@testable import VigilEngine

/// A log is what its inputs amount to: written at once, in parts, or after a crash.
struct RefoldTests {
    private static func events(_ seed: UInt64) throws -> [SimulatedEvent] {
        let start = try #require(CivilDay(year: 2023, month: 9, day: 1))
        let simulation = PracticeSimulation(
            seed: seed, patients: 40, practice: "A81001", start: start, days: 220, zone: london)
        return Array(simulation.events())
    }

    private static func write(
        _ events: some Sequence<SimulatedEvent>, to desk: inout Desk, random: inout Random?
    ) {
        for event in events {
            if var generator = random {
                // A daemon that is idle for a while looks at the clock now and then.
                if Bool.random(using: &generator) {
                    desk.intake.tick(wall: event.time.adding(milliseconds: -1))
                    desk.flush()
                }
                random = generator
            }
            desk.send(event.bytes, topic: event.topic, wall: event.time)
        }
    }

    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) ^ (state << 29)
        }
    }

    private static let begin = Instant(milliseconds: 1_690_000_000_000)

    @Test(arguments: [(1, ClockMode.event), (2, .event), (3, .wall)] as [(UInt64, ClockMode)])
    func aLogRefoldsByteForByteAndGoesOnFromAnyUnit(seed: UInt64, clock: ClockMode) throws {
        let events = try Self.events(seed)
        var none: Random?
        var desk = try Desk(clock, now: Self.begin)
        Self.write(events, to: &desk, random: &none)
        #expect(desk.outputs.count > 20)
        try desk.refold(clock)

        var random = Random(state: seed)
        let clockUnits = desk.units.indices.filter {
            desk.units[$0][0].entry.topic == "system.clock"
        }
        // After units picked at random, and after clock units: there what was decided with them
        // may be unwritten.
        let cuts =
            (0..<4).map { _ in Int.random(in: 2...desk.units.count, using: &random) }
            + clockUnits.shuffled(using: &random).prefix(4).map { $0 + 1 }
        for cut in cuts {
            let written = Array(desk.units.prefix(cut))
            let known = written.joined().count { $0.entry.kind == .input }
            var resumed = try Desk(clock, after: written, now: Self.begin)
            Self.write(events.dropFirst(known), to: &resumed, random: &none)
            #expect(resumed.records == desk.records, "seed \(seed), after \(cut) units")
        }
    }

    @Test(arguments: [4, 5] as [UInt64])
    func outputsDoNotDependOnWhenTheDaemonLooksAtItsClock(seed: UInt64) throws {
        let events = try Self.events(seed)
        var none: Random?
        var random: Random? = Random(state: seed)
        var busy = try Desk(.wall, now: Self.begin)
        Self.write(events, to: &busy, random: &none)
        var idle = try Desk(.wall, now: Self.begin)
        Self.write(events, to: &idle, random: &random)
        #expect(busy.outputs.count > 20)
        #expect(idle.outputs.map(\.payload) == busy.outputs.map(\.payload))
        #expect(idle.outputs.map(\.entry.offset) == busy.outputs.map(\.entry.offset))
    }

    @Test func aChangedOutputIsFoundAtItsOffset() throws {
        var desk = try Desk(.event, now: Self.begin)
        desk.send(Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: Self.begin)
        desk.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: Self.begin)
        desk.send(
            Events.clock("2024-03-02T00:00:00Z", id: "c"), topic: "system.clock",
            wall: Self.begin)
        let output = try #require(desk.outputs.first)
        var units = desk.units
        for index in units.indices {
            for position in units[index].indices
            where units[index][position].entry.offset == output.entry.offset {
                units[index][position].payload[40] ^= 1
            }
        }
        let error = #expect(throws: ReplayDifference.self) {
            try Desk(.event, after: units, now: Self.begin)
        }
        #expect(error?.offset == output.entry.offset)
    }

    @Test func topicsAreNumberedWithoutHolesAndPreviousOffsetsChainEachSubject() throws {
        var none: Random?
        var desk = try Desk(.event, now: Self.begin)
        Self.write(try Self.events(6), to: &desk, random: &none)
        var numbers: [String: Int] = [:]
        var tails: [String: UInt64] = [:]
        for (offset, record) in desk.records.enumerated() {
            let entry = record.entry
            #expect(entry.offset == UInt64(offset))
            if !entry.subject.isEmpty {
                #expect(entry.previous == tails[entry.subject])
                tails[entry.subject] = entry.offset
            }
            guard entry.kind == .output else { continue }
            numbers[entry.topic, default: 0] += 1
            let text = String(decoding: record.payload, as: UTF8.self)
            #expect(text.contains(#""sequence":"\#(numbers[entry.topic] ?? 0)""#))
            #expect(text.contains(#""id":"\#(offset)""#))
        }
    }
}
