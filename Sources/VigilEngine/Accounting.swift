// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What became of the messages of one source: received = accepted + duplicate + rejected + busy.
package struct SourceCounts: Hashable, Sendable {
    package var accepted: UInt64 = 0
    package var duplicate: UInt64 = 0
    package var rejected: UInt64 = 0
    package var busy: UInt64 = 0

    /// All messages of the source.
    package var received: UInt64 { accepted + duplicate + rejected + busy }

    /// No messages yet.
    package init() {}

    mutating func add(_ outcome: Intake.Outcome) {
        switch outcome {
        case .accepted: accepted += 1
        case .duplicate: duplicate += 1
        case .rejected: rejected += 1
        case .busy: busy += 1
        }
    }
}

/// Limits how many `system.rejected` events a source can cause (protocol section 4): beyond 100 a
/// second they are merged, with a count.
struct RejectionMeter {
    /// Rejections of one source and code that are yet to be told.
    struct Merged: Equatable {
        var source: String?
        var code: String
        var count: Int
    }

    private static let eventsPerSecondMax = 100
    private var second: Int64 = 0
    private var told: [String: Int] = [:]
    private var merged: [Merged] = []

    /// Whether a rejection is told by itself; if not, it is counted for the merged one.
    mutating func tellsSingly(source: String?, code: String) -> Bool {
        let count = told[source ?? "", default: 0] + 1
        told[source ?? ""] = count
        guard count > RejectionMeter.eventsPerSecondMax else { return true }
        if let index = merged.firstIndex(where: { $0.source == source && $0.code == code }) {
            merged[index].count += 1
        } else {
            merged.append(Merged(source: source, code: code, count: 1))
        }
        return false
    }

    /// Begins a new second where one has passed, and hands out what was merged in the last.
    mutating func turn(milliseconds: Int64) -> [Merged] {
        guard milliseconds / 1000 != second else { return [] }
        second = milliseconds / 1000
        told = [:]
        return takeMerged()
    }

    /// Hands out what was merged, before its second has passed.
    mutating func takeMerged() -> [Merged] {
        defer { merged = [] }
        return merged
    }
}
