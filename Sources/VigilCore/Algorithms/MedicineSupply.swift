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
        let facts = input.patient.facts
        let all = facts.indices.filter { index in
            facts[index].type.isMedicine && input.hasCome(facts[index])
                && input.contains(facts[index], role)
        }
        var counted: [Int] = []
        for index in all where !isReplaced(index, among: all, facts) {
            let joins = counted.contains { first in
                let (earlier, fact) = (facts[first], facts[index])
                return fact.day.number - earlier.day.number <= daysApart
                    && fact.codings.contains(where: earlier.codings.contains)
                    && (earlier.type != fact.type || earlier.supply?.source != fact.supply?.source)
            }
            if !joins { counted.append(index) }
        }
        return counted
    }

    /// Whether another record says that it is, or repeats, this one's supply.
    private static func isReplaced(_ index: Int, among all: [Int], _ facts: [Fact]) -> Bool {
        guard let own = facts[index].supply else { return false }
        return all.contains { other in
            guard other != index, let its = facts[other].supply, its.source == own.source else {
                return false
            }
            switch facts[index].type {
            case .medicationStatement: return own.names.contains(its.id)
            case .medicationRequest:
                return facts[other].type == .medicationDispense && its.names.contains(own.id)
            default: return false
            }
        }
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
