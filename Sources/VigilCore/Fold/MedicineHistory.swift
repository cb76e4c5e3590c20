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

    /// What ties records to one course: another order's id, or what a group has of one medicine,
    /// for a form or a plan may name several.
    enum Link: Hashable {
        case order(IdentifierHash)
        case group(IdentifierHash, CodingID)
    }

    private var halts: [Halt] = []
    /// The least version that is no stop: one before which `stopped` is nothing new.
    private(set) var firstUnstopped: ResourceVersion?
    /// The greatest version that takes a stop or a hold back.
    private var lastResumed: ResourceVersion?
    /// The record's own id, once a version has said anything of it.
    private(set) var own: IdentifierHash?
    /// Whether it is no issue but the plan of some: its stop is news in any case.
    private var isPlan = false
    /// Whether it only proposes a medicine, or forbids it: its stop ends no course.
    private var endsNoCourse = false
    /// What an order names of its course.
    private var named: [Link] = []
    /// Whether it says of which course it is.
    var isLinked: Bool { !named.isEmpty }
    /// The orders that a dispense or a statement is of: it is of their courses.
    private(set) var follows: [Link] = []
    var codings: [CodingID] = []
    /// The order that this one takes the place of.
    private(set) var prior: IdentifierHash?

    init() {}

    /// The record itself, as others name it.
    var record: Link? { own.map { .order($0) } }
    /// The record's own id, and what an order names of its course.
    var links: [Link] { (record.map { [$0] } ?? []) + named }

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
            if let lastResumed, version < lastResumed { return false }
            lastResumed = version
        }
        return false
    }

    /// This history with what another subject's lesser versions of the record have said.
    func joined(by earlier: MedicineHistory) -> MedicineHistory {
        var whole = self
        whole.halts += earlier.halts
        if let version = earlier.firstUnstopped { whole.noteUnstopped(version) }
        whole.lastResumed = [lastResumed, earlier.lastResumed].compactMap { $0 }.max()
        return whole
    }

    private mutating func noteUnstopped(_ version: ResourceVersion) {
        if let firstUnstopped, firstUnstopped <= version { return }
        firstUnstopped = version
    }

    /// Takes over the course and the codes of the version that counts.
    mutating func describe(
        _ content: ClinicalContent, key: Patient.ResourceKey, codings: [CodingID]
    ) {
        own = key.id
        let intent = content.supply?.intent
        isPlan = intent == "plan"
        endsNoCourse =
            intent == "proposal" || intent == "option" || content.supply?.isForbidden ?? false
        follows = []
        prior = (content.supply?.prior).map { IdentifierHash($0) }
        self.codings = codings
        named = []
        guard let supply = content.supply else { return }
        guard key.type == .medicationRequest else {
            follows = (supply.basedOn + supply.authorizing).map { .order(IdentifierHash($0)) }
            return
        }
        named = supply.basedOn.map { .order(IdentifierHash($0)) }
        if let prior { named.append(.order(prior)) }
        for group in supply.groups {
            let id = IdentifierHash(group)
            for coding in codings { named.append(.group(id, coding)) }
        }
    }

    /// The stop of its course in force: the first since it was last resumed that says something
    /// new.
    var stop: Halt? { endsNoCourse ? nil : firstHalt { !$0.isHold } }

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
            let isNews =
                halt.isHold || isPlan || (firstUnstopped.map { $0 < halt.version } ?? false)
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
        state.write(isPlan)
        state.write(endsNoCourse)
        state.write(named)
        state.write(follows)
        state.write(codings)
        state.write(prior)
    }

    init(state: inout StateReader) throws(StateError) {
        halts = try state.read()
        firstUnstopped = try state.read()
        lastResumed = try state.read()
        own = try state.read()
        isPlan = try state.read()
        endsNoCourse = try state.read()
        named = try state.read()
        follows = try state.read()
        codings = try state.read()
        prior = try state.read()
    }

    /// The history of a record of which one version has come, that neither stops nor links it.
    init(single version: ResourceVersion, id: IdentifierHash, codings: [CodingID]) {
        firstUnstopped = version
        lastResumed = version
        own = id
        self.codings = codings
    }

    /// Whether it is what `init(single:id:codings:)` makes.
    func isSingle(_ version: ResourceVersion) -> Bool {
        halts.isEmpty && named.isEmpty && follows.isEmpty && prior == nil && !isPlan
            && !endsNoCourse && firstUnstopped == version && lastResumed == version
    }
}

extension Patient.ResourceState {
    /// What only medicines have.
    var medicine: MedicineHistory? {
        switch life {
        case .single(let id, let codings):
            MedicineHistory(single: version, id: id, codings: codings)
        case .medicine(let history): history
        case .none, .condition: nil
        }
    }

    /// What only conditions have.
    var ending: EndedHistory? {
        if case .condition(let history) = life { history } else { nil }
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
        case .group(let id, let coding):
            state.write(1 as UInt8)
            state.write(id)
            state.write(coding)
        }
    }

    init(state: inout StateReader) throws(StateError) {
        switch try state.readByte() {
        case 0: self = .order(try state.read())
        case 1: self = .group(try state.read(), try state.read())
        default: throw StateError()
        }
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
        var orders: Set<UInt64> = []
        var stopped: [MedicineHistory] = []
        var histories: [MedicineHistory] = []
        for entry in resources.entries where entry.key.source == source {
            let state = entry.state
            guard let medicine = state.medicine, !state.isWithdrawn else { continue }
            histories.append(medicine)
            if medicine.stop != nil { stopped.append(medicine) }
            guard let offset = state.factOffset else { continue }
            states[offset] = state
            if entry.key.type == .medicationRequest { orders.insert(offset) }
        }
        let linked = histories.filter(\.isLinked)
        var issued: [MedicineHistory.Link: IssueTime] = [:]
        for fact in facts.facts where fact.issue == 0 {
            guard let record = states[fact.offset]?.medicine?.record else { continue }
            issued[record] = IssueTime(fact)
        }
        let courses = stopped.map {
            Course(of: $0, issued: $0.record.flatMap { issued[$0] }, among: linked)
        }
        let replacedOn = replacements(states)
        var halts: [UInt64: CivilDay] = [:]
        for index in facts.facts.indices {
            let fact = facts.facts[index]
            guard let medicine = states[fact.offset]?.medicine else { continue }
            // An order's own issue comes before those of its repeats, and is what a stop ends.
            if fact.issue == 0 {
                var day = medicine.halt.map { zone.day(of: $0.version.time) }
                let issue =
                    orders.contains(fact.offset)
                    ? IssueTime(fact) : medicine.follows.compactMap { issued[$0] }.max { $0 < $1 }
                for course in courses where course.ends(fact, medicine, of: issue, zone: zone) {
                    day = min(day ?? .last, zone.day(of: course.stop.time))
                }
                halts[fact.offset] = day
            }
            let stop = medicine.firstStop.map { zone.day(of: $0.version.time) }
            var day = halts[fact.offset]
            if day == nil, let stop, let end = fact.supplyEnd, end > stop {
                facts.facts[index].supplyEnd = max(stop, fact.day)
                packed = nil
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
        packed = nil
        if fact.issue == 0 {
            if let old = fact.stoppedOn, day.map({ $0 > old }) ?? true {
                change.resumption = true
            } else {
                change.stop = true
            }
        }
        change.facts.append(facts.facts[index])
    }

    /// When something was issued, as far as it is said.
    private struct IssueTime {
        private let day: CivilDay
        private let instant: Instant?

        init(_ fact: Fact) {
            day = fact.day
            instant = fact.date.instant
        }

        static func < (one: IssueTime, other: IssueTime) -> Bool {
            guard let first = one.instant, let second = other.instant else {
                return one.day < other.day
            }
            return first < second
        }
    }

    /// The course of an order that was stopped.
    private struct Course {
        private var links: Set<MedicineHistory.Link>
        /// Where nothing is linked: the codes that make a course.
        private var codings: [CodingID] = []
        /// The orders of other courses than of codes.
        private let linkedOrders: Set<MedicineHistory.Link>
        /// What was stopped, and the orders that it is of.
        private let own: Set<MedicineHistory.Link>
        /// When it was issued; nil for a plan, which ends all that was issued before its stop.
        private let issued: IssueTime?
        let stop: ResourceVersion

        init(of order: MedicineHistory, issued: IssueTime?, among linked: [MedicineHistory]) {
            guard let halt = order.stop else { preconditionFailure("nothing has stopped") }
            stop = halt.version
            self.issued = issued
            own = Set(order.follows + (order.record.map { [$0] } ?? []))
            links = Set(order.links + order.follows)
            linkedOrders = Set(linked.compactMap(\.record))
            var rest = linked
            var isLinked = false
            while true {
                let joined = rest.filter { !links.isDisjoint(with: $0.links) }
                guard !joined.isEmpty else { break }
                isLinked = true
                rest.removeAll { !links.isDisjoint(with: $0.links) }
                for history in joined { links.formUnion(history.links) }
            }
            if !isLinked { codings = order.codings }
        }

        /// Whether something that was issued is of what was stopped, or earlier in its course: by
        /// when it, or the order that it is of, was issued, which is nil where it is of no known
        /// order.
        func ends(
            _ fact: Fact, _ medicine: MedicineHistory, of issue: IssueTime?, zone: ZoneTable
        ) -> Bool {
            guard isBeforeStop(fact, medicine, zone: zone) else { return false }
            let isOwn =
                medicine.record.map(own.contains) ?? false
                || !own.isDisjoint(with: medicine.follows)
            if !isOwn, let issue, let issued, !(issue < issued) { return false }
            if !links.isDisjoint(with: medicine.links + medicine.follows) { return true }
            return !medicine.isLinked && linkedOrders.isDisjoint(with: medicine.follows)
                && medicine.codings.contains(where: codings.contains)
        }

        /// Whether an issue came before the stop; without a time of day, on the day of the stop,
        /// if it was told of before.
        private func isBeforeStop(
            _ fact: Fact, _ medicine: MedicineHistory, zone: ZoneTable
        ) -> Bool {
            if let instant = fact.date.instant { return instant <= stop.time }
            let day = zone.day(of: stop.time)
            guard fact.day == day, let told = medicine.firstUnstopped else {
                return fact.day <= day
            }
            return (told.time, told.offset) < (stop.time, stop.offset)
        }
    }
}
