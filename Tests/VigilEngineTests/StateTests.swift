// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilPacks
import VigilSimulation

@testable import VigilCore
@testable import VigilEngine

/// State as bytes: nothing that the fold or the sequencer goes on from is lost on the way.
struct StateTests {
    /// Every stored property of what a snapshot holds.
    ///
    /// Whoever adds one adds it to the type's
    /// `write(to:)` and `init(state:)` (or shows that it follows from the others), raises
    /// `Fold.stateVersion`, and then names it here.
    private static let properties = """
        Sequencer: identity nextOffset clock fold encoder flagChanges desk packs topicSequences traced lastOutput toldTails expected engineSemantics semantics uncheckedCount
        Fold: origin zone patients chains codings packs rules dueQueue sources flagPlaces trace settings suspensions changes loads feeds watch readability merges bindings rulesByCoding rulesByList trackUses heldByCoding followedByCoding heldLists ruleErrors isAdopting sharding
        RecordChains: chunks count first
        FoldSettings: sources parameters coverage unreviewedMilliseconds budgets
        Source: source subjects registration zone rhythmMilliseconds
        Parameter: pack name value
        Coverage: practice kind from
        Budget: practice severity raisesPerDay
        DeliveryDesk: zone day used items places
        Account: practice severity
        Item: flagID subject rule severity reason offset isResolved
        BaselineLoads: open waiting count
        Load: number source since patients
        FeedLedger: feeds index day hasNews
        Feed: source practices medicines conditions results unlistedInARow faults
        FeedTally: accepted unread textOnly
        FeedWatch: sources index quiet recent earliest
        Sender: source lastHeard rhythmMilliseconds isSilent settlesAt kinds held lastPractice lastKinds
        Suspension: rule practice reason
        ChangeProgress: generation past stepped end
        MergeTable: named stated statedAbout waiting members
        Stated: link source time offset other
        PatientLink: direction names
        KnownFlag: id practice severity openedAt newest
        DecisionTrace: cause count digest judgements
        Patient: subject facts practice generation loads episodes view mergedInto pastEpisodes reminderCount flags reviews resources hasHalts hasRepeats registrations toldUnreadable series tracks packed
        SeriesTable: series
        ReadingSeries: codings readings goneThrough
        Reading: key version fact
        TrackUse: following pack lists place
        TrackTable: vitalSigns oxygen pressure glucose
        PatientFacts: facts birth birthOffset gender deathDay registrationDay deregistrationDay
        Fact: type offset codings date day endDay endsAt stoppedOn issue supplyEnd supply details known
        FactDetails: status issued value components referenceHigh encounterClass quantity directions isInhaled
        ClinicalTime: writtenDay precision instant
        EpisodeTable: entries
        Episode: count opened overrides pending isQuiet stableUntil truth
        OpenEpisode: flagID openedAt practice evidence group isFromBaseline hazardCodings review inherited endedThrough severity diagnosisCodings assessment occurredAt remindAt reminder
        PastOverride: review hazardCodings
        Pending: since reason settlesAt corrects
        StandingReview: content instant offset endsAt hasEnded
        ReviewContent: flagID action seen date until mitigation
        Evidence: role display isHazard records ageYears
        EvidenceRecord: offset day precision
        HeldReview: key version content offset
        ResourceKey: source type id
        ResourceState: version isWithdrawn factOffset life
        ResourceVersion: number lastUpdated time offset
        ResourceTable: entries places
        MedicineHistory: halts firstUnstopped lastResumed own isPlan endsNoCourse named follows codings prior
        EndedHistory: ended lastCurrent abatedOn
        Halt: version isHold
        PatientEvent: resource version practice content
        PatientContent: birthDate gender active deceased namesPractice links
        SourceTracker: progress
        Key: source epoch
        Progress: high gaps
        Gap: whole missing
        SourceGap: source epoch from to
        CodingTable: identifiers keys alone
        OpenFlagTable: shards topics topicPlaces shadowCount total
        Slot: id newest review topic
        """

    /// Those that the simulation may bring none of about.
    private static let rare = [
        "PastOverride", "Pending", "Source", "Parameter", "Coverage", "Budget", "Account", "Item",
        "Suspension", "Stated", "PatientLink", "TrackUse",
    ]

    /// A practice's life with stops, reviews, gaps, corrections, a load and a change of packs in it.
    static func desk(_ seed: UInt64, _ clock: ClockMode) throws -> Desk {
        let start = try #require(CivilDay(year: 2023, month: 9, day: 1))
        let simulation = PracticeSimulation(
            seed: seed, patients: 50, practice: "A81001", start: start, days: 200, zone: london)
        var desk = try Desk(clock, now: Instant(milliseconds: 1_690_000_000_000))
        var number = 0
        for event in simulation.events() {
            number += 1
            // Two in a hundred are lost on the way, and half of these come late.
            if number % 100 == 7 { continue }
            desk.send(event.bytes, topic: event.topic, wall: event.time)
            switch number {
            case 150: desk.bound(.loading, at: event.time)
            case 260: desk.bound(.loaded, at: event.time)
            case 400: desk.bound(.loading, source: "urn:test:never-ended", at: event.time)
            default: break
            }
            let changes = desk.intake.sequencer.flagChanges
            if number % 50 == 0, let flag = changes.last(where: { $0.transition == .raised }) {
                desk.review(flag.flagID.text, number: number, at: event.time)
            }
            guard number == 500 else { continue }
            let lists = try Pincer.source().replacingLists(
                files: [
                    PackFile(
                        name: "pincer-hf.csv",
                        bytes: Array("system,code,term\nsct,84114007,Heart failure\n".utf8))
                ])
            let change = try PackChange(activating: lists)
            desk.intake.stage(desk.intake.sequencer.change(change, now: event.time))
            while desk.intake.sequencer.isStepping { desk.intake.step(wall: event.time) }
            desk.flush()
        }
        return desk
    }

    @Test(arguments: [(1, ClockMode.event), (2, .wall)] as [(UInt64, ClockMode)])
    func aFoldGoesOnFromItsStateAtAnyUnitAsIfItHadNeverStopped(
        seed: UInt64, clock: ClockMode
    ) throws {
        let desk = try Self.desk(seed, clock)
        #expect(desk.outputs.count > 40, "seed \(seed)")
        #expect(desk.outputs.contains { $0.entry.topic == "system.gap" })
        #expect(desk.outputs.contains { $0.entry.topic == "system.digest.A81001" })
        var whole = desk.sequencer(clock)
        let decoder = EventDecoder()
        let stride = max(1, desk.units.count / 8)
        var resumed: [(after: Int, sequencer: Sequencer)] = []
        for (number, unit) in desk.units.enumerated() {
            for record in unit {
                try whole.refold(record, comparing: .bytes, decoder: decoder)
                for index in resumed.indices {
                    try resumed[index].sequencer.refold(
                        record, comparing: .bytes, decoder: decoder)
                }
            }
            guard number % stride == stride - 1, whole.expected.isEmpty, !whole.isStepping else {
                continue
            }
            let restored = try desk.restored(whole.state, clock, packs: whole.packs)
            #expect(described(restored.fold.patients) == described(whole.fold.patients))
            resumed.append((number, restored))
        }
        #expect(resumed.count > 5)
        let expected = described(whole)
        for (after, sequencer) in resumed {
            #expect(described(sequencer) == expected, "seed \(seed), after unit \(after)")
            let due = sequencer.fold.dueQueue.sortedInstants
            #expect(due == whole.fold.dueQueue.sortedInstants)
        }
    }

    /// Patients are packed and opened again all the time where few may be open.
    @Test(arguments: [1, 3]) func whoIsPackedIsWhoWasOpen(openMax: Int) throws {
        let desk = try Self.desk(5, .event)
        var open = desk.sequencer(.event)
        var packed = desk.sequencer(.event)
        packed.fold.patients = PatientTable(openMax: openMax)
        let decoder = EventDecoder()
        for record in desk.units.joined() {
            try open.refold(record, comparing: .bytes, decoder: decoder)
            try packed.refold(record, comparing: .bytes, decoder: decoder)
        }
        #expect(described(packed) == described(open))
    }

    @Test func everyPropertyOfStateIsKnownHere() throws {
        let desk = try Self.desk(3, .event)
        var found: [String: String] = [:]
        collect(desk.intake.sequencer, into: &found)
        var table = OpenFlagTable()
        for change in desk.intake.sequencer.flagChanges { table.apply(change) }
        collect(table, into: &found)
        for line in Self.properties.split(separator: "\n") {
            let parts = line.split(separator: ": ")
            let name = String(parts[0])
            if let actual = found[name] {
                #expect(actual == String(parts[1]), "the properties of \(name) have changed")
            } else {
                // Only what no event of the simulation brings about.
                #expect(Self.rare.contains(name), "no \(name) was met")
            }
        }
    }

    @Test func aCutBlockOfPatientsIsNoState() throws {
        let desk = try Self.desk(4, .event)
        let packs = desk.intake.sequencer.packs
        let state = desk.intake.sequencer.state
        var texts = state.fold.patientTexts
        let length = state.fold.patientBlock(0, texts: &texts).count
        for cut in stride(from: 0, to: length, by: max(1, length / 100)) {
            #expect(throws: StateError.self, "cut at \(cut)") {
                _ = try desk.restored(state, .event, packs: packs, firstBlockCutAt: cut)
            }
        }
    }
}

extension Desk {
    func sequencer(_ clock: ClockMode) -> Sequencer {
        let records = records
        let lookup = RecordLookup { offset in
            offset < UInt64(records.count) ? records[Int(offset)] : nil
        }
        return Sequencer(identity: Desk.identity(clock), describe: lookup.describe)
    }

    /// A sequencer that was made from another's state as bytes.
    func restored(
        _ state: SequencerState, _ clock: ClockMode, packs: PackSet, firstBlockCutAt cut: Int? = nil
    ) throws -> Sequencer {
        var texts = state.fold.patientTexts
        var patients = PatientBlocks()
        for number in 0..<state.fold.patientBlockCount {
            let block = state.fold.patientBlock(number, texts: &texts)
            try patients.append(number == 0 ? Array(block.prefix(cut ?? .max)) : block)
        }
        var writer = StateWriter(texts: texts)
        state.write(to: &writer)
        var head = StateReader(writer.bytes[...], texts: writer.texts.texts)
        var sequencer = sequencer(clock)
        try sequencer.restore(
            from: &head, packs: packs, patients: patients, texts: writer.texts.texts)
        #expect(head.isAtEnd)
        return sequencer
    }

    /// Begins or ends a load, and looks at the patients of one that has ended.
    mutating func bound(
        _ bound: LoadBound, source: String = "urn:nhs:ods:A81001:simulated", at time: Instant
    ) {
        let name = bound.rawValue
        let event =
            #"{"specversion":"1.0","id":"\#(name)","source":"\#(source)","#
            + #""type":"health.vigil.system.\#(name).v1","time":"\#(time)"}"#
        send(Array(event.utf8), topic: "system.\(name)", wall: time)
        while intake.sequencer.isStepping { intake.step(wall: time) }
        flush()
    }

    mutating func review(_ flag: String, number: Int, at time: Instant) {
        let subject = outputs.last { record in
            String(decoding: record.payload, as: UTF8.self).contains(flag)
        }?.entry.subject
        let actions = ["accept", "override", "act"]
        send(
            Events.review(
                time.description, id: "review-\(number)", flag: flag,
                action: actions[number / 50 % 3], subject: subject ?? "ann"),
            topic: "review.A81001", wall: time)
    }
}

extension DueQueue {
    fileprivate var sortedInstants: [String] {
        var copy = self
        var all: [String] = []
        while let next = copy.next(through: Instant(milliseconds: .max - 1)) {
            all.append("\(next.instant) \(next.patient)")
            copy.set(.never, patient: next.patient)
        }
        return all
    }
}

/// A value with all that is in it, as text: dictionaries and sets in a fixed order.
private func described(_ value: Any) -> String {
    if value is PatientTable, let table = value as? PatientTable {
        return table.map { described($0) }.joined(separator: "\n")
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .dictionary, .set:
        return "[" + mirror.children.map { described($0.value) }.sorted().joined(separator: ", ")
            + "]"
    case .collection, .tuple, .optional:
        return "(" + mirror.children.map { described($0.value) }.joined(separator: ", ") + ")"
    case .struct, .enum, .class:
        let type = String(describing: mirror.subjectType)
        if type.hasPrefix("ShardedTable") {
            return described(mirror.children.first?.value as Any)
        }
        // What follows from the others, or is a cache, or belongs to the process.
        let left = [
            "dueQueue", "encoder", "flagChanges", "membership", "compiled", "packs", "rules",
            "readability", "recent", "earliest", "lastPractice", "lastKinds", "packed",
        ]
        let parts = mirror.children.filter { !left.contains($0.label ?? "") }
        guard !parts.isEmpty else { return "\(value)" }
        return "{"
            + parts.map { "\($0.label ?? ""): \(described($0.value))" }
            .joined(separator: ", ") + "}"
    default: return "\(value)"
    }
}

/// The names of the stored properties of every type that is met in a value.
private func collect(_ value: Any, into found: inout [String: String]) {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .struct || value is FactDetails {
        let name = String(describing: mirror.subjectType)
        guard !["CompiledPack", "FlagEncoder", "ZoneTable"].contains(name) else {
            return
        }
        let names = mirror.children.compactMap(\.label).joined(separator: " ")
        let isCodingKey = name == "Key" && names == "system code"
        let isDue = name == "Entry" && names == "instant patient"
        if !isCodingKey, !isDue { found[name] = names }
    }
    for child in mirror.children { collect(child.value, into: &found) }
}
