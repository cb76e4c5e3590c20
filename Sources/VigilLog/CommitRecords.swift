// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// The records of a commit whose checksum holds, one after the other.
struct CommitRecords {
    let header: CommitHeader
    private let bytes: [UInt8]
    private let file: String
    private let bodyEnd: Int
    private var position: Int
    /// The offset of the record that `next` gives.
    private(set) var nextOffset: UInt64
    private var endsUnit = true

    /// The commit that begins at an index of the bytes; the file's name is for messages.
    init(header: CommitHeader, bytes: [UInt8], at index: Int, file: String) {
        self.header = header
        self.bytes = bytes
        self.file = file
        position = index + LogFormat.commitHeaderLength
        bodyEnd = position + Int(header.bodyLength)
        nextOffset = header.firstOffset
    }

    /// The next record, nil behind the last.
    ///
    /// A checksum that holds over records that do not add up is a writer's fault or a forgery:
    /// both are told as damage, never passed over.
    mutating func next() throws(LogError) -> LogRecordView? {
        guard nextOffset < header.endOffset else {
            guard position == bodyEnd, endsUnit else { throw malformed }
            return nil
        }
        let view: LogRecordView
        do throws(LogRecordError) {
            view = try LogRecordView(bytes: bytes, at: position, before: bodyEnd)
        } catch {
            throw malformed
        }
        guard view.offset == nextOffset else { throw malformed }
        position = view.end
        endsUnit = view.endsUnit
        nextOffset += 1
        return view
    }

    /// The leaves of the records whose entries lie at some places of the bytes.
    func leaves(of entries: [Range<Int>]) -> [MerkleHash] {
        MerkleHash.leaves(of: entries, in: bytes.span)
    }

    /// The digests of what lies at some places of the bytes.
    func digests(of parts: [Range<Int>]) -> [[32 of UInt8]] {
        SHA256.digests(of: parts, in: bytes.span)
    }

    private var malformed: LogError { damaged("a commit whose records cannot be read") }

    /// The damage where the header's root is not that of the tree with these records.
    var differsFromRoot: LogError { damaged("a commit whose tree root is not its records'") }

    private func damaged(_ finding: String) -> LogError {
        .damaged(
            LogDamage(
                file: file, position: header.position, firstOffset: header.firstOffset,
                lastOffset: header.endOffset > header.firstOffset ? header.endOffset - 1 : nil,
                finding: finding))
    }
}
