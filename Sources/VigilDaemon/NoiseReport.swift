// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilEngine
internal import VigilLog

/// What became of the flags and alerts of each rule and practice: how much of what was shown was
/// of use to anybody.
package struct NoiseReport {
    /// The figures of one rule at one practice.
    package struct Row: Sendable {
        package var rule: String
        package var practice: String
        /// How many were raised; one that went on with another severity is one.
        package var raised = 0
        /// Resolved without a review.
        package var resolvedByItself = 0
        package var accepted = 0
        package var acted = 0
        package var snoozed = 0
        package var overridden = 0
        /// By reason, in ascending order of reasons.
        package var overrideReasons: [(reason: String, count: Int)] = []
        /// Milliseconds from the raise to the first review, ascending.
        package var reviewMilliseconds: [Int64] = []

        /// How many anybody reviewed.
        package var reviewed: Int { reviewMilliseconds.count }

        /// The time to review that a share of the reviewed were not over, by nearest rank.
        ///
        /// - Parameter percent: 1 to 100.
        /// - Returns: milliseconds; nil where nothing was reviewed.
        package func reviewTime(percent: Int) -> Int64? {
            guard !reviewMilliseconds.isEmpty else { return nil }
            let rank = (reviewMilliseconds.count * percent + 99) / 100
            return reviewMilliseconds[max(0, rank - 1)]
        }
    }

    /// By rule, then practice.
    package private(set) var rows: [Row] = []

    /// Reads a log.
    ///
    /// - Parameter directory: the data directory.
    /// - Throws: `OpeningError` where there is no log, `LogError` where it cannot be read.
    package init(directory: String) throws {
        let reader = try LogReader(directory: directory)
        guard reader.durableHead != nil else {
            throw OpeningError.noLog(directory: directory)
        }
        var tally = NoiseTally()
        let prefixes = [Array("flag.".utf8), Array("alert.".utf8)]
        try reader.scan(from: 0) { record in
            if prefixes.contains(where: record.topicBytes.starts(with:)) {
                tally.take(record.record)
            }
            return .next
        }
        rows = tally.rows
    }

    /// The rules whose flags people override most, of those overridden at all: by share of what
    /// was reviewed, then by number.
    package var mostOverridden: [(rule: String, overridden: Int, reviewed: Int)] {
        var totals: [String: (overridden: Int, reviewed: Int)] = [:]
        for row in rows {
            totals[row.rule, default: (0, 0)].overridden += row.overridden
            totals[row.rule, default: (0, 0)].reviewed += row.reviewed
        }
        return totals.filter { $0.value.overridden > 0 }
            .map { ($0.key, $0.value.overridden, $0.value.reviewed) }
            .sorted { left, right in
                let shares = (left.1 * right.2, right.1 * left.2)
                if shares.0 != shares.1 { return shares.0 > shares.1 }
                return (right.1, left.0) < (left.1, right.0)
            }
    }
}

/// Counts what became of each flag.
private struct NoiseTally {
    private struct Flag {
        var row: Int
        var raisedAt: Instant
        var isReviewed = false
        /// What has been counted of it, once each.
        var told: Set<String> = []
    }

    private let document = JSONDocument()
    private var flags: [String: Flag] = [:]
    private var index: [[String]: Int] = [:]
    private var unsorted: [NoiseReport.Row] = []
    private var reasons: [[String: Int]] = []

    var rows: [NoiseReport.Row] {
        var rows = unsorted
        for position in rows.indices {
            rows[position].overrideReasons = reasons[position].map { ($0.key, $0.value) }
                .sorted { $0.0 < $1.0 }
            rows[position].reviewMilliseconds.sort()
        }
        return rows.sorted { ($0.rule, $0.practice) < ($1.rule, $1.practice) }
    }

    mutating func take(_ record: Record) {
        var facts: EventFacts?
        try? document.withRoot(of: record.payload) { facts = EventFacts($0) }
        guard let facts else { return }
        let key = [facts.rule, facts.practice]
        let row =
            index[key]
            ?? {
                unsorted.append(NoiseReport.Row(rule: facts.rule, practice: facts.practice))
                reasons.append([:])
                index[key] = unsorted.count - 1
                return unsorted.count - 1
            }()
        switch facts.transition {
        case "raised" where flags[facts.flagID] == nil:
            flags[facts.flagID] = Flag(row: row, raisedAt: facts.time)
            unsorted[row].raised += 1
        case "resolved" where !["severity-changed", "moved"].contains(facts.reason):
            let ended = ["rules", "engine", "suspended", "merged"].contains(facts.reason)
            if let flag = flags[facts.flagID], !flag.isReviewed, !ended {
                unsorted[flag.row].resolvedByItself += 1
            }
        case "reviewed":
            guard let action = facts.action else { return }
            review(facts, action)
        default: break
        }
    }

    private mutating func review(_ facts: EventFacts, _ action: String) {
        guard var flag = flags[facts.flagID] else { return }
        defer { flags[facts.flagID] = flag }
        if !flag.isReviewed {
            flag.isReviewed = true
            unsorted[flag.row].reviewMilliseconds.append(
                max(0, facts.time.milliseconds - flag.raisedAt.milliseconds))
        }
        guard flag.told.insert(action).inserted else { return }
        switch action {
        case "accept": unsorted[flag.row].accepted += 1
        case "act": unsorted[flag.row].acted += 1
        case "snooze": unsorted[flag.row].snoozed += 1
        case "override":
            unsorted[flag.row].overridden += 1
            reasons[flag.row][facts.overrideReason ?? "other", default: 0] += 1
        default: break
        }
    }
}

/// What the report reads of an output event.
private struct EventFacts {
    var transition: String
    var rule: String
    var practice: String
    var flagID: String
    var reason: String
    var time: Instant
    var action: String?
    var overrideReason: String?

    init?(_ root: JSONValue) {
        func text(_ name: StaticString) -> String? { root.member(name).first?.text }
        guard let type = text("type"), let rule = text("rule"), let practice = text("practice"),
            let flagID = text("flagid"),
            let time = text("time").flatMap({ TimeText.instant(rfc3339: $0.utf8) }),
            let data = root.member("data").first
        else { return nil }
        transition = type.split(separator: ".").dropLast().last.map(String.init) ?? ""
        (self.rule, self.practice, self.flagID, self.time) = (rule, practice, flagID, time)
        reason = text("reason") ?? ""
        guard transition == "reviewed" else { return }
        if let mitigation = data.member("mitigation").first, mitigation.kind == .array {
            guard let element = mitigation.children.first else { return }
            action = element.member("action").first.flatMap {
                EventFacts.code(of: $0, in: ReviewCodes.actions)
            }
            read(element.member("extension").first)
            return
        }
        // An alert's review is an extension.
        let extensions = data.member("extension").first.map { Array($0.children) } ?? []
        let review = extensions.first { $0.member("url").first?.text == "urn:vigil:mitigation" }
        guard let parts = review?.member("extension").first else { return }
        for part in parts.children where part.member("url").first?.text == "action" {
            action = part.member("valueCodeableConcept").first.flatMap {
                EventFacts.code(of: $0, in: ReviewCodes.actions)
            }
        }
        read(parts)
    }

    private mutating func read(_ extensions: JSONValue?) {
        for item in extensions.map({ Array($0.children) }) ?? []
        where item.member("url").first?.text == "urn:vigil:reason" {
            overrideReason =
                item.member("valueCodeableConcept").first.flatMap {
                    EventFacts.code(of: $0, in: ReviewCodes.reasons)
                } ?? item.member("valueCode").first?.text
        }
    }

    /// The code of a list, which one of several codings has.
    private static func code(of concept: JSONValue, in list: [StaticString]) -> String? {
        let codes = concept.member("coding").first?.children.compactMap {
            $0.member("code").first
        }
        return codes?.first { code in list.contains { code.hasText($0) } }?.text
    }
}
