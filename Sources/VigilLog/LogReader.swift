// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// Whether a scan goes on.
package enum ScanStep: Sendable {
    case next, stop
}

/// Reads a log, also while another thread or process writes it: it sees only what is durable.
///
/// It takes no lock and writes nothing. One thread uses a reader; each may have its own.
package final class LogReader {
    private static let chunkLength = 1 << 20
    private static let openFilesMax = 64

    let disk: any Disk
    let paths: LogPaths
    private var firstOffsets: [UInt64] = []
    /// Whether segments may have been added since they were listed.
    private var isListStale = true
    /// The indexes of segments that were looked into, by first offset.
    private var indexes: [UInt64: SegmentIndex] = [:]
    private var files: [UInt64: any DiskFile] = [:]
    /// The last commit that a record was read from.
    private var current: CommitRecords?
    /// The same, behind that record.
    private var cursor: CommitRecords?

    /// The records that can be read are those below this offset.
    package private(set) var durableEnd: UInt64 = 0

    /// The last offset that can be read, nil for an empty log.
    package var durableHead: UInt64? { durableEnd == 0 ? nil : durableEnd - 1 }

    /// Opens a log to read as far as it says of itself that it is durable.
    ///
    /// A directory without a log reads as an empty one, until `refresh` finds more.
    package init(directory: String, disk: any Disk = LinuxDisk()) throws(LogError) {
        self.disk = disk
        self.paths = LogPaths(directory: directory)
        try refresh()
    }

    /// Opens a log to read up to an offset that the caller knows to be durable, as the writer
    /// reports it.
    package init(directory: String, durableHead: UInt64?, disk: any Disk = LinuxDisk()) {
        self.disk = disk
        self.paths = LogPaths(directory: directory)
        if let durableHead { extend(durableHead: durableHead) }
    }

    /// Reads on as far as the caller knows the log to be durable; never back.
    package func extend(durableHead: UInt64) {
        guard durableHead >= durableEnd, durableHead < .max else { return }
        grow(to: durableHead + 1)
    }

    /// Reads on as far as the log's own claims say that it is durable.
    package func refresh() throws(LogError) {
        var claimed: UInt64 = 0
        let names = try disk.list(paths.log)
        if names.contains("durable") {
            let file = try disk.open(paths.durable, for: .read)
            claimed = try DurableClaim.greatest(in: file)?.durableEnd ?? 0
        }
        // The claims are not synced: after a loss of power the commits may know more.
        if durableEnd == 0, let last = names.compactMap(LogFormat.firstOffset(ofSegment:)).max() {
            // A segment gets its name when all records before it are durable.
            claimed = max(claimed, last)
            let file = try openedFile(last)
            if let index = try? SegmentIndex(firstOffset: last, file: file) {
                claimed = max(claimed, try index.greatestClaim(in: file))
            }
        }
        if claimed > durableEnd { grow(to: claimed) }
    }

    /// The segments' first offsets as they are now.
    @discardableResult
    func listSegments() throws(LogError) -> [UInt64] {
        firstOffsets = try disk.list(paths.log)
            .compactMap(LogFormat.firstOffset(ofSegment:)).sorted()
        isListStale = false
        return firstOffsets
    }

    private func grow(to end: UInt64) {
        durableEnd = end
        isListStale = true
    }

    /// The record with an offset, nil where none is durable.
    ///
    /// Throws `damaged` where the commit that holds it cannot be read.
    package func record(at offset: UInt64) throws(LogError) -> Record? {
        guard offset < durableEnd else { return nil }
        // Neighbours are asked for one after the other: duplicates, a patient's history.
        var records: CommitRecords
        if let cursor, cursor.nextOffset <= offset, offset < cursor.header.endOffset {
            records = cursor
        } else {
            records = try commit(holding: offset)
        }
        defer { cursor = records }
        while let view = try records.next() {
            if view.offset == offset { return view.record }
        }
        return nil
    }

    /// Hands out the durable records from one offset to before another, in order.
    ///
    /// Memory is bounded by the largest commit. Throws `LogError`, or what `visit` throws.
    package func scan(
        from start: UInt64, to end: UInt64 = .max,
        visit: (LogRecordView) throws -> ScanStep
    ) throws {
        let end = min(end, durableEnd)
        var offset = start
        while offset < end {
            let (firstOffset, segmentEnd) = try segment(holding: offset)
            let file = try openedFile(firstOffset)
            let (header, place) = try place(of: offset, in: firstOffset, file)
            var window = SegmentWindow(file: file, chunkLength: Self.chunkLength)
            var position = place.position
            offset = place.offset
            while offset < min(end, segmentEnd) {
                var records = try commit(at: position, offset, of: header, &window)
                while let record = try records.next() {
                    guard record.offset >= start else { continue }
                    guard record.offset < end else { return }
                    if try visit(record) == .stop { return }
                }
                position += UInt64(records.header.paddedLength)
                offset = records.header.endOffset
            }
        }
    }

    /// The segment that holds an offset, and the first offset behind it.
    private func segment(
        holding offset: UInt64
    ) throws(LogError) -> (firstOffset: UInt64, end: UInt64) {
        // A segment that has a successor has all its records: only the last may be out of date.
        if isListStale, offset >= firstOffsets.last ?? 0 { try listSegments() }
        var low = 0
        var high = firstOffsets.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstOffsets[middle] <= offset { low = middle } else { high = middle }
        }
        let end = high < firstOffsets.count ? firstOffsets[high] : UInt64.max
        return (firstOffsets.isEmpty ? 0 : firstOffsets[low], end)
    }

    func openedFile(_ firstOffset: UInt64) throws(LogError) -> any DiskFile {
        if let file = files[firstOffset] { return file }
        if files.count >= Self.openFilesMax { files.removeAll(keepingCapacity: true) }
        let file = try disk.open(paths.segment(firstOffset: firstOffset), for: .read)
        files[firstOffset] = file
        return file
    }

    /// The place of the commit that holds an offset, by the segment's index.
    private func place(
        of offset: UInt64, in firstOffset: UInt64, _ file: any DiskFile
    ) throws(LogError) -> (SegmentHeader, SegmentIndex.Place) {
        // Taken out and put back, so that it grows in place.
        var index: SegmentIndex
        if let known = indexes.removeValue(forKey: firstOffset) {
            index = known
        } else {
            index = try SegmentIndex(firstOffset: firstOffset, file: file)
        }
        let place = try index.place(of: offset, in: file)
        indexes[firstOffset] = index
        return (index.header, place)
    }

    /// The header of the commit that holds an offset, which the reader may read.
    func commitHeader(holding offset: UInt64) throws(LogError) -> CommitHeader {
        try commit(holding: offset).header
    }

    private func commit(holding offset: UInt64) throws(LogError) -> CommitRecords {
        if let current, current.header.firstOffset <= offset, offset < current.header.endOffset {
            return current
        }
        let (firstOffset, _) = try segment(holding: offset)
        let file = try openedFile(firstOffset)
        let (header, place) = try place(of: offset, in: firstOffset, file)
        var window = SegmentWindow(file: file, chunkLength: LogFormat.sectorLength)
        let records = try commit(at: place.position, place.offset, of: header, &window)
        current = records
        return records
    }

    private func commit(
        at position: UInt64, _ offset: UInt64, of segment: SegmentHeader,
        _ window: inout SegmentWindow
    ) throws(LogError) -> CommitRecords {
        let name = LogFormat.segmentName(firstOffset: segment.firstOffset)
        let finding: String
        switch try window.commit(
            at: position, nonce: segment.nonce, firstOffset: offset, fileLength: .max)
        {
        case .commit(let header, let index):
            return CommitRecords(header: header, bytes: window.bytes, at: index, file: name)
        case .unsupportedVersion(let version):
            throw .unsupportedVersion(file: name, version: version)
        case .bad(let found): finding = found
        case .end: finding = "the end of the log is missing"
        }
        throw .damaged(
            LogDamage(
                file: name, position: position, firstOffset: offset, lastOffset: nil,
                finding: finding))
    }
}
