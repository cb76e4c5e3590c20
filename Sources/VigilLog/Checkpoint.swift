// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import VigilCore

/// What a log commits itself to: its name, its size and its tree's root (C2SP tlog-checkpoint).
package struct Checkpoint: Hashable, Sendable {
    /// The log's name, the first line.
    package var origin: String
    package var head: TreeHead

    /// The checkpoint of a log at a size.
    package init(origin: String, head: TreeHead) {
        self.origin = origin
        self.head = head
    }

    /// The three lines, each with its end.
    package var text: String {
        "\(origin)\n\(head.size)\n\(Base64.encode(head.root.bytes))\n"
    }

    /// Reads the lines; nil where they are none.
    ///
    /// Extension lines behind them are passed over.
    package init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last?.isEmpty == true, !lines[0].isEmpty,
            lines.dropLast().allSatisfy({ !$0.isEmpty }),
            let size = UInt64(lines[1]), String(size) == lines[1],
            let root = Base64.decode(String(lines[2])).flatMap({ MerkleHash($0) })
        else { return nil }
        origin = String(lines[0])
        head = TreeHead(size: size, root: root)
    }
}

/// A text with signatures (C2SP signed-note).
package struct SignedNote: Hashable, Sendable {
    /// A line that names who signed, with the key's id and the signature itself.
    package struct Signature: Hashable, Sendable {
        package var name: String
        /// Four bytes of a hash over name and key.
        package var keyID: [UInt8]
        package var bytes: [UInt8]
    }

    /// What is signed: lines, each with its end.
    package var text: String
    package var signatures: [Signature]

    private static let lengthMax = 1 << 20
    private static let signaturesMax = 100

    /// A note with the one signature of a key.
    package init(text: String, signedBy key: SigningKey) {
        self.text = text
        signatures = [key.sign(text)]
    }

    /// Reads a note; nil where the bytes are none.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= SignedNote.lengthMax,
            let note = String(validating: bytes, as: UTF8.self),
            bytes.allSatisfy({ $0 >= 0x20 || $0 == UInt8(ascii: "\n") }),
            let gap = bytes.indices.dropLast().last(where: {
                bytes[$0] == UInt8(ascii: "\n") && bytes[$0 + 1] == UInt8(ascii: "\n")
            }), note.hasSuffix("\n")
        else { return nil }
        text = String(decoding: bytes[...gap], as: UTF8.self)
        let lines = String(decoding: bytes[(gap + 2)...], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        signatures = lines.compactMap(Signature.init(line:))
        guard !lines.isEmpty, signatures.count == lines.count,
            lines.count <= SignedNote.signaturesMax
        else { return nil }
    }

    /// The note's bytes.
    package var bytes: [UInt8] {
        Array((text + "\n" + signatures.map(\.line).joined()).utf8)
    }

    /// Whether a key has signed this; signatures of other keys are passed over.
    package func isSigned(by key: VerifierKey) -> Bool {
        let own = signatures.filter { $0.name == key.name && $0.keyID == key.id }
        guard !own.isEmpty else { return false }
        return own.allSatisfy { signature in
            Ed25519.holds(signature.bytes, for: Array(text.utf8), publicKey: key.publicKey)
        }
    }
}

extension SignedNote.Signature {
    private static let mark = "\u{2014} "

    /// The line with its end.
    var line: String {
        Self.mark + name + " " + Base64.encode(keyID + bytes) + "\n"
    }

    init?(line: Substring) {
        guard line.hasPrefix(Self.mark) else { return nil }
        let parts = line.dropFirst(Self.mark.count).split(
            separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, isSignable(String(parts[0])),
            let decoded = Base64.decode(String(parts[1])), decoded.count > 4
        else { return nil }
        self.init(
            name: String(parts[0]), keyID: Array(decoded.prefix(4)),
            bytes: Array(decoded.dropFirst(4)))
    }
}

/// Base64 with padding (RFC 4648 section 4); only the one spelling that encoding gives is read.
package enum Base64 {
    /// The text of some bytes.
    package static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// The bytes of a text, nil where it is not one that `encode` gives.
    package static func decode(_ text: String) -> [UInt8]? {
        guard let bytes = Data(base64Encoded: text).map(Array.init), encode(bytes) == text else {
            return nil
        }
        return bytes
    }
}
