// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilLog

/// Finds earlier events of the same `source` and `id`, however long ago.
///
/// It holds fingerprints only: a hit is a candidate, to be confirmed in the log. The newest are in
/// memory; older ones lie sorted on disk, behind filters. Their hash is keyed, so that nobody can
/// craft collisions; it reaches no output. One thread uses it; what is on disk another writes and,
/// where it is damaged, makes again from the log. Until that is done the index answers for all
/// events but those whose fingerprints may be in the damaged blocks, about which it cannot say.
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

        var part: FingerprintIndexer.Part {
            var entries = first.map { Fingerprint(value: $0.key, offset: $0.value) }
            for (value, offsets) in further {
                entries += offsets.map { Fingerprint(value: value, offset: $0) }
            }
            return FingerprintIndexer.Part(entries: entries, first: start, end: end)
        }
    }

    /// How events are told apart at first sight.
    let fingerprint: (_ source: String, _ id: String) -> UInt64
    private let files: (store: FingerprintStore, indexer: FingerprintIndexer)?
    private var runs: [FingerprintRun] = []
    /// What is to be written, or being written.
    private var leaving: Recent?
    /// What the other thread is doing.
    private var job: FingerprintIndexer.Job?
    /// Whether something on disk is damaged, and yet to be made again.
    private var isDamaged = false
    /// Whether its files cannot be written: what would be is kept in memory until a stop.
    private var isUnwritable = false
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
        directory: String, recordCount: UInt64, disk: any Disk = LinuxDisk(),
        tell: @escaping (String) -> Void
    ) throws {
        let store = try FingerprintStore(directory: directory, disk: disk)
        runs = try store.runs(recordCount: recordCount, tell: tell)
        recent = Recent(from: runs.last?.range.end ?? 0)
        files = (store, try FingerprintIndexer(store: store))
        fingerprint = store.key.fingerprint
        self.tell = tell
    }

    /// All messages before this offset are in it; those from here on are to be inserted.
    var end: UInt64 { recent.end }

    /// Offsets of records whose fingerprint is that of an event, oldest first; nil where that can
    /// not be told before what is damaged has been made again.
    func candidates(_ fingerprint: UInt64) -> [UInt64]? {
        let newer = (leaving?.offsets(of: fingerprint) ?? []) + recent.offsets(of: fingerprint)
        do {
            return try runs.flatMap { try $0.offsets(of: fingerprint) } + newer
        } catch is FingerprintRun.Damaged {
            mend()
            return nil
        } catch {
            failure = failure ?? error
            return newer
        }
    }

    /// Has what is damaged made again, from the log.
    private func mend() {
        guard !isDamaged else { return }
        tell("the index of duplicates is damaged: made again")
        isDamaged = true
        if job == nil { submit(.mend) }
    }

    private func submit(_ next: FingerprintIndexer.Job) {
        job = next
        files?.indexer.submit(next, with: runs)
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

    /// Has written what has become durable and is too much for memory, and takes over what was
    /// written or made again.
    ///
    /// - Throws: what keeps the log or the index from being read or written.
    func settle(durableThrough durable: UInt64) throws {
        try takeResult()
        guard job == nil else { return }
        if isDamaged {
            submit(.mend)
        } else if !isUnwritable, let leaving, leaving.end <= durable + 1 {
            submit(.add(leaving.part))
        }
    }

    /// Waits until what is damaged has been made again, as far as there is room for it.
    func finishMending() throws {
        while isDamaged {
            if job == nil { submit(.mend) }
            files?.indexer.drain()
            try takeResult()
        }
    }

    private func takeResult() throws {
        guard let done = job, let result = files?.indexer.takeResult() else { return }
        job = nil
        do {
            runs = try result.get()
            switch done {
            case .add: leaving = nil
            case .mend: isDamaged = false
            }
        } catch LogError.noSpace {
            // What is to be written is kept in memory, and tried again: on a full disk little more
            // comes. What is damaged is made again once a lookup or a merge meets it again.
            if case .mend = done { isDamaged = false }
        } catch let error as FingerprintRun.Damaged {
            // Of a merge: nothing is written until that is made again. A disk on which what was
            // made again is damaged as well keeps nothing.
            guard case .add = done else { throw error }
            mend()
        } catch is CancellationError {
            // A stop: a lookup after the next start has it made again.
        } catch {
            guard case .add = done else { throw error }
            try keepInMemory(after: error)
        }
    }

    /// Writes no more, where it is the index's own files that could not be written: they can be
    /// made again.
    private func keepInMemory(after error: any Error) throws {
        guard let files, files.store.isOfItsFiles(error) else { throw error }
        isUnwritable = true
        tell("the index of duplicates was not written: \(error); the next start makes it again")
    }

    /// Writes all that is durable, before a stop.
    ///
    /// - Throws: `LogError`; what is not written is read from the log at the next start.
    func close(durableThrough durable: UInt64?) throws {
        guard let files else { return }
        files.indexer.stop()
        try takeResult()
        guard let durable, !isUnwritable else { return }
        do {
            for part in [leaving, recent].compactMap({ $0 })
            where !part.first.isEmpty && part.end <= durable + 1 {
                runs = try files.store.adding(part.part, to: runs)
            }
        } catch LogError.noSpace {
            // The log has it all: a stop on a full disk is a clean one.
        } catch is FingerprintRun.Damaged {
            // Likewise: the next start, or a lookup after it, has it made again.
        } catch {
            try keepInMemory(after: error)
        }
        leaving = nil
        recent = Recent(from: runs.last?.range.end ?? 0)
    }
}
