// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// All that the fold knows about one patient.
///
/// What is added here or to a part of it is added in `Patient+State.swift` as well.
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
    /// Where the rules of `generation` stand.
    var episodes = EpisodeTable()
    /// What rules see instead of `facts` where others' records are read as this patient's.
    var view: PatientFacts?
    /// The patient as whose records this one's are read.
    var mergedInto: Int?
    /// What is left of rules that are no longer in force, by their ids: they go on from there.
    var pastEpisodes: [String: Episode] = [:]
    /// How many reminders of flags that nobody had reviewed were raised.
    var reminderCount = 0
    /// Every flag that was raised about the patient, in that order.
    var flags: [KnownFlag] = []
    /// The newest version of every review of the patient's flags; nil content for a tombstone.
    var reviews: [HeldReview] = []
    var resources = ResourceTable()
    /// Whether any medicine was ever stopped or put on hold: else there is nothing to work out.
    var hasHalts = false
    /// Whether any order was ever issued more than once by its repeats.
    var hasRepeats = false
    /// Every accepted event about the Patient resource, in order of `time`, then offset.
    var registrations: [PatientEvent] = []
    /// The records of which it was told that they cannot be read, in that order.
    var toldUnreadable: [UInt64] = []
    /// Results that only algorithms follow, or nobody asks for: bounded.
    var series = SeriesTable()
    /// Where the algorithms that follow readings stand.
    var tracks = TrackTable()
    /// Where the resources and facts stand in the record that the patient was read from, until one
    /// of them changes; no part of the state.
    var packed: PackedExtent?

    /// The instant at which some rule must be looked at again.
    var due: Instant {
        episodes.due
    }

    struct ResourceKey: Hashable {
        var source: ExactText
        var type: ResourceType
        var id: IdentifierHash
    }

    /// What is remembered of a resource whether or not it yields a fact.
    struct ResourceState {
        /// The greatest version known, and whether it is a tombstone.
        var version: ResourceVersion
        var isWithdrawn: Bool
        var factOffset: UInt64?
        /// What its versions have said of it, for medicines and conditions.
        var life = Life.none
    }

    /// What the versions of a resource have said, where that matters.
    ///
    /// A patient has many, and nearly all are of one version: what others have is kept apart, so
    /// that it takes no room of those.
    enum Life {
        case none
        /// A medicine of the version that counts, which neither stops nor links it: its id, codes.
        case single(IdentifierHash, [CodingID])
        indirect case medicine(MedicineHistory)
        indirect case condition(EndedHistory)

        /// The life of a medicine.
        ///
        /// - Parameters:
        ///   - medicine: what its versions have said.
        ///   - version: the one that counts.
        init(_ medicine: MedicineHistory, version: ResourceVersion) {
            if let own = medicine.own, medicine.isSingle(version) {
                self = .single(own, medicine.codings)
            } else {
                self = .medicine(medicine)
            }
        }
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
        /// Of those, the ones that no longer count.
        var gone: [Fact] = []
        /// Whether it is a reading from before those that are kept.
        var isTooLate = false
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
        /// Whether a condition has only ended, or not ended after all.
        var ending = false
        /// The record of the version that was replaced or withdrawn.
        var corrects: UInt64?
    }

    /// Takes in one accepted event.
    ///
    /// A version that is older than one already known changes nothing, in whatever order they came.
    mutating func apply(
        _ event: InputEvent, offset: UInt64, now: Instant, codings: [CodingID],
        zone: ZoneTable, settings: FoldSettings, held: [Bool]
    ) -> Change {
        let key = ResourceKey(
            source: ExactText(event.source), type: event.resource.type,
            id: IdentifierHash(event.resource.id))
        let version = ResourceVersion(
            number: event.resource.versionNumber, lastUpdated: event.resource.lastUpdated,
            time: event.time, offset: offset)
        if event.resource.type == .patient {
            return applyPatient(
                event, key: key, version: version, zone: zone, settings: settings)
        }
        var change = Change()
        if event.resource.type == .observation,
            applyReading(
                event, key: key, version: version, now: now, codings: codings, zone: zone,
                held: held, change: &change)
        {
            return change
        }
        let place = resources.place(of: key)
        let known = place.map { resources.entries[$0].state }
        if known != nil { packed = nil }
        var (medicine, ending) = (known?.medicine, known?.ending)
        note(event, in: &medicine, &ending, version: version)
        var state = known ?? ResourceState(version: version, isWithdrawn: true)
        if let known, version < known.version {
            redateEnd(of: known, ending: ending, zone: zone, change: &change)
        } else {
            state = ResourceState(version: version, isWithdrawn: true)
            replace(
                event, key: key, known?.factOffset, by: &state, &medicine, &ending, now: now,
                codings: codings, zone: zone, change: &change)
        }
        if let medicine {
            state.life = Life(medicine, version: state.version)
        } else if let ending {
            state.life = .condition(ending)
        }
        resources.put(state, of: key, at: place)
        if event.resource.type.isMedicine {
            applyHalts(of: key.source, zone: zone, change: &change)
        }
        // Of what did not count yet, such as a draft, nothing was believed that is taken back.
        let counted = known.map { $0.factOffset != nil || $0.isWithdrawn } ?? false
        if counted, !change.stop, !change.resumption, !change.ending {
            change.correction = true
        }
        if change.correction { change.corrects = known?.version.offset }
        return change
    }

    /// Takes note of what a version says of its resource's life.
    private mutating func note(
        _ event: InputEvent, in medicine: inout MedicineHistory?, _ ending: inout EndedHistory?,
        version: ResourceVersion
    ) {
        guard case .clinical(let content) = event.resource.content else { return }
        if event.resource.type.isMedicine {
            // Where it stands: it is wide.
            if medicine == nil { medicine = MedicineHistory() }
            if medicine?.note(status: content.details.status, version: version) == true {
                hasHalts = true
            }
        } else if event.resource.type == .condition {
            if ending == nil { ending = EndedHistory() }
            ending?.note(status: content.details.status, version: version)
        }
    }

    /// Puts a version that counts in the place of the one before, whose fact is the old one.
    private mutating func replace(
        _ event: InputEvent, key: ResourceKey, _ old: UInt64?, by state: inout ResourceState,
        _ medicine: inout MedicineHistory?, _ ending: inout EndedHistory?, now: Instant,
        codings: [CodingID], zone: ZoneTable, change: inout Change
    ) {
        let replaced = old.flatMap(factIndex).map { facts.facts[$0] }
        if let old, let replaced {
            facts.facts.removeAll { $0.offset == old }
            change.facts.append(replaced)
            change.gone.append(replaced)
        }
        if case .clinical(let content) = event.resource.content {
            state.isWithdrawn = false
            medicine?.describe(content, key: key, codings: codings)
            ending?.abatedOn = content.end?.day(in: zone)
            if var fact = Patient.fact(
                of: content, event: event, offset: state.version.offset, codings: codings,
                zone: zone)
            {
                fact.stoppedOn = replaced?.stoppedOn
                fact.known = replaced?.known ?? now
                if let ending { fact.endDay = ending.endDay(in: zone) }
                if event.resource.type.isMedicine {
                    let repeats = fact.supply(
                        content.supply, SupplyIdentity(key, content.supply), zone: zone)
                    if !repeats.isEmpty { hasRepeats = true }
                    insert(fact)
                    for issue in repeats { insert(issue) }
                } else {
                    insert(fact)
                }
                state.factOffset = fact.offset
                change.facts.append(fact)
                change.ending = replaced?.differsInEnd(from: fact) ?? false
            }
        } else {
            change.retraction = true
        }
    }

    /// An older version of a condition may say that it ended earlier than was known.
    private mutating func redateEnd(
        of known: ResourceState, ending: EndedHistory?, zone: ZoneTable, change: inout Change
    ) {
        guard let ending, let index = known.factOffset.flatMap(factIndex) else { return }
        let day = ending.endDay(in: zone)
        guard facts.facts[index].endDay != day else { return }
        facts.facts[index].endDay = day
        change.facts.append(facts.facts[index])
    }

    func factIndex(at offset: UInt64) -> Int? {
        for index in facts.facts.indices where facts.facts[index].offset == offset {
            return index
        }
        return nil
    }

    /// Puts a fact in its place: by day, of one day by instant where both have one, then by
    /// `issued`, then by offset, of which a new fact has the greatest.
    mutating func insert(_ fact: Fact) {
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
        // As a rule it is the newest, and to insert at the end costs more.
        if position == facts.facts.count {
            facts.facts.append(fact)
        } else {
            facts.facts.insert(fact, at: position)
            packed = nil
        }
    }

    /// Whether a newer fact comes before another one of its day.
    private static func precedes(_ new: Fact, _ other: Fact) -> Bool {
        if let first = new.date.instant, let second = other.date.instant, first != second {
            return first < second
        }
        guard let first = new.details.issued, let second = other.details.issued else {
            return false
        }
        return first < second
    }

    static func fact(
        of content: ClinicalContent, event: InputEvent, offset: UInt64,
        codings: [CodingID], zone: ZoneTable
    ) -> Fact? {
        guard content.counts else { return nil }
        let date =
            content.date
            ?? ClinicalTime(
                writtenDay: event.time.utc.day, precision: .time, instant: event.time)
        let mayBePartial =
            event.resource.type == .condition || event.resource.type == .allergyIntolerance
        guard mayBePartial || date.precision >= .day else { return nil }
        var fact = Fact(
            type: event.resource.type, offset: offset, codings: codings, date: date,
            day: date.day(in: zone), endDay: content.end?.day(in: zone), details: content.details)
        if fact.type == .encounter { fact.endsAt = content.end?.instant }
        return fact
    }
}
