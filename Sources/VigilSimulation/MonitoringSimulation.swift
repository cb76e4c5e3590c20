// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Where readings are taken that a simulation makes up.
package enum Monitoring: String, CaseIterable, Sendable {
    /// A hospital ward: rounds of vital signs, and a creatinine a day.
    case ward
    /// People with scales, oximeters, glucose sensors and cuffs at home.
    case home
}

/// A ward or a home-monitoring cohort as events: readings, most of them harmless, noise that must
/// raise nothing, and episodes planted on purpose.
///
/// `planted` is the exact truth for the packs `deterioration` and `kidney` on a ward, and for
/// `home-monitoring` at home, on a log whose clock the events' times move. The same arguments
/// give the same bytes everywhere.
package struct MonitoringSimulation: Sendable {
    /// The alerts that are to be raised, in the order in which they are.
    package let planted: [Planted]
    /// The time of the last event.
    package let end: Instant

    private let sent: [SentReading]
    private let subjects: [MonitoredPatient]
    private let practice: String
    private let seed: UInt64

    /// Draws the patients and writes their stories.
    ///
    /// - Parameters:
    ///   - monitoring: Where.
    ///   - seed: The same seed gives the same cohort; it is also the events' `epoch`.
    ///   - patients: How many; each kind of story is told from 10 patients on.
    ///   - practice: An ODS code, as in topics.
    ///   - start: The first day.
    ///   - days: How many days; all stories are told in 12.
    ///   - zone: The log's zone.
    package init(
        of monitoring: Monitoring, seed: UInt64, patients: Int, practice: String,
        start: CivilDay, days: Int, zone: ZoneTable
    ) {
        var sent: [SentReading] = []
        var planted: [Planted] = []
        var subjects: [MonitoredPatient] = []
        for index in 0..<max(1, patients) {
            var story = MonitoringStory(
                index: index, seed: seed, start: start, days: max(1, days), zone: zone)
            switch monitoring {
            case .ward: story.tellWard()
            case .home: story.tellHome()
            }
            story.close()
            sent += story.sent
            planted += story.planted
            subjects.append(story.patient)
        }
        // A stable order: of one moment first come, first served.
        self.sent = sent.enumerated().sorted {
            ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
        }.map(\.element)
        let end = self.sent.last?.time ?? zone.start(of: start)
        self.end = end
        self.planted = planted.filter { $0.raised <= end }.map { known in
            var known = known
            if let resolved = known.resolved, resolved > end { known.resolved = nil }
            return known
        }.sorted { ($0.raised, $0.subject, $0.rule) < ($1.raised, $1.subject, $1.rule) }
        self.subjects = subjects
        self.practice = practice
        self.seed = seed
    }

    /// The events in order of time, made one by one.
    package func events() -> some Sequence<SimulatedEvent> {
        sent.enumerated().lazy.map { number, reading in
            MonitoringWriter.event(
                reading, of: subjects[reading.patient], number: UInt64(number) + 1,
                practice: practice, seed: seed)
        }
    }
}

/// Somebody whose readings are simulated.
struct MonitoredPatient: Sendable {
    var subject: String
    var birthYear: Int
}

/// What a simulated device or person sends.
struct SentReading: Sendable {
    /// A code of a system.
    struct Code: Sendable {
        var system: String
        var code: String

        static func loinc(_ code: String) -> Code { Code(system: "http://loinc.org", code: code) }
        static func snomed(_ code: String) -> Code {
            Code(system: "http://snomed.info/sct", code: code)
        }
        static func instruction(_ code: String) -> Code {
            Code(system: "urn:vigil:instruction", code: code)
        }
    }

    enum Content: Sendable {
        case patient
        case condition(Code)
        /// A decimal's text with a unit.
        case quantity(Code, String, unit: String)
        case coded(Code, value: Code)
        case pressure(systolic: Int, diastolic: Int)
    }

    /// When it is sent.
    var time: Instant
    /// When it was measured.
    var at: Instant
    var patient: Int
    var content: Content
}

/// One patient's readings, as they are made up.
struct MonitoringStory {
    let index: Int
    let start: CivilDay
    let days: Int
    let zone: ZoneTable
    var draws: SplitMix64
    private(set) var patient: MonitoredPatient
    private(set) var sent: [SentReading] = []
    private(set) var planted: [Planted] = []
    /// Since when there is an alert that is yet to end, by rule.
    private var open: [String: (since: Instant, why: String)] = [:]

    init(index: Int, seed: UInt64, start: CivilDay, days: Int, zone: ZoneTable) {
        self.index = index
        self.start = start
        self.days = days
        self.zone = zone
        draws = SplitMix64(seed: SplitMix64.mixed(seed) ^ UInt64(index))
        let number = String(index + 1)
        patient = MonitoredPatient(
            subject: "m" + String(repeating: "0", count: max(0, 5 - number.count)) + number,
            birthYear: 1940 + draws.below(40))
        send(.patient, at: moment(day: 0, minute: 0))
    }

    /// So many minutes, and milliseconds, after the beginning of a local day.
    func moment(day: Int, minute: Int, millisecond: Int64 = 0) -> Instant {
        zone.start(of: start.adding(days: day) ?? .last)
            .adding(milliseconds: Int64(minute) * 60_000 + millisecond)
    }

    /// Sends a reading as soon as it is taken, or so much later.
    mutating func send(
        _ content: SentReading.Content, at: Instant, afterMilliseconds delay: Int64 = 0
    ) {
        sent.append(
            SentReading(
                time: at.adding(milliseconds: delay), at: at, patient: index, content: content))
    }

    mutating func plant(
        _ rule: String, from raised: Instant, to resolved: Instant?, _ why: String
    ) {
        planted.append(
            Planted(
                rule: rule, subject: patient.subject, raised: raised, resolved: resolved,
                why: why))
    }

    /// An alert that begins and has no end yet.
    mutating func begin(_ rule: String, at raised: Instant, _ why: String) {
        open[rule] = (raised, why)
    }

    mutating func end(_ rule: String, at resolved: Instant) {
        guard let (raised, why) = open.removeValue(forKey: rule) else { return }
        plant(rule, from: raised, to: resolved, why)
    }

    func isOpen(_ rule: String) -> Bool { open[rule] != nil }

    /// Plants what has no end.
    mutating func close() {
        for (rule, known) in open.sorted(by: { $0.key < $1.key }) {
            plant(rule, from: known.since, to: nil, known.why)
        }
        open = [:]
    }

    /// A decimal with one place, from tenths.
    static func tenths(_ number: Int) -> String { "\(number / 10).\(number % 10)" }
}
