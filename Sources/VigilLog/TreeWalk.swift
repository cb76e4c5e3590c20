// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Reads a log's durable commits in order and checks each as it comes; it takes no lock and writes
/// nothing, so a daemon may run beside it.
///
/// Memory is bounded by the largest commit. Stricter than a reader: what lies behind a closed
/// segment's last commit must be zero, and seals are read too.
struct TreeWalk {
    private static let chunkLength = 1 << 20

    private let disk: any Disk
    private let paths: LogPaths
    private let claim: DurableClaim?
    /// All records below this offset are durable.
    let end: UInt64

    /// A walk through what is durable of a log now; without a log, `end` is 0.
    init(directory: String, disk: any Disk) throws(LogError) {
        self.disk = disk
        paths = LogPaths(directory: directory)
        if try disk.list(paths.log).contains("durable") {
            claim = try DurableClaim.greatest(in: disk.open(paths.durable, for: .read))
        } else {
            claim = nil
        }
        end = try LogReader(directory: directory, disk: disk).durableEnd
    }

    /// Puts all records from where a tree stands into it, one after the other, and compares it with
    /// each commit's root.
    ///
    /// Throws `TreeError`, `LogError`, or what `visit` throws, which gets each record before it is
    /// in the tree.
    func extend(
        _ tree: inout TreeScan, completing: (MerkleNode, MerkleHash) -> Void,
        visit: (LogRecordView) throws -> Void
    ) throws {
        // Also the commit before: its root says whether the tree stands on this log.
        let start = tree.frontier.size == 0 ? 0 : tree.frontier.size - 1
        try forEachCommit(from: start) { records in
            while let record = try records.next() {
                guard record.offset == tree.frontier.size, record.offset < end else { continue }
                try visit(record)
                tree.take(record.entryBytes.span, completing: completing)
            }
            try requireRoot(of: records.header, in: tree)
        }
    }

    /// The same from the first record on, with each payload compared with its digest: a commit at a
    /// time, which is many times as fast.
    ///
    /// Throws `TreeError`, `LogError`, or what `visit` throws, which gets each commit's records
    /// before they are in the tree, and the first of them whose payload is another.
    func check(
        _ tree: inout TreeScan, visit: ([LogRecordView], _ altered: LogRecordView?) throws -> Void
    ) throws {
        try forEachCommit(from: 0) { records in
            var views: [LogRecordView] = []
            views.reserveCapacity(Int(records.header.recordCount))
            while let record = try records.next() {
                if record.offset < end { views.append(record) }
            }
            let digests = records.digests(of: views.map(\.saltedPayloadPlace))
            let altered = zip(views, digests).first { !$0.hasPayloadDigest($1) }?.0
            try visit(views, altered)
            tree.take(records.leaves(of: views.map(\.entryPlace)))
            try requireRoot(of: records.header, in: tree)
        }
    }

    private func requireRoot(of header: CommitHeader, in tree: TreeScan) throws(TreeError) {
        guard tree.agrees(with: header) else {
            throw .rootDiffers(firstOffset: header.firstOffset, endOffset: header.endOffset)
        }
        try tree.requireUnchanged()
    }

    /// Hands out the commits from the one that holds an offset, and the seals among them.
    private func forEachCommit(
        from start: UInt64, visit: (inout CommitRecords) throws -> Void
    ) throws {
        let segments = try disk.list(paths.log)
            .compactMap(LogFormat.firstOffset(ofSegment:)).sorted()
        var index = segments.lastIndex { $0 <= start } ?? 0
        var offset = segments.indices.contains(index) ? segments[index] : 0
        if start == 0, offset != 0 { offset = 0 }
        var previous: SegmentHeader?
        while offset < end {
            guard index < segments.count, segments[index] == offset else {
                throw damage(
                    LogFormat.segmentName(firstOffset: offset), 0, from: offset,
                    "a segment is missing or incomplete")
            }
            let next = index + 1 < segments.count ? segments[index + 1] : nil
            let segment = try openSegment(firstOffset: offset, after: previous)
            offset = try commits(of: segment, from: start, next: next, visit: visit)
            previous = segment.header
            index += 1
        }
    }

    private struct Segment {
        let header: SegmentHeader
        let file: any DiskFile
        let name: String
        let length: UInt64
    }

    private func openSegment(
        firstOffset: UInt64, after previous: SegmentHeader?
    ) throws(LogError) -> Segment {
        let name = LogFormat.segmentName(firstOffset: firstOffset)
        let file = try disk.open(paths.segment(firstOffset: firstOffset), for: .read)
        switch SegmentHeader.read(try file.read(LogFormat.sectorLength, at: 0)) {
        case .invalid: throw damage(name, 0, from: firstOffset, "the segment's header is bad")
        case .unsupportedVersion(let version):
            throw .unsupportedVersion(file: name, version: version)
        case .frame(let header):
            guard header.firstOffset == firstOffset,
                header.logIdentity == previous?.logIdentity ?? header.logIdentity,
                previous.map({ header.previousNonce == $0.nonce }) ?? true,
                firstOffset > 0 || header.previousNonce == 0
            else { throw damage(name, 0, from: firstOffset, "a segment of another log") }
            return Segment(header: header, file: file, name: name, length: try file.size())
        }
    }

    /// Reads the commits of a segment; returns the offset behind the last.
    private func commits(
        of segment: Segment, from start: UInt64, next: UInt64?,
        visit: (inout CommitRecords) throws -> Void
    ) throws -> UInt64 {
        var window = SegmentWindow(file: segment.file, chunkLength: Self.chunkLength)
        var offset = segment.header.firstOffset
        var position = UInt64(LogFormat.sectorLength)
        // A seal behind the last record is claimed too.
        let claimedPosition =
            claim?.segmentFirstOffset == segment.header.firstOffset ? claim?.position ?? 0 : 0
        while offset < end || position < claimedPosition {
            if start > 0,
                case .frame(let header) = try window.header(
                    at: position, nonce: segment.header.nonce),
                header.firstOffset == offset, header.endOffset <= start
            {
                offset = header.endOffset
                position += UInt64(header.paddedLength)
                continue
            }
            switch try window.commit(
                at: position, nonce: segment.header.nonce, firstOffset: offset,
                fileLength: segment.length)
            {
            case .commit(let header, let index):
                var records = CommitRecords(
                    header: header, bytes: window.bytes, at: index, file: segment.name)
                try visit(&records)
                // What the visitor left unread is checked as well.
                while try records.next() != nil {}
                offset = header.endOffset
                position += UInt64(header.paddedLength)
            case .unsupportedVersion(let version):
                throw LogError.unsupportedVersion(file: segment.name, version: version)
            case .end where offset == next: return offset
            case .bad where offset == next:
                guard try isUnused(from: position, in: segment) else {
                    throw damage(
                        segment.name, position, from: offset, "something behind the last commit")
                }
                return offset
            case .end:
                if let next { throw lack(of: offset, before: next) }
                throw damage(segment.name, position, from: offset, "the end of the log is missing")
            case .bad(let finding):
                if let next, try isUnused(from: position, in: segment) {
                    throw lack(of: offset, before: next)
                }
                let first = try firstBad(ofCommitAt: position, offset, in: segment, &window)
                throw damage(segment.name, position, from: first, finding)
            }
        }
        return offset
    }

    /// The first record of a bad commit that its form or its payload's digest shows to be bad; the
    /// commit's first where only the checksum tells.
    private func firstBad(
        ofCommitAt position: UInt64, _ offset: UInt64, in segment: Segment,
        _ window: inout SegmentWindow
    ) throws(LogError) -> UInt64 {
        guard
            case .frame(let header) = try window.header(at: position, nonce: segment.header.nonce),
            header.firstOffset == offset,
            let index = try window.index(of: position, count: header.paddedLength)
        else { return offset }
        var records = CommitRecords(
            header: header, bytes: window.bytes, at: index, file: segment.name)
        while records.nextOffset < min(header.endOffset, end) {
            let number = records.nextOffset
            guard let record = try? records.next(),
                record.hasPayloadDigest(records.digests(of: [record.saltedPayloadPlace])[0])
            else { return number }
        }
        return offset
    }

    /// Whether there are only zeros from a position on: filled ahead, and nothing put there.
    private func isUnused(from start: UInt64, in segment: Segment) throws(LogError) -> Bool {
        var position = start
        while position < segment.length {
            let bytes = try segment.file.read(Self.chunkLength, at: position)
            guard !bytes.isEmpty else { break }
            guard bytes.allSatisfy({ $0 == 0 }) else { return false }
            position += UInt64(bytes.count)
        }
        return true
    }

    /// What is wrong where a segment goes no further, and the next begins later.
    private func lack(of offset: UInt64, before next: UInt64) -> LogError {
        damage(
            LogFormat.segmentName(firstOffset: next), 0, from: offset,
            "the segment before it is missing or incomplete")
    }

    private func damage(
        _ name: String, _ position: UInt64, from first: UInt64, _ finding: String
    ) -> LogError {
        .damaged(
            LogDamage(
                file: name, position: position, firstOffset: first,
                lastOffset: end > first ? end - 1 : nil, finding: finding))
    }
}
