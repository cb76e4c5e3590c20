// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One patient's rules at one instant, each with the instant until which its answer stands.
///
/// Time enters only as the local day, so horizons are day numbers until they leave here. A value
/// never changes before its horizon; it may outlive it (design section 5, "Horizon"). Each
/// definition is computed once.
package struct Evaluation: ~Copyable {
    let program: Program
    let patient: PatientFacts
    let zone: ZoneTable
    /// The local day; the search for a horizon moves it and puts it back.
    var today: CivilDay
    let samples: [FactSample]
    let memberships: FactMemberships
    let membership: ListMembership

    var kept: [Outcome?]
    var keptEntries: [ListEntry] = []
    var stack: [ListEntry] = []
    var aliases: [Int32]
    /// What `Program.windowSlots` names, today and on the calendar's last day: every fact of a
    /// patient is held against the same few bounds.
    var windowsToday: [Outcome?]
    var windowsAtEnd: [Value?]
    /// The results that a number was asked of and that could not be read.
    var unreadable: [(fact: Int32, fault: ResultReading.Fault)] = []
    /// Whether `today` is not today.
    var isSearching = false
    /// Whether arithmetic since this was last cleared left its type's range.
    var overflowed = false

    /// Prepares the rules of one pack for one patient.
    ///
    /// - Precondition: `membership` is of the program's lists and knows the patient's codings.
    package init(
        program: Program, patient: PatientFacts, membership: ListMembership, now: Instant,
        zone: ZoneTable
    ) {
        self.program = program
        self.patient = patient
        self.zone = zone
        today = zone.latestDay(begunBy: now)
        samples = patient.facts.map(FactSample.init)
        self.membership = membership
        memberships = FactMemberships(facts: patient.facts, membership: membership)
        kept = Array(repeating: nil, count: program.definitions.count)
        aliases = Array(repeating: -1, count: Int(program.aliasCount))
        windowsToday = Array(repeating: nil, count: Int(program.windowCount))
        windowsAtEnd = Array(repeating: nil, count: Int(program.windowCount))
    }

    /// Whether a definition is true, and until when that stands.
    ///
    /// What is null, or not a Boolean, is unknown.
    package mutating func judge(_ id: DefinitionID) -> Judgement {
        let outcome = definition(id.index)
        return Judgement(truth: outcome.value.truth, stableUntil: start(ofDay: outcome.until))
    }

    /// The facts of a definition that is a list of facts or one fact, as indexes into
    /// `PatientFacts.facts` in the order of the list; none where it is null.
    package mutating func factIndexes(of id: DefinitionID) -> [Int] {
        switch definition(id.index).value {
        case .fact(let index): [Int(index)]
        case .list(let list): entries(of: list).filter { $0.truth == .yes }.map { Int($0.fact) }
        default: []
        }
    }

    private func start(ofDay number: Int32) -> Instant {
        number > CivilDay.last.number ? .never : zone.start(of: CivilDay(number: number))
    }

    mutating func definition(_ index: Int) -> Outcome {
        if let known = kept[index] { return known }
        var outcome = evaluate(program.definitions[index])
        if case .list(let list) = outcome.value, !list.isKept {
            outcome.value = .list(keep(list))
        }
        kept[index] = outcome
        return outcome
    }

    mutating func evaluate(_ index: Int32) -> Outcome {
        let node = program.nodes[Int(index)]
        switch node.operation {
        case .null, .boolean, .integer, .date, .string: return literal(node)
        case .today: return Outcome(.date(DateValue(day: today, precision: .day)), until: tomorrow)
        case .birthDate, .deathDate, .registrationDate, .deregistrationDate, .gender:
            return patientValue(node)
        case .definition: return definition(Int(node.first))
        case .alias: return Outcome(.fact(aliases[Int(node.first)]))
        case .clinicalDate, .endDate, .supplyEnd, .status: return element(node)
        case .hasResult, .number, .comparator: return result(node)
        case .shift: return shift(node)
        case .duration, .difference: return duration(node)
        case .add, .subtract, .multiply: return arithmetic(node)
        case .compare: return compare(node)
        case .equivalent: return equivalent(node)
        case .and: return junction(node, deciding: .no)
        case .or: return junction(node, deciding: .yes)
        case .xor: return exclusive(node)
        case .not: return negation(node)
        case .isNull, .isTrue, .isFalse: return test(node)
        case .choose: return choice(node)
        case .coalesce: return coalesce(node)
        case .retrieve: return retrieve(node)
        case .union: return union(node)
        case .filter: return filter(node)
        case .exists: return exists(node)
        case .count: return count(node)
        case .firstOf: return end(node, isLast: false)
        case .lastOf: return end(node, isLast: true)
        case .supplies: return supplies(node)
        }
    }

    private var tomorrow: Int32 { today.number + 1 }

    private func literal(_ node: Node) -> Outcome {
        switch node.operation {
        case .boolean: Outcome(.boolean(node.first != 0))
        case .integer: Outcome(.integer(Int64(node.first)))
        case .string: Outcome(.string(.literal(node.first)))
        case .date:
            Outcome(
                .date(
                    DateValue(
                        day: CivilDay(number: node.first),
                        precision: Comparison(detail: node.detail).precision)))
        default: Outcome(.null)
        }
    }

    private func patientValue(_ node: Node) -> Outcome {
        switch node.operation {
        case .birthDate: date(patient.birth?.day(in: zone))
        case .deathDate: date(patient.deathDay)
        case .registrationDate: date(patient.registrationDay)
        case .deregistrationDate: date(patient.deregistrationDay)
        default: Outcome(patient.gender == nil ? .null : .string(.gender))
        }
    }

    private mutating func element(_ node: Node) -> Outcome {
        let source = evaluate(node.first)
        guard case .fact(let index) = source.value else {
            return Outcome(.null, until: source.until)
        }
        switch node.operation {
        case .clinicalDate:
            return date(CivilDay(number: samples[Int(index)].day), until: source.until)
        case .endDate:
            return date(patient.facts[Int(index)].endDay, until: source.until)
        case .supplyEnd:
            let fact = patient.facts[Int(index)]
            let end = program.countsSupplies ? fact.supplyEnd ?? fact.day : fact.day
            return date(end, until: source.until)
        default:
            let known = patient.facts[Int(index)].status != nil
            return Outcome(known ? .string(.status(index)) : .null, until: source.until)
        }
    }

    private func date(_ day: CivilDay?, until: Int32 = Outcome.never) -> Outcome {
        guard let day else { return Outcome(.null, until: until) }
        return Outcome(.date(DateValue(day: day, precision: .day)), until: until)
    }

    func text(_ reference: TextReference) -> String? {
        switch reference {
        case .literal(let index): program.strings[Int(index)]
        case .gender: patient.gender
        case .status(let index): patient.facts[Int(index)].status
        case .comparator(let comparator): comparator.rawValue
        }
    }
}

/// What retrieves and windows read of a fact, without its references.
struct FactSample {
    var types: ResourceTypes
    var day: Int32
    /// The day from which it is no exposure; `Outcome.never` while it is.
    var stoppedOn: Int32
    /// Whether it is a further issue of an order, on the day of a repeat.
    var isRepeat: Bool

    init(_ fact: Fact) {
        types = ResourceTypes(fact.type)
        day = fact.day.number
        stoppedOn = fact.stoppedOn?.number ?? Outcome.never
        isRepeat = fact.issue > 0
    }
}

/// Which lists each fact of a patient is in by any of its codings.
struct FactMemberships {
    private var words: [UInt64]
    private let wordsPerFact: Int

    init(facts: [Fact], membership: ListMembership) {
        wordsPerFact = membership.wordsPerCoding
        words = Array(repeating: 0, count: facts.count * wordsPerFact)
        for (index, fact) in facts.enumerated() {
            for coding in fact.codings {
                for position in 0..<wordsPerFact {
                    words[index * wordsPerFact + position] |= membership.word(
                        of: coding, at: position)
                }
            }
        }
    }

    func contains(fact: Int, list: Int) -> Bool {
        words[fact * wordsPerFact + list / 64] & (1 << UInt64(list % 64)) != 0
    }
}
