// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilLog
import VigilSimulation

@testable import VigilCore
@testable import VigilEngine

/// Threads that share the patients of a log come to what a fold of the whole comes to.
struct ShardsTests {
    /// Every record of a log folded again by threads, byte for byte.
    private func refold(
        _ records: [Record], _ identity: LogIdentity, threads: Int
    ) throws -> (whole: Sequencer, crew: ReplayCrew) {
        let lookup = RecordLookup { offset in
            offset < UInt64(records.count) ? records[Int(offset)] : nil
        }
        return try ReplayCrew.refold(records, shards: threads) {
            Sequencer(identity: identity, describe: lookup.describe)
        }
    }

    @Test(
        arguments: [(1, ClockMode.event), (2, .wall), (6, .event)] as [(UInt64, ClockMode)],
        [1, 2, 4, 7])
    func anyNumberOfThreadsGivesTheSameLog(log: (seed: UInt64, clock: ClockMode), threads: Int)
        throws
    {
        let desk = try StateTests.desk(log.seed, log.clock)
        #expect(desk.outputs.count > 40, "seed \(log.seed)")
        let identity = Desk.identity(log.clock)
        let (end, _) = try refold(desk.records, identity, threads: threads)
        #expect(end.nextOffset == UInt64(desk.records.count))
        #expect(end.expected.isEmpty)

        // Half of the log, so that there is something left for time alone to bring about.
        let half = desk.units.prefix(desk.units.count / 2).flatMap { $0 }
        let (whole, crew) = try refold(half, identity, threads: threads)
        var alone = desk.sequencer(log.clock)
        let decoder = EventDecoder()
        for record in half { try alone.refold(record, comparing: .bytes, decoder: decoder) }
        let later = whole.clock.adding(milliseconds: 366 * 86_400_000)
        var told = whole
        told.expect(crew.decideDue(until: later))
        let units = told.advance(to: later).map { $0.map(\.entry) }
        let expected = alone.advance(to: later).map { $0.map(\.entry) }
        #expect(expected.count > 4)
        #expect(units == expected)
        #expect(crew.indicators(at: later, told) == alone.indicators(at: later))
    }

    @Test func aDecisionThatIsMissingIsADifferenceAndNotPassedOver() throws {
        let desk = try StateTests.desk(1, .event)
        let output = try #require(desk.outputs.first { $0.entry.topic.hasPrefix("flag.") })
        var records = desk.records
        records[Int(output.entry.offset)].payload[60] ^= 1
        let error = #expect(throws: ReplayDifference.self) {
            _ = try refold(records, Desk.identity(.event), threads: 3)
        }
        #expect(error?.offset == output.entry.offset)
    }
}
