// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// One patient's rules at one instant, each with the instant until which its answer stands.
///
/// Horizons are local days, and moments within them where a DateTime moves. A value
/// never changes before its horizon; it may outlive it (design section 5, "Horizon"). Each
/// definition is computed once.
package struct Evaluation: ~Copyable {
    private static let wholeBudget = 2_000_000

    let shared: SharedProgram
    let patient: PatientFacts
    let zone: ZoneTable
    /// The moment; the search for a horizon moves it with the day.
    var now: Instant
    /// The local day; the search for a horizon moves it and puts it back.
    var today: CivilDay
    let membership: ListMembership

    /// What it works in.
    var scratch: EvaluationScratch
    /// Values of the types that `Value` has no case of its own for.
    var boxes: [Datum] = []
    /// How many of them definitions and windows hold on to.
    var keptBoxes = 0
    /// The first operator that came to no value, and the place of its call in the program.
    package private(set) var failure: (call: Int, failure: ValueFailure)?
    /// How often an operator came to no value by an error, by zero or out of its type's range.
    package internal(set) var errorCount = 0
    /// How much work general operators may still do.
    var budget = Evaluation.wholeBudget
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
        program: SharedProgram, patient: PatientFacts, membership: ListMembership, now: Instant,
        zone: ZoneTable
    ) {
        var room = EvaluationScratch()
        self.init(
            program: program, patient: patient, membership: membership, now: now, zone: zone,
            taking: &room)
    }

    /// The same in the room of an evaluation before, which it takes: a copy of it would be copied
    /// whole at the first change.
    package init(
        program: SharedProgram, patient: PatientFacts, membership: ListMembership, now: Instant,
        zone: ZoneTable, taking room: inout EvaluationScratch
    ) {
        shared = program
        self.patient = patient
        self.zone = zone
        self.now = now
        today = zone.latestDay(begunBy: now)
        self.membership = membership
        scratch = EvaluationScratch()
        swap(&scratch, &room)
        scratch.begin(program, patient.facts, membership)
    }

    /// Whether the patient has a fact of each of some needs.
    func meets(_ needs: [ListSet]) -> Bool {
        for need in needs where !scratch.memberships.hasAny(of: need) { return false }
        return true
    }

    /// Ends the evaluation and gives its room back, for the next one of the program.
    package mutating func giveBack(to room: inout EvaluationScratch) {
        swap(&scratch, &room)
    }

    /// Takes note of a window whose bounds are remembered.
    mutating func noteUse(ofWindow slot: Int) {
        if scratch.windowsToday[slot] == nil, scratch.windowsAtEnd[slot] == nil {
            scratch.usedWindows.append(slot)
        }
    }

    /// Whether a definition is true, and until when that stands.
    ///
    /// What is null, or not a Boolean, is unknown.
    package mutating func judge(_ id: DefinitionID) -> Judgement {
        // No rule goes without because of another.
        renewBudget()
        let outcome = definition(id.index)
        return Judgement(truth: outcome.value.truth, stableUntil: instant(ofKey: outcome.until))
    }

    /// The facts of a definition that is a list of facts or one fact, as indexes into
    /// `PatientFacts.facts` in the order of the list; none where it is null.
    package mutating func factIndexes(of id: DefinitionID) -> [Int] {
        switch definition(id.index).value {
        case .fact(let index): [Int(index)]
        case .list(let list): entries(of: list).filter { $0.truth == .yes }.map { Int($0.fact) }
        case .box(let box): Self.facts(in: boxes[Int(box)])
        default: []
        }
    }

    private static func facts(in value: Datum) -> [Int] {
        switch value {
        case .fact(let index): [Int(index)]
        case .list(let elements): elements.flatMap(facts)
        default: []
        }
    }

    /// The moment that an `Outcome.until` stands for.
    private func instant(ofKey key: Int64) -> Instant {
        let number = Int32(truncatingIfNeeded: key >> 32)
        guard key != Outcome.never, number <= CivilDay.last.number else { return .never }
        return zone.start(of: CivilDay(number: number)).adding(
            milliseconds: key & 0xffff_ffff)
    }

    /// A moment as an `Outcome.until`.
    func key(of instant: Instant) -> Int64 { Outcome.key(of: instant, in: zone) }

    /// Remembers why an operator came to no value; the first reason counts.
    mutating func fail(_ failure: ValueFailure, in call: Int) {
        errorCount += 1
        if self.failure == nil { self.failure = (call, failure) }
    }

    mutating func definition(_ index: Int) -> Outcome {
        if let known = scratch.kept[index] { return known }
        let outcome = settle(evaluate(shared.program.definitions[index]))
        if budget <= 0 { scratch.cutDefinitions.append(index) }
        scratch.kept[index] = outcome
        scratch.usedDefinitions.append(index)
        return outcome
    }

    /// Puts a value where it outlasts what is evaluated next.
    mutating func settle(_ outcome: Outcome) -> Outcome {
        var outcome = outcome
        if case .list(let list) = outcome.value, !list.isKept {
            outcome.value = .list(keep(list))
        }
        keptBoxes = boxes.count
        return outcome
    }

    /// Lets general operators do as much work as in the beginning.
    ///
    /// What one rule had no work left for is nothing that another one could go by.
    mutating func renewBudget() {
        budget = Evaluation.wholeBudget
        guard !scratch.cutDefinitions.isEmpty else { return }
        for index in scratch.cutDefinitions { scratch.kept[index] = nil }
        scratch.cutDefinitions = []
    }

    mutating func evaluate(_ index: Int32) -> Outcome {
        let node = shared.program.nodes[Int(index)]
        switch node.operation {
        case .null, .boolean, .integer, .date, .string: return literal(node)
        case .today: return Outcome(.date(DateValue(day: today, precision: .day)), until: tomorrow)
        case .birthDate, .deathDate, .registrationDate, .deregistrationDate, .gender:
            return patientValue(node)
        case .definition: return definition(Int(node.first))
        case .alias:
            return Outcome(
                scratch.aliases[Int(node.first)], until: scratch.aliasUntil[Int(node.first)])
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
        case .filter: return filter(node, at: index)
        case .exists: return exists(node)
        case .count: return count(node)
        case .firstOf: return end(node, isLast: false)
        case .lastOf: return end(node, isLast: true)
        case .call: return call(Int(node.first))
        case .query: return query(Int(node.first))
        case .supplies: return supplies(node)
        }
    }

    private var tomorrow: Int64 { Outcome.start(ofDay: today.number + 1) }

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
            return date(CivilDay(number: scratch.samples[Int(index)].day), until: source.until)
        case .endDate:
            return date(patient.facts[Int(index)].endDay, until: source.until)
        case .supplyEnd:
            let day = CivilDay(number: scratch.samples[Int(index)].day)
            let end = shared.program.countsSupplies ? patient.facts[Int(index)].supplyEnd : nil
            return date(end ?? day, until: source.until)
        default:
            let known = patient.facts[Int(index)].details.status != nil
            return Outcome(known ? .string(.status(index)) : .null, until: source.until)
        }
    }

    private func date(_ day: CivilDay?, until: Int64 = Outcome.never) -> Outcome {
        guard let day else { return Outcome(.null, until: until) }
        return Outcome(.date(DateValue(day: day, precision: .day)), until: until)
    }

    func text(_ reference: TextReference) -> String? {
        switch reference {
        case .literal(let index): shared.program.strings[Int(index)]
        case .gender: patient.gender
        case .status(let index): patient.facts[Int(index)].details.status
        case .comparator(let comparator): comparator.rawValue
        }
    }
}

/// What retrieves and windows read of a fact, without its references.
struct FactSample {
    var types: ResourceTypes
    var day: Int32
    /// The day from which it is no exposure; `Int32.max` while it is.
    var stoppedOn: Int32
    /// Whether it is a further issue of an order, on the day of a repeat.
    var isRepeat: Bool

    init(_ fact: borrowing Fact) {
        types = ResourceTypes(fact.type)
        day = fact.day.number
        stoppedOn = fact.stoppedOn?.number ?? .max
        isRepeat = fact.issue > 0
    }
}

/// Which lists any fact of a patient is in, and behind that which each is in by any of its codings.
struct FactMemberships {
    private var words: [UInt64] = []
    private var wordsPerFact = 0

    /// Finds them anew.
    ///
    /// - Parameters:
    ///   - facts: the patient's.
    ///   - membership: of the lists that are asked for.
    mutating func fill(_ facts: [Fact], _ membership: ListMembership) {
        wordsPerFact = membership.wordsPerCoding
        words.removeAll(keepingCapacity: true)
        for _ in 0..<wordsPerFact { words.append(0) }
        for index in facts.indices {
            for position in 0..<wordsPerFact {
                var word: UInt64 = 0
                for coding in facts[index].codings {
                    word |= membership.word(of: coding, at: position)
                }
                words[position] |= word
                words.append(word)
            }
        }
    }

    func contains(fact: Int, list: Int) -> Bool { isSet(list, of: fact + 1) }

    /// Whether any fact is in a list.
    func hasAny(list: Int) -> Bool { isSet(list, of: 0) }

    /// Whether any fact is in any of some lists.
    func hasAny(of lists: ListSet) -> Bool {
        for position in 0..<wordsPerFact where words[position] & lists.words[position] != 0 {
            return true
        }
        return false
    }

    private func isSet(_ list: Int, of row: Int) -> Bool {
        words[row * wordsPerFact + list / 64] & (1 << UInt64(list % 64)) != 0
    }
}
