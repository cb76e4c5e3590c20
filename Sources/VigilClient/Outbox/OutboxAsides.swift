// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

/// How far an outbox is acknowledged: two slots written in turn, of which the greater sound one
/// counts.
struct OutboxClaim {
    private static let slotLength = 512

    private let file: OutboxFile
    private var slot = 0
    var through: UInt64 = 0

    init(_ path: String) throws(OutboxError) {
        file = try OutboxFile(path, isLock: true)
        let bytes = try file.read(at: 0, count: 2 * OutboxClaim.slotLength)
        for number in 0..<2 {
            let start = number * OutboxClaim.slotLength
            guard bytes.count >= start + 12 else { continue }
            let value: UInt64 = OutboxFormat.number(bytes, start)
            let sum: UInt32 = OutboxFormat.number(bytes, start + 8)
            guard sum == OutboxFormat.checksum(bytes[start..<(start + 8)]), value >= through,
                value <= OutboxFormat.sequences.upperBound
            else { continue }
            through = value
            slot = 1 - number
        }
    }

    /// Writes a greater one; on a full disk it stays as it was, and more is sent again.
    mutating func write(_ sequence: UInt64) throws(OutboxError) {
        through = sequence
        var bytes: [UInt8] = []
        OutboxFormat.append(sequence, to: &bytes)
        OutboxFormat.append(OutboxFormat.checksum(bytes[...]), to: &bytes)
        bytes += [UInt8](repeating: 0, count: OutboxClaim.slotLength - bytes.count)
        _ = try file.put(bytes, at: slot * OutboxClaim.slotLength)
        slot = 1 - slot
    }
}

/// The events that were refused, one JSON line each, for people to look at.
///
/// The file may be moved away at any time; another is begun then. A line whose event is JSON is
/// one that `vigil publish` takes.
package struct OutboxAsides {
    private let directory: String
    private let path: String
    /// Those beyond what is acknowledged that are in the file already.
    private var known: Set<UInt64> = []
    /// How many were put aside since the start.
    package private(set) var count = 0

    /// How long the file is now, in bytes.
    package var byteCount: Int { OutboxFile.length(of: path) }

    /// Reads which of the events that will be sent again are there already.
    init(in directory: String, after through: UInt64) throws(OutboxError) {
        self.directory = directory
        path = directory + "/rejected.ndjson"
        guard OutboxFile.exists(path) else { return }
        let file = try OutboxFile(path)
        let length = try file.length()
        var held: [UInt8] = []
        var position = 0
        while position < length {
            let piece = try file.read(at: position, count: min(1 << 20, length - position))
            position += piece.count
            held += piece
            var start = held.startIndex
            while let end = held[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if let sequence = OutboxAsides.sequence(of: held[start..<end]), sequence > through {
                    known.insert(sequence)
                }
                start = end + 1
            }
            held = Array(held[start...])
        }
        // A line that was being written when the process was ended.
        if !held.isEmpty { try file.cut(to: length - held.count) }
    }

    private static let opening = Array("{\"sequence\":".utf8)

    private static func sequence(of line: ArraySlice<UInt8>) -> UInt64? {
        guard line.starts(with: opening) else { return nil }
        let digits = line.dropFirst(opening.count).prefix { (0x30...0x39).contains($0) }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Appends an event and makes it durable.
    ///
    /// - Returns: false where the disk is full.
    mutating func put(
        _ item: OutboxItem, code: String, message: String, pointer: String
    ) throws(OutboxError) -> Bool {
        guard !known.contains(item.sequence) else { return true }
        var json = JSONWriter()
        json.object { json in
            json.number("sequence", item.sequence)
            json.string("code", code)
            json.string("message", message)
            json.string("pointer", pointer)
            if item.kind == .event {
                json.string("topic", String(decoding: item.topic, as: UTF8.self))
            }
            let isJSON = (try? JSONDocument().withRoot(of: item.event) { _ in true }) ?? false
            if isJSON, !item.event.contains(UInt8(ascii: "\n")) {
                json.raw("event", item.event)
            } else {
                json.string("text", String(decoding: item.event, as: UTF8.self))
            }
        }
        let isThere = OutboxFile.exists(path)
        let file: OutboxFile
        do throws(OutboxError) {
            file = try OutboxFile(path, isNew: !isThere)
        } catch {
            guard error.kind == .full else { throw error }
            return false
        }
        // Before it is written to: on a full disk it stays, and is not new the next time.
        if !isThere { try OutboxFile.syncDirectory(directory) }
        let end = try file.length()
        let line = json.bytes + [UInt8(ascii: "\n")]
        guard try file.write(line, at: end) else { return false }
        known.insert(item.sequence)
        count += 1
        return true
    }

    /// Forgets which ones are there, once they will not be sent again.
    mutating func forget(through sequence: UInt64) {
        known = known.filter { $0 > sequence }
    }
}
