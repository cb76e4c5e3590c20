// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A random key, kept in the data directory, that events' fingerprints are made with: nobody who
/// does not know it can make up events whose fingerprints are the same.
package struct FingerprintKey: Hashable, Sendable {
    let first: UInt64
    let second: UInt64

    /// A key of these two words.
    package init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// SipHash-2-4 (Aumasson and Bernstein, 2012) of two texts, the first behind its length.
    package func fingerprint(_ source: String, _ id: String) -> UInt64 {
        var hash = SipHash(self)
        var source = source
        var id = id
        source.withUTF8 { letters in
            hash.absorb(UInt64(letters.count), byteCount: 8)
            hash.absorb(letters)
        }
        id.withUTF8 { hash.absorb($0) }
        return hash.finish()
    }

    /// A number that says which key it is and nothing else about it.
    var check: UInt64 { fingerprint("", "vigil") }
}

private struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var tail: UInt64 = 0
    private var tailLength = 0
    private var length: UInt64 = 0

    init(_ key: FingerprintKey) {
        v0 = 0x736f_6d65_7073_6575 ^ key.first
        v1 = 0x646f_7261_6e64_6f6d ^ key.second
        v2 = 0x6c79_6765_6e65_7261 ^ key.first
        v3 = 0x7465_6462_7974_6573 ^ key.second
    }

    mutating func absorb(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes { absorb(UInt64(byte), byteCount: 1) }
    }

    mutating func absorb(_ value: UInt64, byteCount: Int) {
        var rest = value
        for _ in 0..<byteCount {
            tail |= (rest & 0xFF) << UInt64(8 * tailLength)
            rest >>= 8
            tailLength += 1
            length &+= 1
            if tailLength == 8 {
                compress(tail)
                tail = 0
                tailLength = 0
            }
        }
    }

    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        compress(tail | length << 56)
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}
