// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

extension [UInt8] {
    /// Completes records of `encodeLogRecord` that lie one after the other: each payload's digest
    /// comes into its entry.
    ///
    /// All records of a commit are hashed side by side, which is many times as fast as one by one.
    /// It ends at the first record that does not fit; so many are expected. Returns the leaves of
    /// the entries.
    package mutating func sealLogRecords(from start: Int, expecting count: Int = 0) -> [MerkleHash]
    {
        typealias Layout = LogRecordLayout
        var entries: [Range<Int>] = []
        var payloads: [(part: Range<Int>, digestStart: Int)] = []
        entries.reserveCapacity(count)
        payloads.reserveCapacity(count)
        var position = start
        while let entry = logEntry(at: position) {
            let payloadStart = entry.upperBound + Layout.saltLength
            let end = payloadStart + Int(load(UInt32.self, at: position + 4))
            guard end <= self.count else { break }
            entries.append(entry)
            payloads.append((entry.upperBound..<end, entry.lowerBound + Layout.digestStart))
            position = end
        }
        SHA256.seal(payloads, in: &self)
        return MerkleHash.leaves(of: entries, in: span)
    }

    /// The place of the entry of the record at a position; nil where there is none.
    private func logEntry(at position: Int) -> Range<Int>? {
        typealias Layout = LogRecordLayout
        guard count - position > Layout.frameLength else { return nil }
        let start = position + Layout.frameLength
        let length = Int(load(UInt16.self, at: position))
        guard length >= Layout.fixedEntryLength, length <= count - start else { return nil }
        return start..<start + length
    }
}
