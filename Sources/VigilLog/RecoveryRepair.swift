// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What follows the last whole commit of a log and was never acknowledged.
struct PendingTear: Sendable {
    /// The offset that the torn commit would have begun with.
    let offset: UInt64
    let file: any DiskFile
    /// The byte behind the last whole commit.
    let start: UInt64
    /// The file's length, in bytes.
    let length: UInt64

    /// How many bytes there are from the start to the last sector that is not all zeros.
    func lengthWithoutZeros() throws(LogError) -> UInt64 {
        var position = start
        var end = start
        while position < length {
            let bytes = try file.read(LogScan.chunkLength, at: position)
            guard !bytes.isEmpty else { break }
            if !isAllZeros(bytes[...]) {
                var count = bytes.count
                while count > 0 {
                    let sector = (count - 1) / LogFormat.sectorLength * LogFormat.sectorLength
                    guard isAllZeros(bytes[sector..<count]) else { break }
                    count = sector
                }
                end = position + UInt64(count)
            }
            position += UInt64(bytes.count)
        }
        return end - start
    }

    /// Copies it to a file of its own, to be cut off; nil where it is zeros alone.
    ///
    /// The copy gets its name when it is whole: a start that is killed here leaves no half one.
    func setAside(on disk: any Disk, paths: LogPaths) throws(LogError) -> TornTail? {
        let end = start + (try lengthWithoutZeros())
        guard end > start else { return nil }
        try disk.makeDirectory(paths.torn)
        let path = "\(paths.torn)/\(offset)-\(disk.clockMilliseconds()).bytes"
        let unfinished = paths.torn + "/unfinished"
        let copy = try disk.open(unfinished, for: .create)
        try copy.resize(to: 0)
        var position = start
        while position < end {
            let count = Int(min(end - position, UInt64(LogScan.chunkLength)))
            let bytes = try file.read(count, at: position)
            guard !bytes.isEmpty else { break }
            try copy.write(bytes, at: position - start)
            position += UInt64(bytes.count)
        }
        try copy.synchronise()
        try disk.rename(unfinished, to: path)
        try disk.synchroniseDirectory(paths.torn)
        return TornTail(offset: offset, byteCount: position - start, path: path)
    }

    /// Cuts it off; what precedes it stays.
    func cut() throws(LogError) {
        try file.resize(to: start)
        try file.synchronise()
    }
}

/// Whether there is nothing but zeros in some bytes.
private func isAllZeros(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress, buffer[0] == 0 else { return buffer.isEmpty }
        return memcmp(start, start + 1, buffer.count - 1) == 0
    }
}

extension TornTail {
    /// The file's name in `log/torn`.
    package var name: String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// All tails that were ever set aside here, by the names of their files.
    static func all(on disk: any Disk, paths: LogPaths) throws(LogError) -> [TornTail] {
        var all: [TornTail] = []
        for name in try disk.list(paths.torn) where name.hasSuffix(".bytes") {
            guard let offset = name.split(separator: "-").first.flatMap({ UInt64($0) }) else {
                continue
            }
            let path = paths.torn + "/" + name
            let length = try disk.open(path, for: .read).size()
            all.append(TornTail(offset: offset, byteCount: length, path: path))
        }
        return all
    }
}

/// What a recovery changes: the tail that was never acknowledged, and what no sync may cover.
extension LogScan {
    /// Writes what no sync is known to have covered again, and claims the whole log.
    ///
    /// A recovery reads the page cache, which also holds what a failed sync gave up.
    func makeDurable(
        _ last: ScannedSegment?, segmentLengthMax: UInt64
    ) throws(LogError) -> LogTail {
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
            let filled = last.isFilledAhead ? try last.file.size() : segmentLengthMax
            tail = LogTail(
                segment: last.header, file: last.file, position: last.end,
                durableEnd: nextOffset, claimFile: claimFile,
                claimSequence: claim?.sequence ?? 0, tree: tree.frontier,
                isSealed: last.isSealed, lengthMax: min(filled, segmentLengthMax), mark: mark,
                tear: tear)
        } else {
            let words = disk.randomWords(3)
            let header = SegmentHeader(
                nonce: words[0], firstOffset: 0, logIdentity: [words[1], words[2]],
                previousNonce: 0)
            let length = SegmentPreparer.firstLength(
                on: disk, paths: paths, max: segmentLengthMax)
            let file = try SegmentAppender.makeSegment(
                header, length: length, on: disk, paths: paths)
            tail = LogTail(
                segment: header, file: file, position: UInt64(LogFormat.sectorLength),
                durableEnd: 0, claimFile: claimFile, claimSequence: claim?.sequence ?? 0,
                tree: tree.frontier, isSealed: true,
                lengthMax: length > 0 ? length : segmentLengthMax)
        }
        try tail.claim()
        return tail
    }
}
