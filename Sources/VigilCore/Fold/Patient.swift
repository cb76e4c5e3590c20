// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// All that the fold knows about one patient.
struct Patient {
    var subject: String
    /// What rules see.
    var facts = PatientFacts()
    /// The practice that the flags' topics name.
    var practice: String
    /// One a rule, in the order of `Fold.rules`.
    var episodes: [Episode] = []
    private var resources: [ResourceKey: ResourceState] = [:]
    /// Every accepted event about the Patient resource, in order of `time`, then offset.
    private var registrations: [PatientEvent] = []

    /// The instant at which some rule must be looked at again.
    var due: Instant {
        episodes.reduce(Instant.never) { min($0, $1.due) }
    }

    private struct ResourceKey: Hashable {
        var source: String
        var type: ResourceType
        var id: String
    }

    /// What is remembered of a resource whether or not it yields a fact.
    private struct ResourceState {
        var version: ResourceVersion
        var isStopped = false
        /// The event that newly said so.
        var stop: Stop?
        var factOffset: UInt64?
        var course = Course()
    }

    /// The end of an order's exposure.
    private struct Stop {
        var time: Instant
        var day: CivilDay
    }

    /// By what the orders and issues of one course are known to belong together.
    private struct Course {
        /// The resource's own id and those that it is based on, follows, or is grouped by.
        var names: Set<String> = []
        var codings: [CodingID] = []
    }

    private struct PatientEvent {
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
        /// Whether an order was newly stopped.
        var stop = false
    }

    /// Takes in one accepted event.
    ///
    /// A version that is older than one already known changes nothing, in whatever order they came.
    mutating func apply(
        _ event: InputEvent, offset: UInt64, codings: inout CodingTable, zone: ZoneTable
    ) -> Change {
        let key = ResourceKey(
            source: event.source, type: event.resource.type, id: event.resource.id)
        let version = ResourceVersion(
            number: event.resource.versionNumber, lastUpdated: event.resource.lastUpdated,
            time: event.time, offset: offset)
        if event.resource.type == .patient {
            return applyPatient(event, key: key, version: version, zone: zone)
        }
        let known = resources[key]
        if let known, version < known.version { return Change() }

        var change = Change()
        if let old = known?.factOffset,
            let index = facts.facts.firstIndex(where: { $0.offset == old })
        {
            change.facts.append(facts.facts.remove(at: index))
        }
        var state = ResourceState(version: version)
        if case .clinical(let content) = event.resource.content {
            state.isStopped = content.status == "stopped"
            if state.isStopped {
                state.stop = known?.stop
                if let known, !known.isStopped {
                    state.stop = Stop(time: event.time, day: zone.day(of: event.time))
                    change.stop = true
                }
            }
            let identifiers = Patient.intern(content.codings, in: &codings)
            if let fact = Patient.fact(
                of: content, event: event, offset: offset, codings: identifiers, zone: zone)
            {
                insert(fact)
                state.factOffset = offset
                change.facts.append(fact)
            }
            if let supply = content.supply {
                state.course = Course(
                    names: Patient.courseNames(of: supply, id: event.resource.id),
                    codings: identifiers)
            }
        } else {
            change.retraction = true
        }
        change.correction = known != nil && !change.stop
        resources[key] = state
        if event.resource.type.isMedicine { change.facts += readStops() }
        return change
    }

    private static func courseNames(of supply: Supply, id: String) -> Set<String> {
        var names = Set(supply.basedOn.map { "id " + $0 })
        names.insert("id " + id)
        if let prior = supply.prior { names.insert("id " + prior) }
        if let group = supply.group { names.insert("group " + group) }
        return names
    }

    /// Works out anew which issues a stop has ended (clinical.md section 1.8): that of the stopped
    /// order and the earlier ones of its course from the same source.
    ///
    /// - Returns: the facts for which this changed.
    private mutating func readStops() -> [Fact] {
        var ended: [UInt64: CivilDay] = [:]
        for (key, state) in resources {
            guard let stop = state.stop else { continue }
            for offset in issues(endedBy: stop, of: state, source: key.source) {
                ended[offset] = min(ended[offset] ?? stop.day, stop.day)
            }
        }
        var changed: [Fact] = []
        for index in facts.facts.indices where facts.facts[index].type.isMedicine {
            let stoppedOn = ended[facts.facts[index].offset]
            guard facts.facts[index].stoppedOn != stoppedOn else { continue }
            facts.facts[index].stoppedOn = stoppedOn
            changed.append(facts.facts[index])
        }
        return changed
    }

    private func issues(
        endedBy stop: Stop, of stopped: ResourceState, source: String
    ) -> [UInt64] {
        let others = resources.filter { $0.key.source == source && $0.key.type.isMedicine }.values
        var names = stopped.course.names
        var known = 0
        // A chain of prior prescriptions may be long: names are gathered until none is new.
        while known != names.count {
            known = names.count
            for other in others where !names.isDisjoint(with: other.course.names) {
                names.formUnion(other.course.names)
            }
        }
        let isLinked =
            others.count {
                $0.version.offset != stopped.version.offset
                    && !names.isDisjoint(with: $0.course.names)
            } > 0
        return others.compactMap { other in
            guard let offset = other.factOffset else { return nil }
            if offset == stopped.factOffset { return offset }
            let belongs =
                isLinked
                ? !names.isDisjoint(with: other.course.names)
                : other.course.codings.contains(where: stopped.course.codings.contains)
            guard belongs, let fact = facts.facts.first(where: { $0.offset == offset }) else {
                return nil
            }
            let isEarlier = fact.date.instant.map { $0 <= stop.time } ?? (fact.day <= stop.day)
            return isEarlier ? offset : nil
        }
    }

    private mutating func insert(_ fact: Fact) {
        var low = 0
        var high = facts.facts.count
        while low < high {
            let middle = (low + high) / 2
            if Patient.precedes(fact, facts.facts[middle]) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        facts.facts.insert(fact, at: low)
    }

    private static func precedes(_ left: Fact, _ right: Fact) -> Bool {
        if left.day != right.day { return left.day < right.day }
        if let first = left.date.instant, let second = right.date.instant, first != second {
            return first < second
        }
        return left.offset < right.offset
    }

    private static func intern(_ codings: [Coding], in table: inout CodingTable) -> [CodingID] {
        var identifiers: [CodingID] = []
        for coding in codings {
            let identifier = table.intern(system: coding.system, code: coding.code)
            if !identifiers.contains(identifier) { identifiers.append(identifier) }
        }
        return identifiers.sorted()
    }

    private static func fact(
        of content: ClinicalContent, event: InputEvent, offset: UInt64, codings: [CodingID],
        zone: ZoneTable
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
            type: event.resource.type, offset: offset, codings: codings, date: date,
            day: date.day(in: zone), endDay: content.end?.day(in: zone), status: content.status,
            value: content.value, components: content.components)
    }
}

// MARK: - The Patient resource

extension Patient {
    private mutating func applyPatient(
        _ event: InputEvent, key: ResourceKey, version: ResourceVersion, zone: ZoneTable
    ) -> Change {
        var content: PatientContent?
        if case .patient(let read) = event.resource.content { content = read }
        let registration = PatientEvent(
            resource: key, version: version, practice: event.practice, content: content)
        let position =
            registrations.firstIndex {
                ($0.version.time, $0.version.offset) > (version.time, version.offset)
            } ?? registrations.count
        registrations.insert(registration, at: position)
        readDemographics()
        readDeath(zone: zone)
        readRegistration(zone: zone)
        let known = registrations.contains { $0.resource == key && $0.version < version }
        return Change(
            facts: [], demographics: true, correction: known, retraction: content == nil,
            stop: false)
    }

    /// The greatest version of each Patient resource, newest event last.
    private var currentPatients: [PatientEvent] {
        registrations.filter { candidate in
            !registrations.contains {
                $0.resource == candidate.resource && candidate.version < $0.version
            }
        }
    }

    private mutating func readDemographics() {
        facts.birth = nil
        facts.birthOffset = nil
        facts.gender = nil
        for event in currentPatients {
            guard let content = event.content else { continue }
            if let birth = content.birthDate {
                facts.birth = birth
                facts.birthOffset = event.version.offset
            }
            if let gender = content.gender { facts.gender = gender }
        }
        if let naming = registrations.last(where: { $0.content?.namesPractice == true }) {
            practice = naming.practice
        } else if let newest = registrations.last {
            practice = newest.practice
        }
    }

    private mutating func readDeath(zone: ZoneTable) {
        facts.deathDay = nil
        for event in currentPatients {
            switch event.content?.deceased {
            case .boolean(true):
                let first = firstSayingDead(like: event) ?? event
                facts.deathDay = zone.day(of: first.version.time)
            case .at(let moment): facts.deathDay = moment.day(in: zone)
            case .boolean(false), nil: continue
            }
        }
    }

    /// The event from which on every version of the resource has said that the patient is dead.
    private func firstSayingDead(like event: PatientEvent) -> PatientEvent? {
        var first: PatientEvent?
        for earlier in registrations where earlier.resource == event.resource {
            if case .boolean(true) = earlier.content?.deceased {
                first = first ?? earlier
            } else {
                first = nil
            }
        }
        return first
    }

    private mutating func readRegistration(zone: ZoneTable) {
        var hadPractice = false
        facts.deregistrationDay = nil
        for event in registrations {
            let day = zone.day(of: event.version.time)
            guard let content = event.content, content.active != false else {
                facts.deregistrationDay = facts.deregistrationDay ?? day
                continue
            }
            if content.namesPractice {
                hadPractice = true
                facts.deregistrationDay = nil
            } else if hadPractice {
                facts.deregistrationDay = facts.deregistrationDay ?? day
            }
        }
    }
}
