// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a recovery changes: the tail that was never acknowledged, and what no sync may cover.
extension LogScan {
    /// Copies the end of a segment to a file of its own before it is cut off.
    mutating func setAside(
        _ name: String, _ file: any DiskFile, from start: UInt64, length: UInt64
    ) throws(LogError) {
        try disk.makeDirectory(paths.torn)
        let path = "\(paths.torn)/\(nextOffset)-\(disk.clockMilliseconds()).bytes"
        let copy = try disk.open(path, for: .create)
        try copy.resize(to: 0)
        var position = start
        while position < length {
            let bytes = try file.read(Self.chunkLength, at: position)
            guard !bytes.isEmpty else { break }
            try copy.write(bytes, at: position - start)
            position += UInt64(bytes.count)
        }
        try copy.synchronise()
        try disk.synchroniseDirectory(paths.torn)
        tornTail = TornTail(offset: nextOffset, byteCount: position - start, path: path)
    }

    /// Writes what no sync is known to have covered again, and claims the whole log.
    ///
    /// A recovery reads the page cache, which also holds what a failed sync gave up.
    func makeDurable(_ last: ScannedSegment?) throws(LogError) -> LogTail {
        var tail: LogTail
        if let last {
            var position = last.provenEnd
            while position < last.end {
                let count = Int(min(last.end - position, UInt64(Self.chunkLength)))
                let bytes = try last.file.read(count, at: position)
                guard bytes.count == count else {
                    throw .system(call: "pread", path: paths.log + "/" + last.name, code: 0)
                }
                try last.file.write(bytes, at: position)
                position += UInt64(count)
            }
            try last.file.synchronise()
            try disk.synchroniseDirectory(paths.log)
            tail = LogTail(
                segment: last.header, file: last.file, position: last.end,
                durableEnd: nextOffset, claimFile: claimFile,
                claimSequence: claim?.sequence ?? 0, tree: tree.frontier,
                isSealed: last.isSealed)
        } else {
            let words = disk.randomWords(3)
            let header = SegmentHeader(
                nonce: words[0], firstOffset: 0, logIdentity: [words[1], words[2]],
                previousNonce: 0)
            let file = try SegmentAppender.makeSegment(header, on: disk, paths: paths)
            tail = LogTail(
                segment: header, file: file, position: UInt64(LogFormat.sectorLength),
                durableEnd: 0, claimFile: claimFile, claimSequence: claim?.sequence ?? 0,
                tree: tree.frontier, isSealed: true)
        }
        try tail.claim()
        return tail
    }
}
