// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What is kept of an identifier that is only ever held against others of the same patient and
/// source: 64 bits in place of a text.
///
/// Two identifiers of one patient share a hash by chance once in 3.7 × 10^13 patients of a
/// thousand resources each; who makes two meet by intent confuses the own resources and no others.
package struct IdentifierHash: Hashable, Comparable, Sendable {
    package let bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    /// FNV-1a over the text's UTF-8 (Fowler, Noll and Vo), scattered by SplitMix64's finisher.
    package init(_ text: String) {
        self.init(utf8: text.utf8)
    }

    /// The same of a text's bytes.
    init(utf8: some Sequence<UInt8>) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        bits = hash ^ (hash >> 31)
    }

    package static func < (left: IdentifierHash, right: IdentifierHash) -> Bool {
        left.bits < right.bits
    }
}

extension IdentifierHash: StateCodable {
    /// All eight bytes, lowest first: they are as good as random.
    package func write(to state: inout StateWriter) { state.writeWord(bits) }
    package init(state: inout StateReader) throws(StateError) {
        self.init(bits: try state.readWord())
    }
}
