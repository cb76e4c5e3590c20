// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// What is wrong with a message, of which the sender is told one thing.
///
/// The protocol orders rejections by code, then by position in the document; elements are read in
/// neither order. So a reader notes what it finds and goes on, and here the first one is kept.
struct Problems {
    /// How many were noted.
    private(set) var count = 0
    private var first: (rank: Int, code: Rejection.Code, message: String, at: JSONValue)?

    /// Takes note of a problem with a value; for a missing element its parent.
    mutating func note(_ code: Rejection.Code, _ message: String, at value: JSONValue) {
        count += 1
        let rank = Rejection.Code.allCases.firstIndex(of: code) ?? 0
        if let first, (first.rank, first.at.index) <= (rank, value.index) { return }
        first = (rank, code, message, value)
    }

    /// The code of the problem that the sender is told.
    var code: Rejection.Code? { first?.code }

    /// The problem that the sender is told, or nil if there is none.
    var rejection: Rejection? {
        first.map { Rejection($0.code, $0.message, at: $0.at.pointer) }
    }
}
