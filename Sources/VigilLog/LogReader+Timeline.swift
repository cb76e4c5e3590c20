// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

extension LogReader {
    /// The offsets of a subject's durable records, in order; empty where there is none.
    ///
    /// Each record names the one before it of the same subject, so that only the newest is
    /// searched for: in the last segment, then in the one before it, until there is one. What is
    /// older than that is reached by the chain, without reading what lies between. Throws
    /// `damaged` where a record on the way cannot be read.
    package func offsets(ofSubject subject: String) throws -> [UInt64] {
        let wanted = Array(subject.utf8)
        var next = try newest { $0.subjectBytes.elementsEqual(wanted) }
        var offsets: [UInt64] = []
        while let record = next {
            offsets.append(record.entry.offset)
            next = try previous(of: record)
        }
        return offsets.reversed()
    }

    /// The newest durable record that is wanted, nil where there is none.
    ///
    /// The last segment is read first, then the one before it, until one has such a record. Throws
    /// `LogError`, or what `isWanted` throws.
    package func newest(where isWanted: (LogRecordView) throws -> Bool) throws -> Record? {
        var end = durableEnd
        for firstOffset in try listSegments().reversed() where firstOffset < end {
            var newest: Record?
            try scan(from: firstOffset, to: end) { view in
                if try isWanted(view) { newest = view.record }
                return .next
            }
            if let newest { return newest }
            end = firstOffset
        }
        return nil
    }

    /// The record before this one of the same subject, nil where it is the first.
    ///
    /// Throws `damaged` where what it names cannot be read or is another subject's.
    package func previous(of record: Record) throws(LogError) -> Record? {
        let entry = record.entry
        guard let previous = entry.previous else { return nil }
        // A chain that does not lead back would be followed for ever.
        guard previous < entry.offset, let before = try self.record(at: previous),
            before.entry.subject == entry.subject
        else {
            throw .damaged(
                LogDamage(
                    file: "log", position: 0, firstOffset: entry.offset, lastOffset: entry.offset,
                    finding: "a record that names another subject's as its previous"))
        }
        return before
    }
}
