// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore
import VigilEngine
import VigilWeb

extension ContinuousClock.Instant {
    /// The moment at which the examples are asked.
    static let example = ContinuousClock.now
}

extension EngineHealth {
    /// A daemon that serves and is well, but for a change.
    static func example(_ change: (inout EngineHealth) -> Void = { _ in }) -> EngineHealth {
        var health = EngineHealth()
        health.phase = .serving
        health.freeBytes = 5_000_000_000
        health.lastTurn = .example
        change(&health)
        return health
    }
}

extension DaemonReport {
    static func example(health: EngineHealth, status: EngineStatus?) -> DaemonReport {
        DaemonReport(
            started: Instant(milliseconds: 1_700_000_000_250), uptime: .milliseconds(61_900),
            process: ProcessUsage(processorMicroseconds: 1_500_000, residentBytes: 4096),
            health: health, status: status, now: .example)
    }

    /// A daemon with something of everything.
    static var example: DaemonReport {
        var status = EngineStatus()
        status.origin = "vigil/local"
        status.clockMode = .event
        status.logTime = Instant(milliseconds: 1_704_067_200_500)
        status.durable = 41
        status.lastOutput = 40
        let hash = "sha256:00ff"
        status.packs = [
            EngineStatus.Pack(
                identity: PackIdentity(id: "pincer", version: "1.0.0", hash: hash),
                rules: ["gi-p3a"], switchedOff: [(rule: "hf-p3i", why: "Switched off: \"hf\".")])
        ]
        var counts = SourceCounts()
        counts.accepted = 5
        counts.duplicate = 2
        counts.rejected = 1
        status.sources["urn:a"] = counts
        var unread = SourceCounts()
        unread.rejected = 1
        unread.busy = 3
        status.sources[""] = unread
        status.messages.accepted = 5
        status.messages.duplicate = 2
        status.messages.rejected = 2
        status.messages.busy = 3
        status.rejections = [.idConflict: 1, .malformedJSON: 1]
        status.quarantined = 2
        status.refusals = [.publish: 3]
        status.passedOver = 2
        var auditor = SubscriberCounts()
        auditor.connected = 1
        auditor.slow = 1
        auditor.fallenBehind = 2
        status.subscribers = ["tool": SubscriberCounts(), "auditor": auditor]
        status.faultyFeeds = [
            CoverageReport(
                source: "urn:a", day: CivilDay(number: 19722), faults: [.unreadShare],
                notWatching: ["gi-p3a"])
        ]
        status.silences = [
            SourceSilence(
                source: "urn:c", since: status.logTime, rhythmMilliseconds: 60_000)
        ]
        status.loads = [
            OpenLoad(source: "urn:b", since: status.logTime, patientCount: 9)
        ]
        status.waitingPatients = 7
        status.flags.raised = 4
        status.flags.resolved = 1
        status.openFlags = 3
        status.ruleErrors = ["pincer": 6, "gone": 1]
        status.commits.observe(.microseconds(500))
        status.commits.observe(.microseconds(501))
        status.commits.observe(.seconds(3))
        return example(health: .example(), status: status)
    }
}
