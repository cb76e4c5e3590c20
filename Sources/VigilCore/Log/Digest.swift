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

    /// The digests of some parts of a buffer, in their order: many times as fast as one by one.
    package static func digests(of parts: [Range<Int>], in bytes: Span<UInt8>) -> [[32 of UInt8]] {
        var digests = [[32 of UInt8]](repeating: .init(repeating: 0), count: parts.count)
        unsafe digests.withUnsafeMutableBytes { output in
            unsafe hash(parts, of: bytes, prefix: VIGIL_NO_PREFIX, into: output)
        }
        return digests
    }

    /// Puts the digests of some parts of a buffer where they belong in it: in none of the parts.
    package static func seal(
        _ parts: [(part: Range<Int>, digestStart: Int)], in bytes: inout [UInt8]
    ) {
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            var messages: [vigil_message] = unsafe []
            unsafe messages.reserveCapacity(parts.count)
            for (part, digestStart) in parts {
                precondition(part.lowerBound >= 0 && part.upperBound <= buffer.count)
                precondition(digestStart >= 0 && digestStart + 32 <= buffer.count)
                unsafe messages.append(
                    vigil_message(
                        bytes: start + part.lowerBound, length: part.count,
                        prefix: VIGIL_NO_PREFIX, digest: start + digestStart))
            }
            unsafe vigil_sha256_many(messages, messages.count)
        }
    }

    /// Hashes parts of a buffer, each behind a prefix or none, to 32 bytes each.
    static func hash(
        _ parts: some Collection<Range<Int>>, of bytes: Span<UInt8>, prefix: Int32,
        into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == parts.count * 32)
        unsafe bytes.withUnsafeBufferPointer { input in
            guard let target = unsafe output.bindMemory(to: UInt8.self).baseAddress else { return }
            var messages: [vigil_message] = unsafe []
            unsafe messages.reserveCapacity(parts.count)
            for (index, part) in parts.enumerated() {
                precondition(part.lowerBound >= 0 && part.upperBound <= input.count)
                let start = unsafe input.baseAddress.map { unsafe $0 + part.lowerBound }
                unsafe messages.append(
                    vigil_message(
                        bytes: start, length: part.count, prefix: prefix,
                        digest: target + index * 32))
            }
            unsafe vigil_sha256_many(messages, messages.count)
        }
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
