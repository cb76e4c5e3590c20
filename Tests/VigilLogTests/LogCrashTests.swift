// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilLog

/// The writer and the recovery that the daemon runs, over a disk that loses what was not synced.
struct LogCrashTests {
    private static let seedsPerPart: UInt64 = 250
    /// A thousand seeds, or as many as the environment asks for, in parts that run side by side.
    private static let parts: Range<UInt64> = {
        let asked = ProcessInfo.processInfo.environment["VIGIL_CRASH_SEEDS"].flatMap(UInt64.init)
        return 0..<max(1, (asked ?? 1000) / seedsPerPart)
    }()

    @Test(arguments: parts)
    func acknowledgedRecordsOutliveAnyCrash(part: UInt64) throws {
        var tornTails = 0
        var losses = 0
        var acknowledged = 0
        for seed in part * Self.seedsPerPart..<(part + 1) * Self.seedsPerPart {
            var history = CrashHistory(seed: seed)
            for _ in 0..<4 {
                history.runUntilFault()
            }
            try history.recoverAtLast()
            if let violation = history.violation {
                Issue.record("seed \(seed): \(violation)")
                return
            }
            tornTails += history.tornTailCount
            losses += history.lossCount
            acknowledged += history.acknowledgedCount
        }
        // The faults do bite: else nothing above would have been shown.
        #expect(tornTails > 25)
        #expect(losses > 125)
        #expect(acknowledged > 1000)
    }
}

/// One log through several processes and crashes, beside what was sent and acknowledged.
private struct CrashHistory {
    private var generator: SeededGenerator
    private var disk: SimulatedDisk
    private var sent: [Record] = []
    private var unitEnds: Set<Int> = [0]
    private(set) var acknowledgedCount = 0
    private(set) var tornTailCount = 0
    private(set) var lossCount = 0
    private(set) var violation: String?

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        disk = SimulatedDisk(seed: ~seed)
        // Half of the logs are filled ahead.
        if seed % 2 == 0 { disk.setFreeByteCount(.max) }
    }

    /// Opens the log and writes until the disk fails; then the next process's disk is in place.
    mutating func runUntilFault() {
        let after = Int.random(in: 0..<40, using: &generator)
        let fault: DiskFault =
            switch generator.next() % 4 {
            case 0: .failedSync(after: after)
            case 1: .full(after: after * 1000)
            default: .powerLoss(after: after)
            }
        disk.setFault(fault)
        let reports = Reports()
        do {
            let writer = try open(reports: reports)
            let limit = sent.count + 30
            while writer.nextOffset < limit {
                let unit = makeUnit(
                    at: writer.nextOffset, payloadLengthMax: 300, using: &generator)
                try writer.append(unit: unit)
                sent += unit
                unitEnds.insert(sent.count)
                if generator.next() % 3 == 0 {
                    // Drained, or with a commit still at the disk.
                    if generator.next() % 2 == 0 { try writer.drain() }
                    if writer.canSubmit { try writer.submit() }
                    if let failure = writer.failure { throw failure }
                }
                if generator.next() % 11 == 0 { try writer.seal() }
            }
        } catch LogError.damaged(let damage) {
            violation = "taken for damage: \(damage)"
        } catch {
            // The fault that was asked for.
        }
        acknowledgedCount = max(acknowledgedCount, Int(reports.durableCount))
        disk = generator.next() % 3 == 0 ? disk.afterKill() : disk.afterPowerLoss()
    }

    mutating func recoverAtLast() throws {
        disk.setFault(nil)
        try open(reports: Reports()).close()
        disk = disk.afterPowerLoss()
        let count = sent.count
        try open(reports: Reports()).close()
        if sent.count != count { violation = "a closed log lost \(count - sent.count) records" }
    }

    private mutating func open(reports: Reports) throws -> LogWriter {
        let (writer, recovery, recovered) = try openLog(
            on: disk, segmentLengthMax: 4096, reports: reports)
        if recovery.tornTail != nil { tornTailCount += 1 }
        if recovered.count < sent.count { lossCount += 1 }
        if recovered.count < acknowledgedCount {
            violation = "\(acknowledgedCount) acknowledged, \(recovered.count) recovered"
        }
        if !sent.starts(with: recovered) { violation = "recovered is no prefix of what was sent" }
        if !unitEnds.contains(recovered.count) { violation = "half a unit was recovered" }
        sent.removeLast(sent.count - min(recovered.count, sent.count))
        unitEnds = unitEnds.filter { $0 <= sent.count }
        // What a recovery has told is durable from then on.
        acknowledgedCount = recovered.count
        return writer
    }
}
