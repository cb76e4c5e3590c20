// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What follows from what is done: the next contact, the next issue of a course.
struct Planner {
    private(set) var patients: [SimulatedPatient]
    var agenda: Agenda

    init(patients: [SimulatedPatient], agenda: Agenda) {
        self.patients = patients
        self.agenda = agenda
    }

    /// Whether an errand is still done: for those who died or left only what an episode tells.
    func isDue(_ errand: Errand) -> Bool {
        guard patients[Int(errand.patient)].isGone else { return true }
        switch errand.action {
        case .medicine(let record): return record.name > 0
        case .condition(let record): return record.name > 0
        case .demographics, .encounter, .result: return false
        }
    }

    /// Plans what follows from an errand of a day, whose event has the number.
    mutating func plan(after errand: Errand, day: Int, number: UInt64) {
        let index = Int(errand.patient)
        switch errand.action {
        case .demographics(.died), .demographics(.left):
            patients[index].isGone = true
        case .encounter:
            patients[index].encounter = (day, number)
            planContact(index, errand.patient, after: day)
        case .medicine(let record) where record.intervalDays > 0:
            planIssue(record, errand, day: day + Int(record.intervalDays))
        case .demographics, .condition, .medicine, .result:
            break
        }
    }

    /// The next issue of a course; its companion a minute after it, so that what protects is there
    /// first.
    private mutating func planIssue(_ record: Errand.MedicineRecord, _ errand: Errand, day: Int) {
        agenda.add(day: day, errand)
        guard let companion = record.companion else { return }
        let second = Errand.MedicineRecord(drug: companion, course: record.course)
        agenda.add(
            day: day,
            Errand(
                millisecond: errand.millisecond + 60_000, patient: errand.patient,
                action: .medicine(second)))
    }

    /// The next contact and all that happens in it.
    private mutating func planContact(_ index: Int, _ patient: Int32, after day: Int) {
        let interval = patients[index].contactIntervalDays
        let next = day + 1 + patients[index].draws.below(2 * interval)
        let start = Int32(patients[index].draws.within(8 * 3_600_000...18 * 3_600_000))
        let reasons: [Illness] = [.respiratoryInfection, .backPain, .hypertension]
        let reason = reasons[patients[index].draws.below(reasons.count)]
        var seconds: Int32 = 0
        func add(_ action: Errand.Action, _ agenda: inout Agenda) {
            agenda.add(
                day: next,
                Errand(millisecond: start + seconds * 1000, patient: patient, action: action))
            seconds += 45
        }
        add(.encounter(reason: reason), &agenda)
        if patients[index].draws.chance(perMille: 500) { add(.result(.bloodPressure), &agenda) }
        if patients[index].draws.chance(perMille: 200) {
            add(.result(.filtrationRate), &agenda)
            add(.result(.potassium), &agenda)
        }
        switch reason {
        case .respiratoryInfection where patients[index].draws.chance(perMille: 300):
            add(.medicine(Errand.MedicineRecord(drug: .amoxicillin)), &agenda)
        case .backPain:
            for drug in forPain(index) {
                add(.medicine(Errand.MedicineRecord(drug: drug)), &agenda)
            }
        default: break
        }
    }

    /// Something for pain that no rule minds: with an NSAID, where it needs it, what protects first.
    private mutating func forPain(_ index: Int) -> [Drug] {
        let draw = patients[index].draws.below(10)
        let hazard = Formulary.nonSteroidals[patients[index].draws.below(3)]
        let protection = Formulary.protections[patients[index].draws.below(3)]
        switch (patients[index].policy, draw) {
        case (.free, 0..<4): return [hazard]
        case (.protected, 0..<3): return [protection, hazard]
        case (_, 4..<6): return [.ibuprofenGel]
        case (_, 6): return [.codeine]
        default: return [.paracetamol]
        }
    }
}
