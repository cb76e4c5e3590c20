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
        return all.indices.filter { firsts[$0] == $0 }.map { all[$0] }
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
    /// - Returns: places in `all`, as many as there are in it.
    static func firsts(of all: [Int], _ facts: [Fact], today: CivilDay) -> [Int?] {
        var firsts: [Int?] = []
        firsts.reserveCapacity(all.count)
        // What one source tells as one type is a supply each: as a rule there is nothing else.
        let isToldOnce = all.allSatisfy { tellsAlike(all[0], $0, facts) }
        // Of each first the newest that has found one of its own type and source in that supply.
        var refused = isToldOnce ? [] : Array(repeating: -1, count: all.count)
        for place in all.indices {
            guard !isReplaced(all[place], among: all, facts, today: today) else {
                firsts.append(nil)
                continue
            }
            firsts.append(isToldOnce ? place : first(of: place, all, firsts, facts, &refused))
        }
        return firsts
    }

    /// The newest supply that a fact joins, or its own: dated close by, of a coding that both have,
    /// and of another type or source than all of that supply.
    private static func first(
        of place: Int, _ all: [Int], _ firsts: [Int?], _ facts: [Fact], _ refused: inout [Int]
    ) -> Int {
        let day = facts[all[place]].day.number
        var begin = place
        // Whatever is in a supply is not before its first.
        while begin > 0, day - facts[all[begin - 1]].day.number <= daysApart {
            begin -= 1
            if let first = firsts[begin], tellsAlike(all[place], all[begin], facts) {
                refused[first] = place
            }
        }
        return (begin..<place).last { earlier in
            firsts[earlier] == earlier && refused[earlier] != place
                && facts[all[place]].codings.contains(where: facts[all[earlier]].codings.contains)
        } ?? place
    }

    /// Whether two facts are of one type and source.
    private static func tellsAlike(_ one: Int, _ other: Int, _ facts: [Fact]) -> Bool {
        facts[one].type == facts[other].type
            && facts[one].supply?.source == facts[other].supply?.source
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
