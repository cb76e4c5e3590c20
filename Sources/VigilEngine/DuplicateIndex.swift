// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilLog

/// Finds earlier events of the same `source` and `id`, however long ago.
///
/// It holds fingerprints only: a hit is a candidate, to be confirmed in the log. The newest are in
/// memory; older ones lie sorted on disk, behind filters. Their hash is keyed, so that nobody can
/// craft collisions; it reaches no output. One thread uses it.
final class DuplicateIndex {
    /// So many are in memory before they are written: some 3 MiB of them.
    private static let recentMax = 1 << 16

    /// Fingerprints in memory, of the messages from one offset to before another.
    private struct Recent {
        var first: [UInt64: UInt64] = [:]
        var further: [UInt64: [UInt64]] = [:]
        var start: UInt64
        var end: UInt64

        init(from start: UInt64) {
            self.start = start
            end = start
        }

        func offsets(of fingerprint: UInt64) -> [UInt64] {
            guard let offset = first[fingerprint] else { return [] }
            return [offset] + (further[fingerprint] ?? [])
        }

        mutating func insert(_ fingerprint: UInt64, offset: UInt64) {
            if first[fingerprint] == nil {
                first[fingerprint] = offset
            } else {
                further[fingerprint, default: []].append(offset)
            }
            end = offset + 1
        }

        var job: FingerprintIndexer.Job {
            var entries = first.map { Fingerprint(value: $0.key, offset: $0.value) }
            for (value, offsets) in further {
                entries += offsets.map { Fingerprint(value: value, offset: $0) }
            }
            return FingerprintIndexer.Job(entries: entries, first: start, end: end)
        }
    }

    /// How events are told apart at first sight.
    let fingerprint: (_ source: String, _ id: String) -> UInt64
    private let files: (store: FingerprintStore, indexer: FingerprintIndexer)?
    private var runs: [FingerprintRun] = []
    /// What is to be written, or being written.
    private var leaving: Recent?
    private var isWriting = false
    private var recent: Recent
    private let tell: (String) -> Void
    /// What keeps it from answering: nothing that was decided since may be written.
    private(set) var failure: (any Error)?

    /// An index in memory alone.
    ///
    /// - Parameter fingerprint: how events are told apart at first sight.
    init(fingerprint: @escaping (_ source: String, _ id: String) -> UInt64) {
        self.fingerprint = fingerprint
        files = nil
        recent = Recent(from: 0)
        tell = { _ in }
    }

    /// An index in memory alone, with a key of its own.
    convenience init() {
        let key = FingerprintKey(first: .random(in: 0 ... .max), second: .random(in: 0 ... .max))
        self.init(fingerprint: key.fingerprint)
    }

    /// The index of a log that is locked and has so many records.
    ///
    /// `tell` gets a sentence about each file that is of no use. Throws `LogError`, or what keeps
    /// the log from being read.
    init(
        directory: String, recordCount: UInt64, tell: @escaping (String) -> Void
    ) throws {
        let store = try FingerprintStore(directory: directory)
        runs = try store.runs(recordCount: recordCount, tell: tell)
        recent = Recent(from: runs.last?.range.end ?? 0)
        files = (store, try FingerprintIndexer(store: store))
        fingerprint = store.key.fingerprint
        self.tell = tell
    }

    /// All messages before this offset are in it; those from here on are to be inserted.
    var end: UInt64 { recent.end }

    /// The memory that what is on disk takes, in bytes.
    var memoryByteCount: Int { runs.reduce(0) { $0 + $1.memoryByteCount } }

    /// Offsets of records whose fingerprint is that of an event, oldest first.
    func candidates(_ fingerprint: UInt64) -> [UInt64] {
        let newer = (leaving?.offsets(of: fingerprint) ?? []) + recent.offsets(of: fingerprint)
        do {
            return try written(fingerprint) + newer
        } catch {
            failure = failure ?? error
            return newer
        }
    }

    private func written(_ fingerprint: UInt64) throws -> [UInt64] {
        var offsets: [UInt64] = []
        var position = 0
        while position < runs.count {
            do {
                offsets += try runs[position].offsets(of: fingerprint)
                position += 1
            } catch is FingerprintRun.Damaged {
                try mend(position)
                (offsets, position) = ([], 0)
            }
        }
        return offsets
    }

    /// Makes a run again, from the log, that turned out to be damaged.
    private func mend(_ position: Int) throws {
        guard let files else { return }
        let range = runs[position].range
        tell("the index of records \(range.first) to \(range.end - 1) is damaged: made again")
        files.indexer.drain()
        try settle()
        guard position < runs.count, runs[position].range == range else { return }
        let rebuilt = try files.store.rebuilt(from: range.first, to: range.end)
        runs.replaceSubrange(position...position, with: rebuilt)
    }

    /// Takes in an accepted event.
    func insert(source: String, id: String, offset: UInt64) {
        insert(fingerprint(source, id), offset: offset)
    }

    /// Takes in an accepted event by its fingerprint.
    func insert(_ fingerprint: UInt64, offset: UInt64) {
        recent.insert(fingerprint, offset: offset)
        guard recent.first.count >= Self.recentMax, leaving == nil, files != nil else { return }
        leaving = recent
        recent = Recent(from: recent.end)
    }

    /// Has written what has become durable and is too much for memory.
    func settle(durableThrough durable: UInt64) throws {
        guard leaving != nil else { return }
        if isWriting { try settle() }
        guard let leaving, !isWriting, leaving.end <= durable + 1 else { return }
        isWriting = true
        files?.indexer.submit(leaving.job, behind: runs)
    }

    private func settle() throws {
        guard let result = files?.indexer.takeResult() else { return }
        isWriting = false
        do {
            runs = try result.get()
            leaving = nil
        } catch LogError.noSpace {
            // Kept in memory, and tried again: on a full disk little more comes.
        } catch is FingerprintRun.Damaged {
            // A lookup meets it, or the next merge; until it is made again nothing is written.
            for position in runs.indices.reversed() where isDamaged(runs[position]) {
                try mend(position)
            }
        }
    }

    private func isDamaged(_ run: FingerprintRun) -> Bool {
        (try? run.check()) == nil
    }

    /// Writes all that is durable, before a stop.
    ///
    /// - Throws: `LogError`; what is not written is read from the log at the next start.
    func close(durableThrough durable: UInt64?) throws {
        guard let files else { return }
        defer { files.indexer.stop() }
        files.indexer.drain()
        if isWriting { try settle() }
        guard let durable else { return }
        do {
            for part in [leaving, recent].compactMap({ $0 })
            where !part.first.isEmpty && part.end <= durable + 1 {
                let job = part.job
                runs = try files.store.adding(job.entries, from: job.first, to: job.end, to: runs)
            }
        } catch LogError.noSpace {
            // The log has it all: a stop on a full disk is a clean one.
        }
        leaving = nil
        recent = Recent(from: runs.last?.range.end ?? 0)
    }
}
