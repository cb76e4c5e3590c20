// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How much of what a source sent of one kind the packs in force can read.
package struct FeedTally: Hashable, Sendable {
    /// Accepted.
    package var accepted = 0
    /// Among them, without a coding in any system of an active list of the kind.
    package var unread = 0
    /// Among those, without any coding.
    package var textOnly = 0

    package init() {}

    fileprivate mutating func count(isRead: Bool, isTextOnly: Bool) {
        accepted += 1
        if !isRead { unread += 1 }
        if isTextOnly { textOnly += 1 }
    }
}

/// Why a source's medicines are taken for unread.
package enum FeedFault: String, CaseIterable, Sendable {
    /// Above 5 % of a day's medicines were unread.
    case unreadShare = "unread-share"
    /// None of 200 consecutive medicines was in any list.
    case noneListed = "none-listed"
}

/// What a source sent on a day, and whether the rules can read it (clinical.md section 1.9).
package struct CoverageReport: Hashable, Sendable {
    package var source: String
    /// The local day on which the counts end.
    package var day: CivilDay
    package var medicines: FeedTally
    package var conditions: FeedTally
    package var results: FeedTally
    /// Empty where the source is read well.
    package var faults: [FeedFault]
    /// The rules that do not watch the source therefore, in their order.
    package var notWatching: [String]

    package init(
        source: String, day: CivilDay, medicines: FeedTally = FeedTally(),
        conditions: FeedTally = FeedTally(), results: FeedTally = FeedTally(),
        faults: [FeedFault], notWatching: [String]
    ) {
        self.source = source
        self.day = day
        self.medicines = medicines
        self.conditions = conditions
        self.results = results
        self.faults = faults
        self.notWatching = notWatching
    }
}

/// Counts what each source sends, by kind of code list, and how much of it can be read.
///
/// What is added here or to a feed is added to its state below as well.
struct FeedLedger: Sendable {
    struct Feed: Sendable {
        let source: String
        /// Practices that it has sent medicines of, in order of appearance.
        var practices: [String] = []
        var medicines = FeedTally()
        var conditions = FeedTally()
        var results = FeedTally()
        /// Medicines in a row of which none was in a list.
        var unlistedInARow = 0
        var faults: [FeedFault] = []

        var isEmpty: Bool {
            medicines.accepted + conditions.accepted + results.accepted == 0
        }
    }

    static let unlistedMax = 200
    private static let unreadPercentMax = 5

    /// In order of appearance.
    private(set) var feeds: [Feed] = []
    private var index: [ExactText: Int] = [:]
    /// The local day of what was counted last.
    private(set) var day: CivilDay?
    /// Whether a source has something to tell when the day ends.
    private(set) var hasNews = false

    /// Counts a resource.
    ///
    /// - Returns: the source's place, where the resource has made it one that is not watched.
    mutating func count(
        _ kind: CodeList.Kind, source: String, practice: String, on day: CivilDay,
        isLoading: Bool, isRead: Bool, isListed: Bool, isTextOnly: Bool
    ) -> Int? {
        if !isLoading { hasNews = true }
        let key = ExactText(source)
        let place = index[key] ?? feeds.count
        if place == feeds.count {
            index[key] = place
            feeds.append(Feed(source: source))
        }
        self.day = day
        switch kind {
        case .medicine: feeds[place].medicines.count(isRead: isRead, isTextOnly: isTextOnly)
        case .condition: feeds[place].conditions.count(isRead: isRead, isTextOnly: isTextOnly)
        case .result: feeds[place].results.count(isRead: isRead, isTextOnly: isTextOnly)
        }
        guard kind == .medicine else { return nil }
        if !feeds[place].practices.contains(practice) { feeds[place].practices.append(practice) }
        feeds[place].unlistedInARow = isListed ? 0 : feeds[place].unlistedInARow + 1
        guard feeds[place].unlistedInARow == FeedLedger.unlistedMax,
            !feeds[place].faults.contains(.noneListed)
        else { return nil }
        feeds[place].faults.append(.noneListed)
        return place
    }

    /// Lets a load that has ended be told at the end of a day.
    mutating func reopen(on day: CivilDay) {
        self.day = day
        hasNews = true
    }

    mutating func endDay() {
        hasNews = false
    }

    /// The places of the sources that have something to tell at the end of the day.
    func telling(except isLoading: (String) -> Bool) -> [Int] {
        feeds.indices.filter { !feeds[$0].isEmpty && !isLoading(feeds[$0].source) }
    }

    /// Judges the day of a source and begins the next; a day without medicines changes nothing.
    ///
    /// - Returns: the source as it was on the day.
    mutating func close(_ place: Int) -> Feed {
        let medicines = feeds[place].medicines
        if medicines.accepted > 0 {
            feeds[place].faults = []
            if medicines.unread * 100 > medicines.accepted * FeedLedger.unreadPercentMax {
                feeds[place].faults.append(.unreadShare)
            }
            if feeds[place].unlistedInARow >= FeedLedger.unlistedMax {
                feeds[place].faults.append(.noneListed)
            }
        }
        let closed = feeds[place]
        feeds[place].medicines = FeedTally()
        feeds[place].conditions = FeedTally()
        feeds[place].results = FeedTally()
        return closed
    }
}

extension FeedLedger: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(feeds)
        state.write(day)
        state.write(hasNews)
    }

    init(state: inout StateReader) throws(StateError) {
        feeds = try state.read()
        day = try state.read()
        hasNews = try state.read()
        for (place, feed) in feeds.enumerated() { index[ExactText(feed.source)] = place }
    }
}

extension FeedLedger.Feed: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(source)
        state.write(practices)
        state.write(medicines)
        state.write(conditions)
        state.write(results)
        state.write(unlistedInARow)
        state.write(faults)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            source: try state.read(), practices: try state.read(),
            medicines: try state.read(), conditions: try state.read(),
            results: try state.read(), unlistedInARow: try state.read(),
            faults: try state.read())
    }
}

extension FeedTally: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(accepted)
        state.write(unread)
        state.write(textOnly)
    }

    package init(state: inout StateReader) throws(StateError) {
        accepted = try state.read()
        unread = try state.read()
        textOnly = try state.read()
    }
}

extension FeedFault: StateCodable {}

/// What the packs in force make of each coding seen so far.
struct Readability: Sendable {
    private var bits: [UInt8] = []

    /// Looks up the codes that were interned since the last time.
    mutating func extend(to table: CodingTable, packs: [Fold.ActivePack]) {
        while bits.count < table.count {
            let coding = CodingID(index: Int32(bits.count))
            let system = table[coding].system
            var found: UInt8 = 0
            for active in packs {
                for (place, list) in active.pack.lists.enumerated() {
                    if list.covers(system: system) { found |= Readability.bit(list.kind) }
                    if active.membership.contains(coding, list: place) {
                        found |= Readability.bit(list.kind) << 4
                    }
                }
            }
            bits.append(found)
        }
    }

    /// Whether some list of a kind has entries in a coding's system.
    func isRead(_ coding: CodingID, _ kind: CodeList.Kind) -> Bool {
        bits[Int(coding.index)] & Readability.bit(kind) != 0
    }

    /// Whether a coding is in some list of a kind.
    func isListed(_ coding: CodingID, _ kind: CodeList.Kind) -> Bool {
        bits[Int(coding.index)] & (Readability.bit(kind) << 4) != 0
    }

    private static func bit(_ kind: CodeList.Kind) -> UInt8 {
        switch kind {
        case .medicine: 1
        case .condition: 2
        case .result: 4
        }
    }
}

extension Fold {
    /// Counts what an event brings for its source's coverage.
    mutating func countForCoverage(
        _ event: InputEvent, codings identifiers: [CodingID], now: Instant
    ) -> [Output] {
        guard let kind = event.resource.type.listKind, case .clinical = event.resource.content
        else { return [] }
        let place = feeds.count(
            kind, source: event.source, practice: event.practice, on: zone.day(of: now),
            isLoading: isLoading(event.source),
            isRead: identifiers.contains { readability.isRead($0, kind) },
            isListed: identifiers.contains { readability.isListed($0, kind) },
            isTextOnly: identifiers.isEmpty)
        return place.map { [.coverage(report(feeds.feeds[$0], on: zone.day(of: now)))] } ?? []
    }

    /// When the day ends for which sources may have something to tell; nil where none has.
    package var coverageDue: Instant? {
        guard let day = feeds.day, feeds.hasNews else { return nil }
        return zone.start(of: CivilDay(number: day.number + 1))
    }

    /// Tells what each source has sent on the day that ends, in order of appearance.
    package mutating func closeCoverage(at instant: Instant) -> [Output] {
        guard let due = coverageDue, due <= instant, let day = feeds.day else { return [] }
        feeds.endDay()
        return feeds.telling(except: isLoading).map { place in
            .coverage(report(feeds.close(place), on: day))
        }
    }

    private func isLoading(_ source: String) -> Bool {
        loads.number(ofSource: source) != nil
    }

    private func report(_ feed: FeedLedger.Feed, on day: CivilDay) -> CoverageReport {
        CoverageReport(
            source: feed.source, day: day, medicines: feed.medicines,
            conditions: feed.conditions, results: feed.results, faults: feed.faults,
            notWatching: feed.faults.isEmpty ? [] : rules.filter(readsMedicines).map(\.rule.id))
    }

    /// Whether a rule reads medicines at all.
    private func readsMedicines(_ active: ActiveRule) -> Bool {
        active.lists.contains { packs[active.pack].pack.lists[$0].kind == .medicine }
    }

    /// The sources whose medicines are not read, in order of appearance.
    package var faultyFeeds: [CoverageReport] {
        guard let day = feeds.day else { return [] }
        return feeds.feeds.filter { !$0.faults.isEmpty }.map { report($0, on: day) }
    }

    /// Whether a rule reads what the sources of a practice send.
    func isWatching(_ active: ActiveRule, practice: String) -> Bool {
        !readsMedicines(active)
            || !feeds.feeds.contains { !$0.faults.isEmpty && $0.practices.contains(practice) }
    }
}

extension ResourceType {
    /// The kind of the lists that its codes are looked up in, for coverage.
    var listKind: CodeList.Kind? {
        switch self {
        case .medicationRequest, .medicationDispense, .medicationStatement: .medicine
        case .condition, .allergyIntolerance: .condition
        case .observation, .diagnosticReport: .result
        case .patient, .encounter, .procedure, .detectedIssue: nil
        }
    }
}
