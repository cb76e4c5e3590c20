// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore
package import VigilEngine

/// Everything that the pages are made of, at one moment.
package struct DaemonReport: Sendable {
    /// Why the daemon takes nothing in.
    package enum Reason: Hashable, Sendable {
        case recovering
        case stopping
        case logFailed
        case diskFull(freeBytes: UInt64)
        /// A commit has waited this long for the disk.
        case logStalled(seconds: Int64)
        /// The engine has not come round for this long.
        case engineStalled(seconds: Int64)
    }

    /// A commit that waits longer, or an engine that has not come round for longer, is stalled.
    package static let patience = Duration.seconds(10)

    /// When the process was started.
    package var started: Instant
    /// How long ago that is, by a clock that nobody sets.
    package var uptime: Duration
    package var process: ProcessUsage
    package var health: EngineHealth
    /// nil until the log is open.
    package var status: EngineStatus?
    /// In the order in which they are told; empty where the daemon is ready.
    package var reasons: [Reason]

    package var isReady: Bool { reasons.isEmpty }

    /// A report of what stands on the board.
    package init(
        started: Instant, uptime: Duration, process: ProcessUsage, health: EngineHealth,
        status: EngineStatus?, now: ContinuousClock.Instant
    ) {
        self.started = started
        self.uptime = uptime
        self.process = process
        self.health = health
        self.status = status
        reasons = DaemonReport.reasons(health, isOpen: status != nil, now: now)
    }

    private static func reasons(
        _ health: EngineHealth, isOpen: Bool, now: ContinuousClock.Instant
    ) -> [Reason] {
        switch health.phase {
        case .recovering: return [.recovering]
        case .stopping: return [.stopping]
        case .failed: return [.logFailed]
        case .serving: break
        }
        guard isOpen, let lastTurn = health.lastTurn else { return [.recovering] }
        var reasons: [Reason] = []
        if health.isDiskFull { reasons.append(.diskFull(freeBytes: health.freeBytes)) }
        if let since = health.waitingSince, since.duration(to: now) > patience {
            reasons.append(.logStalled(seconds: since.duration(to: now).components.seconds))
        }
        if lastTurn.duration(to: now) > patience {
            reasons.append(.engineStalled(seconds: lastTurn.duration(to: now).components.seconds))
        }
        return reasons
    }
}

extension DaemonReport.Reason {
    /// A name for programs.
    package var code: String {
        switch self {
        case .recovering: "recovering"
        case .stopping: "stopping"
        case .logFailed: "log-failed"
        case .diskFull: "disk-full"
        case .logStalled: "log-stalled"
        case .engineStalled: "engine-stalled"
        }
    }

    /// A sentence for the operator.
    package var message: String {
        switch self {
        case .recovering:
            "The daemon reads its log, or brings patients up to changed rules, and takes nothing "
                + "in yet."
        case .stopping: "The daemon was told to stop."
        case .logFailed: "The log could not be written: the daemon ends."
        case .diskFull(let freeBytes):
            "The log's device has \(freeBytes >> 20) MiB left, so that messages are answered "
                + "busy: make room on it."
        case .logStalled(let seconds):
            "A commit has been waiting for the disk for \(seconds) s: look at the device."
        case .engineStalled(let seconds):
            "The engine has been at one piece of work for \(seconds) s."
        }
    }
}
