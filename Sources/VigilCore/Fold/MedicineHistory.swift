// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What the versions of one order, dispense or statement have said of its use, in whatever order
/// they came, and which course it belongs to (clinical.md section 1.8, "stopped prescriptions").
struct MedicineHistory {
    /// A version that stops the medicine or puts it on hold.
    struct Halt {
        var version: ResourceVersion
        var isHold: Bool
    }

    /// What ties records to one course: another order's id, or a group's identifier.
    enum Link: Hashable {
        case order(IdentifierHash)
        case group(IdentifierHash)
    }

    private var halts: [Halt] = []
    /// The least version that is no stop: one before which `stopped` is nothing new.
    private var firstUnstopped: ResourceVersion?
    /// The greatest version that takes a stop or a hold back.
    private var lastResumed: ResourceVersion?
    /// The record's own id, once a version has said anything of it.
    private var own: IdentifierHash?
    /// All that it names.
    private var named: [Link] = []
    /// Whether it names anything but itself.
    var isLinked: Bool { !named.isEmpty }
    var codings: [CodingID] = []
    /// The order that this one takes the place of.
    private(set) var prior: IdentifierHash?

    init() {}

    /// The record's own id and all that it names.
    var links: [Link] { (own.map { [.order($0)] } ?? []) + named }

    /// Takes note of what a version says; of `completed` nothing follows.
    ///
    /// - Returns: whether it is a stop or a hold.
    mutating func note(status: String?, version: ResourceVersion) -> Bool {
        switch status {
        case "stopped":
            halts.append(Halt(version: version, isHold: false))
            return true
        case "on-hold":
            halts.append(Halt(version: version, isHold: true))
            noteUnstopped(version)
            return true
        case "completed":
            noteUnstopped(version)
        default:
            noteUnstopped(version)
            lastResumed = max(lastResumed ?? version, version)
        }
        return false
    }

    private mutating func noteUnstopped(_ version: ResourceVersion) {
        firstUnstopped = min(firstUnstopped ?? version, version)
    }

    /// Takes over the course and the codes of the version that counts.
    mutating func describe(
        _ content: ClinicalContent, id: IdentifierHash, codings: inout CodingTable
    ) {
        own = id
        prior = (content.supply?.prior).map { IdentifierHash($0) }
        self.codings = codings.intern(content.codings)
        named = []
        guard let supply = content.supply else { return }
        named = (supply.basedOn + supply.authorizing).map { .order(IdentifierHash($0)) }
        if let prior { named.append(.order(prior)) }
        if let group = supply.group { named.append(.group(IdentifierHash(group))) }
    }

    /// The stop in force: the first since it was last resumed that says something new.
    var stop: Halt? { firstHalt { !$0.isHold } }

    /// The stop or the hold in force, whichever came first.
    var halt: Halt? { firstHalt { _ in true } }

    /// The first stop since it was last resumed, whether or not it says something new: from then
    /// on an order is issued no more.
    var firstStop: Halt? {
        halts.filter { halt in
            !halt.isHold && (lastResumed.map { $0 < halt.version } ?? true)
        }.min { $0.version < $1.version }
    }

    private func firstHalt(where matches: (Halt) -> Bool) -> Halt? {
        halts.filter { halt in
            let isLater = lastResumed.map { $0 < halt.version } ?? true
            // First seen as stopped, it counts to the end of its window.
            let isNews = halt.isHold || (firstUnstopped.map { $0 < halt.version } ?? false)
            return isLater && isNews && matches(halt)
        }.min { $0.version < $1.version }
    }
}

extension MedicineHistory: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(halts)
        state.write(firstUnstopped)
        state.write(lastResumed)
        state.write(own)
        state.write(named)
        state.write(codings)
        state.write(prior)
    }

    init(state: inout StateReader) throws(StateError) {
        halts = try state.read()
        firstUnstopped = try state.read()
        lastResumed = try state.read()
        own = try state.read()
        named = try state.read()
        codings = try state.read()
        prior = try state.read()
    }

    /// The history of a record of which one version has come, that neither stops nor links it.
    init(single version: ResourceVersion, id: IdentifierHash) {
        firstUnstopped = version
        lastResumed = version
        own = id
    }

    /// Whether it is what `init(single:id:)` makes, but for the codes.
    func isSingle(_ version: ResourceVersion, id: IdentifierHash) -> Bool {
        halts.isEmpty && named.isEmpty && prior == nil && own == id
            && firstUnstopped == version
            && lastResumed == version
    }
}

extension MedicineHistory.Halt: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(version)
        state.write(isHold)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(version: try state.read(), isHold: try state.read())
    }
}

extension MedicineHistory.Link: StateCodable {
    func write(to state: inout StateWriter) {
        switch self {
        case .order(let id):
            state.write(0 as UInt8)
            state.write(id)
        case .group(let id):
            state.write(1 as UInt8)
            state.write(id)
        }
    }

    init(state: inout StateReader) throws(StateError) {
        switch try state.readByte() {
        case 0: self = .order(try state.read())
        case 1: self = .group(try state.read())
        default: throw StateError()
        }
    }
}

extension CodingTable {
    /// The identifiers of several codes, ascending and without repetition.
    mutating func intern(_ codings: [Coding]) -> [CodingID] {
        var identifiers: [CodingID] = []
        for coding in codings {
            let identifier = intern(system: coding.system, code: coding.code)
            if !identifiers.contains(identifier) { identifiers.append(identifier) }
        }
        return identifiers.sorted()
    }
}

// MARK: - What halts end

extension Patient {
    /// From when on facts of one source are no exposure any more.
    ///
    /// A stop ends that order and the earlier issues of its course; a hold ends its order alone.
    /// An order that is stopped or replaced is issued no more.
    mutating func applyHalts(of source: ExactText, zone: ZoneTable, change: inout Change) {
        guard hasHalts || hasRepeats else { return }
        // Facts are gone through in their order: nothing depends on the order of a dictionary.
        var states: [UInt64: ResourceState] = [:]
        var stopped: [MedicineHistory] = []
        var histories: [MedicineHistory] = []
        for (key, state) in resources.entries where key.source == source {
            guard let medicine = state.medicine, !state.isWithdrawn else { continue }
            histories.append(medicine)
            if medicine.stop != nil { stopped.append(medicine) }
            if let offset = state.factOffset { states[offset] = state }
        }
        let courses = stopped.map { Course(of: $0, among: histories) }
        let replacedOn = replacements(states)
        var halts: [UInt64: CivilDay] = [:]
        for index in facts.facts.indices {
            let fact = facts.facts[index]
            guard let medicine = states[fact.offset]?.medicine else { continue }
            // An order's own issue comes before those of its repeats, and is what a stop ends.
            if fact.issue == 0 {
                var day = medicine.halt.map { zone.day(of: $0.version.time) }
                for course in courses where course.ends(fact, medicine, zone: zone) {
                    day = min(day ?? .last, zone.day(of: course.stoppedAt))
                }
                halts[fact.offset] = day
            }
            let stop = medicine.firstStop.map { zone.day(of: $0.version.time) }
            var day = halts[fact.offset]
            if day == nil, let stop, let end = fact.supplyEnd, end > stop {
                facts.facts[index].supplyEnd = max(stop, fact.day)
            }
            if fact.issue > 0 {
                let ends = [stop, fact.supply.flatMap { replacedOn[$0.id] }].compactMap { $0 }
                if let end = ends.min(), fact.day >= end { day = min(day ?? .last, end) }
            }
            setStop(of: index, to: day, change: &change)
        }
    }

    /// From which day on orders are replaced by a later one of their course, by their ids.
    private func replacements(_ states: [UInt64: ResourceState]) -> [IdentifierHash: CivilDay] {
        guard hasRepeats else { return [:] }
        var days: [IdentifierHash: CivilDay] = [:]
        for fact in facts.facts where fact.issue == 0 {
            guard let prior = states[fact.offset]?.medicine?.prior else { continue }
            days[prior] = min(days[prior] ?? .last, fact.day)
        }
        return days
    }

    private mutating func setStop(of index: Int, to day: CivilDay?, change: inout Change) {
        let fact = facts.facts[index]
        guard day != fact.stoppedOn else { return }
        facts.facts[index].stoppedOn = day
        if fact.issue == 0 {
            if let old = fact.stoppedOn, day.map({ $0 > old }) ?? true {
                change.resumption = true
            } else {
                change.stop = true
            }
        }
        change.facts.append(facts.facts[index])
    }

    /// The course of an order that was stopped.
    private struct Course {
        private var links: Set<MedicineHistory.Link>
        /// Where nothing is linked: the codes that make a course.
        private var codings: [CodingID] = []
        let stoppedAt: Instant

        init(of order: MedicineHistory, among histories: [MedicineHistory]) {
            stoppedAt = order.stop?.version.time ?? .never
            links = Set(order.links)
            var rest = histories.filter(\.isLinked)
            var hasGrown = true
            while hasGrown {
                let joined = rest.filter { !links.isDisjoint(with: $0.links) }
                rest.removeAll { !links.isDisjoint(with: $0.links) }
                for history in joined { links.formUnion(history.links) }
                hasGrown = !joined.isEmpty
            }
            if links.count == 1 { codings = order.codings }
        }

        /// Whether an issue is an earlier one of the course.
        func ends(_ fact: Fact, _ medicine: MedicineHistory, zone: ZoneTable) -> Bool {
            let isEarlier =
                fact.date.instant.map { $0 <= stoppedAt }
                ?? (fact.day <= zone.day(of: stoppedAt))
            guard isEarlier else { return false }
            if !links.isDisjoint(with: medicine.links) { return true }
            return !medicine.isLinked && medicine.codings.contains(where: codings.contains)
        }
    }
}
