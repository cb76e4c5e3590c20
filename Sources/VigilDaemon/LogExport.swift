// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilEngine
internal import VigilLog

/// Prints a log as JSON lines (protocol section 9).
package struct LogExport {
    private static let chunkBytes = 256 << 10

    private let reader: LogReader
    private let topics: [[UInt8]]

    /// An export of the log in a data directory.
    ///
    /// - Parameters:
    ///   - directory: the data directory.
    ///   - topics: topic prefixes of the records wanted; empty for all.
    /// - Throws: `OpeningError` where there is no log, `LogError` where it cannot be read.
    package init(directory: String, topics: [[UInt8]]) throws {
        reader = try LogReader(directory: directory)
        guard reader.durableHead != nil else {
            throw OpeningError.noLog(directory: directory)
        }
        self.topics = topics
    }

    /// Hands out lines in chunks, from an offset to the end.
    ///
    /// - Parameters:
    ///   - start: the offset to begin at.
    ///   - write: returns false where nobody reads any more.
    /// - Throws: `LogError` where the log is damaged.
    package func run(from start: UInt64, write: ([UInt8]) -> Bool) throws {
        let document = JSONDocument()
        var chunk: [UInt8] = []
        try reader.scan(from: start) { record in
            guard topics.isEmpty || topics.contains(where: record.topicBytes.starts(with:)) else {
                return .next
            }
            var payload = Array(record.payload)
            if record.kind == .input {
                payload = try document.withRoot(of: payload) { $0.compactText }
            }
            var json = JSONWriter()
            json.object { json in
                json.number("offset", record.offset)
                json.string("recorded", record.recorded.description)
                json.string("topic", record.topic)
                json.raw("event", payload)
            }
            chunk += json.bytes
            chunk.append(UInt8(ascii: "\n"))
            guard chunk.count >= LogExport.chunkBytes else { return .next }
            defer { chunk.removeAll(keepingCapacity: true) }
            return write(chunk) ? .next : .stop
        }
        _ = write(chunk)
    }
}
