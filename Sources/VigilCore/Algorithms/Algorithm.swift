// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The algorithms that CQL cannot carry: sequences of readings, scores with parts, runs of courses.
///
/// A rule names one in its pack's manifest; its CQL says whom the rule is about. Each is a pure
/// function of the patient's facts and the log's clock, with an exact horizon.
package enum Algorithm: String, CaseIterable, Sendable {
    case news2
    case kidneyInjury = "aki"
    case homeWeight = "home-weight"
    case homeOxygen = "home-oxygen"
    case pressureCrisis = "pressure-crisis"
    case pressureAverage = "pressure-average"
    case glucoseEpisode = "glucose-episode"
    case glucoseRange = "glucose-range"
    case glucoseSignal = "glucose-signal"
    case asthmaRisk = "asthma-risk"
    case relievers
    case manyRelievers = "many-relievers"
    case preventers
    case steroidCourses = "steroid-courses"
    case asthmaFollowUp = "asthma-follow-up"
    case peakFlow = "peak-flow"
    case biologicPointers = "biologic-pointers"
    case weeklyDose = "weekly-dose"
    case opioidDose = "opioid-dose"
    case kidneyTests = "kidney-tests"

    /// The code lists that a pack must have for it, by their names there.
    package var lists: [String] {
        switch self {
        case .news2: News2.lists
        case .kidneyInjury: KidneyInjury.lists
        case .homeWeight: HomeWeight.lists
        case .homeOxygen: HomeOxygen.lists
        case .pressureCrisis, .pressureAverage: HomePressure.lists
        case .glucoseEpisode, .glucoseRange, .glucoseSignal: Glucose.lists
        case .asthmaRisk, .relievers, .manyRelievers, .preventers, .steroidCourses:
            AsthmaYear.lists
        case .asthmaFollowUp: AsthmaFollowUp.lists
        case .peakFlow: AsthmaFollowUp.peakFlowLists
        case .biologicPointers: BiologicPointers.lists
        case .weeklyDose: WeeklyDose.lists
        case .opioidDose: OpioidDose.lists
        case .kidneyTests: KidneyTests.lists
        }
    }

    /// Whether it is about readings, which nobody is alerted to when history is loaded.
    package var isOnReadings: Bool {
        switch self {
        case .news2, .kidneyInjury, .homeWeight, .homeOxygen, .pressureCrisis, .pressureAverage,
            .glucoseEpisode, .glucoseRange, .glucoseSignal:
            true
        case .asthmaRisk, .relievers, .manyRelievers, .preventers, .steroidCourses,
            .asthmaFollowUp, .peakFlow, .biologicPointers, .weeklyDose, .opioidDose,
            .kidneyTests:
            false
        }
    }

    /// Whether an encounter counts for it whose codes are in none of its lists.
    var readsEveryEncounter: Bool { self == .asthmaFollowUp }

    /// Whether it looks only at days that are over: what comes today cannot change its answer.
    var isOfWholeDays: Bool { self == .glucoseRange }

    func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        switch self {
        case .news2: News2.assess(input)
        case .kidneyInjury: KidneyInjury.assess(input)
        case .homeWeight: HomeWeight.assess(input)
        case .homeOxygen: HomeOxygen.assess(input)
        case .pressureCrisis: HomePressure.assessCrisis(input)
        case .pressureAverage: HomePressure.assessAverage(input)
        case .glucoseEpisode: Glucose.assessEpisode(input)
        case .glucoseRange: Glucose.assessRange(input)
        case .glucoseSignal: Glucose.assessSignal(input)
        case .asthmaRisk: AsthmaYear.assessHighRisk(input)
        case .relievers: AsthmaYear.assessRelievers(input)
        case .manyRelievers: AsthmaYear.assessManyRelievers(input)
        case .preventers: AsthmaYear.assessPreventers(input)
        case .steroidCourses: AsthmaYear.assessCourses(input)
        case .asthmaFollowUp: AsthmaFollowUp.assess(input)
        case .peakFlow: AsthmaFollowUp.assessPeakFlow(input)
        case .biologicPointers: BiologicPointers.assess(input)
        case .weeklyDose: WeeklyDose.assess(input)
        case .opioidDose: OpioidDose.assess(input)
        case .kidneyTests: KidneyTests.assess(input)
        }
    }
}

/// An algorithm as a compiled rule uses it.
package struct AlgorithmUse: Sendable {
    package var algorithm: Algorithm
    /// For each of `Algorithm.lists` its index among the pack's lists.
    package var lists: [Int]

    package init(algorithm: Algorithm, lists: [Int]) {
        self.algorithm = algorithm
        self.lists = lists
    }
}

/// What an algorithm sees: a patient's facts by the pack's lists, and the log's clock.
struct AlgorithmInput {
    let patient: PatientFacts
    let use: AlgorithmUse
    let lists: [CodeList]
    let membership: ListMembership
    let codings: CodingTable
    let now: Instant
    let zone: ZoneTable

    var today: CivilDay { zone.latestDay(begunBy: now) }

    /// Whether a fact's own code, or one of its components', is in a list.
    func contains(_ fact: Fact, _ role: Int) -> Bool {
        let list = use.lists[role]
        return fact.codings.contains { membership.contains($0, list: list) }
    }

    /// What a product of a list comes to, where the list says so.
    func amount(of coding: CodingID, _ role: Int) -> MedicineAmount? {
        let (system, code) = codings[coding]
        return lists[use.lists[role]].amount(system: system, code: code)
    }

    /// Whether a fact says it by its code, or by the code that is its value.
    func says(_ fact: Fact, _ role: Int) -> Bool {
        if contains(fact, role) { return true }
        guard case .codings(let codings) = fact.value else { return false }
        let list = lists[use.lists[role]]
        return codings.contains { list.contains(system: $0.system, code: $0.code) }
    }

    /// The quantity that a result of a list has: its component's of that list, else its own.
    func quantity(of fact: Fact, _ role: Int) -> ObservedQuantity? {
        let list = lists[use.lists[role]]
        for component in fact.components {
            guard case .quantity(let quantity) = component.value,
                component.codings.contains(where: {
                    list.contains(system: $0.system, code: $0.code)
                })
            else { continue }
            return quantity
        }
        guard case .quantity(let quantity) = fact.value else { return nil }
        return quantity
    }

    /// Whether a fact's moment, or else its day, has come.
    func hasCome(_ fact: Fact) -> Bool {
        fact.date.instant.map { $0 <= now } ?? (fact.day <= today)
    }

    /// When a fact that has not come will.
    func arrival(of fact: Fact) -> Instant {
        fact.date.instant ?? zone.start(of: fact.day)
    }
}
