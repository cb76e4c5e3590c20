// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An identifier from outside as a key: equal to another only byte by byte.
///
/// `String` calls texts equal that Unicode calls canonically equivalent; two patients whose
/// identifiers differ only so are two patients. The hash is the text's own, which equal bytes
/// share.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.isExactly(right.text)
    }
}

extension ExactText: StateCodable {
    package func write(to state: inout StateWriter) { state.writeShared(text) }
    package init(state: inout StateReader) throws(StateError) {
        self.init(try state.readShared())
    }
}

extension String {
    /// Whether this is another text byte by byte, not only by canonical equivalence.
    package func isExactly(_ other: String) -> Bool {
        let left = utf8Span.span
        let right = other.utf8Span.span
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
