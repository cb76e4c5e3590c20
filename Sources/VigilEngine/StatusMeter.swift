// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Keeps the engine's accounts and puts them up on the board, a few times a second: nothing is
/// locked, copied or formatted for a single event.
///
/// What was decided is copied at one moment and put up only once the log has become durable that
/// far (design section 4: nothing leaves the process before).
struct StatusMeter {
    private static let interval = Duration.milliseconds(250)
    /// Sources that may be copied for each millisecond that passes: with very many of them their
    /// table is copied less often.
    private static let sourcesPerMillisecond = 16

    private let board: StatusBoard
    /// Flag events up to here are of an earlier run.
    private let begin: UInt64?
    private var nextTurn: ContinuousClock.Instant?
    private var nextSources: ContinuousClock.Instant?
    private var sources: [String: SourceCounts] = [:]
    private var held: (status: EngineStatus, requires: UInt64?)?
    /// Commits on their way to the disk, oldest first: no more than the log takes.
    private var commits: [(through: UInt64, since: ContinuousClock.Instant)] = []
    private var durations = DurationHistogram()
    private var flags = EngineStatus.FlagCounts()
    private var shadows = EngineStatus.FlagCounts()
    /// Messages that were put into the quarantine.
    var quarantined: UInt64 = 0
    /// Outputs that passed over a subscriber whose queue was full.
    var passedOver: UInt64 = 0

    init(board: StatusBoard, durableThrough begin: UInt64?) {
        self.board = board
        self.begin = begin
    }

    /// A commit was handed to the disk.
    mutating func submitted(through offset: UInt64) {
        commits.append((offset, .now))
    }

    /// The log is durable up to an offset, with the flag events among it that were not before.
    mutating func settled(through offset: UInt64, changes: some Sequence<FlagChange>) {
        while let commit = commits.first, commit.through <= offset {
            durations.observe(commit.since.duration(to: .now))
            commits.removeFirst()
        }
        for change in changes where begin.map({ change.offset > $0 }) ?? true {
            if change.topic.hasPrefix("shadow.") {
                shadows.add(change.transition)
            } else {
                flags.add(change.transition)
            }
        }
    }

    /// Nothing more is taken in.
    func stop() {
        board.enter(.stopping)
    }

    /// Puts up what there is to say, where it is time.
    ///
    /// `lastOutput` and `openFlags` are as of `durable`; `freeBytes` may still be written to the
    /// log's device.
    mutating func turn(
        intake: Intake, durable: UInt64?, lastOutput: UInt64, openFlags: OpenFlags,
        freeBytes: UInt64, refusals: [RefusalKind: UInt64],
        subscribers: [String: SubscriberCounts]
    ) {
        let now = ContinuousClock.now
        if nextTurn.map({ now >= $0 }) ?? true {
            nextTurn = now + StatusMeter.interval
            var health = EngineHealth()
            health.isDiskFull = intake.isFull
            health.freeBytes = freeBytes
            health.lastTurn = now
            health.waitingSince = commits.first?.since
            board.post(health)
            if held == nil { held = (decided(by: intake, now: now), intake.sequencer.lastOffset) }
        }
        guard let held else { return }
        if let requires = held.requires {
            guard let durable, durable >= requires else { return }
        }
        self.held = nil
        var status = held.status
        status.durable = durable
        status.lastOutput = lastOutput
        status.openFlags = openFlags.count
        status.flags = flags
        status.shadows = shadows
        status.commits = durations
        status.refusals = refusals
        status.passedOver = passedOver
        status.subscribers = subscribers
        board.post(status)
    }

    private mutating func decided(by intake: Intake, now: ContinuousClock.Instant) -> EngineStatus {
        if nextSources.map({ now >= $0 }) ?? true {
            sources = intake.counts
            let milliseconds = sources.count / StatusMeter.sourcesPerMillisecond
            nextSources = now + .milliseconds(milliseconds)
        }
        var status = EngineStatus()
        status.origin = intake.sequencer.identity.origin
        status.clockMode = intake.sequencer.identity.clockMode
        status.logTime = intake.sequencer.clock
        status.packs = intake.sequencer.packStatus
        status.messages = intake.total
        status.rejections = intake.rejections
        status.sources = sources
        status.faultyFeeds = intake.sequencer.fold.faultyFeeds
        status.silences = intake.sequencer.fold.silences
        status.loads = intake.sequencer.fold.openLoads
        status.waitingPatients = intake.sequencer.fold.waitingPatientCount
        status.quarantined = quarantined
        status.ruleErrors = intake.sequencer.fold.ruleErrors
        return status
    }
}

extension Sequencer {
    /// The last offset that was given out.
    fileprivate var lastOffset: UInt64? { nextOffset == 0 ? nil : nextOffset - 1 }

    fileprivate var packStatus: [EngineStatus.Pack] {
        compiledPacks.map { pack in
            EngineStatus.Pack(
                identity: PackIdentity(id: pack.id, version: pack.version, hash: pack.hash),
                rules: pack.rules.map(\.id), switchedOff: pack.switchedOff)
        }
    }
}
