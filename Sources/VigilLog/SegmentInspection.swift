// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// What one of a log's files holds, as far as it is durable.
package struct SegmentInspection: Hashable, Sendable {
    /// The file's name in the log's directory.
    package var name: String
    package var firstOffset: UInt64
    /// Behind the last durable record of the segment.
    package var endOffset: UInt64
    /// Commits with records; seals are not counted.
    package var commitCount: Int
    /// The bytes from the beginning to behind the last durable commit.
    package var usedByteCount: UInt64
    /// The file's length in bytes: more than is used where it was filled ahead.
    package var fileByteCount: UInt64
    /// The recorded time of the first record, nil where there is none.
    package var firstRecorded: Instant?
    /// The recorded time of the last record, nil where there is none.
    package var lastRecorded: Instant?

    /// How many durable records there are in the segment.
    package var recordCount: UInt64 { endOffset - firstOffset }
}

extension LogReader {
    /// Hands out what each segment holds, in order.
    ///
    /// Reads the headers and two commits of each: `vigil verify` is what checks every byte.
    /// Throws `damaged` behind the segment that is, after what of it can be read.
    package func inspectSegments(visit: (SegmentInspection) -> Void) throws(LogError) {
        let firstOffsets = try listSegments()
        for (index, firstOffset) in firstOffsets.enumerated() {
            let isLast = index + 1 == firstOffsets.count
            // A segment may have been begun since the durable end was read.
            let next = isLast ? durableEnd : min(firstOffsets[index + 1], durableEnd)
            guard firstOffset < next || isLast && firstOffset <= next else { continue }
            let (segment, damage) = try inspection(of: firstOffset, until: next)
            visit(segment)
            if let damage { throw damage }
        }
    }

    private func inspection(
        of firstOffset: UInt64, until end: UInt64
    ) throws(LogError) -> (SegmentInspection, damage: LogError?) {
        let file = try openedFile(firstOffset)
        let index = try SegmentIndex(firstOffset: firstOffset, file: file)
        var inspection = SegmentInspection(
            name: index.name, firstOffset: firstOffset, endOffset: firstOffset, commitCount: 0,
            usedByteCount: UInt64(LogFormat.sectorLength), fileByteCount: try file.size())
        var damage: LogError?
        do throws(LogError) {
            try index.eachCommit(in: file, until: end) { commit in
                if commit.recordCount > 0 { inspection.commitCount += 1 }
                inspection.endOffset = commit.endOffset
                inspection.usedByteCount = commit.position + UInt64(commit.paddedLength)
            }
        } catch {
            damage = error
        }
        do throws(LogError) {
            guard inspection.recordCount > 0 else { return (inspection, damage) }
            inspection.firstRecorded = try record(at: firstOffset)?.entry.recorded
            inspection.lastRecorded = try record(at: inspection.endOffset - 1)?.entry.recorded
        } catch {
            damage = damage ?? error
        }
        return (inspection, damage)
    }
}
