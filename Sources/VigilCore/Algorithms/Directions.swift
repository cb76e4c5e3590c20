// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An amount of which it is known that it is at least and at most so much.
struct Bounds: Equatable {
    var least: ExactNumber
    /// Nil where nothing limits it.
    var most: ExactNumber?

    init(_ least: ExactNumber, _ most: ExactNumber?) {
        self.least = least
        self.most = most
    }

    /// An amount that is known.
    init(_ amount: ExactNumber) {
        self.init(amount, amount)
    }

    /// Nothing is known of it.
    static let unknown = Bounds(ExactNumber(0), nil)

    static func + (left: Bounds, right: Bounds) -> Bounds {
        Bounds(
            left.least + right.least, left.most.flatMap { most in right.most.map { most + $0 } })
    }

    static func * (left: Bounds, right: Bounds) -> Bounds {
        Bounds(
            left.least * right.least, left.most.flatMap { most in right.most.map { most * $0 } })
    }

    /// One of the two, nobody knows which.
    static func either(_ left: Bounds, _ right: Bounds) -> Bounds {
        Bounds(
            min(left.least, right.least),
            left.most.flatMap { most in right.most.map { max(most, $0) } })
    }
}

/// What the directions of one order, dispense or statement come to.
struct Directions {
    private let instructions: [DosageInstruction]

    /// - Parameter text: as a fact keeps it.
    init(_ text: String) {
        instructions = DosageInstruction.instructions(in: text)
    }

    // MARK: - Days a week

    /// Whether doses are taken on more than one day a week; nil where the directions do not say.
    ///
    /// Instructions of one sequence number, or without any, hold together: one day each, named
    /// differently, is more than one.
    var isOftenerThanWeekly: Bool? {
        if instructions.contains(where: { $0.isOftenerThanWeekly == true }) { return true }
        var daysOfSequence: [String: Set<String>] = [:]
        for instruction in instructions {
            let days = instruction.weekdays
            daysOfSequence[instruction[.sequence] ?? "", default: []].formUnion(days)
        }
        if daysOfSequence.values.contains(where: { $0.count > 1 }) { return true }
        return instructions.allSatisfy { $0.isOftenerThanWeekly == false } ? false : nil
    }

    // MARK: - Amounts

    /// How much is taken in a day.
    ///
    /// - Parameter amount: of one dose; nil where its unit says nothing of that.
    /// - Returns: the bounds that hold, whatever is left open.
    func aDay(_ amount: (_ value: String, _ unit: String?) -> ExactNumber?) -> Bounds {
        var ofSequence: [(sequence: String?, bounds: Bounds)] = []
        for instruction in instructions {
            let bounds = instruction.aDay(amount)
            let sequence = instruction[.sequence]
            if let known = ofSequence.firstIndex(where: { $0.sequence == sequence }) {
                ofSequence[known].bounds = ofSequence[known].bounds + bounds
            } else {
                ofSequence.append((sequence, bounds))
            }
        }
        guard let first = ofSequence.first?.bounds else { return .unknown }
        // What follows one another is not taken together, and nobody says which is taken now.
        return ofSequence.dropFirst().reduce(first) { Bounds.either($0, $1.bounds) }
    }

    /// How many doses are on the body at one time, as patches are.
    func atATime(_ amount: (_ value: String, _ unit: String?) -> ExactNumber?) -> Bounds? {
        var total: Bounds?
        for instruction in instructions {
            guard let dose = instruction.dose(amount) else { return nil }
            let worn = instruction[.asNeeded] == nil ? dose : Bounds(ExactNumber(0), dose.most)
            total = total.map { $0 + worn } ?? worn
        }
        return total
    }
}

extension DosageInstruction {
    var weekdays: [String] { (self[.weekdays] ?? "").split(separator: ",").map(String.init) }

    private func number(_ part: Part) -> ExactNumber? {
        self[part].flatMap { ExactNumber(decimal: $0) }
    }

    /// Codes of FHIR's timing abbreviations, with the doses of a day.
    private static let dailyCodes: [String: ExactNumber] = [
        "QD": ExactNumber(1), "BID": ExactNumber(2), "TID": ExactNumber(3),
        "QID": ExactNumber(4), "AM": ExactNumber(1), "PM": ExactNumber(1),
        "BED": ExactNumber(1), "QOD": ExactNumber(1, over: 2), "Q1H": ExactNumber(24),
        "Q2H": ExactNumber(12), "Q3H": ExactNumber(8), "Q4H": ExactNumber(6),
        "Q6H": ExactNumber(4), "Q8H": ExactNumber(3), "Q12H": ExactNumber(2),
    ]

    /// The least and the greatest number of days that a period lasts; nil where its unit is none.
    private func days(_ part: Part) -> (least: ExactNumber, most: ExactNumber)? {
        guard let count = number(part), count > ExactNumber(0),
            let unit = DosageInstruction.days[self[.periodUnit] ?? ""]
        else { return nil }
        return (count * unit.least, count * unit.most)
    }

    private static let days: [String: (least: ExactNumber, most: ExactNumber)] = {
        var days: [String: (least: ExactNumber, most: ExactNumber)] = [:]
        let fixed: [(String, Int128)] = [
            ("s", 86_400), ("min", 1440), ("h", 24), ("d", 1),
        ]
        for (unit, aDay) in fixed {
            days[unit] = (ExactNumber(1, over: aDay), ExactNumber(1, over: aDay))
        }
        days["wk"] = (ExactNumber(7), ExactNumber(7))
        days["mo"] = (ExactNumber(28), ExactNumber(31))
        days["a"] = (ExactNumber(365), ExactNumber(366))
        return days
    }()

    // MARK: - Days a week

    /// Whether doses are taken on more than one day a week; nil where nothing says.
    ///
    /// What is said in words counts beside what is said in numbers: one of the two that says more
    /// than one day is enough to look at it.
    var isOftenerThanWeekly: Bool? {
        if self[.wording] == "daily" { return true }
        return timingIsOftenerThanWeekly ?? (self[.wording] == "weekly" ? false : nil)
    }

    private var timingIsOftenerThanWeekly: Bool? {
        if number(.count) == ExactNumber(1) { return false }
        let days = Set(weekdays)
        if !days.isEmpty { return days.count > 1 }
        if let code = self[.code]?.uppercased() {
            if code == "WK" || code == "MO" { return false }
            if DosageInstruction.dailyCodes[code] != nil { return true }
        }
        if let events = self[.eventDays] { return DosageInstruction.areWithinAWeek(events) }
        guard let period = self.days(.period) else {
            return self[.timesOfDay] == nil ? nil : true
        }
        let times = number(.frequencyMax) ?? number(.frequency) ?? ExactNumber(1)
        // Twice a week is two days of it, unless a day is named.
        return times * ExactNumber(7) > period.least
    }

    private static func areWithinAWeek(_ events: String) -> Bool {
        let days = events.split(separator: ",").compactMap { Int($0) }.sorted()
        return zip(days, days.dropFirst()).contains { earlier, later in
            earlier != later && later - earlier < 7
        }
    }

    // MARK: - Amounts

    /// How much one dose is; nil where it is not said in a unit that is known.
    func dose(_ amount: (_ value: String, _ unit: String?) -> ExactNumber?) -> Bounds? {
        let unit = self[.doseUnit]
        let low = self[.doseLow].flatMap { amount($0, unit) }
        let high = self[.doseHigh].flatMap { amount($0, unit) }
        guard low != nil || high != nil else { return nil }
        return Bounds(low ?? ExactNumber(0), high)
    }

    /// How many doses are taken in a day; nil where nothing says.
    var timesADay: Bounds? {
        if let code = self[.code]?.uppercased(), let times = DosageInstruction.dailyCodes[code] {
            return Bounds(times)
        }
        guard self[.weekdays] == nil, self[.eventDays] == nil else { return nil }
        let named = number(.timesOfDay)
        guard let period = days(.period) else {
            return self[.frequency] == nil ? named.map { Bounds($0) } : nil
        }
        let one = number(.frequency) ?? named ?? ExactNumber(1)
        let low = min(one, named ?? one)
        let high = max(number(.frequencyMax) ?? one, named ?? one)
        let longest = days(.periodMax)?.most ?? period.most
        return Bounds(low / longest, high / period.least)
    }

    /// How much is taken in a day.
    func aDay(_ amount: (_ value: String, _ unit: String?) -> ExactNumber?) -> Bounds {
        var bounds = Bounds.unknown
        if let dose = dose(amount), let times = timesADay { bounds = dose * times }
        if self[.asNeeded] != nil { bounds.least = ExactNumber(0) }
        guard let most = self[.mostDose].flatMap({ amount($0, self[.mostUnit]) }),
            let count = number(.mostPeriod), count > ExactNumber(0),
            let period = DosageInstruction.days[self[.mostPeriodUnit] ?? ""]
        else { return bounds }
        let limit = most / (count * period.least)
        bounds.most = bounds.most.map { min($0, limit) } ?? limit
        bounds.least = min(bounds.least, limit)
        return bounds
    }
}
