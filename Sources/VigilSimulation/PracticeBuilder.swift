// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Draws a practice: its patients, what is planned for them, and what must come of it.
struct PracticeBuilder {
    let seed: UInt64
    let start: CivilDay
    let days: Int
    let zone: ZoneTable
    private(set) var patients: [SimulatedPatient] = []
    private(set) var agenda: Agenda
    private(set) var planted: [Planted] = []
    private(set) var end = Instant(milliseconds: 0)

    /// On the first day the records are taken over, one patient after the other, before opening.
    private static let takeoverStart = 4 * 3_600_000
    private static let takeoverLength = 4 * 3_600_000

    init(seed: UInt64, start: CivilDay, days: Int, zone: ZoneTable) {
        self.seed = seed
        self.start = start
        self.days = days
        self.zone = zone
        agenda = Agenda(days: days)
    }

    mutating func addPatient(_ index: Int) {
        var patient = SimulatedPatient(seed: seed, index: index, start: start, days: days)
        // Every kind of episode once, and then for one patient in twelve.
        let kinds = EpisodeKind.allCases
        if index < kinds.count {
            tell(kinds[index], of: &patient, index)
        } else if patient.draws.chance(perMille: 80) {
            tell(kinds[patient.draws.below(kinds.count)], of: &patient, index)
        } else {
            fallIll(&patient, index)
        }
        let registration = patient.birth.map { max(0, Int($0.number - start.number)) } ?? 0
        let early = Self.takeoverStart + (index &* 7919) % (Self.takeoverLength - 60_000)
        add(index, day: registration, millisecond: early, .demographics(.registered))
        let firstContact = registration + 1 + patient.draws.below(patient.contactIntervalDays)
        add(
            index, day: firstContact,
            millisecond: patient.draws.within(8 * 3_600_000...18 * 3_600_000),
            .encounter(reason: .respiratoryInfection))
        patients.append(patient)
    }

    private mutating func tell(
        _ kind: EpisodeKind, of patient: inout SimulatedPatient, _ index: Int
    ) {
        var episode = Episode(
            start: start, days: days, zone: zone, subject: patient.subject, draws: patient.draws)
        kind.tell(&episode)
        patient.draws = episode.draws
        patient.birth = episode.birth
        patient.policy = .never
        for errand in episode.errands {
            add(index, day: errand.day, millisecond: Int(errand.millisecond), errand.action)
        }
        planted += episode.planted
    }

    private mutating func fallIll(_ patient: inout SimulatedPatient, _ index: Int) {
        var course: UInt8 = 0
        for (illness, onsetDay, drugs) in patient.drawIllnesses(start: start, days: days) {
            let recorded = max(0, onsetDay)
            let onset = onsetDay < 0 ? start.adding(days: onsetDay) : nil
            add(
                index, day: recorded, millisecond: onsetDay < 0 ? 8 * 3_600_000 + 600_000 : noon,
                .condition(Errand.ConditionRecord(illness: illness, onset: onset)))
            for drug in drugs {
                course += 1
                let first = recorded + (onsetDay < 0 ? 1 + patient.draws.below(28) : 0)
                add(
                    index, day: first, millisecond: noon + 60_000 * Int(course),
                    .medicine(
                        Errand.MedicineRecord(drug: drug, course: course, intervalDays: 28)))
            }
            guard illness == .osteoarthritis, patient.policy != .never,
                patient.draws.chance(perMille: 300)
            else { continue }
            course += 1
            let hazard = Formulary.nonSteroidals[patient.draws.below(3)]
            add(
                index, day: recorded + 1 + patient.draws.below(28), millisecond: noon + 3_600_000,
                .medicine(
                    Errand.MedicineRecord(
                        drug: Formulary.protections[patient.draws.below(3)], course: course,
                        intervalDays: 28, companion: hazard)))
        }
        if (patient.birth.map { $0.wholeYears(to: start) } ?? 0) >= 70,
            patient.draws.chance(perMille: min(900, 30 * days / 365))
        {
            add(
                index, day: patient.draws.below(days), millisecond: 19 * 3_600_000,
                .demographics(.died))
        }
    }

    private var noon: Int { 12 * 3_600_000 }

    private mutating func add(
        _ patient: Int, day: Int, millisecond: Int, _ action: Errand.Action
    ) {
        agenda.add(
            day: day,
            Errand(
                millisecond: Int32(clamping: millisecond), patient: Int32(clamping: patient),
                action: action))
    }

    /// Plans the last event: a patient of their own is registered when all else is over.
    mutating func close() {
        let index = patients.count
        var patient = SimulatedPatient(seed: seed, index: index, start: start, days: days)
        patient.birth = start
        patients.append(patient)
        add(
            index, day: days - 1, millisecond: Int(PracticeSimulation.closingMillisecond),
            .demographics(.registered))
        end = zone.start(of: start.adding(days: days - 1) ?? .last)
            .adding(milliseconds: Int64(PracticeSimulation.closingMillisecond))
    }
}
