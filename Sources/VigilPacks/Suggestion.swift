// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The candidate that a mistyped word most likely means: at most two edits away, the first in
/// order where several are equally near.
///
/// - Parameters:
///   - word: as somebody wrote it.
///   - candidates: what it may have been meant for.
/// - Returns: nil where none is near.
package func suggestion(for word: String, among candidates: [String]) -> String? {
    candidates
        .map { (candidate: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
        .filter { $0.distance <= 2 }
        .min { $0.distance < $1.distance }?.candidate
}

/// How many characters have to be inserted, deleted or replaced (Levenshtein 1966).
private func editDistance(_ left: String, _ right: String) -> Int {
    let columns = Array(right)
    var previous = Array(0...columns.count)
    for (row, character) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in columns.enumerated() {
            let replaced = previous[column] + (character == other ? 0 : 1)
            current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
        }
        previous = current
    }
    return previous[columns.count]
}
