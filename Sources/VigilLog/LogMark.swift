// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// A place between two commits: where a fold of the log can go on from, with the tree over all
/// that precedes it.
package struct LogMark: Hashable, Sendable {
    /// The tree over the records before the place.
    var tree: MerkleFrontier
    /// The segment that the last commit before the place is in.
    var segmentFirstOffset: UInt64
    var segmentNonce: UInt64
    /// Where that commit begins and ends in it.
    var commitPosition: UInt64
    var position: UInt64

    /// How many records precede the place.
    package var size: UInt64 { tree.size }
}

extension LogMark: StateCodable {
    package func write(to state: inout StateWriter) {
        state.write(tree.size)
        for peak in tree.peaks { state.writeBytes(peak.bytes) }
        state.write(segmentFirstOffset)
        state.write(segmentNonce)
        state.write(commitPosition)
        state.write(position)
    }

    package init(state: inout StateReader) throws(StateError) {
        let size = try state.read(UInt64.self)
        var peaks: [MerkleHash] = []
        for _ in 0..<size.nonzeroBitCount {
            guard let peak = MerkleHash(try state.readBytes()) else { throw StateError() }
            peaks.append(peak)
        }
        guard let tree = MerkleFrontier(size: size, peaks: peaks) else { throw StateError() }
        self.tree = tree
        segmentFirstOffset = try state.read()
        segmentNonce = try state.read()
        commitPosition = try state.read()
        position = try state.read()
    }
}

extension LogMark {
    /// Whether this is a place of the log in a directory, as far as can be said without reading
    /// what precedes it.
    ///
    /// The commit before it is intact and has the root of the mark's tree; where a smaller tree was
    /// signed last, so has the commit that it ends with. Throws where the log cannot be read.
    package func isPlace(
        inLogAt directory: String, disk: any Disk = LinuxDisk()
    ) throws -> Bool {
        let paths = LogPaths(directory: directory)
        let name = LogFormat.segmentName(firstOffset: segmentFirstOffset)
        guard size > 0, try disk.list(paths.log).contains(name) else { return false }
        let file = try disk.open(paths.log + "/" + name, for: .read)
        guard
            case .frame(let segment) = SegmentHeader.read(
                try file.read(LogFormat.sectorLength, at: 0)), segment.nonce == segmentNonce
        else { return false }
        var window = SegmentWindow(file: file, chunkLength: LogFormat.sectorLength)
        guard
            case .frame(let found) = try window.header(
                at: commitPosition, nonce: segmentNonce),
            case .commit(let header, _) = try window.commit(
                at: commitPosition, nonce: segmentNonce, firstOffset: found.firstOffset,
                fileLength: try file.size()),
            header.endOffset == size, header.root == tree.root,
            commitPosition + UInt64(header.paddedLength) == position
        else { return false }
        guard let signed = try SignedHistory(directory: directory, disk: disk).newest()?.head,
            signed.size > 0, signed.size <= size
        else { return true }
        let reader = LogReader(directory: directory, durableHead: size - 1, disk: disk)
        let last = try reader.commitHeader(holding: signed.size - 1)
        return last.endOffset == signed.size && last.root == signed.root
    }
}
