// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The identity of a flag or alert from raise to resolve (protocol section 5).
///
/// Its text is 26 characters of lower-case base32 (RFC 4648, no padding), those of 16 bytes; it is
/// kept as 128 bits that are in the order of the texts.
package struct FlagID: Hashable, Comparable, Sendable {
    private static let length = 26

    /// The characters' places in "2" to "7", "a" to "z", five bits each; of the last one, which
    /// stands for three bits, the first three of them.
    private let high: UInt64
    private let low: UInt64

    /// The identity that a text stands for; nil for any other text.
    package init?(_ text: String) {
        guard text.utf8.count == Self.length else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for (place, character) in text.utf8.enumerated() {
            guard var digit = Self.digit(of: character) else { return nil }
            var width: UInt64 = 5
            if place == Self.length - 1 {
                // Of the last five bits two are of no byte, and so are 0.
                guard digit & 3 == 2 else { return nil }
                (digit, width) = (digit >> 2, 3)
            }
            high = high << width | low >> (64 - width)
            low = low << width | digit
        }
        (self.high, self.low) = (high, low)
    }

    /// The identity of one of the flags that a rule raises for a patient: that of the first 16
    /// bytes of SHA-256(origin 0x00 subject 0x00 rule 0x00 episode).
    ///
    /// - Parameters:
    ///   - origin: the log's.
    ///   - subject: the patient.
    ///   - rule: its id.
    ///   - episode: the number of the episode for the subject and rule, from 1.
    package init(origin: String, subject: String, rule: String, episode: Int) {
        var bytes = Array(origin.utf8)
        for part in [subject, rule, String(episode)] {
            bytes.append(0)
            bytes.append(contentsOf: part.utf8)
        }
        guard let made = FlagID(base32(SHA256.digest(of: bytes).prefix(16))) else {
            preconditionFailure("Sixteen bytes have 26 digits.")
        }
        self = made
    }

    /// The 26 characters.
    package var text: String {
        var characters = Array(repeating: UInt8(0), count: Self.length)
        var (high, low) = (high, low)
        for place in characters.indices.reversed() {
            let isLast = place == Self.length - 1
            let width: UInt64 = isLast ? 3 : 5
            let digit = UInt8(truncatingIfNeeded: isLast ? (low & 7) << 2 | 2 : low & 31)
            characters[place] =
                digit < 6 ? UInt8(ascii: "2") + digit : UInt8(ascii: "a") + digit - 6
            low = low >> width | high << (64 - width)
            high >>= width
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// As good as random, and in the order of the identities.
    package var prefix: UInt64 { high }

    package static func < (left: FlagID, right: FlagID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static func digit(of character: UInt8) -> UInt64? {
        switch character {
        case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt64(character - UInt8(ascii: "2"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(character - UInt8(ascii: "a")) + 6
        default: nil
        }
    }
}

extension FlagID: StateCodable {
    /// All sixteen bytes: they are as good as random.
    package func write(to state: inout StateWriter) {
        state.writeWord(high)
        state.writeWord(low)
    }

    package init(state: inout StateReader) throws(StateError) {
        high = try state.readWord()
        low = try state.readWord()
    }
}
