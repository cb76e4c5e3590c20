// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Reads a log from its beginning, or from a place in it, sets a torn tail aside, and makes what
/// remains durable.
///
/// Throws `LogError`, or what `visit` throws; `damaged` leaves every file as it was.
func recoverLog(
    on disk: any Disk, paths: LogPaths, segmentLengthMax: UInt64,
    from resume: LogMark? = nil, visit: (LogRecordView) throws -> Void
) throws -> (tail: LogTail, recovery: Recovery) {
    var scan = try LogScan(disk: disk, paths: paths, from: resume)
    let names = try disk.list(paths.log)
    // Its zeros may not have come to the disk, and on a full one its room is wanted.
    if names.contains("prepared") { try disk.remove(paths.prepared) }
    var found = names.compactMap(LogFormat.firstOffset(ofSegment:))
    found.sort()
    var last: ScannedSegment?
    for (index, firstOffset) in found.enumerated() {
        if let resume, firstOffset < resume.segmentFirstOffset {
            last = try scan.passOver(firstOffset, after: last)
            continue
        }
        let next = index + 1 < found.count ? found[index + 1] : nil
        let segment = try scan.segment(firstOffset, next: next, after: last, visit: visit)
        // A header that was never completed: the segment before it is the last one.
        guard let segment else { break }
        last = segment
    }
    try scan.requireClaimedRecords(in: last)
    try scan.tree.requireAllSigned()
    let recordCount = scan.nextOffset
    let tail = try scan.makeDurable(last, segmentLengthMax: segmentLengthMax)
    return (
        tail,
        Recovery(
            recordCount: recordCount, tornTail: scan.tornTail,
            setAside: try TornTail.all(on: disk, paths: paths))
    )
}

/// A segment that was read to its end.
struct ScannedSegment {
    var header: SegmentHeader
    var file: any DiskFile
    var name: String
    /// The byte behind the last intact commit.
    var end: UInt64
    /// Everything before this byte is known to have been synced.
    var provenEnd: UInt64
    /// Whether only zeros follow the last commit, and some do.
    var isFilledAhead = false
    /// Whether nothing is left that only the claims outside the log claim.
    var isSealed: Bool
}

/// A pass over the log, and what it has come to so far.
struct LogScan {
    static let chunkLength = 1 << 20

    let disk: any Disk
    let paths: LogPaths
    let claimFile: any DiskFile
    let claim: DurableClaim?
    /// Behind the last record that was read.
    private(set) var nextOffset: UInt64 = 0
    var tornTail: TornTail?
    /// The tree over the records read, compared with what was signed.
    private(set) var tree: TreeScan
    var tear: PendingTear?
    /// The place behind the last commit with records.
    private(set) var mark: LogMark?

    private var claimedEnd: UInt64 { max(claim?.durableEnd ?? 0, tree.signedSize) }

    init(disk: any Disk, paths: LogPaths, from resume: LogMark?) throws {
        let signed = SignedHistory(directory: paths.directory, disk: disk)
        // First, while every file is as it was.
        try signed.requireKey()
        self.disk = disk
        self.paths = paths
        mark = resume
        nextOffset = resume?.segmentFirstOffset ?? 0
        claimFile = try disk.open(paths.durable, for: .create)
        claim = try DurableClaim.greatest(in: claimFile)
        tree = TreeScan(
            from: resume?.tree ?? MerkleFrontier(),
            expecting: try signed.newest().map { [$0.head] } ?? [])
    }

    /// Reads one segment; nil where it is the last and was never completed, then set aside.
    mutating func segment(
        _ firstOffset: UInt64, next: UInt64?, after previous: ScannedSegment?,
        visit: (LogRecordView) throws -> Void
    ) throws -> ScannedSegment? {
        let name = LogFormat.segmentName(firstOffset: firstOffset)
        guard firstOffset == nextOffset else {
            throw damage(
                name, 0, from: min(nextOffset, firstOffset), until: max(nextOffset, firstOffset),
                "the segment before it is missing or incomplete")
        }
        let path = paths.log + "/" + name
        let file = try disk.open(path, for: .write)
        let length = try file.size()
        let header: SegmentHeader
        switch SegmentHeader.read(try file.read(LogFormat.sectorLength, at: 0)) {
        case .frame(let read): header = read
        case .unsupportedVersion(let version):
            throw LogError.unsupportedVersion(file: name, version: version)
        case .invalid:
            try requireUnused(name, file, length: length, next: next)
            tornTail = try PendingTear(
                offset: nextOffset, file: file, start: 0, length: length
            ).setAside(on: disk, paths: paths)
            try disk.remove(path)
            try disk.synchroniseDirectory(paths.log)
            return nil
        }
        try requireNext(header, firstOffset, until: next, name: name, after: previous)
        var segment = ScannedSegment(
            header: header, file: file, name: name, end: UInt64(LogFormat.sectorLength),
            provenEnd: 0, isSealed: true)
        if let mark, mark.segmentFirstOffset == firstOffset, mark.size > nextOffset {
            segment.end = mark.position
            segment.provenEnd = mark.commitPosition
            segment.isSealed = false
            nextOffset = mark.size
        }
        try commits(of: &segment, length: length, next: next, visit: visit)
        return segment
    }

    /// Looks at the header of a segment whose records are not read: each is bound to the one before
    /// it, so that none can be missing or another log's.
    func passOver(
        _ firstOffset: UInt64, after previous: ScannedSegment?
    ) throws -> ScannedSegment {
        let name = LogFormat.segmentName(firstOffset: firstOffset)
        let file = try disk.open(paths.log + "/" + name, for: .read)
        guard
            case .frame(let header) = SegmentHeader.read(
                try file.read(LogFormat.sectorLength, at: 0))
        else {
            throw damage(name, 0, from: firstOffset, until: nil, "the segment's header is bad")
        }
        try requireNext(header, firstOffset, until: nil, name: name, after: previous)
        return ScannedSegment(
            header: header, file: file, name: name, end: 0, provenEnd: 0, isSealed: true)
    }

    private func requireNext(
        _ header: SegmentHeader, _ firstOffset: UInt64, until next: UInt64?, name: String,
        after previous: ScannedSegment?
    ) throws(LogError) {
        guard header.firstOffset == firstOffset, firstOffset > 0 || previous == nil,
            header.previousNonce == previous?.header.nonce ?? 0,
            header.logIdentity == previous?.header.logIdentity ?? header.logIdentity
        else {
            throw damage(name, 0, from: firstOffset, until: next, "a segment of another log")
        }
    }

    /// Reads the commits of a segment up to its end or, in the last one, to a torn tail.
    private mutating func commits(
        of segment: inout ScannedSegment, length: UInt64, next: UInt64?,
        visit: (LogRecordView) throws -> Void
    ) throws {
        var window = SegmentWindow(file: segment.file, chunkLength: Self.chunkLength)
        while true {
            let reading = try window.commit(
                at: segment.end, nonce: segment.header.nonce, firstOffset: nextOffset,
                fileLength: length)
            switch reading {
            case .end: return
            case .unsupportedVersion(let version):
                throw LogError.unsupportedVersion(file: segment.name, version: version)
            case .bad(let finding):
                let rest = PendingTear(
                    offset: nextOffset, file: segment.file, start: segment.end, length: length)
                if try rest.lengthWithoutZeros() == 0 {
                    segment.isFilledAhead = true
                    return
                }
                try requireTorn(finding, in: segment, &window, length: length, next: next)
                do throws(LogError) {
                    tornTail = try rest.setAside(on: disk, paths: paths)
                    try rest.cut()
                } catch {
                    guard case .noSpace = error else { throw error }
                    tear = rest
                }
                return
            case .commit(let header, let index):
                // Written after the sync of all that it claims, so it proves what precedes it.
                if header.durableEnd >= header.firstOffset { segment.provenEnd = segment.end }
                try records(of: header, window.bytes, at: index, in: segment, visit: visit)
                let start = segment.end
                segment.end += UInt64(header.paddedLength)
                if header.recordCount > 0 {
                    mark = LogMark(
                        tree: tree.frontier, segmentFirstOffset: segment.header.firstOffset,
                        segmentNonce: segment.header.nonce, commitPosition: start,
                        position: segment.end)
                }
                segment.isSealed = header.recordCount == 0
                if header.recordCount > 0, claimedEnd >= nextOffset {
                    segment.provenEnd = segment.end
                }
            }
        }
    }

    /// Hands a commit's records to the visitor; they must be what the header says.
    private mutating func records(
        of header: CommitHeader, _ bytes: [UInt8], at index: Int, in segment: ScannedSegment,
        visit: (LogRecordView) throws -> Void
    ) throws {
        var records = CommitRecords(
            header: header, bytes: bytes, at: index, file: segment.name)
        var entries: [Range<Int>] = []
        entries.reserveCapacity(Int(header.recordCount))
        while let record = try records.next() {
            entries.append(record.entryPlace)
            try visit(record)
        }
        tree.take(records.leaves(of: entries))
        guard tree.agrees(with: header) else { throw records.differsFromRoot }
        try tree.requireUnchanged()
        nextOffset = header.endOffset
    }

    /// Throws unless what is bad at the end of a segment can only be a commit in the making.
    private func requireTorn(
        _ finding: String, in segment: ScannedSegment, _ window: inout SegmentWindow,
        length: UInt64, next: UInt64?
    ) throws(LogError) {
        var proven = max(claimedEnd, next ?? 0)
        var position = segment.end
        while position < length {
            // A later commit was begun only after the sync of what it claims.
            if case .frame(let header) = try window.header(
                at: position, nonce: segment.header.nonce)
            {
                proven = max(proven, header.durableEnd)
            }
            position += UInt64(LogFormat.sectorLength)
        }
        guard proven <= nextOffset, next == nil else {
            throw damage(segment.name, segment.end, from: nextOffset, until: proven, finding)
        }
    }

    /// Throws unless a segment without a header can only be one that was being made.
    private func requireUnused(
        _ name: String, _ file: any DiskFile, length: UInt64, next: UInt64?
    ) throws(LogError) {
        var hasCommit = false
        var window = SegmentWindow(file: file, chunkLength: Self.chunkLength)
        var position = UInt64(LogFormat.sectorLength)
        while position < length, !hasCommit {
            if let index = try window.index(
                of: position, count: LogFormat.commitHeaderLength),
                case .frame(let header) = CommitHeader.read(window.bytes, at: index)
            {
                hasCommit = header.position == position
            }
            position += UInt64(LogFormat.sectorLength)
        }
        guard !hasCommit, next == nil, claimedEnd <= nextOffset else {
            let until = next ?? (claimedEnd > nextOffset ? claimedEnd : nil)
            throw damage(name, 0, from: nextOffset, until: until, "the segment's header is bad")
        }
    }

    /// Throws where the log ends before what was claimed to be durable.
    func requireClaimedRecords(in last: ScannedSegment?) throws(LogError) {
        guard let claim, claim.durableEnd > nextOffset else { return }
        throw damage(
            last?.name ?? LogFormat.segmentName(firstOffset: 0), last?.end ?? 0,
            from: nextOffset, until: claim.durableEnd, "the end of the log is missing")
    }

    private func damage(
        _ name: String, _ position: UInt64, from first: UInt64, until end: UInt64?,
        _ finding: String
    ) -> LogError {
        let last = end.flatMap { $0 > first ? $0 - 1 : nil }
        return .damaged(
            LogDamage(
                file: name, position: position, firstOffset: first, lastOffset: last,
                finding: finding))
    }
}
