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
    case loneRelievers = "lone-relievers"
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
        case .asthmaRisk, .relievers, .manyRelievers, .loneRelievers, .preventers, .steroidCourses:
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
        case .asthmaRisk, .relievers, .manyRelievers, .loneRelievers, .preventers, .steroidCourses,
            .asthmaFollowUp, .peakFlow, .biologicPointers, .weeklyDose, .opioidDose,
            .kidneyTests:
            false
        }
    }

    /// Whether an encounter counts for it whose codes are in none of its lists.
    var readsEveryEncounter: Bool { self == .asthmaFollowUp }

    /// Whether it looks only at days that are over: what comes today cannot change its answer.
    var isOfWholeDays: Bool { self == .glucoseRange }

    /// The readings that it follows with a running state; nil where it looks at facts.
    var following: Following? {
        switch self {
        case .news2: .vitalSigns
        case .homeOxygen: .oxygen
        case .pressureCrisis, .pressureAverage: .pressure
        case .glucoseEpisode, .glucoseRange, .glucoseSignal: .glucose
        case .kidneyInjury, .homeWeight, .asthmaRisk, .relievers, .manyRelievers, .loneRelievers,
            .preventers, .steroidCourses, .asthmaFollowUp, .peakFlow, .biologicPointers,
            .weeklyDose, .opioidDose, .kidneyTests:
            nil
        }
    }

    /// A kind of running state; the algorithms of one kind name the same lists.
    enum Following: String, CaseIterable, Sendable {
        case vitalSigns, oxygen, pressure, glucose
    }

    /// Looks at a patient's facts and, where it follows readings, at the track of that number.
    func assess(
        _ input: borrowing AlgorithmInput, _ tracks: TrackTable, _ number: Int
    ) -> AlgorithmResult {
        switch self {
        case .news2: News2.assess(input, tracks.vitalSigns[number])
        case .kidneyInjury: KidneyInjury.assess(input)
        case .homeWeight: HomeWeight.assess(input)
        case .homeOxygen: HomeOxygen.assess(input, tracks.oxygen[number])
        case .pressureCrisis: HomePressure.assessCrisis(input, tracks.pressure[number])
        case .pressureAverage: HomePressure.assessAverage(input, tracks.pressure[number])
        case .glucoseEpisode: Glucose.assessEpisode(input, tracks.glucose[number])
        case .glucoseRange: Glucose.assessRange(input, tracks.glucose[number])
        case .glucoseSignal: Glucose.assessSignal(input, tracks.glucose[number])
        case .asthmaRisk: AsthmaYear.assessHighRisk(input)
        case .relievers: AsthmaYear.assessRelievers(input)
        case .manyRelievers: AsthmaYear.assessManyRelievers(input)
        case .loneRelievers: AsthmaYear.assessLoneRelievers(input)
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

/// Reads facts by a pack's lists, as an algorithm names them.
struct ListReader {
    /// For each list that the algorithm names its index among the pack's.
    let roles: [Int]
    let lists: [CodeList]
    let membership: ListMembership

    /// Whether a code is in any of them.
    func contains(_ coding: CodingID) -> Bool {
        roles.contains { membership.contains(coding, list: $0) }
    }

    /// Whether a fact's own code, or one of its components', is in a list.
    func contains(_ fact: Fact, _ role: Int) -> Bool {
        let list = roles[role]
        return fact.codings.contains { membership.contains($0, list: list) }
    }

    /// Whether a fact says it by its code, or by the code that is its value.
    func says(_ fact: Fact, _ role: Int) -> Bool {
        if contains(fact, role) { return true }
        guard case .codings(let codings) = fact.details.value else { return false }
        let list = lists[roles[role]]
        return codings.contains { list.contains(system: $0.system, code: $0.code) }
    }

    /// Whether a fact is in any of the lists.
    func reads(_ fact: Fact) -> Bool {
        if fact.codings.contains(where: contains) { return true }
        guard case .codings(let codings) = fact.details.value else { return false }
        return codings.contains { coding in
            roles.contains { lists[$0].contains(system: coding.system, code: coding.code) }
        }
    }

    /// The quantity that a result of a list has: its component's of that list, else its own.
    func quantity(of fact: Fact, _ role: Int) -> ObservedQuantity? {
        let list = lists[roles[role]]
        for component in fact.details.components {
            guard case .quantity(let quantity) = component.value,
                component.codings.contains(where: {
                    list.contains(system: $0.system, code: $0.code)
                })
            else { continue }
            return quantity
        }
        guard case .quantity(let quantity) = fact.details.value else { return nil }
        return quantity
    }
}

/// What an algorithm sees: a patient's facts by the pack's lists, and the log's clock.
struct AlgorithmInput {
    let patient: PatientFacts
    let reader: ListReader
    let codings: CodingTable
    let now: Instant
    let zone: ZoneTable

    var today: CivilDay { zone.latestDay(begunBy: now) }

    func contains(_ fact: Fact, _ role: Int) -> Bool { reader.contains(fact, role) }
    func says(_ fact: Fact, _ role: Int) -> Bool { reader.says(fact, role) }

    func quantity(of fact: Fact, _ role: Int) -> ObservedQuantity? {
        reader.quantity(of: fact, role)
    }

    /// What a product of a list comes to, where the list says so.
    func amount(of coding: CodingID, _ role: Int) -> MedicineAmount? {
        let (system, code) = codings[coding]
        return reader.lists[reader.roles[role]].amount(system: system, code: code)
    }

    /// How many doses a device of a list holds, where the list says so.
    func doses(of coding: CodingID, _ role: Int) -> Int? {
        let (system, code) = codings[coding]
        return reader.lists[reader.roles[role]].doses(system: system, code: code)
    }

    /// Whether a list has a code by a row of its own, or by a class of ATC.
    func names(_ coding: CodingID, _ role: Int) -> Bool {
        let (system, code) = codings[coding]
        let list = reader.lists[reader.roles[role]]
        return list.names(system: system, code: code)
            || (system == "http://www.whocc.no/atc" && list.contains(system: system, code: code))
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
