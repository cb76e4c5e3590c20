// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Counts of medicines (clinical.md sections 1.8 and 3.3): one supply is one, and inhalers are
/// counted by devices.
enum MedicineSupply {
    /// How far apart, in days, records that do not name each other may be and still be one supply.
    private static let daysApart: Int32 = 7
    /// Units of a quantity that counts devices.
    private static let deviceWords = ["inhaler", "inhalers", "device", "devices"]
    /// Units of one that counts doses.
    private static let doseWords = [
        "dose", "doses", "actuation", "actuations", "puff", "puffs", "blister", "blisters",
    ]

    /// The facts of a list of the pack that have come, one for each supply, ascending.
    static func issues(_ role: Int, _ input: borrowing AlgorithmInput) -> [Int] {
        let all = records(role, input)
        let firsts = MedicineSupply.firsts(of: all, input.patient.facts, today: input.today)
        return zip(all, firsts).filter { $0 == $1 }.map { $0.0 }
    }

    /// The facts of a list of the pack that have come, ascending, however many tell of a supply.
    static func records(_ role: Int, _ input: borrowing AlgorithmInput) -> [Int] {
        let facts = input.patient.facts
        return facts.indices.filter { index in
            facts[index].type.isMedicine && input.hasCome(facts[index])
                && input.contains(facts[index], role)
        }
    }

    /// For each of some facts the first one of its supply, which may be itself; nil for one that
    /// counts nothing.
    ///
    /// A dispense replaces the order that it names, from its day on; a statement that repeats
    /// another of the facts counts nothing; of records that are one without naming each other the
    /// first stands for all.
    ///
    /// - Parameters:
    ///   - all: ascending places among the patient's facts.
    ///   - facts: the patient's.
    ///   - today: the day that is asked about.
    /// - Returns: as many places as there are in `all`.
    static func firsts(of all: [Int], _ facts: [Fact], today: CivilDay) -> [Int?] {
        var firsts: [Int?] = []
        firsts.reserveCapacity(all.count)
        for (place, index) in all.enumerated() {
            guard !isReplaced(index, among: all, facts, today: today) else {
                firsts.append(nil)
                continue
            }
            let earlier = all[..<place].last { first in
                joins(index, first, zip(all, firsts), facts)
            }
            firsts.append(earlier ?? index)
        }
        return firsts
    }

    /// Whether another record says that it is, or repeats, this one's supply.
    static func isReplaced(
        _ index: Int, among all: [Int], _ facts: [Fact], today: CivilDay
    ) -> Bool {
        // Field by field: a fact is wide, and is not copied to be looked at.
        guard let own = facts[index].supply else { return false }
        switch facts[index].type {
        case .medicationStatement where !own.names.isEmpty:
            return all.contains { other in
                guard other != index, let its = facts[other].supply else { return false }
                return its.source == own.source && own.names.contains(its.id)
            }
        case .medicationRequest:
            return all.contains { other in
                guard facts[other].type == .medicationDispense, facts[other].day <= today,
                    let its = facts[other].supply
                else { return false }
                return its.source == own.source && its.names.contains(own.id)
            }
        default:
            return false
        }
    }

    /// Whether a fact is of the supply that an earlier one stands for: dated close by, of a coding
    /// that both have, and of another type or source than all of the supply.
    private static func joins(
        _ index: Int, _ first: Int, _ told: Zip2Sequence<[Int], [Int?]>, _ facts: [Fact]
    ) -> Bool {
        guard facts[index].day.number - facts[first].day.number <= daysApart else { return false }
        let codings = facts[first].codings
        guard facts[index].codings.contains(where: codings.contains) else { return false }
        let (type, source) = (facts[index].type, facts[index].supply?.source)
        var stands = false
        for (member, itsFirst) in told where itsFirst == first {
            stands = true
            if facts[member].type == type, facts[member].supply?.source == source { return false }
        }
        return stands
    }

    /// How many devices an issue is of.
    ///
    /// - Parameters:
    ///   - fact: the order, dispense or statement.
    ///   - doses: those of one device.
    /// - Returns: a number that need not be whole.
    static func devices(of fact: Fact, doses: Int128) -> ExactNumber {
        guard let quantity = fact.details.quantity,
            let value = ExactNumber(decimal: quantity.value), value > ExactNumber(0)
        else { return ExactNumber(1) }
        let unit = (quantity.unit ?? "").lowercased().filter { !"{}".contains($0) }
        let isUnitless = unit.isEmpty || unit == "1"
        if deviceWords.contains(unit) || isUnitless && value <= ExactNumber(12) { return value }
        if doseWords.contains(unit) || isUnitless && value >= ExactNumber(28) {
            return value / ExactNumber(doses)
        }
        return ExactNumber(1)
    }
}

extension CivilDay {
    /// The first day on which this one is out of a closed window of months: month arithmetic
    /// clips, so that is found and not computed.
    func leaves(windowOfMonths months: Int) -> CivilDay {
        guard var day = adding(months: months) else { return .last }
        while let start = day.adding(months: -months), start <= self,
            let next = day.adding(days: 1)
        {
            day = next
        }
        return day
    }
}
