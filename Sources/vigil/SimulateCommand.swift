// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilSimulation
internal import VigilTransport

/// `vigil simulate`: a practice's life, for demonstrations and tests.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Make up a practice's, a ward's or homes' life, with what must be found in it.",
        discussion: """
            A practice is for the pack pincer, a ward for deterioration and kidney, homes for \
            home-monitoring.

            Prints {"topic", "event"} lines, which `vigil publish -` takes, or sends them to a \
            daemon with --ingest. The same options give the same events. What is planted is the \
            exact truth on a daemon that runs on the event clock in Europe/London.

            Exit codes: 0; 64 usage; 65 the daemon rejected an event; 69 it does not answer; 77 it \
            does not know the key.
            """)

    /// Whose life is made up.
    enum Scene: String, CaseIterable, ExpressibleByArgument {
        case practice, ward, home
    }

    @Option(help: "What to make up: practice, ward or home.")
    var scene = Scene.practice

    @Option(
        parsing: .unconditional,
        help: "How many patients; each kind of episode is told from 31 on.")
    var patients = 100

    @Option(
        parsing: .unconditional,
        help: "Another seed makes another practice.",
        transform: ClientDefaults.count)
    var seed: UInt64 = 1

    @Option(help: "The practice's code, as in topics.")
    var practice = "A81001"

    @Option(help: "The first day.")
    var start = "2024-01-01"

    @Option(parsing: .unconditional, help: "How many days; some episodes take half a year.")
    var days = 365

    @Option(help: "Send to a running daemon's ingest endpoint instead of printing.")
    var ingest: String?

    @Option(
        parsing: .unconditional,
        help: "Events a second; as fast as they are taken if not given.")
    var rate: Double?

    @Flag(help: "Print the flags and alerts that the events are to raise, and no events.")
    var expect = false

    @Flag(help: "Print the counts of what was sent as JSON on standard output.")
    var json = false

    func validate() throws {
        guard patients >= 1, patients <= 10_000_000 else {
            throw ValidationError("--patients is a number from 1 to 10000000.")
        }
        guard days >= 1, days <= 36_500 else {
            throw ValidationError("--days is a number from 1 to 36500.")
        }
        if let rate, !(0.001...1_000_000).contains(rate) {
            throw ValidationError("--rate is a number from 0.001 to 1000000.")
        }
        if expect, ingest != nil || rate != nil {
            throw ValidationError("--expect prints and sends nothing: leave --ingest and --rate.")
        }
    }

    @OptionGroup var keys: ClientKeys

    func run() throws {
        try reportingDaemon {
            try ClientDefaults.checkPractice(practice)
            let (planted, events) = try makeSimulation()
            if expect {
                for planted in planted { Terminal.printLine(line(planted)) }
            } else if let ingest {
                try send(events, to: try ClientDefaults.endpoint(ingest))
            } else {
                print(events)
            }
        }
    }

    private func makeSimulation() throws -> (
        planted: [Planted], events: AnyIterator<SimulatedEvent>
    ) {
        guard let day = TimeText.date(fhir: start.utf8), day.precision == .day else {
            throw CommandFailure(.usage, "\(start) is no day: write it as 2024-01-01")
        }
        guard let zone = ZoneTable.ofThisMachine(named: Daemon.Defaults.zone) else {
            throw CommandFailure(
                .configuration, "this machine knows no time zone \(Daemon.Defaults.zone)")
        }
        let monitoring: Monitoring
        switch scene {
        case .practice:
            let simulation = PracticeSimulation(
                seed: seed, patients: patients, practice: practice, start: day.writtenDay,
                days: days, zone: zone)
            return (simulation.planted, AnyIterator(simulation.events()))
        case .ward: monitoring = .ward
        case .home: monitoring = .home
        }
        let simulation = MonitoringSimulation(
            of: monitoring, seed: seed, patients: patients, practice: practice,
            start: day.writtenDay, days: days, zone: zone)
        return (simulation.planted, AnyIterator(simulation.events().makeIterator()))
    }

    private func line(_ planted: Planted) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("rule", planted.rule)
            json.string("practice", practice)
            json.string("subject", planted.subject)
            json.string("raised", planted.raised.description)
            if let resolved = planted.resolved { json.string("resolved", resolved.description) }
            json.string("why", planted.why)
        }
        return json.bytes
    }

    private func print(_ events: AnyIterator<SimulatedEvent>) {
        var pace = Pace(eventsPerSecond: rate)
        var chunk: [UInt8] = []
        for event in events {
            var json = JSONWriter()
            json.object { json in
                json.string("topic", event.topic)
                json.raw("event", event.bytes)
            }
            chunk += json.bytes
            chunk.append(UInt8(ascii: "\n"))
            pace.count()
            let left = pace.millisecondsLeft
            guard left > 0 || chunk.count >= 64 << 10 else { continue }
            guard Terminal.print(chunk) else { return }
            chunk.removeAll(keepingCapacity: true)
            if left > 0 { SteadyClock.sleep(milliseconds: left) }
        }
        _ = Terminal.print(chunk)
    }

    private func send(
        _ events: AnyIterator<SimulatedEvent>, to endpoint: Endpoint
    ) throws {
        let connection = try ClientConnection(
            to: endpoint, with: try keys.load(), in: try ZMQContext())
        let feed = SimulatedFeed(events, pace: Pace(eventsPerSecond: rate))
        let summary = try PublishRun(feed, connection, endpoint).finish()
        Terminal.say(summary.sentence)
        if json { Terminal.printLine(Array(summary.json.utf8)) }
        if summary.rejectedCount > 0 {
            throw CommandFailure(.badData, "the daemon rejected \(summary.rejectedCount) events")
        }
    }
}

/// Simulated events as `PublishRun` takes them.
final class SimulatedFeed: EventFeed {
    private let events: AnyIterator<SimulatedEvent>
    private var pace: Pace
    private var position = 0

    init(_ events: AnyIterator<SimulatedEvent>, pace: Pace) {
        self.events = events
        self.pace = pace
    }

    var total: Int? { nil }

    func next() -> FeedItem? {
        let waiting = pace.millisecondsLeft
        guard waiting <= 0 else { return .pause(milliseconds: waiting) }
        guard let event = events.next() else { return nil }
        pace.count()
        position += 1
        return .event(
            OutgoingEvent(
                topic: event.topic, event: event.bytes,
                origin: EventOrigin(file: "the simulation", position: position, unit: .line)))
    }
}

/// Holds events back to a rate.
struct Pace {
    private let eventsPerSecond: Double?
    private let startMilliseconds = SteadyClock.milliseconds
    private var counted = 0.0

    init(eventsPerSecond: Double?) {
        self.eventsPerSecond = eventsPerSecond
    }

    /// Counts an event as gone out.
    mutating func count() {
        counted += 1
    }

    /// How long the next event has to wait: not above 0 where it is due or there is no rate.
    var millisecondsLeft: Int64 {
        guard let eventsPerSecond else { return 0 }
        let due = startMilliseconds + Int64(counted / eventsPerSecond * 1000)
        return due - SteadyClock.milliseconds
    }
}
