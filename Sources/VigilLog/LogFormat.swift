// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// The numbers of the format that several files share: the text is `schemas/log-format.md`.
enum LogFormat {
    static let version: UInt16 = 1
    /// No write touches a sector that another commit lies in.
    static let sectorLength = 512
    static let commitHeaderLength = 128
    static let bodyLengthMax = 1 << 30

    /// The file's name of the segment that begins with an offset.
    static func segmentName(firstOffset: UInt64) -> String {
        padded(firstOffset) + ".vlog"
    }

    /// A number in 20 digits, as every one fits: names of files have the order of their numbers.
    static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }

    /// The first offset in a segment's name, nil for any other name.
    static func firstOffset(ofSegment name: String) -> UInt64? {
        guard name.hasSuffix(".vlog"), let offset = UInt64(name.dropLast(5)),
            segmentName(firstOffset: offset) == name
        else { return nil }
        return offset
    }
}

/// The paths below a data directory.
struct LogPaths: Sendable {
    let directory: String

    var lock: String { directory + "/lock" }
    var log: String { directory + "/log" }
    var torn: String { directory + "/log/torn" }
    var durable: String { directory + "/log/durable" }
    /// What is to become the next segment; no segment's name, so that readers pass it over.
    var prepared: String { directory + "/log/prepared" }

    func segment(firstOffset: UInt64) -> String {
        log + "/" + LogFormat.segmentName(firstOffset: firstOffset)
    }
}

/// CRC-32C of a part of some bytes, continuing from what precedes it.
func checksum(_ bytes: [UInt8], in range: Range<Int>, after before: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { buffer in
        let part = UnsafeRawBufferPointer(rebasing: buffer[range])
        return vigil_crc32c(before, part.baseAddress, part.count)
    }
}

extension [UInt8] {
    /// A little-endian integer at a position within the bytes.
    func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self, at position: Int
    ) -> Value {
        Value(littleEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: type))
    }

    /// Puts an integer, little endian, at a position within the bytes.
    mutating func store(_ value: some FixedWidthInteger & BitwiseCopyable, at position: Int) {
        withUnsafeMutableBytes { target in
            target.storeBytes(of: value.littleEndian, toByteOffset: position, as: type(of: value))
        }
    }

    /// Whether some ASCII stands at a position.
    func hasText(_ text: StaticString, at position: Int) -> Bool {
        text.withUTF8Buffer { self[position..<position + $0.count].elementsEqual($0) }
    }

    /// Puts some ASCII at a position within the bytes.
    mutating func storeText(_ text: StaticString, at position: Int) {
        text.withUTF8Buffer { letters in
            for (index, letter) in letters.enumerated() {
                self[position + index] = letter
            }
        }
    }
}
