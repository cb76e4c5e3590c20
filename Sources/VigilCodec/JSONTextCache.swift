// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Keeps the strings that were read lately, because the same systems, codes, medicines and patients
/// come again and again, and to make a string costs several times what finding it does.
///
/// What it returns does not depend on what it holds: a string is returned only for its own bytes.
final class JSONTextCache {
    private struct Entry {
        /// Of a text below 16 bytes the bytes themselves, of another one a hash.
        var low: UInt64 = 0
        var high: UInt64 = 0
        var count = 0
        var text = ""
    }

    /// Each text has one place, which the newest takes; a place is picked by so many bits.
    private static let placeBits: UInt64 = 12

    /// Longer texts seldom come twice.
    private static let countMax = 128

    private let places: UnsafeMutablePointer<Entry>

    init() {
        places = .allocate(capacity: 1 << JSONTextCache.placeBits)
        places.initialize(repeating: Entry(), count: 1 << JSONTextCache.placeBits)
    }

    deinit {
        places.deinitialize(count: 1 << JSONTextCache.placeBits)
        places.deallocate()
    }

    /// A string without quotes and escapes, anything else as written.
    func text(of value: JSONValue) -> String {
        string(value.textBytes)
    }

    /// The string of UTF-8 that lies in a document, where 16 bytes can be read behind it.
    func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let count = bytes.count
        guard let start = UnsafeRawPointer(bytes.baseAddress), count <= JSONTextCache.countMax
        else {
            return String(decoding: bytes, as: UTF8.self)
        }
        let (low, high) =
            count < 16 ? JSONBytes.words(start, count) : JSONBytes.hash(start, count)
        let mixed = (low ^ (high << 29 | high >> 35)) &* 0x9E37_79B9_7F4A_7C15
        let place = places + Int(truncatingIfNeeded: mixed >> (64 - JSONTextCache.placeBits))
        if place.pointee.low == low, place.pointee.high == high, place.pointee.count == count,
            count < 16
                || place.pointee.text.utf8.withContiguousStorageIfAvailable({
                    JSONBytes.areEqual(UnsafeRawBufferPointer($0), start)
                }) ?? false
        {
            return place.pointee.text
        }
        let text = String(decoding: bytes, as: UTF8.self)
        place.pointee = Entry(low: low, high: high, count: count, text: text)
        return text
    }
}
