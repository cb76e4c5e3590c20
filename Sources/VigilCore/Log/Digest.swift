// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CDigest

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// The 32 bytes of the digest.
    package static func digest(of bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe result.withUnsafeMutableBufferPointer { output in
                guard let start = output.baseAddress else { return }
                unsafe vigil_sha256(input.baseAddress, input.count, start)
            }
        }
        return result
    }

    /// The digest of bytes where they lie, without an allocation.
    package static func digest(of bytes: Span<UInt8>) -> [32 of UInt8] {
        var result = [32 of UInt8](repeating: 0)
        var output = result.mutableSpan
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { target in
                guard let start = target.baseAddress else { return }
                unsafe vigil_sha256(input.baseAddress, input.count, start)
            }
        }
        return result
    }
}

/// Lower-case hexadecimal digits, two a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// Lower-case base32 (RFC 4648) without padding.
package func base32(_ bytes: some Sequence<UInt8>) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        bits += 8
        while bits >= 5 {
            bits -= 5
            text.append(alphabet[Int(buffer >> UInt32(bits)) & 31])
        }
        buffer &= (1 << UInt32(bits)) - 1
    }
    if bits > 0 {
        text.append(alphabet[Int(buffer << UInt32(5 - bits)) & 31])
    }
    return String(decoding: text, as: UTF8.self)
}
