// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// One patient of the practice.
struct SimulatedPatient: Sendable {
    /// How the practice prescribes NSAIDs to the patient: always so that no rule is true.
    enum NonSteroidalPolicy: Sendable {
        /// Under 65 to the end, no anticoagulant, no heart failure.
        case free
        /// Only together with gastroprotection, issued first and on the same day.
        case protected
        case never
    }

    /// The pseudonym, 16 hexadecimal digits.
    var subject: String
    /// nil: not known.
    var birth: CivilDay?
    var isMale: Bool
    var draws: SplitMix64
    var policy: NonSteroidalPolicy
    /// Average days between two contacts.
    var contactIntervalDays: Int
    var isGone = false
    /// The day of the newest encounter and its number.
    var encounter: (day: Int, number: UInt64)?

    /// A patient without illnesses.
    init(seed: UInt64, index: Int, start: CivilDay, days: Int) {
        let own = SplitMix64.mixed(seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
        draws = SplitMix64(seed: own)
        subject = SimulatedPatient.pseudonym(draws.next())
        isMale = draws.chance(perMille: 495)
        // One in a hundred is born while the simulation runs.
        let isLate = draws.chance(perMille: 10)
        let isBorn = isLate && days > 30
        let ageDays = isBorn ? -draws.below(days - 1) : draws.below(92 * 365)
        let birth = start.adding(days: -ageDays)
        self.birth = birth
        let age = ageDays / 365
        contactIntervalDays = age < 5 ? 60 : age < 40 ? 200 : age < 65 ? 120 : 60
        let end = start.adding(days: days) ?? .last
        let ageAtEnd = birth?.wholeYears(to: end)
        policy = (ageAtEnd ?? 65) < 65 ? .free : .protected
    }

    private static func pseudonym(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// What the patient has and takes, as errands of the first days.
    ///
    /// - Parameters:
    ///   - start: The first day of the simulation.
    ///   - days: How long the simulation is.
    /// - Returns: Illnesses with the day of onset counted from the start (negative: long known),
    ///   and the medicines for each.
    mutating func drawIllnesses(
        start: CivilDay, days: Int
    ) -> [(illness: Illness, onsetDay: Int, drugs: [Drug])] {
        guard let birth, birth <= start else { return [] }
        let age = birth.wholeYears(to: start)
        var found: [(illness: Illness, onsetDay: Int, drugs: [Drug])] = []
        func prevalence(_ young: Int, _ middle: Int, _ old: Int) -> Int {
            age < 40 ? young : age < 65 ? middle : old
        }
        // Per mille, in the order of magnitude of English general practice.
        let table: [(Illness, Int, [Drug])] = [
            (.hypertension, prevalence(5, 180, 480), [.amlodipine, .indapamide]),
            (.osteoarthritis, prevalence(2, 80, 250), [.paracetamol]),
            (.atrialFibrillation, prevalence(0, 8, 90), [.bisoprolol]),
            (.heartFailure, prevalence(0, 5, 50), [.ivabradine, .bisoprolol, .indapamide]),
            (.diabetes, prevalence(5, 90, 180), [.metformin]),
            (.asthma, prevalence(80, 60, 60), [.beclometasone, .salbutamol]),
            (.depression, prevalence(60, 90, 60), [.sertraline]),
            (.hypothyroidism, prevalence(5, 35, 80), [.levothyroxine]),
            (.hyperlipidaemia, prevalence(3, 150, 400), [.atorvastatin]),
        ]
        for (illness, perMille, drugs) in table where draws.chance(perMille: perMille) {
            // One in ten is diagnosed while the simulation runs.
            let isNew = draws.chance(perMille: 100)
            let onset = isNew ? draws.below(days) : -draws.within(30...min(3650, 31 + age * 180))
            var taken = drugs
            if illness == .hypertension { taken = [drugs[draws.below(drugs.count)]] }
            if illness == .atrialFibrillation {
                taken.append(Formulary.anticoagulants[draws.below(3)])
            }
            if illness == .atrialFibrillation || illness == .heartFailure { policy = .never }
            found.append((illness: illness, onsetDay: onset, drugs: taken))
        }
        if !found.isEmpty { contactIntervalDays = contactIntervalDays * 2 / (2 + found.count) }
        return found
    }
}
