// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore
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

    /// A record as a line of JSON, without its end.
    ///
    /// - Parameters:
    ///   - record: of the log.
    ///   - document: to read events with.
    /// - Returns: the line.
    /// - Throws: where an event is no JSON, which no accepted one is.
    package static func line(of record: Record, _ document: JSONDocument) throws -> [UInt8] {
        let entry = record.entry
        var payload = record.payload
        if entry.kind == .input {
            payload = try document.withRoot(of: payload) { $0.compactText }
        }
        var json = JSONWriter()
        json.object { json in
            json.number("offset", entry.offset)
            json.string("recorded", entry.recorded.description)
            json.string("topic", entry.topic)
            json.raw("event", payload)
        }
        return json.bytes
    }

    /// Hands out lines in chunks, from an offset to the end.
    ///
    /// - Parameters:
    ///   - start: the offset to begin at.
    ///   - write: returns false where nobody reads any more.
    /// - Throws: `LogError` where the log is damaged, once all before the damage is handed out.
    package func run(from start: UInt64, write: ([UInt8]) -> Bool) throws {
        let document = JSONDocument()
        var chunk: [UInt8] = []
        defer { _ = write(chunk) }
        try reader.scan(from: start) { record in
            guard topics.isEmpty || topics.contains(where: record.topicBytes.starts(with:)) else {
                return .next
            }
            chunk += try LogExport.line(of: record.record, document)
            chunk.append(UInt8(ascii: "\n"))
            guard chunk.count >= LogExport.chunkBytes else { return .next }
            defer { chunk.removeAll(keepingCapacity: true) }
            return write(chunk) ? .next : .stop
        }
    }
}
