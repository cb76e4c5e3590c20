// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where the commits of a segment are: found by hopping from header to header, once.
///
/// Not every commit is kept, only one in `strideLength` bytes: a full segment of 64 MiB takes
/// 1,024 places, however small its commits are.
struct SegmentIndex {
    private static let strideLength: UInt64 = 64 << 10
    /// Enough for a header and, between small commits, those that follow.
    private static let hopLength = 16 << 10

    /// A commit's beginning: its first offset and its position in the file.
    struct Place: Hashable, Sendable {
        var offset: UInt64
        var position: UInt64
    }

    let header: SegmentHeader
    let name: String
    private var places: [Place]
    /// Behind the last commit that was looked at.
    private var frontier: Place

    /// Reads a segment's header; throws `damaged` where there is none.
    init(firstOffset: UInt64, file: any DiskFile) throws(LogError) {
        name = LogFormat.segmentName(firstOffset: firstOffset)
        let begin = Place(offset: firstOffset, position: UInt64(LogFormat.sectorLength))
        switch SegmentHeader.read(try file.read(LogFormat.sectorLength, at: 0)) {
        case .frame(let read) where read.firstOffset == firstOffset: header = read
        case .unsupportedVersion(let version):
            throw .unsupportedVersion(file: name, version: version)
        case .frame, .invalid:
            throw .damaged(
                LogDamage(
                    file: name, position: 0, firstOffset: firstOffset, lastOffset: nil,
                    finding: "the segment's header is bad"))
        }
        places = [begin]
        frontier = begin
    }

    /// The place of the commit that holds an offset, which is durable and in this segment.
    ///
    /// The file is read anew each time: what follows the durable part may have changed.
    mutating func place(of offset: UInt64, in file: any DiskFile) throws(LogError) -> Place {
        var window = SegmentWindow(file: file, chunkLength: Self.hopLength)
        while frontier.offset <= offset {
            let next = try next(after: frontier, &window)
            if let last = places.last, frontier.position - last.position >= Self.strideLength {
                places.append(frontier)
            }
            frontier = next
        }
        // The last place at or before the offset, then on from header to header.
        var low = 0
        var high = places.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if places[middle].offset <= offset { low = middle } else { high = middle }
        }
        var place = places[low]
        while true {
            let next = try next(after: place, &window)
            if next.offset > offset { return place }
            place = next
        }
    }

    private func next(
        after place: Place, _ window: inout SegmentWindow
    ) throws(LogError) -> Place {
        let commit = try commit(at: place, &window)
        return Place(
            offset: commit.endOffset,
            position: place.position + UInt64(commit.paddedLength))
    }

    private func commit(
        at place: Place, _ window: inout SegmentWindow
    ) throws(LogError) -> CommitHeader {
        switch try window.header(at: place.position, nonce: header.nonce) {
        case .frame(let commit) where commit.firstOffset == place.offset: return commit
        case .unsupportedVersion(let version):
            throw .unsupportedVersion(file: name, version: version)
        case .frame, .invalid:
            throw .damaged(
                LogDamage(
                    file: name, position: place.position, firstOffset: place.offset,
                    lastOffset: nil, finding: "no commit header"))
        }
    }

    /// Hands out the headers of the commits up to an offset that is durable.
    func eachCommit(
        in file: any DiskFile, until end: UInt64, visit: (CommitHeader) -> Void
    ) throws(LogError) {
        var window = SegmentWindow(file: file, chunkLength: Self.hopLength)
        var place = Place(offset: header.firstOffset, position: UInt64(LogFormat.sectorLength))
        while place.offset < end {
            let commit = try commit(at: place, &window)
            visit(commit)
            place = Place(
                offset: commit.endOffset,
                position: place.position + UInt64(commit.paddedLength))
        }
    }

    /// The greatest durable end that the commits' headers claim: for a log whose claims are lost.
    func greatestClaim(in file: any DiskFile) throws(LogError) -> UInt64 {
        var window = SegmentWindow(file: file, chunkLength: Self.hopLength)
        var greatest = header.firstOffset
        var place = frontier
        while case .frame(let commit) = try window.header(at: place.position, nonce: header.nonce),
            commit.firstOffset == place.offset
        {
            greatest = max(greatest, commit.durableEnd)
            place.offset = commit.endOffset
            place.position += UInt64(commit.paddedLength)
        }
        return greatest
    }
}
