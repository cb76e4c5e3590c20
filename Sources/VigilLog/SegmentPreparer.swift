// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Fills the next segment's file with zeros while the present one is written, on its own thread.
///
/// A sync of space that was written before has no file size and no blocks to put into the file
/// system's journal. Only an aid: where it fails or is late, the next segment grows as it is
/// written, and where it fails for a reason that matters, the committer meets it too.
final class SegmentPreparer: Sendable {
    /// A file of zeros under the name `prepared`, durable.
    struct Prepared: Sendable {
        let file: any DiskFile
        let length: UInt64
    }

    private struct State: Sendable {
        var wantedLength: UInt64?
        var prepared: Prepared?
        /// Whether a file still has the name that the next one gets.
        var isNameTaken = false
        var isStopping = false
    }

    /// The first segment's length: a small log takes little room.
    private static let firstLength: UInt64 = 4 << 20
    /// What must stay free beside the zeros, in bytes: they are not to fill the disk.
    private static let spareBytesMin: UInt64 = 256 << 20
    /// Synced in pieces of this length, in bytes, so that no commit waits behind much of it.
    private static let pieceLength: UInt64 = 1 << 20

    private let state = Monitor(State())
    private let disk: any Disk
    private let paths: LogPaths
    private let thread: OwnThread

    init(disk: any Disk, paths: LogPaths) throws(LogError) {
        self.disk = disk
        self.paths = paths
        let state = state
        thread = try OwnThread(name: "vigil-prepare") {
            Self.run(state, disk, paths)
        }
    }

    /// How long the segment behind one of a length is: each four times the one before it, up to
    /// a limit.
    static func length(after length: UInt64, max limit: UInt64) -> UInt64 {
        length >= limit / 4 ? limit : length * 4
    }

    /// How long the first segment of a log is filled: not at all where room is scarce.
    static func firstLength(on disk: any Disk, paths: LogPaths, max limit: UInt64) -> UInt64 {
        let length = min(firstLength, limit)
        return hasRoom(for: length, on: disk, paths: paths) ? length : 0
    }

    /// Asks for a file, to be taken when it is done.
    func prepare(length: UInt64) {
        state.change { $0.wantedLength = length }
    }

    /// The file, for its taker alone from then on; nil while there is none.
    ///
    /// The next is begun once the taker has given it another name and said so.
    func take() -> Prepared? {
        state.change { state in
            defer { state.prepared = nil }
            return state.prepared
        }
    }

    /// Says that the file that was taken has another name now.
    func wasRenamed() {
        state.change { $0.isNameTaken = false }
    }

    /// Ends the thread, also in the middle of a file; called once.
    func stop() {
        state.change { $0.isStopping = true }
        thread.join()
    }

    private static func run(_ state: Monitor<State>, _ disk: any Disk, _ paths: LogPaths) {
        while let length = nextLength(state) {
            guard hasRoom(for: length, on: disk, paths: paths) else {
                state.change { $0.isNameTaken = false }
                continue
            }
            do {
                let file = try fill(length, disk, paths) { state.read { $0.isStopping } }
                guard let file else { return }
                state.change { $0.prepared = Prepared(file: file, length: length) }
            } catch {
                // What is there of it is overwritten, or removed by the next start.
                state.change { $0.isNameTaken = false }
            }
        }
    }

    /// Waits until a file is asked for; nil once the log is closed.
    private static func nextLength(_ state: Monitor<State>) -> UInt64? {
        state.wait { state -> UInt64?? in
            if state.isStopping { return .some(nil) }
            guard !state.isNameTaken, let length = state.wantedLength else { return .none }
            state.wantedLength = nil
            state.isNameTaken = true
            return .some(length)
        }
    }

    private static func hasRoom(
        for length: UInt64, on disk: any Disk, paths: LogPaths
    ) -> Bool {
        guard let free = try? disk.freeBytes(at: paths.log) else { return false }
        return free > spareBytesMin && free - spareBytesMin >= length
    }

    /// Makes the file; nil where it was stopped in the middle.
    private static func fill(
        _ length: UInt64, _ disk: any Disk, _ paths: LogPaths, until isStopping: () -> Bool
    ) throws(LogError) -> (any DiskFile)? {
        let file = try disk.open(paths.prepared, for: .create)
        try file.resize(to: 0)
        var position: UInt64 = 0
        while position < length {
            if isStopping() { return nil }
            let start = ContinuousClock.now
            let end = min(position + pieceLength, length)
            try file.writeZeros(from: position, to: end)
            try file.synchronise()
            position = end
            if position < length { DiskRest.take(after: start.duration(to: .now)) }
        }
        try disk.synchroniseDirectory(paths.log)
        return file
    }
}

/// Kept, since fresh memory costs as much as writing it.
private let zeros = [UInt8](repeating: 0, count: 1 << 20)

extension DiskFile {
    /// Writes zeros from a position to before another.
    func writeZeros(from start: UInt64, to end: UInt64) throws(LogError) {
        var position = start
        while position < end {
            let count = min(end - position, UInt64(zeros.count))
            try write(count == zeros.count ? zeros : Array(zeros[..<Int(count)]), at: position)
            position += count
        }
    }
}
