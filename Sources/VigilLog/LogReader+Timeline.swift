// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

extension LogReader {
    /// The offsets of a subject's durable records, in order; empty where there is none.
    ///
    /// Each record names the one before it of the same subject, so that only the newest is
    /// searched for: in the last segment, then in the one before it, until there is one. What is
    /// older than that is reached by the chain, without reading what lies between. Throws
    /// `damaged` where a record on the way cannot be read.
    package func offsets(ofSubject subject: String) throws -> [UInt64] {
        guard let newest = try newestOffset(ofSubject: subject) else { return [] }
        var offsets = [newest]
        var entry = try record(at: newest)?.entry
        while let present = entry, let previous = present.previous {
            // A chain that does not lead back would be followed for ever.
            guard previous < present.offset, let record = try record(at: previous),
                record.entry.subject == subject
            else {
                throw LogError.damaged(
                    LogDamage(
                        file: "log", position: 0, firstOffset: present.offset,
                        lastOffset: present.offset,
                        finding: "a record that names another subject's as its previous"))
            }
            offsets.append(previous)
            entry = record.entry
        }
        return offsets.reversed()
    }

    private func newestOffset(ofSubject subject: String) throws -> UInt64? {
        let wanted = Array(subject.utf8)
        var end = durableEnd
        for firstOffset in try listSegments().reversed() where firstOffset < end {
            var newest: UInt64?
            try scan(from: firstOffset, to: end) { record in
                if record.subjectBytes.elementsEqual(wanted) { newest = record.offset }
                return .next
            }
            if let newest { return newest }
            end = firstOffset
        }
        return nil
    }
}
