// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Why the log's tree cannot be signed, or is not what was signed.
package enum TreeError: Error, Hashable, Sendable {
    /// The log ends before a checkpoint that was signed.
    case shorter(size: UInt64, signed: UInt64)
    /// Records below a checkpoint's size are others than it was signed for; `after` of them, from
    /// the first, are known to be the same.
    case rewritten(after: UInt64, signed: UInt64)
    /// A commit's header and its records give different roots.
    case rootDiffers(firstOffset: UInt64, endOffset: UInt64)
    /// There is no key to sign with.
    case noKey(path: String)
    /// Others than the owner may read or write the key.
    case keyOpenToOthers(path: String)
    /// A file does not hold a key of the form that the log's key has.
    case malformedKey(path: String)
    /// The key was made for a log of another name.
    case keyOfOtherLog(path: String, name: String)
    /// A name that a signed note cannot carry: empty, or with white space or a plus sign.
    case unsignableName(String)
    /// What was signed last cannot be read.
    case malformedState(path: String)
    /// What was signed last was not signed with the log's key.
    case signedByOtherKey(path: String)
    /// There is a key, but not what it has signed.
    case signedIsGone(path: String)
    /// There is what was signed, but not the key.
    case keyIsGone(path: String)
    /// The tiles in a directory are of another log, or not what their checkpoint says.
    case otherTiles(directory: String, finding: String)
    /// The tiles in a directory, up to a size, are of another history that the log's key has
    /// signed; the log itself is whole.
    case tilesOfOtherHistory(directory: String, size: UInt64)
}

extension TreeError: CustomStringConvertible {
    /// One sentence for the operator, with what can be done.
    package var description: String {
        let advice =
            "restore the log from a newer copy, or, if this history is to count, run"
            + " `vigil keys accept-history`"
        switch self {
        case .shorter(let size, let signed):
            return "the log has \(size) records, but a checkpoint of \(signed) was signed: "
                + advice
        case .rewritten(let after, let signed):
            return "the log is not the one that was signed: a record from \(after) to"
                + " \(signed - 1) was changed; " + advice
        case .rootDiffers(let first, let end):
            return "the tree's root in a commit does not follow from its records: a record from"
                + " \(first) to \(end - 1) was changed; restore the log from a copy"
        case .noKey(let path):
            return "there is no key \(path): `vigil serve` makes it when it starts"
        case .keyOpenToOthers(let path):
            return "\(path) is open to others: run `chmod 600 \(path)`, and consider who may have"
                + " read it"
        case .malformedKey(let path):
            return "\(path) holds no key of a log: restore it from a copy"
        case .keyOfOtherLog(let path, let name):
            return "\(path) is the key of \(name), not of this log: restore the log's own"
        case .unsignableName(let name):
            return "\"\(name)\" cannot name a signed log: no white space, no plus sign"
        case .malformedState(let path):
            return "\(path) cannot be read as a checkpoint: " + advice
        case .signedByOtherKey(let path):
            return "\(path) was signed with another key than the log's: restore that key, or, if"
                + " it is lost, run `vigil keys accept-history`"
        case .signedIsGone(let path):
            return "\(path) is not there, but the log's key is, and nothing tells what it has"
                + " signed: restore `signed/` as it was last, or, if that is lost, run"
                + " `vigil keys accept-history`"
        case .keyIsGone(let path):
            return "\(path) is not there, but what it has signed is: restore that key, or, if it"
                + " is lost, run `vigil keys accept-history`"
        case .otherTiles(let directory, let finding):
            return "the tiles in \(directory) cannot be continued: \(finding); write them to"
                + " another directory"
        case .tilesOfOtherHistory(let directory, let size):
            return "the tiles in \(directory) are of another history of \(size) records that the"
                + " log's key has signed; the log here is whole: if it came back from a copy, run"
                + " `vigil keys accept-history`, and write its tiles to another directory"
        }
    }
}
