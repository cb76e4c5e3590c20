// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// The story of one patient that is written to raise a flag, or to come near it and not.
///
/// Days count from the start of the simulation. What lies behind its end is left out of the events
/// and of the truth alike.
struct Episode {
    let start: CivilDay
    let days: Int
    let zone: ZoneTable
    let subject: String
    private(set) var birth: CivilDay?
    private(set) var errands: [(day: Int, millisecond: Int32, action: Errand.Action)] = []
    private(set) var planted: [Planted] = []
    private var names: UInt8 = 0
    var draws: SplitMix64

    /// How long gi-p3a must have been true before it is raised by an event, in milliseconds.
    static let gastroSettleMilliseconds: Int64 = 600_000

    init(start: CivilDay, days: Int, zone: ZoneTable, subject: String, draws: SplitMix64) {
        self.start = start
        self.days = days
        self.zone = zone
        self.subject = subject
        self.draws = draws
    }

    /// The last instant of the simulation: its last event.
    var end: Instant {
        instant(Moment(day: days - 1, millisecond: PracticeSimulation.closingMillisecond))
    }

    /// A moment within the hours of the practice, chosen by chance.
    mutating func opening(day: Int) -> Moment {
        Moment(day: day, millisecond: Int32(draws.within(9 * 3_600_000...17 * 3_600_000)))
    }

    /// A day early enough for most of what follows to lie inside the simulation, and for nobody to
    /// grow into another rule's ages before it.
    mutating func early() -> Int {
        draws.within(5...max(5, min(1500, days - 150)))
    }

    func civil(_ day: Int) -> CivilDay {
        start.adding(days: day) ?? .last
    }

    private func number(_ day: CivilDay) -> Int {
        Int(day.number - start.number)
    }

    func instant(_ moment: Moment) -> Instant {
        zone.start(of: civil(moment.day)).adding(milliseconds: Int64(moment.millisecond))
    }

    /// The day on which an issue of a day has left the window.
    func lapse(ofIssueOn day: Int) -> Int {
        number(Lookback.firstDayWithout(civil(day)))
    }

    /// The local midnight that begins a day.
    func midnight(_ day: Int) -> Instant {
        zone.start(of: civil(day))
    }

    // MARK: Telling

    /// Makes the patient so many years old, some months past the birthday, at the start.
    mutating func isAged(_ years: Int) {
        birth = start.adding(months: -years * 12 - 5)?.adding(days: -draws.below(28))
    }

    /// Lets the patient reach an age on a day; on 29 February this would have no one meaning.
    mutating func turns(_ years: Int, onDay day: Int) {
        birth = civil(day).adding(months: -years * 12)
    }

    /// Whether a birthday may be laid on a day.
    func canBeBirthday(_ day: Int) -> Bool {
        let parts = civil(day).parts
        return (parts.month, parts.day) != (2, 29)
    }

    private mutating func newName() -> UInt8 {
        names += 1
        return names
    }

    /// A medicine is issued; the name is for later versions of the same resource.
    @discardableResult
    mutating func issue(
        _ drugs: [Drug], at moment: Moment, form: Errand.Form = .order
    ) -> Errand.MedicineRecord {
        var record = Errand.MedicineRecord(drug: drugs[draws.below(drugs.count)], form: form)
        record.name = newName()
        record.authored = moment
        errands.append((moment.day, moment.millisecond, .medicine(record)))
        return record
    }

    /// A later version of a medicine's resource.
    mutating func again(
        _ record: Errand.MedicineRecord, at moment: Moment, form: Errand.Form = .order,
        action: EventAction = .updated
    ) {
        var record = record
        record.form = form
        record.action = action
        errands.append((moment.day, moment.millisecond, .medicine(record)))
    }

    @discardableResult
    mutating func diagnose(
        _ illness: Illness, at moment: Moment, onset: CivilDay? = nil,
        verification: Errand.Verification = .confirmed
    ) -> Errand.ConditionRecord {
        var record = Errand.ConditionRecord(
            illness: illness, onset: onset, verification: verification)
        record.name = newName()
        errands.append((moment.day, moment.millisecond, .condition(record)))
        return record
    }

    /// A later version of a diagnosis.
    mutating func again(
        _ record: Errand.ConditionRecord, at moment: Moment, verification: Errand.Verification
    ) {
        var record = record
        record.verification = verification
        record.action = .updated
        errands.append((moment.day, moment.millisecond, .condition(record)))
    }

    mutating func demographics(_ change: Errand.Demographics, at moment: Moment) {
        errands.append((moment.day, moment.millisecond, .demographics(change)))
    }

    /// Notes what must come of it.
    mutating func expect(
        _ rule: String, from raised: Instant, to resolved: Instant, because why: String
    ) {
        guard raised <= end else { return }
        planted.append(
            Planted(
                rule: rule, subject: subject, raised: raised,
                resolved: resolved <= end ? resolved : nil, why: why))
    }

    /// The instant at which gi-p3a is raised by an event of a moment.
    func settled(_ moment: Moment) -> Instant {
        instant(moment).adding(milliseconds: Episode.gastroSettleMilliseconds)
    }
}
