// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Finds earlier events of the same `source` and `id`.
///
/// It holds fingerprints only: a hit is a candidate, to be confirmed in the log. The hash is keyed
/// anew in every process, so that nobody can craft collisions; it reaches no output.
struct DuplicateIndex {
    private let fingerprint: @Sendable (_ source: String, _ id: String) -> Int
    private var first: [Int: UInt64] = [:]
    private var further: [Int: [UInt64]] = [:]

    /// An empty index.
    ///
    /// - Parameter fingerprint: how events are told apart at first sight.
    init(
        fingerprint: @escaping @Sendable (_ source: String, _ id: String) -> Int =
            DuplicateIndex.keyedFingerprint
    ) {
        self.fingerprint = fingerprint
    }

    /// Offsets of records whose fingerprint is that of an event, oldest first.
    func candidates(source: String, id: String) -> [UInt64] {
        let fingerprint = fingerprint(source, id)
        guard let offset = first[fingerprint] else { return [] }
        return [offset] + (further[fingerprint] ?? [])
    }

    /// Takes in an accepted event.
    mutating func insert(source: String, id: String, offset: UInt64) {
        let fingerprint = fingerprint(source, id)
        if first[fingerprint] == nil {
            first[fingerprint] = offset
        } else {
            further[fingerprint, default: []].append(offset)
        }
    }

    @Sendable private static func keyedFingerprint(source: String, id: String) -> Int {
        var hasher = Hasher()
        hasher.combine(source)
        hasher.combine(id)
        return hasher.finalize()
    }
}
