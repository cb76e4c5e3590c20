// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Whether a signed note can carry a name: no white space, no plus sign, not empty.
func isSignable(_ name: String) -> Bool {
    !name.isEmpty && !name.contains { $0.isWhitespace || $0 == "+" }
        && !name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
}

/// What a log's signatures are checked with: its name and Ed25519 key (C2SP signed-note).
package struct VerifierKey: Hashable, Sendable {
    /// The signature type of Ed25519.
    static let algorithm: UInt8 = 0x01

    package let name: String
    /// The 32 bytes of the public key.
    package let publicKey: [UInt8]

    /// The first four bytes of SHA-256 over name, line feed, type and key.
    package var id: [UInt8] {
        let hashed = Array(name.utf8) + [UInt8(ascii: "\n"), Self.algorithm] + publicKey
        return Array(SHA256.digest(of: hashed).prefix(4))
    }

    /// `name+id+key`, as verifiers take it.
    package var text: String {
        "\(name)+\(hexadecimal(id))+\(Base64.encode([Self.algorithm] + publicKey))"
    }
}

/// The key that a log signs with.
package struct SigningKey: Sendable {
    private static let prefix = "PRIVATE+KEY+"

    /// What checks its signatures.
    package let verifier: VerifierKey
    private let seed: [UInt8]

    /// The key of a name and a seed of 32 bytes.
    ///
    /// Nil for other lengths, and names that a note cannot carry.
    package init?(name: String, seed: [UInt8]) {
        guard isSignable(name), let publicKey = Ed25519.publicKey(ofSeed: seed) else {
            return nil
        }
        verifier = VerifierKey(name: name, publicKey: publicKey)
        self.seed = seed
    }

    /// Reads `PRIVATE+KEY+name+id+key`, the form that Go's `note` package writes.
    package init?(text: String) {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard text.hasPrefix(Self.prefix), parts.count == 5,
            let key = Base64.decode(String(parts[4])), key.first == VerifierKey.algorithm
        else { return nil }
        self.init(name: String(parts[2]), seed: Array(key.dropFirst()))
        guard hexadecimal(verifier.id) == parts[3] else { return nil }
    }

    /// The form that `init(text:)` reads.
    var text: String {
        let key = Base64.encode([VerifierKey.algorithm] + seed)
        return "\(Self.prefix)\(verifier.name)+\(hexadecimal(verifier.id))+\(key)"
    }

    /// The signature of a note's text.
    func sign(_ text: String) -> SignedNote.Signature {
        SignedNote.Signature(
            name: verifier.name, keyID: verifier.id,
            bytes: Ed25519.signature(of: Array(text.utf8), seed: seed) ?? [])
    }
}
