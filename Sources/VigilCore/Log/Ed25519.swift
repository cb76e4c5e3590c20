// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CDigest

/// Ed25519 signatures (RFC 8032): deterministic, so that signing twice gives the same bytes.
package enum Ed25519 {
    /// The number of bytes in a seed.
    package static let seedLength = 32
    /// The number of bytes in a public key.
    package static let publicKeyLength = 32
    /// The number of bytes in a signature.
    package static let signatureLength = 64

    /// The public key of a seed of 32 bytes; nil for any other number.
    package static func publicKey(ofSeed seed: [UInt8]) -> [UInt8]? {
        guard seed.count == seedLength else { return nil }
        var result = [UInt8](repeating: 0, count: publicKeyLength)
        unsafe seed.withUnsafeBufferPointer { seed in
            unsafe result.withUnsafeMutableBufferPointer { result in
                unsafe vigil_ed25519_public(seed.baseAddress, result.baseAddress)
            }
        }
        return result
    }

    /// The signature of a message by a seed of 32 bytes; nil for any other number.
    package static func signature(of message: [UInt8], seed: [UInt8]) -> [UInt8]? {
        guard seed.count == seedLength else { return nil }
        var result = [UInt8](repeating: 0, count: signatureLength)
        unsafe seed.withUnsafeBufferPointer { seed in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe result.withUnsafeMutableBufferPointer { result in
                    unsafe vigil_ed25519_sign(
                        seed.baseAddress, message.baseAddress, message.count, result.baseAddress)
                }
            }
        }
        return result
    }

    /// Whether a signature holds for a message and a public key.
    package static func holds(
        _ signature: [UInt8], for message: [UInt8], publicKey: [UInt8]
    ) -> Bool {
        guard signature.count == signatureLength, publicKey.count == publicKeyLength else {
            return false
        }
        return unsafe publicKey.withUnsafeBufferPointer { key in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe signature.withUnsafeBufferPointer { signature in
                    unsafe vigil_ed25519_verify(
                        key.baseAddress, message.baseAddress, message.count, signature.baseAddress)
                        == 1
                }
            }
        }
    }
}
