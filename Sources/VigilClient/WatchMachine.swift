// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Decides what `vigil watch` prints and asks for, so that no output event is missed or printed
/// twice (protocol section 6, "A subscriber that must miss nothing").
///
/// Everything below `verified` has been examined in history. Above it, live events that follow on
/// in their topic's numbering are printed as they come and remembered until history has passed
/// them. Whatever casts doubt on the live stream (a hole, a topic seen for the first time in the
/// middle of its numbering, a lost connection, silence, a heartbeat ahead of what was seen) sends
/// the machine back to history; live events then wait, and are printed in their order.
///
/// A message lost in silence shows only when its topic goes on, and a topic may be quiet for days.
/// So history is also read when nothing is in doubt, every few heartbeats in which something came.
package struct WatchMachine: Sendable {
    /// What the shell is to do.
    package enum Action: Equatable, Sendable {
        /// Print the event.
        case print(OutputItem)
        /// Ask for a page of history from this offset; an earlier request no longer counts.
        case request(from: UInt64)
        /// Tell the person who watches.
        case tell(String)
        /// End: the log is not the one that was read before.
        case fail(String)
        /// End: the daemon is there, and history has never answered.
        case unanswered
    }

    private enum Mode: Equatable {
        /// Until a heartbeat shows that the subscriptions are in force.
        case waiting
        /// A page was asked for at this moment.
        case paging(askedMilliseconds: Int64)
        case live
    }

    /// How long a heartbeat, and a page, may take.
    package static let heartbeatLimitMilliseconds: Int64 = 3500
    package static let pageLimitMilliseconds: Int64 = 5000
    /// How long history may give no page while the daemon's heartbeats come.
    ///
    /// Where a page has come before, that is told of once and history is asked on.
    package static let historyLimitMilliseconds: Int64 = 10_000
    /// Live events kept while history is read, and events remembered as printed; beyond it
    /// history takes over.
    static let waitingLimit = 10_000
    /// Heartbeats between two readings of history that nothing called for.
    static let heartbeatsBetweenReadings = 10

    private var mode: Mode = .waiting
    /// The first offset not yet examined in history; nil until the first heartbeat where the
    /// watch begins with what is new.
    private var verified: UInt64?
    /// Offsets printed from the live stream, at or above `verified`.
    private var printedAhead: Set<UInt64> = []
    private var waiting: [OutputItem] = []
    /// Whether live events were left to history since the page in hand was asked for.
    private var hasOverflowed = false
    private var sequences: [String: UInt64] = [:]
    /// What was seen is below this offset.
    private var seenBelow: UInt64 = 0
    /// The greatest head of each stream, not compared with the other's: a heartbeat may lie
    /// unread while newer pages are read.
    private var heartbeatHead: UInt64?
    private var pageHead: UInt64?
    private var lastHeardMilliseconds: Int64
    private var hasBeenHeard = false
    /// Since when history has not answered while the daemon was there; nil where nothing is asked.
    private var unansweredMilliseconds: Int64?
    private var hasBeenRead = false
    private var hasToldOfHistory = false
    /// Heartbeats in a row that were ahead of what was seen.
    private var heartbeatsAhead = 0
    private var heartbeatsSinceReading = 0

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - from: The first offset of interest; nil for what is new from now on.
    ///   - nowMilliseconds: The time on a clock that never goes back.
    package init(from: UInt64?, nowMilliseconds: Int64) {
        self.verified = from
        self.lastHeardMilliseconds = nowMilliseconds
    }

    /// Whether no heartbeat has come yet, ever.
    package var isUnheard: Bool {
        !hasBeenHeard
    }

    /// Takes a heartbeat.
    package mutating func heard(_ heartbeat: Heartbeat, nowMilliseconds: Int64) -> [Action] {
        let wasSilent = isSilent(nowMilliseconds)
        lastHeardMilliseconds = nowMilliseconds
        hasBeenHeard = true
        if let failure = WatchMachine.note(heartbeat.offset, in: &heartbeatHead) {
            return [failure]
        }
        let start = verified ?? heartbeat.offset &+ 1
        verified = start
        seenBelow = max(seenBelow, start)
        heartbeatsSinceReading += 1
        switch mode {
        case .waiting:
            return read(nowMilliseconds)
        case .paging:
            return []
        case .live:
            let isAhead = heartbeat.output.map { $0 >= seenBelow } ?? false
            heartbeatsAhead = isAhead ? heartbeatsAhead + 1 : 0
            let isDue =
                !printedAhead.isEmpty
                && heartbeatsSinceReading >= WatchMachine.heartbeatsBetweenReadings
            return wasSilent || heartbeatsAhead >= 2 || isDue ? read(nowMilliseconds) : []
        }
    }

    /// Takes an event from the live stream.
    package mutating func received(_ item: OutputItem, nowMilliseconds: Int64) -> [Action] {
        guard OutputTopics.isOutput(item.topic) else { return [] }
        heartbeatsAhead = 0
        guard mode == .live, !isSilent(nowMilliseconds) else {
            keep(item)
            return mode == .live ? read(nowMilliseconds) : []
        }
        return take(item, nowMilliseconds)
    }

    /// Takes a page of history that was asked for.
    package mutating func received(_ page: HistoryPage, nowMilliseconds: Int64) -> [Action] {
        guard case .paging = mode, let start = verified else { return [] }
        hasBeenRead = true
        hasToldOfHistory = false
        unansweredMilliseconds = nil
        if let failure = WatchMachine.note(page.head, in: &pageHead) { return [failure] }
        guard page.next > page.head || page.next > start else {
            return [.fail("the daemon's history does not go on from offset \(start)")]
        }
        var actions: [Action] = []
        for item in page.items where item.offset >= start && OutputTopics.isOutput(item.topic) {
            note(item)
            if !printedAhead.contains(item.offset) { actions.append(.print(item)) }
        }
        let next = max(start, page.next)
        verified = next
        seenBelow = max(seenBelow, next)
        printedAhead = printedAhead.filter { $0 >= next }
        guard page.next > page.head else {
            return actions + ask(from: next, nowMilliseconds)
        }
        mode = .live
        heartbeatsAhead = 0
        heartbeatsSinceReading = 0
        let kept = waiting
        waiting = []
        if hasOverflowed { return actions + read(nowMilliseconds) }
        for (index, item) in kept.enumerated() {
            actions += take(item, nowMilliseconds)
            guard mode == .live else {
                waiting += kept[(index + 1)...]
                break
            }
        }
        return actions
    }

    /// Takes note that the connection to the live stream was lost.
    package mutating func disconnected() -> [Action] {
        unansweredMilliseconds = nil
        guard hasBeenHeard, mode != .waiting else { return [] }
        mode = .waiting
        return [.tell("the connection to the daemon is lost; waiting for it")]
    }

    /// Looks at the clock: a page that does not come is asked for again.
    package mutating func tick(nowMilliseconds: Int64) -> [Action] {
        // A daemon that is away is not one whose history is.
        if isSilent(nowMilliseconds) { unansweredMilliseconds = nil }
        switch mode {
        case .paging(let asked)
        where nowMilliseconds - asked >= WatchMachine.pageLimitMilliseconds:
            let since = unansweredMilliseconds ?? nowMilliseconds
            guard nowMilliseconds - since >= WatchMachine.historyLimitMilliseconds else {
                return read(nowMilliseconds)
            }
            guard hasBeenRead else { return [.unanswered] }
            let isNew = !hasToldOfHistory
            hasToldOfHistory = true
            let told = "the daemon is there, but its history does not answer; asking on"
            return (isNew ? [.tell(told)] : []) + read(nowMilliseconds)
        case .live where isSilent(nowMilliseconds):
            mode = .waiting
            return [.tell("nothing heard from the daemon for a while; waiting for it")]
        default:
            return []
        }
    }

    private func isSilent(_ nowMilliseconds: Int64) -> Bool {
        hasBeenHeard
            && nowMilliseconds - lastHeardMilliseconds >= WatchMachine.heartbeatLimitMilliseconds
    }

    private mutating func read(_ nowMilliseconds: Int64) -> [Action] {
        guard let verified else { return [] }
        hasOverflowed = false
        return ask(from: verified, nowMilliseconds)
    }

    private mutating func ask(from offset: UInt64, _ nowMilliseconds: Int64) -> [Action] {
        mode = .paging(askedMilliseconds: nowMilliseconds)
        unansweredMilliseconds = unansweredMilliseconds ?? nowMilliseconds
        return [.request(from: offset)]
    }

    private mutating func keep(_ item: OutputItem) {
        if waiting.count < WatchMachine.waitingLimit {
            waiting.append(item)
        } else {
            hasOverflowed = true
        }
    }

    /// Prints a live event that follows on, or goes back to history for what is missing.
    private mutating func take(_ item: OutputItem, _ nowMilliseconds: Int64) -> [Action] {
        guard let verified, item.offset >= verified, !printedAhead.contains(item.offset) else {
            return []
        }
        if let sequence = item.sequence {
            let last = sequences[item.topic] ?? 0
            guard sequence == last &+ 1 else {
                keep(item)
                return read(nowMilliseconds)
            }
        }
        note(item)
        printedAhead.insert(item.offset)
        seenBelow = max(seenBelow, item.offset &+ 1)
        let isFull = printedAhead.count >= WatchMachine.waitingLimit
        return [.print(item)] + (isFull ? read(nowMilliseconds) : [])
    }

    private mutating func note(_ item: OutputItem) {
        guard let sequence = item.sequence else { return }
        sequences[item.topic] = max(sequences[item.topic] ?? 0, sequence)
    }

    /// A log only grows: one that has become shorter is another log, or a restored copy.
    private static func note(_ head: UInt64, in greatest: inout UInt64?) -> Action? {
        if let before = greatest, head < before {
            return .fail(
                "the daemon's log ends at \(head), but \(before) was there before: "
                    + "it is another log or an older copy; start again with --from")
        }
        greatest = head
        return nil
    }
}
