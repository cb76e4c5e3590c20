// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

/// Why the records of an intact commit were not all handed out.
enum CommitBodyError: Error {
    /// The visitor threw.
    case visitor(any Error)
    /// The bytes are not what the header says, from the record with this offset on.
    case malformed(UInt64)
}

/// The records of a commit whose checksum holds.
struct CommitBody {
    let header: CommitHeader
    let bytes: [UInt8]
    /// Where the commit begins in the bytes.
    let index: Int

    /// Hands out the records in order.
    ///
    /// A checksum that holds over records that do not add up is a writer's fault or a forgery:
    /// both are told as damage, never passed over.
    func forEach(_ visit: (LogRecordView) throws -> Void) throws(CommitBodyError) {
        var position = index + LogFormat.commitHeaderLength
        let end = position + Int(header.bodyLength)
        var offset = header.firstOffset
        var endsUnit = true
        for _ in 0..<header.recordCount {
            let view: LogRecordView
            do throws(LogRecordError) {
                view = try LogRecordView(bytes: bytes, at: position, before: end)
            } catch {
                throw .malformed(offset)
            }
            guard view.offset == offset, offset < .max else { throw .malformed(offset) }
            do {
                try visit(view)
            } catch {
                throw .visitor(error)
            }
            position = view.end
            endsUnit = view.endsUnit
            offset += 1
        }
        guard position == end, endsUnit else { throw .malformed(header.firstOffset) }
    }
}
