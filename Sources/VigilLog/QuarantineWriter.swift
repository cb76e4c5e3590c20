// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCodec
package import VigilCore

/// A message that was not accepted, with why, and with all of its bytes.
package struct RejectedMessage: Sendable {
    package var at: Instant
    /// The socket's name: `events` or `ingest`.
    package var socket: String
    package var code: String
    package var message: String
    package var pointer: String
    /// Nil where it could not be read.
    package var source: String?
    package var id: String?
    package var topic: [UInt8]
    package var event: [UInt8]

    /// A message with the verdict on it.
    package init(
        at: Instant, socket: String, code: String, message: String, pointer: String,
        source: String?, id: String?, topic: [UInt8], event: [UInt8]
    ) {
        self.at = at
        self.socket = socket
        self.code = code
        self.message = message
        self.pointer = pointer
        self.source = source
        self.id = id
        self.topic = topic
        self.event = event
    }

    /// The line of JSON, its members in a fixed order.
    var line: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("at", at.description)
            json.string("socket", socket)
            json.string("code", code)
            json.string("message", message)
            json.string("pointer", pointer)
            json.string("source", orNull: source)
            json.string("id", orNull: id)
            encodeDigest(to: &json)
            json.string("topic", Base64.encode(topic))
            json.string("event", Base64.encode(event))
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Says which bytes were rejected, here and in `system.rejected`: each leads to the other.
    package func encodeDigest(to json: inout JSONWriter) {
        // Frames that are no pair have no event among them: all of them are what was sent.
        let isPair = code != Rejection.Code.badFrames.rawValue
        let bytes = isPair ? event : topic + event
        json.number("length", bytes.count)
        json.string("sha256", hexadecimal(SHA256.digest(of: bytes)))
    }
}

/// Keeps rejected messages, raw, in `quarantine/rejected.ndjson` below a data directory.
///
/// One thread uses it. After an error it is used no more, as the log is.
package final class QuarantineWriter {
    private let disk: any Disk
    private let directory: String
    private let fileLengthMax: UInt64
    private var file: (any DiskFile)?
    private var position: UInt64 = 0
    private var buffer: [UInt8] = []
    private var failure: LogError?

    /// A writer below a data directory; nothing is touched before `prepare` or `sync`.
    ///
    /// A file that grew beyond `fileLengthMax` bytes is put aside under the next free number.
    package init(
        directory: String, fileLengthMax: UInt64 = 64 << 20, disk: any Disk = LinuxDisk()
    ) {
        self.disk = disk
        self.directory = directory + "/quarantine"
        self.fileLengthMax = fileLengthMax
    }

    /// The bytes that wait for a `sync`.
    package var bufferedByteCount: Int { buffer.count }

    /// Makes sure that messages can be kept, before one comes.
    ///
    /// On a full disk that is left to the first of them: there may be room by then.
    package func prepare() throws(LogError) {
        do throws(LogError) {
            _ = try openedFile()
        } catch {
            guard case .noSpace = error else {
                throw .noQuarantine(directory: directory, why: error.description)
            }
        }
    }

    /// Keeps a message in memory until the next `sync`.
    package func append(_ message: RejectedMessage) {
        buffer.append(contentsOf: message.line)
    }

    /// Writes what was appended and makes it durable; nothing happens where nothing was.
    ///
    /// Called before the commit that holds the `system.rejected` records. The first failure stays.
    package func sync() throws(LogError) {
        if let failure { throw failure }
        guard !buffer.isEmpty else { return }
        do throws(LogError) {
            // Whoever moves the file away, or removes it, has had what it held.
            if let file, try !file.isAtItsPath() { self.file = nil }
            _ = try openedFile()
            if position > 0, position + UInt64(buffer.count) > fileLengthMax {
                try rotate()
            }
            let file = try openedFile()
            try file.write(buffer, at: position)
            try file.synchronise()
        } catch {
            failure = error
            throw error
        }
        position += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Opens the file, making it and its directory where there is none.
    private func openedFile() throws(LogError) -> any DiskFile {
        if let file { return file }
        try disk.makeDirectory(directory)
        let opened = try disk.open(directory + "/rejected.ndjson", for: .create)
        try disk.synchroniseDirectory(directory)
        position = try opened.size()
        // A line that a crash cut short is kept, and ended, so that the next one can be read.
        if position > 0, try opened.read(1, at: position - 1) != [UInt8(ascii: "\n")] {
            buffer.insert(UInt8(ascii: "\n"), at: 0)
        }
        file = opened
        return opened
    }

    private func rotate() throws(LogError) {
        let numbers = try disk.list(directory).compactMap { name -> Int? in
            guard name.hasPrefix("rejected."), name.hasSuffix(".ndjson") else { return nil }
            return Int(name.dropFirst(9).dropLast(7))
        }
        let path = directory + "/rejected.ndjson"
        try disk.rename(path, to: "\(directory)/rejected.\((numbers.max() ?? 0) + 1).ndjson")
        file = nil
    }
}
