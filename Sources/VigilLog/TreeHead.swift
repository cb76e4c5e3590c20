// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilCodec
package import VigilCore

/// A tree's size and root.
package struct TreeHead: Hashable, Sendable {
    /// How many records the tree has: all below this offset.
    package var size: UInt64
    package var root: MerkleHash

    /// The head of the tree with this size and root.
    package init(size: UInt64, root: MerkleHash) {
        self.size = size
        self.root = root
    }
}

/// The tree over what is durable: told by the committer's thread, read by any.
package final class DurableTreeHead: Sendable {
    private struct State {
        var head: TreeHead
        var mark: LogMark?
        var wantedSize: UInt64?
        var keptMark: LogMark?
    }

    private let state: Mutex<State>

    /// Begins with what a recovery found.
    init(_ head: TreeHead, mark: LogMark?) {
        state = Mutex(State(head: head, mark: mark))
    }

    /// The tree's size and root, all of it durable.
    package var value: TreeHead { state.withLock { $0.head } }

    /// The place behind the last commit; nil for a log without records.
    package var mark: LogMark? { state.withLock { $0.mark } }

    /// The place that `keepMark` asked for last; nil until it is durable.
    package var keptMark: LogMark? { state.withLock { $0.keptMark } }

    /// Asks that the place of a size be kept: of a commit that is yet to be submitted.
    package func keepMark(of size: UInt64) {
        state.withLock { state in
            state.wantedSize = size
            state.keptMark = nil
        }
    }

    func grow(to mark: LogMark) {
        state.withLock { state in
            state.head = mark.tree.head
            state.mark = mark
            guard mark.size == state.wantedSize else { return }
            state.wantedSize = nil
            state.keptMark = mark
        }
    }
}

extension MerkleFrontier {
    /// The tree's size and root.
    var head: TreeHead { TreeHead(size: size, root: root) }
}

/// The tree over a log that is being read, compared with the roots that are known for it.
struct TreeScan: Sendable {
    private(set) var frontier: MerkleFrontier
    /// Heads that were signed and are still to come, by size.
    private var expected: ArraySlice<TreeHead>
    /// So many records are known to be those that were signed.
    private var confirmedSize: UInt64
    /// The first head that was signed and is not this log's.
    private var mismatch: TreeError?

    /// A scan from where a tree stands, that is to come by some heads.
    init(from frontier: MerkleFrontier = MerkleFrontier(), expecting heads: [TreeHead]) {
        self.frontier = frontier
        expected = heads.sorted { $0.size < $1.size }[...]
        confirmedSize = frontier.size
    }

    /// The greatest size that was signed.
    var signedSize: UInt64 { expected.last?.size ?? 0 }

    /// Puts the next record's entry into the tree.
    ///
    /// Each subtree that is completed is handed out.
    mutating func take(
        _ entry: Span<UInt8>, completing: (MerkleNode, MerkleHash) -> Void = { _, _ in }
    ) {
        frontier.append(.leaf(entry), completing: completing)
        confirm()
    }

    /// Puts the next records' entries into the tree, from their leaves.
    mutating func take(_ leaves: [MerkleHash]) {
        confirm()
        var rest = leaves[...]
        // It has to be the tree of each size that was signed.
        while let head = expected.first, head.size - frontier.size < UInt64(rest.count) {
            let part = rest.prefix(Int(head.size - frontier.size))
            frontier.append(contentsOf: Array(part))
            rest = rest.dropFirst(part.count)
            confirm()
        }
        frontier.append(contentsOf: Array(rest))
        confirm()
    }

    /// Compares with the heads that were signed for the size reached.
    mutating func confirm() {
        while let head = expected.first, head.size <= frontier.size {
            if head.size == frontier.size, head.root != frontier.root, mismatch == nil {
                mismatch = .rewritten(after: confirmedSize, signed: head.size)
            }
            confirmedSize = max(confirmedSize, head.size)
            expected.removeFirst()
        }
    }

    /// Whether the root in a commit's header is the one of its records.
    ///
    /// Builds before the tree wrote none.
    func agrees(with header: CommitHeader) -> Bool {
        guard let root = header.root, header.endOffset == frontier.size else { return true }
        return root == frontier.root
    }

    /// Throws `rewritten` where a head was signed for a size reached, and is another.
    ///
    /// Asked at the end of a commit: its own root narrows the place down further.
    func requireUnchanged() throws(TreeError) {
        if let mismatch { throw mismatch }
    }

    /// Throws `shorter` where a head was signed for more records than there are.
    func requireAllSigned() throws(TreeError) {
        try requireUnchanged()
        guard signedSize <= frontier.size else {
            throw .shorter(size: frontier.size, signed: signedSize)
        }
    }
}
