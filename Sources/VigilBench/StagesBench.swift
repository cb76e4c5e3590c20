// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilEngine
internal import VigilLog
internal import VigilPacks

/// Runs one stage of the intake over events that are always the same, for a tool that counts
/// instructions.
///
/// What is made ready does not depend on how many events then pass: the difference of two runs is
/// the stage alone.
struct StagesBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "Run one stage of the intake, the same each time: .ci/instructions counts it.")

    enum Stage: String, CaseIterable, ExpressibleByArgument {
        /// From the frames to the event.
        case read
        /// From the event to what is decided, and its place in the log.
        case fold
        /// The same of patients whom rules are about, and without the log.
        case judge
        /// From the frames to the bytes of all records.
        case intake
        /// From the records to the disk.
        case write
        /// From the outcome to the reply's bytes.
        case reply
    }

    @Argument(help: "What to run.")
    var stage: Stage

    @Option(help: "Prescriptions to run it over.")
    var events = 1024

    @Option(help: "The folder for the log of 'write', which has none yet.")
    var data: String?

    private static let eventsMax = 2048
    /// As many records go into a commit.
    private static let commitRecords = 256

    func validate() throws {
        guard (1...Self.eventsMax).contains(events) else {
            throw ValidationError("a number is out of its range; see --help")
        }
        guard stage != .write || data != nil else {
            throw ValidationError("'write' needs --data")
        }
    }

    func run() throws {
        let workload = Workload(
            events: Self.eventsMax, patients: 1000, flaggedPerThousand: 10, day: "2026-03-01")
        let before = Frames.all(workload.preparation())
        let frames = Frames.all(workload.prescriptions())
        let pass =
            switch stage {
            case .read: reading(frames)
            case .fold: try folding(frames, after: before)
            case .judge: try judging()
            case .intake: try taking(frames, after: before)
            case .write: try writing(frames, after: before)
            case .reply: replying()
            }
        for number in 0..<events { try pass(number) }
    }

    /// A stage that is ready to take one event after the other.
    private typealias Pass = (Int) throws -> Void

    private func reading(_ frames: [Frames]) -> Pass {
        let decoder = EventDecoder()
        return { _ = try frames[$0].input(decoder) }
    }

    private func folding(_ frames: [Frames], after before: [Frames]) throws -> Pass {
        var sequencer = try Desk(taking: before).sequencer
        let decoder = EventDecoder()
        let inputs = try frames.map { try $0.input(decoder) }
        return { number in
            _ = sequencer.advance(to: Desk.now)
            _ = sequencer.take(
                inputs[number], topic: "prescription.BENCH1", payload: frames[number].event,
                now: Desk.now)
        }
    }

    private func judging() throws -> Pass {
        guard let start = CivilDay(year: 2025, month: 3, day: 1) else {
            throw BenchError(description: "The first day is none.")
        }
        let known = 10
        let further = 10
        let cohort = Cohort(start: start, days: 360, recordsPerPatient: known + further)
        let patients = (Self.eventsMax + further - 1) / further
        var fold = Fold(origin: "vigil/bench", zone: .utc)
        let packs = try BundledPacks.names.map { try BundledPacks.named($0).compile() }
        _ = fold.activate(packs, now: Desk.now)
        var offset: UInt64 = 0
        func take(_ event: InputEvent) {
            _ = fold.take(event, offset: offset, now: Desk.now)
            offset += 1
        }
        for patient in 0..<patients { take(cohort.registration(of: patient)) }
        for number in 0..<known {
            for patient in 0..<patients { take(cohort.record(number, of: patient)) }
        }
        let inputs = (0..<Self.eventsMax).map { number in
            cohort.record(known + number / patients, of: number % patients)
        }
        return { take(inputs[$0]) }
    }

    private func taking(_ frames: [Frames], after before: [Frames]) throws -> Pass {
        var desk = try Desk(taking: before)
        return { number in
            try desk.take(frames[number])
            if number % Self.commitRecords == Self.commitRecords - 1 { _ = desk.units() }
        }
    }

    private func writing(_ frames: [Frames], after before: [Frames]) throws -> Pass {
        let (writer, _) = try LogWriter.open(
            directory: data ?? "", report: { _ in }, visit: { _ in })
        var desk = try Desk(taking: before)
        for unit in desk.units() { try writer.append(unit: unit) }
        try writer.submit()
        try writer.drain()
        for frames in frames { try desk.take(frames) }
        let units = desk.units()
        precondition(units.count == frames.count, "An event is a unit.")
        return { number in
            try writer.append(unit: units[number])
            guard number % Self.commitRecords == Self.commitRecords - 1 else { return }
            try writer.submit()
            try writer.drain()
        }
    }

    private func replying() -> Pass {
        let outcomes = (0..<Self.eventsMax).map {
            Intake.Outcome.accepted(id: "p\($0)", offset: UInt64($0))
        }
        return { precondition(!Reply.encode(outcomes[$0]).isEmpty) }
    }
}

/// A message as it came.
private struct Frames {
    var topic: [UInt8]
    var event: [UInt8]

    static func all(_ messages: Messages) -> [Frames] {
        messages.messages.map {
            Frames(topic: Array(messages.bytes[$0.topic]), event: Array(messages.bytes[$0.event]))
        }
    }

    func input(_ decoder: EventDecoder) throws -> InputEvent {
        let envelope = try decoder.readEnvelope(event, maximumBytes: Intake.eventBytesDefault)
        guard case .input(let input) = try decoder.readResource(envelope, topic: topic) else {
            throw BenchError(description: "An event is no input.")
        }
        return input
    }
}

/// An intake with all bundled packs in force, on one day.
private struct Desk {
    /// Noon of the day that the workload is dated.
    static let now = Instant(milliseconds: 1_772_366_400_000)

    private let lookup: RecordLookup
    private var intake: Intake

    init(taking frames: [Frames]) throws {
        let lookup = RecordLookup { _ in nil }
        self.lookup = lookup
        let identity = LogIdentity(origin: "vigil/bench", clockMode: .wall, zone: .utc)
        intake = Intake(
            sequencer: Sequencer(identity: identity, describe: lookup.describe), lookup: lookup,
            eventBytesMax: Intake.eventBytesDefault)
        intake.stage(intake.sequencer.begin(at: Desk.now))
        for name in BundledPacks.names {
            let change = try PackChange(activating: BundledPacks.named(name))
            intake.stage(intake.sequencer.change(change, now: Desk.now))
        }
        for frames in frames { try take(frames) }
    }

    /// What decides, without what reads messages and makes bytes.
    var sequencer: Sequencer { intake.sequencer }

    mutating func take(_ frames: Frames) throws {
        let outcome = intake.receive(
            topic: frames.topic, event: frames.event, socket: "ingest", wall: Desk.now)
        guard case .accepted = outcome else {
            throw BenchError(description: "An event is not taken: \(outcome)")
        }
    }

    /// Hands out what is to be written, as durable from then on.
    mutating func units() -> [[Record]] {
        let units = intake.takeStaged()
        if let last = units.last?.last { lookup.forget(through: last.entry.offset) }
        return units
    }
}
