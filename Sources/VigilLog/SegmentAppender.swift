// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Whole units on their way to the disk: room for the header, then the records' bytes.
struct CommitBuffer: Sendable {
    var bytes = [UInt8](repeating: 0, count: LogFormat.commitHeaderLength)
    var firstOffset: UInt64
    var recordCount: UInt32 = 0
    /// The tree over all records up to and with these, once they are complete.
    private(set) var tree = MerkleFrontier()
    private(set) var root = MerkleHash.empty
    /// The length of the records' bytes, and the checksum of them and the padding.
    private(set) var bodyLength = 0
    private(set) var bodyChecksum: UInt32 = 0

    init(firstOffset: UInt64) {
        self.firstOffset = firstOffset
    }

    /// The length of the records that were put in so far, in bytes.
    var filledLength: Int { bytes.count - LogFormat.commitHeaderLength }

    /// Makes the buffer empty, its memory kept.
    mutating func reset(firstOffset: UInt64) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: repeatElement(0, count: LogFormat.commitHeaderLength))
        self.firstOffset = firstOffset
        recordCount = 0
    }

    /// Does all that takes long and does not depend on where the commit will lie: the records'
    /// digests, the tree that they make of the one before them, padding and checksum.
    mutating func complete(after tree: MerkleFrontier) {
        self.tree = tree
        self.tree.append(
            contentsOf: bytes.sealLogRecords(
                from: LogFormat.commitHeaderLength, expecting: Int(recordCount)))
        root = self.tree.root
        bodyLength = filledLength
        let padded = (bytes.count + LogFormat.sectorLength - 1) & ~(LogFormat.sectorLength - 1)
        bytes.append(contentsOf: repeatElement(0, count: padded - bytes.count))
        bodyChecksum = checksum(bytes, in: LogFormat.commitHeaderLength..<bytes.count)
    }
}

/// Where a log goes on: what a recovery found, or what a new log begins with.
struct LogTail: Sendable {
    var segment: SegmentHeader
    var file: any DiskFile
    /// The byte behind the last commit.
    var position: UInt64
    var durableEnd: UInt64
    var claimFile: any DiskFile
    var claimSequence: UInt64
    /// The tree over all records.
    var tree: MerkleFrontier
    /// Whether the last commit is a seal, or there is none.
    let isSealed: Bool
    /// The next segment is begun before this one grows beyond it, in bytes.
    var lengthMax: UInt64
    /// The place behind the last commit with records.
    var mark: LogMark?
    /// A torn tail that a full disk left no room to set aside: it still follows the position.
    var tear: PendingTear?

    /// Says outside the commits how far the log is durable.
    mutating func claim() throws(LogError) {
        claimSequence &+= 1
        let claim = DurableClaim(
            sequence: claimSequence, durableEnd: durableEnd,
            segmentFirstOffset: segment.firstOffset, position: position)
        try claim.write(to: claimFile)
    }
}

/// Writes commits, one after the other, and makes each durable before it returns.
///
/// Used by the committer's thread alone. After an error it is used no more: what reached the disk
/// is then unknown, and a sync that failed once may succeed wrongly when it is asked again.
struct SegmentAppender: Sendable {
    private let disk: any Disk
    private let paths: LogPaths
    private let segmentLengthMax: UInt64
    private let preparer: SegmentPreparer
    private var tail: LogTail
    /// The tree over all records that are written.
    var tree: MerkleFrontier { tail.tree }

    private let treeHead: DurableTreeHead
    private var hasAskedForNext = false

    init(
        disk: any Disk, paths: LogPaths, segmentLengthMax: UInt64, preparer: SegmentPreparer,
        tail: LogTail, treeHead: DurableTreeHead
    ) {
        self.disk = disk
        self.paths = paths
        self.segmentLengthMax = segmentLengthMax
        self.preparer = preparer
        self.tail = tail
        self.treeHead = treeHead
    }

    /// Writes a complete commit, syncs and claims it; the buffer's bytes get their header.
    mutating func commit(_ buffer: inout CommitBuffer) throws(LogError) {
        guard let bodyLength = UInt32(exactly: buffer.bodyLength),
            buffer.bodyLength <= LogFormat.bodyLengthMax
        else { throw .commitTooLarge }
        var header = CommitHeader(
            nonce: tail.segment.nonce, position: tail.position, firstOffset: buffer.firstOffset,
            recordCount: buffer.recordCount, bodyLength: bodyLength, durableEnd: tail.durableEnd)
        let length = UInt64(header.paddedLength)
        let isFull = tail.position + length > tail.lengthMax
        // A seal ends the segment that it seals; a segment takes at least one commit.
        if isFull, buffer.recordCount > 0, tail.segment.firstOffset < buffer.firstOffset {
            try rotate(to: buffer.firstOffset)
            header.nonce = tail.segment.nonce
            header.position = tail.position
        }
        tail.tree = buffer.tree
        header.root = buffer.root
        header.write(over: &buffer.bytes, bodyChecksum: buffer.bodyChecksum)
        try tail.file.write(buffer.bytes, at: tail.position)
        try tail.file.synchronise()
        tail.position += length
        tail.durableEnd = header.endOffset
        try tail.claim()
        if header.recordCount > 0 {
            treeHead.grow(
                to: LogMark(
                    tree: tail.tree, segmentFirstOffset: tail.segment.firstOffset,
                    segmentNonce: header.nonce, commitPosition: header.position,
                    position: tail.position))
        }
        if !hasAskedForNext, tail.position > tail.lengthMax / 2 {
            hasAskedForNext = true
            preparer.prepare(
                length: SegmentPreparer.length(after: tail.lengthMax, max: segmentLengthMax))
        }
    }

    /// Goes on in a new segment: all commits of the one before are durable by now.
    ///
    /// One that was filled with zeros ahead where there is one, else one that grows.
    private mutating func rotate(to firstOffset: UInt64) throws(LogError) {
        let header = SegmentHeader(
            nonce: disk.randomWords(1)[0], firstOffset: firstOffset,
            logIdentity: tail.segment.logIdentity, previousNonce: tail.segment.nonce)
        let path = paths.segment(firstOffset: firstOffset)
        if let prepared = preparer.take() {
            try prepared.file.write(header.bytes, at: 0)
            try prepared.file.synchronise()
            try disk.rename(paths.prepared, to: path)
            preparer.wasRenamed()
            try disk.synchroniseDirectory(paths.log)
            // Opened again by its name, which is what messages give.
            tail.file = try disk.open(path, for: .write)
            tail.lengthMax = prepared.length
        } else {
            tail.file = try Self.makeSegment(header, length: 0, on: disk, paths: paths)
            tail.lengthMax = segmentLengthMax
        }
        tail.segment = header
        tail.position = UInt64(LogFormat.sectorLength)
        hasAskedForNext = false
    }

    /// Makes a segment's file, filled with zeros up to a length.
    ///
    /// It and its name are durable before anything is put into it.
    static func makeSegment(
        _ header: SegmentHeader, length: UInt64, on disk: any Disk, paths: LogPaths
    ) throws(LogError) -> any DiskFile {
        let path = paths.segment(firstOffset: header.firstOffset)
        let file = try disk.open(path, for: .create)
        try file.resize(to: 0)
        try file.write(header.bytes, at: 0)
        try file.writeZeros(from: UInt64(LogFormat.sectorLength), to: length)
        try file.synchronise()
        try disk.synchroniseDirectory(paths.log)
        return file
    }
}
