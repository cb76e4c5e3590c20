// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// All that the fold knows about one patient.
struct Patient {
    var subject: String
    /// What rules see.
    var facts = PatientFacts()
    /// The practice that the flags' topics name.
    var practice: String
    /// The change of rules up to which the patient has been brought.
    var generation = 0
    /// The baseline loads that have told of the patient and that it was not looked at after.
    var loads: [Int] = []
    /// One a rule, in the order of the rules of `generation`.
    var episodes: [Episode] = []
    /// How many flags rules have raised that are no longer in force: they count on from there.
    var pastCounts: [String: Int] = [:]
    /// The newest version of every review of the patient's flags; nil content for a tombstone.
    var reviews: [HeldReview] = []
    var resources: [ResourceKey: ResourceState] = [:]
    /// Whether any medicine was ever stopped or put on hold: else there is nothing to work out.
    var hasHalts = false
    /// Every accepted event about the Patient resource, in order of `time`, then offset.
    var registrations: [PatientEvent] = []

    /// The instant at which some rule must be looked at again.
    var due: Instant {
        episodes.reduce(Instant.never) { min($0, $1.due) }
    }

    struct ResourceKey: Hashable {
        var source: ExactText
        var type: ResourceType
        var id: String
    }

    /// What is remembered of a resource whether or not it yields a fact.
    struct ResourceState {
        /// The greatest version known, and whether it is a tombstone.
        var version: ResourceVersion
        var isWithdrawn: Bool
        var factOffset: UInt64?
        /// What only medicines have.
        var medicine: MedicineHistory?
    }

    struct PatientEvent {
        var resource: ResourceKey
        var version: ResourceVersion
        var practice: String
        var content: PatientContent?
    }

    init(subject: String, practice: String) {
        self.subject = subject
        self.practice = practice
    }

    /// What an event did to the patient's facts.
    struct Change {
        /// Facts that appeared or went; empty where the event changed nothing that rules see.
        var facts: [Fact] = []
        /// Whether demographics, registration or life changed.
        var demographics = false
        /// Whether a known resource was replaced or withdrawn, other than by its being stopped.
        var correction = false
        /// Whether the event withdraws the resource.
        var retraction = false
        /// Whether an order was newly stopped or put on hold.
        var stop = false
        /// Whether a stop or a hold was taken back.
        var resumption = false
    }

    /// Takes in one accepted event.
    ///
    /// A version that is older than one already known changes nothing, in whatever order they came.
    mutating func apply(
        _ event: InputEvent, offset: UInt64, codings: inout CodingTable, zone: ZoneTable
    ) -> Change {
        let key = ResourceKey(
            source: ExactText(event.source), type: event.resource.type, id: event.resource.id)
        let version = ResourceVersion(
            number: event.resource.versionNumber, lastUpdated: event.resource.lastUpdated,
            time: event.time, offset: offset)
        if event.resource.type == .patient {
            return applyPatient(event, key: key, version: version, zone: zone)
        }
        var change = Change()
        let known = resources[key]
        var medicine = known?.medicine
        if event.resource.type.isMedicine, case .clinical(let content) = event.resource.content {
            medicine = medicine ?? MedicineHistory()
            if medicine?.note(status: content.status, version: version) == true { hasHalts = true }
        }
        if let known, version < known.version {
            resources[key]?.medicine = medicine
            applyHalts(of: key.source, zone: zone, change: &change)
            return change
        }
        var state = ResourceState(
            version: version, isWithdrawn: true, factOffset: nil, medicine: medicine)
        var replaced: Fact?
        if let index = known?.factOffset.flatMap(factIndex) {
            let old = facts.facts.remove(at: index)
            change.facts.append(old)
            replaced = old
        }
        if case .clinical(let content) = event.resource.content {
            state.isWithdrawn = false
            state.medicine?.describe(content, id: key.id, codings: &codings)
            if var fact = Patient.fact(
                of: content, event: event, offset: offset, codings: &codings, zone: zone)
            {
                fact.stoppedOn = replaced?.stoppedOn
                insert(fact)
                state.factOffset = offset
                change.facts.append(fact)
            }
        } else {
            change.retraction = true
        }
        resources[key] = state
        applyHalts(of: key.source, zone: zone, change: &change)
        change.correction = known != nil && !change.stop && !change.resumption
        return change
    }

    func factIndex(at offset: UInt64) -> Int? {
        facts.facts.firstIndex { $0.offset == offset }
    }

    /// Puts a fact in its place: by day, of one day by instant where both have one, then by
    /// `issued`, then by offset, of which a new fact has the greatest.
    private mutating func insert(_ fact: Fact) {
        var low = 0
        var high = facts.facts.count
        while low < high {
            let middle = (low + high) / 2
            if fact.day < facts.facts[middle].day {
                high = middle
            } else {
                low = middle + 1
            }
        }
        // That order is no total one where only some have an instant: what has one stays sorted.
        var position = low
        var earlier = low
        while earlier > 0, facts.facts[earlier - 1].day == fact.day {
            earlier -= 1
            if Patient.precedes(fact, facts.facts[earlier]) { position = earlier }
        }
        facts.facts.insert(fact, at: position)
    }

    /// Whether a newer fact comes before another one of its day.
    private static func precedes(_ new: Fact, _ other: Fact) -> Bool {
        if let first = new.date.instant, let second = other.date.instant, first != second {
            return first < second
        }
        guard let first = new.issued, let second = other.issued else { return false }
        return first < second
    }

    private static func fact(
        of content: ClinicalContent, event: InputEvent, offset: UInt64,
        codings: inout CodingTable, zone: ZoneTable
    ) -> Fact? {
        guard content.counts else { return nil }
        let date =
            content.date
            ?? ClinicalTime(
                writtenDay: event.time.utc.day, precision: .time, instant: event.time)
        let mayBePartial =
            event.resource.type == .condition || event.resource.type == .allergyIntolerance
        guard mayBePartial || date.precision >= .day else { return nil }
        return Fact(
            type: event.resource.type, offset: offset, codings: codings.intern(content.codings),
            date: date, day: date.day(in: zone), endDay: content.end?.day(in: zone),
            issued: content.issued, status: content.status, value: content.value,
            components: content.components)
    }
}
