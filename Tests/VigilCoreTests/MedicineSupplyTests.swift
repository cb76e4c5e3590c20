// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// Which records are one supply (clinical.md section 1.8), by an oracle that compares all with all.
struct MedicineSupplyTests {
    private static let monday = CivilDay(number: 19_000)

    /// A dozen records of two products within three weeks.
    private func facts(_ random: inout SeededRandom) -> [Fact] {
        let days = (0..<12).map { _ in Int.random(in: 0...20, using: &random) }.sorted()
        return days.enumerated().compactMap { place, days in
            guard let day = Self.monday.adding(days: days) else { return nil }
            let types: [ResourceType] = [
                .medicationRequest, .medicationRequest, .medicationDispense, .medicationStatement,
            ]
            let codings: [[Int32]] = [[0], [0], [1], [0, 1]]
            var fact = Fact(
                type: types.randomElement(using: &random) ?? .medicationRequest,
                offset: UInt64(place),
                codings: (codings.randomElement(using: &random) ?? []).map { CodingID(index: $0) },
                date: ClinicalTime(writtenDay: day, precision: .day), day: day)
            let named = Int.random(in: 0...30, using: &random)
            fact.supply = SupplyIdentity(
                source: ExactText(Bool.random(using: &random) ? "urn:a" : "urn:b"),
                id: IdentifierHash("\(place)"),
                names: named < 12 && fact.type != .medicationRequest
                    ? [IdentifierHash("\(named)")] : [])
            return fact
        }
    }

    private func names(_ one: Fact, _ other: Fact) -> Bool {
        guard let own = one.supply, let its = other.supply else { return false }
        return own.source == its.source && own.names.contains(its.id)
    }

    /// Puts each record that counts to the newest supply that it may belong to.
    private func oracle(_ facts: [Fact], today: CivilDay) -> [Int?] {
        var supplies: [[Int]] = []
        for (place, fact) in facts.enumerated() {
            let others = facts.indices.filter { $0 != place }.map { facts[$0] }
            let isReplaced =
                switch fact.type {
                case .medicationStatement: others.contains { names(fact, $0) }
                case .medicationRequest:
                    others.contains {
                        $0.type == .medicationDispense && $0.day <= today && names($0, fact)
                    }
                default: false
                }
            if isReplaced { continue }
            let home = supplies.lastIndex { supply in
                let first = facts[supply[0]]
                return fact.day.number - first.day.number <= 7
                    && !Set(fact.codings).isDisjoint(with: first.codings)
                    && supply.allSatisfy {
                        facts[$0].type != fact.type
                            || facts[$0].supply?.source != fact.supply?.source
                    }
            }
            if let home { supplies[home].append(place) } else { supplies.append([place]) }
        }
        return facts.indices.map { place in supplies.first { $0.contains(place) }?[0] }
    }

    @Test func recordsOfOneSupplyAreFoundAsByComparingAllWithAll() throws {
        var random = SeededRandom(state: 20)
        var joined = 0
        for round in 0..<20_000 {
            let facts = facts(&random)
            let days = Int.random(in: 0...21, using: &random)
            let today = try #require(Self.monday.adding(days: days))
            let found = MedicineSupply.firsts(of: Array(facts.indices), facts, today: today)
            #expect(found == oracle(facts, today: today), "round \(round)")
            joined += zip(facts.indices, found).count { $1 != nil && $0 != $1 }
        }
        #expect(joined > 10_000)
    }
}
