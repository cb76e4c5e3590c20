// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Events on disk until the daemon has them: a directory of segments that are only appended to,
/// and deleted when all in them is acknowledged.
///
/// What `flush` has returned for survives the end of the process and of the power. How far all is
/// acknowledged is written at leisure: what is sent again the daemon knows as a duplicate.
package final class Outbox {
    private struct Segment {
        var first: UInt64
        var length: Int
    }

    /// What one batch may add at most, so that the bound holds.
    package static let batchBytesMax = 2 << 20
    /// The smallest bound of its bytes.
    package static let bytesMin = 16 << 20
    private static let segmentBytes = 1 << 20...16 << 20
    private static let suffix = ".outbox"

    private let directory: String
    private let bytesMax: Int
    private let segmentBytesMax: Int
    private let lock: OutboxFile
    private var segments: [Segment] = []
    private var tail: OutboxFile
    private var claim: OutboxClaim
    private var reader: OutboxCursor
    package private(set) var asides: OutboxAsides
    private var reserve: OutboxReserve
    /// To be written by the next flush.
    private var batch: [(item: OutboxItem, mark: SourceMark)] = []
    private var nextSequence: UInt64
    /// How far the source has been read, as far as that is durable.
    package private(set) var mark: SourceMark

    /// Opens the outbox of a directory, or makes one.
    ///
    /// What the last flush did not finish before the process was ended is cut off.
    ///
    /// - Parameters:
    ///   - directory: where it is; made where it is not there.
    ///   - bytesMax: what it may hold, in bytes, with what was put aside.
    /// - Throws: `OutboxError` where another process has it, it is damaged, or the system refuses.
    package init(_ directory: String, bytesMax: Int) throws(OutboxError) {
        self.directory = directory
        self.bytesMax = bytesMax
        segmentBytesMax = min(
            max(bytesMax / 16, Outbox.segmentBytes.lowerBound), Outbox.segmentBytes.upperBound)
        try OutboxFile.makeDirectory(directory)
        lock = try OutboxFile(directory + "/lock", isLock: true)
        guard lock.lock() else {
            throw OutboxError(
                .taken, "another process uses the outbox \(directory): give each its own")
        }
        let found = try Outbox.segments(in: directory)
        claim = try OutboxClaim(directory + "/acknowledged")
        if let last = found.last {
            let (file, length, end) = try Outbox.recover(directory, last)
            segments = found.dropLast() + [Segment(first: last.first, length: length)]
            tail = file
            nextSequence = end.next
            mark = end.mark
        } else {
            nextSequence = claim.through + 1
            mark = SourceMark()
            (tail, segments) = try Outbox.begin(directory, first: nextSequence, mark: mark)
        }
        let through = max(claim.through, (segments.first?.first ?? 1) - 1)
        guard through < nextSequence else {
            throw OutboxError(
                .damaged,
                "the outbox \(directory) lacks events before \(through): it is not the one that "
                    + "was acknowledged; move it away and have the source send again")
        }
        claim.through = through
        asides = try OutboxAsides(in: directory, after: through)
        reader = OutboxCursor(next: through + 1)
        // As JSON, with the reason, what is put aside takes more than in a segment, and a segment's
        // last batch may go beyond its bound.
        reserve = OutboxReserve(
            in: directory, byteCount: 2 * (segmentBytesMax + Outbox.batchBytesMax))
        _ = try reserve.make()
    }

    /// Events that are durable and not yet acknowledged.
    package var waitingCount: Int { Int(nextSequence - 1 - claim.through) }

    /// What it takes of the disk, in bytes, without its reserve and what was put aside.
    package var byteCount: Int { segments.reduce(0) { $0 + $1.length } }

    /// What it keeps of the disk for what is to be put aside, in bytes.
    package var reserveByteCount: Int { reserve.byteCount }

    /// Whether nothing more may be added until something is acknowledged.
    package var isFull: Bool {
        byteCount + asides.byteCount + reserveByteCount + Outbox.batchBytesMax > bytesMax
    }

    /// The last sequence of those that are all acknowledged.
    package var acknowledgedThrough: UInt64 { claim.through }

    // MARK: - In

    /// Adds an event to what the next flush makes durable.
    ///
    /// - Parameters:
    ///   - kind: what is to become of it.
    ///   - topic: the topic frame, or why the event cannot be sent.
    ///   - event: the event frame, or what was read.
    ///   - mark: how far the source has been read with it.
    package func append(
        _ kind: OutboxItem.Kind, topic: [UInt8], event: [UInt8], mark: SourceMark
    ) {
        let item = OutboxItem(
            kind: kind, sequence: nextSequence + UInt64(batch.count), topic: topic, event: event)
        batch.append((item, mark))
    }

    /// Makes durable what was added.
    ///
    /// - Returns: false where the disk is full: what was added is then not there.
    /// - Throws: `OutboxError` where the system fails: the process must end.
    package func flush() throws(OutboxError) -> Bool {
        guard let last = batch.last, let end = segments.last else { return true }
        defer { batch = [] }
        // Its room is not for further events, unless there are none that could be refused.
        guard try reserve.make() || waitingCount == 0 else { return false }
        var target = end
        if target.length >= segmentBytesMax {
            do throws(OutboxError) {
                let (file, made) = try Outbox.begin(directory, first: nextSequence, mark: mark)
                tail = file
                segments += made
                target = made[0]
            } catch {
                guard error.kind == .full else { throw error }
                return false
            }
        }
        var bytes: [UInt8] = []
        for (item, mark) in batch {
            bytes += OutboxFormat.encode(item, mark: mark, batch: nextSequence)
        }
        guard try tail.write(bytes, at: target.length) else { return false }
        segments[segments.count - 1].length += bytes.count
        nextSequence += UInt64(batch.count)
        mark = last.mark
        return true
    }

    // MARK: - Out

    /// The next event to be sent; nil where all that is durable was given.
    ///
    /// - Throws: `OutboxError` where it is damaged.
    package func next() throws(OutboxError) -> OutboxItem? {
        guard reader.next < nextSequence else { return nil }
        let place = segments.last { $0.first <= reader.next }
        guard let place else { throw Outbox.damage(directory, "event \(reader.next) is not there") }
        return try reader.take(
            from: Outbox.path(directory, place.first), first: place.first, length: place.length)
    }

    /// Takes note that all up to a sequence is acknowledged, and deletes what is no longer needed.
    ///
    /// - Throws: `OutboxError` where the system refuses.
    package func acknowledge(through sequence: UInt64) throws(OutboxError) {
        guard sequence > claim.through else { return }
        try claim.write(sequence)
        asides.forget(through: sequence)
        let count = segments.count
        while segments.count > 1, segments[1].first <= sequence + 1 {
            // Not the one that is being read: it is the last, or events in it are yet to be sent.
            try OutboxFile.remove(Outbox.path(directory, segments[0].first))
            segments.removeFirst()
        }
        if segments.count < count { _ = try reserve.make() }
    }

    /// Keeps an event that was refused, with the reason, where people find it.
    ///
    /// On a full disk it takes the room of the reserve: without it nothing would be acknowledged on
    /// a disk that the outbox itself has filled, and no segment deleted.
    ///
    /// - Returns: false where the disk is full.
    /// - Throws: `OutboxError` where it cannot be made durable.
    package func putAside(
        _ item: OutboxItem, code: String, message: String, pointer: String
    ) throws(OutboxError) -> Bool {
        if try asides.put(item, code: code, message: message, pointer: pointer) { return true }
        guard try reserve.release() else { return false }
        return try asides.put(item, code: code, message: message, pointer: pointer)
    }
}

// MARK: - Segments

extension Outbox {
    private static func path(_ directory: String, _ first: UInt64) -> String {
        let digits = String(first)
        return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    fileprivate static func damage(_ directory: String, _ what: String) -> OutboxError {
        OutboxError(
            .damaged,
            "the outbox \(directory) is damaged: \(what); move it away and have the source send "
                + "again what followed event numbers that were acknowledged")
    }

    /// The segments of a directory by their names; all but the last are whole.
    private static func segments(in directory: String) throws(OutboxError) -> [Segment] {
        var found: [Segment] = []
        for name in try OutboxFile.names(in: directory) where name.hasSuffix(suffix) {
            let path = directory + "/" + name
            guard let first = UInt64(name.dropLast(suffix.count)),
                OutboxFormat.sequences.contains(first), path == Outbox.path(directory, first)
            else { throw damage(directory, "\(name) is none of its files") }
            let file = try OutboxFile(path)
            found.append(Segment(first: first, length: try file.length()))
        }
        // One that was being made when the process was ended holds nothing, and perhaps not all of
        // its beginning, which says how far the source was read.
        if found.count > 1, let last = found.last, last.length <= OutboxFormat.headerLength {
            try OutboxFile.remove(path(directory, last.first))
            found.removeLast()
        }
        return found
    }

    private static func begin(
        _ directory: String, first: UInt64, mark: SourceMark
    ) throws(OutboxError) -> (OutboxFile, [Segment]) {
        let path = path(directory, first)
        // What a full disk left of an earlier attempt.
        try OutboxFile.remove(path)
        let file = try OutboxFile(path, isNew: true)
        let header = OutboxFormat.encode(OutboxFormat.Header(first: first, mark: mark))
        guard try file.write(header, at: 0) else {
            try OutboxFile.remove(path)
            throw OutboxError(.full, "the disk of \(directory) is full")
        }
        try OutboxFile.syncDirectory(directory)
        return (file, [Segment(first: first, length: header.count)])
    }

    /// Reads the newest segment, and cuts off what the last flush did not finish.
    ///
    /// Only the last batch can be unfinished: a fault before the beginning of a later one is
    /// damage to what was durable.
    private static func recover(
        _ directory: String, _ last: Segment
    ) throws(OutboxError) -> (OutboxFile, Int, (next: UInt64, mark: SourceMark)) {
        let path = path(directory, last.first)
        let file = try OutboxFile(path)
        let bytes = try file.read(at: 0, count: last.length)
        guard let header = OutboxFormat.header(bytes), header.first == last.first else {
            guard last.length <= OutboxFormat.headerLength else {
                throw damage(directory, "the beginning of \(path) is not what was written")
            }
            let (made, segments) = try begin(directory, first: last.first, mark: SourceMark())
            return (made, segments[0].length, (last.first, SourceMark()))
        }
        var position = OutboxFormat.headerLength
        var next = last.first
        var mark = header.mark
        while position < bytes.count {
            guard let frame = OutboxFormat.frame(bytes, at: position), frame.item.sequence == next
            else {
                guard !hasLaterBatch(bytes, after: position, than: next) else {
                    throw damage(directory, "\(path), byte \(position)")
                }
                try file.cut(to: position)
                break
            }
            position += frame.length
            next += 1
            mark = frame.mark
        }
        return (file, position, (next, mark))
    }

    /// Whether a sound frame of a later batch follows somewhere.
    private static func hasLaterBatch(
        _ bytes: [UInt8], after position: Int, than sequence: UInt64
    ) -> Bool {
        var place = position + 1
        while place + OutboxFormat.frameHeadLength <= bytes.count {
            // The checksum is worth its cost only where the numbers can be those of a frame.
            if OutboxFormat.claimedLength(bytes, at: place) != nil {
                let found: UInt64 = OutboxFormat.number(bytes, place + 8)
                let batch: UInt64 = OutboxFormat.number(bytes, place + 16)
                if batch > sequence, found >= batch, found - sequence < 1 << 24,
                    OutboxFormat.frame(bytes, at: place) != nil
                {
                    return true
                }
            }
            place += 1
        }
        return false
    }
}

/// Reads an outbox's segments in order, a large piece at a time.
struct OutboxCursor {
    private static let pieceBytes = 256 << 10

    /// The sequence that comes next.
    private(set) var next: UInt64
    private var file: OutboxFile?
    /// The first sequence of the segment at hand.
    private var first: UInt64 = 0
    private var position = 0
    private var piece: [UInt8] = []
    private var pieceStart = 0

    init(next: UInt64) {
        self.next = next
    }

    /// The next event, from the segment that holds it.
    mutating func take(
        from path: String, first: UInt64, length: Int
    ) throws(OutboxError) -> OutboxItem {
        if self.first != first || file == nil {
            let opened = try OutboxFile(path)
            file = opened
            self.first = first
            position = OutboxFormat.headerLength
            piece = []
            pieceStart = position
        }
        while true {
            guard let frame = try frame(length: length) else {
                throw Outbox.damage(path, "byte \(position)")
            }
            position += frame.length
            guard frame.item.sequence <= next else {
                throw Outbox.damage(path, "event \(next) is not there")
            }
            // What was acknowledged before this start is passed over.
            guard frame.item.sequence == next else { continue }
            next += 1
            return frame.item
        }
    }

    private mutating func frame(length: Int) throws(OutboxError) -> OutboxFormat.Frame? {
        if let frame = OutboxFormat.frame(piece, at: position - pieceStart) { return frame }
        let claimed =
            OutboxFormat.claimedLength(piece, at: position - pieceStart) ?? OutboxCursor.pieceBytes
        let count = min(max(claimed, OutboxCursor.pieceBytes), length - position)
        guard count > 0, let file else { return nil }
        piece = try file.read(at: position, count: count)
        pieceStart = position
        if let frame = OutboxFormat.frame(piece, at: 0) { return frame }
        // A long event: what it claims is known only now.
        guard let claimed = OutboxFormat.claimedLength(piece, at: 0), claimed > piece.count else {
            return nil
        }
        piece = try file.read(at: position, count: min(claimed, length - position))
        return OutboxFormat.frame(piece, at: 0)
    }
}
