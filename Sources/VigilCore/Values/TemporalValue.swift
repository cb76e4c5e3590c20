// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A component of dates and times, coarse to fine; weeks count but are no precision.
package enum TemporalUnit: UInt8, CaseIterable, Comparable, Sendable {
    case year, month, week, day, hour, minute, second, millisecond

    package static func < (left: TemporalUnit, right: TemporalUnit) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The unit that a word names, in the singular or plural.
    ///
    /// - Parameter word: such as `days`.
    package init?(word: String) {
        let singular = word.hasSuffix("s") ? String(word.dropLast()) : word
        guard let unit = Self.ofWord[singular] else { return nil }
        self = unit
    }

    private static let ofWord = Dictionary(
        uniqueKeysWithValues: allCases.map { unit in ("\(unit)", unit) })

    /// The unit of a UCUM time code that is as long as a calendar unit: not `a` and not `mo`.
    init?(definite code: String) {
        switch code {
        case "wk": self = .week
        case "d": self = .day
        case "h": self = .hour
        case "min": self = .minute
        case "s": self = .second
        case "ms": self = .millisecond
        default: return nil
        }
    }

    /// Milliseconds in one; of months and years none.
    var milliseconds: Int64? {
        switch self {
        case .year, .month: nil
        case .week: 604_800_000
        case .day: 86_400_000
        case .hour: 3_600_000
        case .minute: 60_000
        case .second: 1000
        case .millisecond: 1
        }
    }
}

/// A CQL Date, DateTime or Time of any precision.
package struct TemporalValue: Hashable, Sendable {
    /// Which of the three types.
    package enum Kind: UInt8, Sendable {
        case date, dateTime, time
    }

    /// Which of the three types it is of.
    package var kind: Kind
    /// The first millisecond that it may mean, on its own clock: since 1970-01-01T00:00, of a
    /// Time since midnight.
    package var local: Int64
    /// How much of it is known; never `week`.
    package var precision: TemporalUnit
    /// How far its clock is ahead of UTC, where that is said.
    package var offsetMinutes: Int32?

    static let day: Int64 = 86_400_000
    static let firstLocal = Int64(CivilDay.first.number) * day
    static let lastLocal = (Int64(CivilDay.last.number) + 1) * day - 1

    init?(
        _ kind: Kind, local: Int64, precision: TemporalUnit, offsetMinutes: Int32? = nil
    ) {
        let range = kind == .time ? 0...Self.day - 1 : Self.firstLocal...Self.lastLocal
        guard range.contains(local) else { return nil }
        self.kind = kind
        self.local = local
        self.precision = precision
        self.offsetMinutes = offsetMinutes
    }

    /// Of components from the coarsest on; nil where one is outside the calendar.
    ///
    /// - Parameters:
    ///   - kind: which type; a Time begins with the hour.
    ///   - parts: year, month, day, hour, minute, second, millisecond, as many as are known.
    ///   - offsetMinutes: how far the clock is ahead of UTC.
    package init?(_ kind: Kind, parts: [Int], offsetMinutes: Int32? = nil) {
        let units: [TemporalUnit] =
            kind == .time
            ? [.hour, .minute, .second, .millisecond]
            : [.year, .month, .day, .hour, .minute, .second, .millisecond]
        guard !parts.isEmpty, parts.count <= units.count else { return nil }
        if let offsetMinutes, abs(offsetMinutes) > 14 * 60 { return nil }
        func part(_ index: Int, _ first: Int) -> Int { index < parts.count ? parts[index] : first }
        var local: Int64 = 0
        var clock = 0
        if kind != .time {
            guard let day = CivilDay(year: parts[0], month: part(1, 1), day: part(2, 1)) else {
                return nil
            }
            local = Int64(day.number) * Self.day
            clock = 3
        }
        let fields = [part(clock, 0), part(clock + 1, 0), part(clock + 2, 0), part(clock + 3, 0)]
        for (field, limit) in zip(fields, [24, 60, 60, 1000]) where !(0..<limit).contains(field) {
            return nil
        }
        local += Int64(((fields[0] * 60 + fields[1]) * 60 + fields[2]) * 1000 + fields[3])
        self.init(
            kind, local: local, precision: units[parts.count - 1], offsetMinutes: offsetMinutes)
    }

    /// A whole day, month or year.
    init(_ date: DateValue) {
        kind = .date
        local = Int64(date.day.number) * Self.day
        precision = date.precision == .year ? .year : date.precision == .month ? .month : .day
    }

    /// The same as a date of the trivial kind.
    var date: DateValue? {
        guard kind == .date else { return nil }
        return DateValue(
            day: civilDay,
            precision: precision == .year ? .year : precision == .month ? .month : .day)
    }

    /// The day of `local`.
    var civilDay: CivilDay { CivilDay(number: Int32(clamping: local.floorDivided(by: Self.day))) }

    /// Milliseconds since midnight.
    var ofDay: Int64 { local - local.floorDivided(by: Self.day) * Self.day }

    /// A component; nil where it is finer than the value.
    func component(_ unit: TemporalUnit) -> Int? {
        guard unit <= precision else { return nil }
        switch unit {
        case .year: return civilDay.parts.year
        case .month: return civilDay.parts.month
        case .day: return civilDay.parts.day
        case .week: return nil
        case .hour: return Int(ofDay / 3_600_000)
        case .minute: return Int(ofDay / 60_000 % 60)
        case .second: return Int(ofDay / 1000 % 60)
        case .millisecond: return Int(ofDay % 1000)
        }
    }

    /// Cut down to a precision, or as it is where it is no finer.
    func truncated(to unit: TemporalUnit) -> TemporalValue {
        guard unit < precision else { return self }
        var copy = self
        copy.precision = unit
        copy.local = Self.start(of: local, unit)
        return copy
    }

    static func start(of local: Int64, _ unit: TemporalUnit) -> Int64 {
        let day = CivilDay(number: Int32(clamping: local.floorDivided(by: Self.day)))
        switch unit {
        case .year, .month:
            let (year, month, _) = day.parts
            let first = CivilDay(year: year, month: unit == .year ? 1 : month, day: 1)
            return Int64((first ?? day).number) * Self.day
        case .week, .day: return Int64(day.number) * Self.day
        default: return local - (local - Int64(day.number) * Self.day) % (unit.milliseconds ?? 1)
        }
    }

    /// The last millisecond that it may mean.
    var lastLocal: Int64 {
        switch precision {
        case .year, .month:
            let (year, month, _) = civilDay.parts
            let last = precision == .year ? 12 : month
            let end = CivilDay(
                year: year, month: last, day: CivilDay.length(ofMonth: last, year: year))
            return (Int64((end ?? civilDay).number) + 1) * Self.day - 1
        default: return local + (precision.milliseconds ?? 1) - 1
        }
    }

    /// The same moment on a clock with another offset, where its hour is known.
    func onClock(of offset: Int32) -> TemporalValue {
        guard kind == .dateTime, let own = offsetMinutes else { return self }
        var copy = self
        copy.offsetMinutes = offset
        if precision >= .hour { copy.local += Int64(offset - own) * 60_000 }
        return copy
    }

    /// Component by component, as CQL compares dates and times, both on one clock: nil where they
    /// agree as far as both go and one goes further.
    func compared(to other: TemporalValue, limit: TemporalUnit = .millisecond) -> Int? {
        let common = min(limit, precision, other.precision)
        let left = Self.start(of: local, common)
        let right = Self.start(of: other.local, common)
        if left != right { return left < right ? -1 : 1 }
        return min(limit, precision) == min(limit, other.precision) ? 0 : nil
    }
}

extension Int64 {
    /// The quotient, rounded towards negative infinity.
    func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}

extension TemporalValue {
    /// Reads a date or time as CQL and ISO 8601 write it, without `@`.
    ///
    /// - Parameters:
    ///   - text: such as `2024-01-31T10:00:00.000+01:00` or `T10:30`.
    ///   - lenient: also fractions of a second of any length, as conversions from text take them.
    package init?(_ text: String, lenient: Bool = false) {
        var rest = Substring(text)
        var kind = Kind.date
        var parts: [Int] = []
        func number(_ text: Substring, _ width: Int) -> Int? {
            text.utf8.count == width && text.utf8.allSatisfy { (48...57).contains($0) }
                ? Int(text) : nil
        }
        let dateText = rest.prefix { $0 != "T" }
        if !dateText.isEmpty {
            let fields = dateText.split(separator: "-", omittingEmptySubsequences: false)
            guard fields.count <= 3 else { return nil }
            for (field, width) in zip(fields, [4, 2, 2]) {
                guard let value = number(field, width) else { return nil }
                parts.append(value)
            }
        }
        rest = rest.dropFirst(dateText.count)
        var offset: Int32?
        if rest.first == "T" {
            kind = dateText.isEmpty ? .time : .dateTime
            rest = rest.dropFirst()
            if let mark = rest.lastIndex(where: { "Z+-".contains($0) }) {
                let zone = rest[mark...]
                rest = rest[..<mark]
                if zone == "Z" {
                    offset = 0
                } else {
                    let fields = zone.dropFirst().split(
                        separator: ":", omittingEmptySubsequences: false)
                    guard fields.count == 2, let hours = number(fields[0], 2),
                        let minutes = number(fields[1], 2), minutes < 60
                    else { return nil }
                    offset = Int32((zone.first == "-" ? -1 : 1) * (hours * 60 + minutes))
                }
            }
            if !rest.isEmpty {
                guard kind == .time || parts.count == 3 else { return nil }
                let clock = rest.split(separator: ":", omittingEmptySubsequences: false)
                guard clock.count <= 3 else { return nil }
                for (index, field) in clock.enumerated() {
                    let halves = field.split(separator: ".", omittingEmptySubsequences: false)
                    guard halves.count == 1 || (halves.count == 2 && index == 2),
                        let value = number(halves[0], 2)
                    else { return nil }
                    parts.append(value)
                    guard halves.count == 2 else { continue }
                    let digits = halves[1]
                    guard (1...(lenient ? 9 : 3)).contains(digits.utf8.count),
                        digits.utf8.allSatisfy({ (48...57).contains($0) }),
                        let value = Int(digits.prefix(3))
                    else { return nil }
                    parts.append(value * [100, 10, 1][min(digits.utf8.count, 3) - 1])
                }
            }
            if kind == .time { offset = nil }
        }
        self.init(kind, parts: parts, offsetMinutes: offset)
    }

    /// As ISO 8601 writes it; a DateTime without a time of day ends in `T` if `marked`.
    func text(marked: Bool) -> String {
        var text = ""
        if kind != .time {
            let (year, month, day) = civilDay.parts
            text = padded(year, 4)
            if precision >= .month { text += "-" + padded(month, 2) }
            if precision >= .day { text += "-" + padded(day, 2) }
            guard kind == .dateTime else { return text }
        }
        if precision >= .hour || marked { text += "T" }
        if precision >= .hour { text += padded(Int(ofDay / 3_600_000), 2) }
        if precision >= .minute { text += ":" + padded(Int(ofDay / 60_000 % 60), 2) }
        if precision >= .second { text += ":" + padded(Int(ofDay / 1000 % 60), 2) }
        if precision >= .millisecond { text += "." + padded(Int(ofDay % 1000), 3) }
        if let offsetMinutes, precision >= .hour {
            let size = Int(offsetMinutes.magnitude)
            text +=
                offsetMinutes == 0
                ? "Z"
                : (offsetMinutes < 0 ? "-" : "+") + padded(size / 60, 2) + ":"
                    + padded(size % 60, 2)
        }
        return text
    }
}
