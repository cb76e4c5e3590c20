// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A stretch of a segment in memory, read in large pieces.
struct SegmentWindow {
    let file: any DiskFile
    /// How much is read at once, in bytes, where no more is asked for.
    let chunkLength: Int
    private(set) var bytes: [UInt8] = []
    private var start: UInt64 = 0

    init(file: any DiskFile, chunkLength: Int) {
        self.file = file
        self.chunkLength = chunkLength
    }

    /// The index in `bytes` of a position, with a number of bytes behind it; nil beyond the end.
    mutating func index(of position: UInt64, count: Int) throws(LogError) -> Int? {
        if position >= start, position - start <= UInt64(bytes.count),
            bytes.count - Int(position - start) >= count
        {
            return Int(position - start)
        }
        // A new array each time: views of the old one stay valid and nothing is copied.
        bytes = try file.read(max(count, chunkLength), at: position)
        start = position
        return bytes.count >= count ? 0 : nil
    }
}

/// What stands at a position of a segment.
enum CommitReading: Sendable {
    /// An intact commit, and where it is in the window.
    case commit(CommitHeader, index: Int)
    /// The end of the file.
    case end
    case bad(String)
    case unsupportedVersion(UInt16)
}

extension SegmentWindow {
    /// Reads the header of the commit at a position, of a segment with this nonce.
    ///
    /// Nil where the file ends there. The body is not looked at.
    mutating func header(
        at position: UInt64, nonce: UInt64
    ) throws(LogError) -> FrameReading<CommitHeader> {
        let length = LogFormat.commitHeaderLength
        guard let index = try index(of: position, count: length) else { return .invalid }
        let reading = CommitHeader.read(bytes, at: index)
        guard case .frame(let header) = reading else { return reading }
        return header.nonce == nonce && header.position == position ? reading : .invalid
    }

    /// Reads and checks the whole commit at a position.
    mutating func commit(
        at position: UInt64, nonce: UInt64, firstOffset: UInt64, fileLength: UInt64
    ) throws(LogError) -> CommitReading {
        guard position < fileLength else { return .end }
        let header: CommitHeader
        switch try self.header(at: position, nonce: nonce) {
        case .invalid: return .bad("no commit header")
        case .unsupportedVersion(let version): return .unsupportedVersion(version)
        case .frame(let found): header = found
        }
        guard header.firstOffset == firstOffset else { return .bad("a commit out of order") }
        guard fileLength - position >= UInt64(header.paddedLength),
            let index = try index(of: position, count: header.paddedLength)
        else { return .bad("a commit cut short") }
        guard header.hasIntactCommit(bytes, at: index) else {
            return .bad("a commit whose checksum fails")
        }
        return .commit(header, index: index)
    }
}
