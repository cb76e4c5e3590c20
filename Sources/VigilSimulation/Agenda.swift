// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// A day of the simulation, counted from its start, and a time since the beginning of that day.
struct Moment: Sendable {
    var day: Int
    var millisecond: Int32

    /// The same day, so many minutes later.
    func minutesLater(_ minutes: Int32) -> Moment {
        Moment(day: day, millisecond: millisecond + minutes * 60_000)
    }
}

/// One thing that the practice does: it gives one event.
struct Errand: Sendable {
    /// What is done; what is planned next follows from it.
    enum Action: Sendable {
        /// A Patient resource.
        case demographics(Demographics)
        /// A contact, and with it the planning of the next.
        case encounter(reason: Illness)
        case condition(ConditionRecord)
        case medicine(MedicineRecord)
        case result(Measurement)
    }

    enum Demographics: Sendable {
        case registered, died, left
    }

    enum Measurement: UInt8, Sendable {
        case bloodPressure, filtrationRate, potassium
    }

    /// A Condition resource.
    struct ConditionRecord: Sendable {
        var illness: Illness
        /// nil: on the day of the event.
        var onset: CivilDay?
        var verification = Verification.confirmed
        var action = EventAction.created
        /// Which of the patient's named records it is; 0 for one that is never referred to again.
        var name: UInt8 = 0
    }

    enum Verification: String, Sendable {
        case confirmed, differential, refuted
    }

    /// A MedicationRequest, MedicationDispense or MedicationStatement.
    struct MedicineRecord: Sendable {
        var drug: Drug
        /// For each patient, the courses are told apart by their numbers.
        var course: UInt8 = 0
        /// Days until the next issue of the course, 0 for a single one.
        var intervalDays: UInt8 = 0
        /// A second medicine that is issued with this one each time, soon after it.
        var companion: Drug?
        var form = Form.order
        var action = EventAction.created
        /// As in `ConditionRecord`.
        var name: UInt8 = 0
        /// When it was issued, where this is a later version.
        var authored: Moment?
    }

    /// As what a medicine is recorded.
    enum Form: Sendable {
        case order, dispense, statement
        /// Orders that are no exposure.
        case draft, plan, cancelled
        /// An order that newly says that it has been stopped.
        case stopped
    }

    /// Since the beginning of the local day.
    var millisecond: Int32
    var patient: Int32
    var action: Action
}

/// What is to be done on each day of the simulation.
struct Agenda: Sendable {
    private var days: [[Errand]]

    init(days: Int) {
        self.days = Array(repeating: [], count: days)
    }

    /// Adds an errand; what lies outside the simulation is dropped.
    mutating func add(day: Int, _ errand: Errand) {
        guard days.indices.contains(day) else { return }
        days[day].append(errand)
    }

    /// Takes the errands of a day, in their order; of one moment in the order they were added.
    mutating func take(day: Int) -> [Errand] {
        var errands: [Errand] = []
        swap(&errands, &days[day])
        let order = errands.indices.sorted {
            (errands[$0].millisecond, $0) < (errands[$1].millisecond, $1)
        }
        return order.map { errands[$0] }
    }
}
