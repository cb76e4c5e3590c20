// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A public key of CURVE (ZeroMQ RFC 26), by which a peer is known.
package struct CurvePublicKey: Hashable, Sendable {
    /// The key in Z85 (ZeroMQ RFC 32): 40 characters.
    package let text: String

    /// Reads a key from its Z85 text; nil where the text is none.
    package init?(_ text: String) {
        guard CurveKeyPair.isKey(text) else { return nil }
        self.text = text
    }

    /// The key of 32 bytes, as the ZAP hands it over; nil where there are not 32.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        self.text = CurveKeyPair.text(text)
    }
}

/// A key pair of CURVE.
package struct CurveKeyPair: Sendable {
    package let publicKey: CurvePublicKey
    /// The secret key in Z85; it stands nowhere but in its owner's file.
    package let secretText: String

    /// The pair of a secret key in Z85; nil where the text is no key.
    package init?(secretText: String) {
        guard CurveKeyPair.isKey(secretText) else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&text, secretText) == 0,
            let publicKey = CurvePublicKey(CurveKeyPair.text(text))
        else { return nil }
        self.publicKey = publicKey
        self.secretText = secretText
    }

    /// Makes a new pair.
    ///
    /// - Throws: A `TransportError` where this libzmq has no CURVE.
    package static func generate() throws(TransportError) -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicText, &secretText) == 0,
            let pair = CurveKeyPair(secretText: CurveKeyPair.text(secretText))
        else { throw .last("make CURVE keys") }
        return pair
    }

    /// The text in a buffer that C has filled.
    fileprivate static func text(_ characters: [CChar]) -> String {
        String(
            decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Whether a text is 32 bytes in Z85.
    fileprivate static func isKey(_ text: String) -> Bool {
        guard text.utf8.count == 40 else { return false }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, text) != nil
    }
}
