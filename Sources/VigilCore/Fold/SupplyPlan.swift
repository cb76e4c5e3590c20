// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// When an order counts as issued, and until when each supply lasts (clinical.md section 1.8,
/// "long supplies").
struct SupplyPlan {
    /// How long one supply lasts.
    enum Length: Hashable {
        case months(Int)
        /// An exact number, so that fractions of days add up.
        case hours(ExactNumber)
    }

    /// No length is greater, in its unit: it would be a mistake, and products stay within bounds.
    private static let greatestLength = ExactNumber(999_999)

    /// No order is issued oftener: what is allowed beyond it is left out.
    static let mostIssues = 1000

    private let start: CivilDay
    private let length: Length

    /// A plan, where a length of supply is stated that can be read.
    init?(start: CivilDay, duration: ObservedQuantity?) {
        guard let duration, let length = SupplyPlan.length(of: duration) else { return nil }
        self.start = start
        self.length = length
    }

    /// The day on which the supplies before number `count` are used up.
    func day(after count: Int) -> CivilDay? {
        switch length {
        case .months(let months):
            return start.adding(months: months * count)
        case .hours(let hours):
            // Not as a product of exact numbers, for there are many and none need be reduced.
            let days = hours.numerator * Int128(count) / (hours.denominator * 24)
            return start.adding(days: Int(days))
        }
    }

    /// The issues after the first, each on a day of its own, with the end of its supply.
    ///
    /// - Parameters:
    ///   - repeats: how many are allowed.
    ///   - end: the last day on which one may be issued.
    /// - Returns: the days, ascending.
    func furtherIssues(repeats: Int, until end: CivilDay?) -> [(day: CivilDay, end: CivilDay?)] {
        var issues: [(day: CivilDay, end: CivilDay?)] = []
        var last = start
        for number in 1..<max(1, min(repeats, SupplyPlan.mostIssues - 1) + 1) {
            guard let day = day(after: number), end.map({ day <= $0 }) ?? true else { break }
            guard day > last else { continue }
            issues.append((day, self.day(after: number + 1)))
            last = day
        }
        return issues
    }

    /// The length that a duration states: nil where its unit or number is not known here.
    static func length(of duration: ObservedQuantity) -> Length? {
        // Nearly all are whole: the text of those need not be taken apart.
        let whole = Int64(duration.value).map { ExactNumber(Int128($0)) }
        guard duration.comparator == nil,
            let number = whole ?? ExactNumber(decimal: duration.value),
            number > ExactNumber(0), number <= greatestLength
        else { return nil }
        switch duration.unit {
        case "h", "hour", "hours": return .hours(number)
        case "d", "day", "days": return .hours(number * ExactNumber(24))
        case "wk", "week", "weeks": return .hours(number * ExactNumber(168))
        case "mo", "month", "months": return months(number)
        case "a", "year", "years": return months(number * ExactNumber(12))
        default: return nil
        }
    }

    /// Calendar months come whole: half a month is no calendar's.
    private static func months(_ number: ExactNumber) -> Length? {
        number.denominator == 1 ? .months(Int(number.numerator)) : nil
    }
}

extension Fact {
    /// Makes an order, dispense or statement the first issue of its supply.
    ///
    /// - Returns: the facts of an order's further issues, by its repeats.
    mutating func supply(
        _ supply: Supply?, _ identity: SupplyIdentity, zone: ZoneTable
    ) -> [Fact] {
        self.supply = identity
        guard let supply, let plan = SupplyPlan(start: day, duration: supply.duration) else {
            return []
        }
        supplyEnd = plan.day(after: 1)
        guard type == .medicationRequest, let repeats = supply.repeats else { return [] }
        let last = supply.validUntil?.lastDay(in: zone)
        let further = plan.furtherIssues(repeats: repeats, until: last)
        return further.enumerated().map { number, issue in
            var fact = self
            fact.issue = Int32(number + 1)
            fact.date = ClinicalTime(writtenDay: issue.day, precision: .day)
            fact.day = issue.day
            fact.supplyEnd = issue.end
            return fact
        }
    }
}

extension SupplyIdentity {
    convenience init(_ key: Patient.ResourceKey, _ supply: Supply?) {
        self.init(
            source: key.source, id: key.id,
            names: (key.type == .medicationStatement
                ? supply?.basedOn ?? [] : supply?.authorizing ?? []).map { IdentifierHash($0) })
    }
}
