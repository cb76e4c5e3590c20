// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import VigilCore

/// What the engine can say of itself and of the log; never anything of a patient's.
///
/// All of it is covered by what is durable: a count never tells of an event that a power cut could
/// still take back. Counts are since the start of the process.
package struct EngineStatus: Sendable {
    /// A pack in force.
    package struct Pack: Sendable {
        package var identity: PackIdentity
        /// The rules that run, in the manifest's order.
        package var rules: [String]
        /// The rules that the code lists switched off, each with the sentence why.
        package var switchedOff: [(rule: String, why: String)]

        package init(
            identity: PackIdentity, rules: [String], switchedOff: [(rule: String, why: String)]
        ) {
            self.identity = identity
            self.rules = rules
            self.switchedOff = switchedOff
        }
    }

    /// Events of flags that have become durable, by what happened.
    package struct FlagCounts: Hashable, Sendable {
        package var raised: UInt64 = 0
        package var updated: UInt64 = 0
        package var resolved: UInt64 = 0
        package var reviewed: UInt64 = 0

        package init() {}

        mutating func add(_ transition: FlagEvent.Transition) {
            switch transition {
            case .raised: raised += 1
            case .updated: updated += 1
            case .resolved: resolved += 1
            case .reviewed: reviewed += 1
            }
        }
    }

    package var origin = ""
    package var clockMode = ClockMode.wall
    /// The log's clock: the time of its newest record.
    package var logTime = Instant(milliseconds: 0)
    /// The last durable offset.
    package var durable: UInt64?
    /// The last durable offset that is an output event; 0 for none.
    package var lastOutput: UInt64 = 0
    package var packs: [Pack] = []
    /// All messages.
    package var messages = SourceCounts()
    package var rejections: [Rejection.Code: UInt64] = [:]
    /// By source; "" where the source could not be read.
    package var sources: [String: SourceCounts] = [:]
    /// Sources whose medicines the packs in force do not read, in order of appearance.
    package var faultyFeeds: [CoverageReport] = []
    /// Sources that have been quiet for longer than their rhythm, in order of appearance.
    package var silences: [SourceSilence] = []
    /// Bulk loads that are under way, oldest first.
    package var loads: [OpenLoad] = []
    /// Patients of loads that have ended who are yet to be looked at.
    package var waitingPatients = 0
    /// Messages that were put into the quarantine.
    package var quarantined: UInt64 = 0
    /// What was refused at the sockets, by where.
    package var refusals: [RefusalKind: UInt64] = [:]
    /// Outputs that passed over a subscriber whose queue was full.
    package var passedOver: UInt64 = 0
    /// Who subscribes, by the principals' names.
    package var subscribers: [String: SubscriberCounts] = [:]
    package var flags = FlagCounts()
    /// The same of rules on trial.
    package var shadows = FlagCounts()
    package var openFlags = 0
    /// By pack: operations of its rules that came to no value, which makes them null.
    package var ruleErrors: [String: UInt64] = [:]
    /// From handing a commit to the disk's thread until the engine knew it durable.
    package var commits = DurationHistogram()

    /// A status of nothing yet.
    package init() {}
}

/// How the daemon is, at this moment: not held back until anything is durable.
package struct EngineHealth: Sendable {
    /// Where the daemon is between its start and its end.
    package enum Phase: String, Sendable {
        /// It reads its log and takes nothing in yet.
        case recovering
        case serving
        /// It was told to stop.
        case stopping
        /// The log could not be written: the process is about to end.
        case failed
    }

    package var phase = Phase.recovering
    /// Whether messages are answered `busy` because the disk is full.
    package var isDiskFull = false
    /// What may still be written to the log's device, in bytes.
    package var freeBytes: UInt64 = 0
    /// When the engine last came round; nil until it serves.
    package var lastTurn: ContinuousClock.Instant?
    /// When the oldest commit that is not durable was handed to the disk; nil where there is none.
    package var waitingSince: ContinuousClock.Instant?

    /// The health of a daemon that has just been started.
    package init() {}
}

/// Where the engine puts up what it has to say, for other threads to read.
package final class StatusBoard: Sendable {
    private struct State {
        var health = EngineHealth()
        var status: EngineStatus?
    }

    private let state = Mutex(State())

    /// A board of a daemon that is yet to open its log.
    package init() {}

    /// What stands on the board; the status is nil until the log is open.
    package var current: (health: EngineHealth, status: EngineStatus?) {
        state.withLock { ($0.health, $0.status) }
    }

    /// Tells what the engine does from now on.
    package func enter(_ phase: EngineHealth.Phase) {
        state.withLock { $0.health.phase = phase }
    }

    /// Changes the health, the phase excepted.
    func post(_ health: EngineHealth) {
        state.withLock { state in
            let phase = state.health.phase
            state.health = health
            state.health.phase = phase
        }
    }

    func post(_ status: EngineStatus) {
        state.withLock { $0.status = status }
    }
}

/// How often something took how long.
package struct DurationHistogram: Hashable, Sendable {
    /// Upper bounds of the buckets, in microseconds; the last bucket has none.
    package static let boundsMicroseconds: [Int64] = [
        500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        2_500_000,
    ]

    /// Observations in each bucket, not added up; one more than there are bounds.
    package private(set) var buckets = [UInt64](repeating: 0, count: boundsMicroseconds.count + 1)
    /// All durations together, in microseconds.
    package private(set) var sumMicroseconds: Int64 = 0

    /// A histogram of nothing yet.
    package init() {}

    /// Takes an observation in.
    package mutating func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let micros = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        let bounds = DurationHistogram.boundsMicroseconds
        buckets[bounds.firstIndex { micros <= $0 } ?? bounds.count] += 1
        sumMicroseconds += micros
    }
}
