// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Which of two versions of a resource counts, in whatever order they came (protocol section 3).
struct ResourceVersion: Comparable, Sendable {
    /// `meta.versionId`, if it is an integer.
    var number: VersionNumber?
    /// `meta.lastUpdated`.
    var lastUpdated: Instant?
    /// The event's `time` and log offset.
    var time: Instant
    var offset: UInt64

    static func < (left: ResourceVersion, right: ResourceVersion) -> Bool {
        if let first = left.number, let second = right.number, first != second {
            return first < second
        }
        if left.number == nil || right.number == nil,
            let first = left.lastUpdated, let second = right.lastUpdated, first != second
        {
            return first < second
        }
        return (left.time, left.offset) < (right.time, right.offset)
    }
}
