// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Publishes a log as C2SP tlog-tiles: a checkpoint, tiles of hashes, bundles of entries.
///
/// Payloads are not among them: an auditor sees entries, which hold a payload's digest alone.
package struct TileExport {
    private let key: SigningKey
    private let history: SignedHistory
    private let directory: TileDirectory
    private let path: String
    private let walk: TreeWalk
    private let reader: LogReader
    private let signed: [SignedCheckpoint]
    /// The records that the directory holds already.
    package let startSize: UInt64
    private let startHead: TreeHead?

    private static let checkpointName = "checkpoint"

    /// How many records the log has.
    package var recordCount: UInt64 { walk.end }

    /// An export of the log in a data directory; a daemon may run on it.
    ///
    /// Throws `TreeError` where there is no key or the directory holds other tiles, `LogError`.
    package init(directory data: String, to path: String, disk: any Disk = LinuxDisk()) throws {
        key = try KeyFile(directory: data).load()
        history = SignedHistory(directory: data, disk: disk)
        try history.requireSigned(by: key)
        // Before the durable end is read: nothing is signed that is not durable.
        signed = try history.all()
        walk = try TreeWalk(directory: data, disk: disk)
        reader = try LogReader(directory: data, disk: disk)
        directory = try TileDirectory(path)
        self.path = path
        if let bytes = try directory.read(Self.checkpointName) {
            guard let last = SignedCheckpoint(bytes), last.note.isSigned(by: key.verifier) else {
                throw TreeError.otherTiles(
                    directory: path, finding: "their checkpoint is not signed by this log's key")
            }
            startHead = last.head
        } else {
            startHead = nil
        }
        startSize = startHead?.size ?? 0
    }

    /// Writes what is not there yet, then the checkpoint that covers it.
    ///
    /// - Parameter progress: gets the number of records exported so far, now and then.
    /// - Returns: the checkpoint's size and root.
    /// - Throws: `TreeError` where the log is not the one that was signed, `LogError`.
    package func run(progress: (UInt64) -> Void = { _ in }) throws -> TreeHead {
        guard startSize <= walk.end else { throw try otherHistory() }
        var writer = try TileWriter(directory: directory, from: startSize, to: walk.end)
        guard let frontier = writer.frontier(size: startSize),
            startHead.map({ $0.root == frontier.root }) ?? true
        else {
            throw TreeError.otherTiles(
                directory: path, finding: "they are not the ones that their checkpoint is for")
        }
        try requireOwn(frontier)
        var tree = TreeScan(from: frontier, expecting: signed.map(\.head))
        tree.confirm()
        try extend(&tree, &writer, progress)
        try tree.requireAllSigned()
        try writer.writePartials()
        // A checkpoint must not outlive a loss of power that its tiles do not.
        try directory.synchronise()
        let checkpoint = try history.sign(tree.frontier.head, with: key)
        try directory.write(Self.checkpointName, checkpoint.note.bytes)
        try directory.synchronise()
        return checkpoint.head
    }

    /// Throws unless the tree that the tiles amount to is one that this log has had.
    ///
    /// Asked before anything is written over them: the root in the commit that their last record
    /// is in tells.
    private func requireOwn(_ frontier: MerkleFrontier) throws {
        guard frontier.size > 0 else { return }
        var tree = TreeScan(from: frontier, expecting: signed.map(\.head))
        tree.confirm()
        let header = try reader.commitHeader(holding: frontier.size - 1)
        try reader.scan(from: frontier.size, to: header.endOffset) { record in
            tree.take(record.entryBytes.span)
            return .next
        }
        do throws(TreeError) {
            try tree.requireUnchanged()
        } catch {
            throw try otherHistory()
        }
        guard tree.agrees(with: header) else { throw try otherHistory() }
    }

    /// That the tiles are of another history; throws what is wrong with the log, if anything is.
    private func otherHistory() throws -> TreeError {
        var tree = TreeScan(expecting: signed.map(\.head))
        try walk.extend(&tree, completing: { _, _ in }, visit: { _ in })
        try tree.requireAllSigned()
        return .tilesOfOtherHistory(directory: path, size: startSize)
    }

    private func extend(
        _ tree: inout TreeScan, _ writer: inout TileWriter, _ progress: (UInt64) -> Void
    ) throws {
        var signedSizes = signed.map(\.head.size).filter { $0 > startSize }[...]
        var completed: [(node: MerkleNode, hash: MerkleHash)] = []
        // The walk hands out a record before its subtrees: they are written with the next one.
        func write() throws {
            for (node, hash) in completed { try writer.take(node, hash) }
            completed.removeAll(keepingCapacity: true)
        }
        try walk.extend(
            &tree, completing: { node, hash in completed.append((node, hash)) },
            visit: { record in
                try write()
                // Whoever was given a checkpoint can ask for its partial tiles.
                if signedSizes.first == record.offset {
                    try writer.writePartials()
                    signedSizes.removeFirst()
                }
                writer.take(entry: record.entryBytes)
                if record.offset % 4096 == 0 { progress(record.offset) }
            })
        try write()
    }
}
