// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A CQL value while a program runs: trivial, so that passing it counts no references.
enum Value {
    case null
    case boolean(Bool)
    /// In the range of a CQL Integer, 32 bits; beyond it operations give null.
    case integer(Int64)
    case date(DateValue)
    /// In units of 10⁻⁸.
    case decimal(Int64)
    case string(TextReference)
    /// An index into the patient's facts.
    case fact(Int32)
    case list(ListReference)
    /// A value of another type, an index into `Evaluation.boxes`.
    case box(Int32)

    var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    var truth: Truth {
        if case .boolean(let value) = self { return value ? .yes : .no }
        return .unknown
    }

    init(_ truth: Truth) {
        switch truth {
        case .yes: self = .boolean(true)
        case .no: self = .boolean(false)
        case .unknown: self = .null
        }
    }
}

/// A CQL Date of any precision.
struct DateValue: Equatable {
    /// The first day that it may mean.
    var day: CivilDay
    /// `year`, `month` or `day`.
    var precision: ClinicalTime.Precision

    /// Component by component, as CQL 1.5 compares dates ("Comparing Dates and Times"): nil where
    /// they agree as far as both go and one goes further.
    ///
    /// - Parameters:
    ///   - other: the right operand.
    ///   - limit: finer components are left out.
    /// - Returns: negative, zero or positive.
    func compared(to other: DateValue, precision limit: ClinicalTime.Precision) -> Int? {
        let common = min(limit, precision, other.precision)
        let difference =
            switch common {
            case .year: day.parts.year - other.day.parts.year
            case .month: day.monthNumber - other.day.monthNumber
            case .day, .time: Int(day.number) - Int(other.day.number)
            }
        if difference != 0 { return difference }
        return min(limit, precision) == min(limit, other.precision) ? 0 : nil
    }

    /// This date and a number of units; a unit finer than the date is converted to the date's own
    /// precision and truncated (CQL 1.5, "Adding Quantities to Date/Time Values").
    ///
    /// - Returns: nil outside the years 1 to 9999.
    func adding(_ amount: Int64, _ unit: CalendarUnit) -> DateValue? {
        let count = Int(amount)
        let moved: CivilDay?
        switch (unit, precision) {
        case (.year, _): moved = day.adding(months: count * 12)
        case (.month, .year): moved = day.adding(months: count / 12 * 12)
        case (.month, _): moved = day.adding(months: count)
        case (.week, .year): moved = day.adding(months: count * 7 / 365 * 12)
        case (.week, .month): moved = day.adding(months: count * 7 / 30)
        case (.week, _): moved = day.adding(days: count * 7)
        case (.day, .year): moved = day.adding(months: count / 365 * 12)
        case (.day, .month): moved = day.adding(months: count / 30)
        case (.day, _): moved = day.adding(days: count)
        }
        return moved.map { DateValue(day: $0, precision: precision) }
    }
}

extension CivilDay {
    /// Months since the year 0.
    var monthNumber: Int {
        let (year, month, _) = parts
        return year * 12 + month - 1
    }

    /// Whole calendar units from this day to another (CQL 1.5, "Duration"), negative backwards.
    func whole(_ unit: CalendarUnit, to other: CivilDay) -> Int {
        let days = Int(other.number) - Int(number)
        switch unit {
        case .day: return days
        case .week: return days / 7
        case .month, .year:
            if days < 0 { return -other.whole(unit, to: self) }
            let months = other.monthNumber - monthNumber
            let complete = other.parts.day >= parts.day ? months : months - 1
            return unit == .month ? complete : complete / 12
        }
    }

    /// Boundaries of a unit between this day and another (CQL 1.5, "Difference"); weeks begin on
    /// Sunday.
    func boundaries(_ unit: CalendarUnit, to other: CivilDay) -> Int {
        switch unit {
        case .day: Int(other.number) - Int(number)
        case .week: other.weekNumber - weekNumber
        case .month: other.monthNumber - monthNumber
        case .year: other.parts.year - parts.year
        }
    }

    /// Weeks from the one of 1970-01-01, a Thursday.
    private var weekNumber: Int {
        let shifted = Int(number) + 4
        return shifted >= 0 ? shifted / 7 : (shifted - 6) / 7
    }
}

/// A text, by where it is found.
enum TextReference {
    /// An index into `Program.strings`.
    case literal(Int32)
    case gender
    /// The status of a fact.
    case status(Int32)
    case comparator(Comparator)
}

/// A stretch of an `Evaluation`'s entries.
struct ListReference {
    var start: Int
    var count: Int
    /// Whether it lies among the entries kept for definitions, else on the stack.
    var isKept: Bool
    /// The first day on which something that is not in the list may come into it.
    var absentUntil: Int64
}

/// A fact that is in a list, or may be.
struct ListEntry {
    var fact: Int32
    /// `yes` or `unknown`.
    var truth: Truth
    /// When `truth` may first differ, as `Outcome.until`.
    var until: Int64
}

/// A value and the moment from which it may differ if nothing but time passes.
struct Outcome {
    var value: Value
    /// The number of a local day in the upper 32 bits, the milliseconds since that day began in
    /// the lower ones, so that days and moments are ordered together; `Outcome.never` where it
    /// holds for ever.
    var until: Int64

    static let never = Int64.max

    /// The beginning of a local day.
    static func start(ofDay number: Int32) -> Int64 {
        number == .max ? never : Int64(number) << 32
    }

    /// A moment as `until` has it.
    static func key(of instant: Instant, in zone: ZoneTable) -> Int64 {
        guard instant != .never else { return never }
        let day = zone.latestDay(begunBy: instant)
        return start(ofDay: day.number)
            + (instant.milliseconds - zone.start(of: day).milliseconds)
    }

    init(_ value: Value, until: Int64 = Outcome.never) {
        self.value = value
        self.until = until
    }

    init(_ truth: Truth, until: Int64) {
        self.value = Value(truth)
        self.until = until
    }
}
