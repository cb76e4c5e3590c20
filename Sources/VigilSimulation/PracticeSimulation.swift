// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// An event of a simulated practice, ready to be published.
package struct SimulatedEvent: Sendable {
    package var topic: String
    /// The event's `time`.
    package var time: Instant
    /// The CloudEvents JSON.
    package var bytes: [UInt8]

    package init(topic: String, time: Instant, bytes: [UInt8]) {
        self.topic = topic
        self.time = time
        self.bytes = bytes
    }
}

/// A practice's life as events: patients are born, fall ill, are prescribed to and die.
///
/// Most prescribing is safe, so that no rule of the pack `pincer` becomes true but for the
/// episodes that are planted on purpose; `planted` is then the exact truth. The same arguments
/// give the same bytes everywhere.
package struct PracticeSimulation: Sendable {
    /// When the last event of the last day happens, so that time has passed for all that came
    /// before: 23:59:59, in milliseconds of the day.
    static let closingMillisecond: Int32 = 86_399_000

    /// The flags that are to be raised, in the order in which they are.
    package let planted: [Planted]
    /// The time of the last event.
    package let end: Instant

    private let seed: UInt64
    private let practice: String
    private let start: CivilDay
    private let days: Int
    private let zone: ZoneTable
    private let patients: [SimulatedPatient]
    private let agenda: Agenda

    /// Draws the patients and writes their stories.
    ///
    /// - Parameters:
    ///   - seed: The same seed gives the same practice; it is also the events' `epoch`.
    ///   - patients: How many; each kind of episode is told from 31 patients on.
    ///   - practice: An ODS code, as in topics.
    ///   - start: The first day.
    ///   - days: How many days, at least one; some episodes take half a year.
    ///   - zone: The log's zone: its midnights are when time alone makes rules true.
    package init(
        seed: UInt64, patients: Int, practice: String, start: CivilDay, days: Int, zone: ZoneTable
    ) {
        var builder = PracticeBuilder(
            seed: seed, start: start, days: max(1, days), zone: zone)
        for index in 0..<max(1, patients) { builder.addPatient(index) }
        builder.close()
        self.seed = seed
        self.practice = practice
        self.start = start
        self.days = max(1, days)
        self.zone = zone
        self.patients = builder.patients
        agenda = builder.agenda
        planted = builder.planted.sorted {
            ($0.raised, $0.subject, $0.rule) < ($1.raised, $1.subject, $1.rule)
        }
        end = builder.end
    }

    /// The events in order of time, made one by one.
    package func events() -> SimulatedEvents {
        SimulatedEvents(
            writer: EventWriter(practice: practice, seed: seed), patients: patients,
            agenda: agenda, start: start, days: days, zone: zone)
    }
}

/// The events of a simulation, in order of time.
package struct SimulatedEvents: Sequence, IteratorProtocol {
    private var writer: EventWriter
    private var planner: Planner
    private let start: CivilDay
    private let days: Int
    private let zone: ZoneTable
    private var day: LocalDay
    private var errands: [Errand] = []
    private var nextErrand = 0
    private var number: UInt64 = 0

    init(
        writer: EventWriter, patients: [SimulatedPatient], agenda: Agenda, start: CivilDay,
        days: Int, zone: ZoneTable
    ) {
        self.writer = writer
        planner = Planner(patients: patients, agenda: agenda)
        self.start = start
        self.days = days
        self.zone = zone
        day = LocalDay(index: -1, civil: start, zone: zone)
    }

    package mutating func next() -> SimulatedEvent? {
        while true {
            while nextErrand < errands.count {
                let errand = errands[nextErrand]
                nextErrand += 1
                guard planner.isDue(errand) else { continue }
                number += 1
                planner.plan(after: errand, day: day.index, number: number)
                return event(of: errand)
            }
            guard day.index + 1 < days else { return nil }
            day = localDay(day.index + 1)
            errands = planner.agenda.take(day: day.index)
            nextErrand = 0
        }
    }

    private func localDay(_ index: Int) -> LocalDay {
        LocalDay(index: index, civil: start.adding(days: index) ?? .last, zone: zone)
    }

    private mutating func event(of errand: Errand) -> SimulatedEvent {
        let moment = LocalMoment(day: day, millisecond: Int(errand.millisecond))
        var authored = moment
        if case .medicine(let record) = errand.action, let issued = record.authored {
            authored = LocalMoment(
                day: issued.day == day.index ? day : localDay(issued.day),
                millisecond: Int(issued.millisecond))
        }
        let patient = planner.patients[Int(errand.patient)]
        let encounter = patient.encounter.flatMap { $0.day == day.index ? $0.number : nil }
        return writer.write(
            errand.action, of: patient, at: moment, authored: authored, number: number,
            encounter: encounter)
    }
}
