// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Bytes of a document, eight at a time.
enum JSONBytes {
    private static func word(_ start: UnsafeRawPointer, _ position: Int) -> UInt64 {
        start.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
    }

    /// Fewer than 16 bytes in two words; 16 can be read.
    @inline(__always)
    static func words(_ start: UnsafeRawPointer, _ count: Int) -> (low: UInt64, high: UInt64) {
        let low = word(start, 0)
        if count < 8 { return (low & ~(UInt64.max &<< UInt64(8 * count)), 0) }
        return (low, word(start, 8) & ~(UInt64.max &<< UInt64(8 * count - 64)))
    }

    /// A hash of 16 bytes or more; two multiplications for 16, of which the last may overlap those
    /// before.
    @inline(__always)
    static func hash(_ start: UnsafeRawPointer, _ count: Int) -> (low: UInt64, high: UInt64) {
        var low = UInt64(truncatingIfNeeded: count)
        var high: UInt64 = 0
        var position = 0
        while position < count {
            let next = min(position, count - 16)
            low = (low ^ word(start, next)) &* 0x9E37_79B9_7F4A_7C15
            high = (high ^ word(start, next + 8)) &* 0xD6E8_FEB8_6659_FD93
            low ^= low >> 32
            high ^= high >> 32
            position += 16
        }
        return (low, high)
    }

    /// Whether so many bytes, 8 or more, lie at an address too.
    @inline(__always)
    static func areEqual(_ known: UnsafeRawBufferPointer, _ start: UnsafeRawPointer) -> Bool {
        guard let other = known.baseAddress else { return true }
        var position = 0
        while position < known.count {
            let next = min(position, known.count - 8)
            if word(other, next) != word(start, next) { return false }
            position += 8
        }
        return true
    }
}
