// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import VigilCodec

/// Damage to what was durable: where, and which records it touches.
package struct LogDamage: Hashable, Sendable {
    /// The file's name within the log's directory.
    package var file: String
    /// The byte in the file at which the first bad commit begins.
    package var position: UInt64
    /// The first record that cannot be read.
    package var firstOffset: UInt64
    /// The last record that is known to have been durable, nil where only the first is known.
    package var lastOffset: UInt64?
    /// What is wrong there.
    package var finding: String
}

/// Why the log cannot be opened, written or read.
package enum LogError: Error, Hashable, Sendable {
    /// Another process serves this directory.
    case locked(directory: String, holder: Int?)
    /// Durable data is damaged; nothing was changed.
    case damaged(LogDamage)
    /// A file is of a version of the format that this program does not know.
    case unsupportedVersion(file: String, version: UInt16)
    /// A system call failed; `code` is its errno, 0 for an unexpected end of a file.
    case system(call: String, path: String, code: Int32)
    /// The device is full, or a quota or file size limit is reached.
    case noSpace(path: String)
    /// Rejected messages cannot be kept.
    case noQuarantine(directory: String, why: String)
    /// A unit's records do not continue the log.
    case notContiguous(expected: UInt64, found: UInt64)
    /// A unit without records.
    case emptyUnit
    /// A commit would exceed the format's limit.
    case commitTooLarge
    /// A record that cannot be made into bytes.
    case record(LogRecordError)
    /// A submission while too many are on their way: ask `canSubmit` first.
    case busy
    /// The writer was closed.
    case closed
}

extension LogError: CustomStringConvertible {
    /// One sentence for the operator, without a patient's data.
    package var description: String {
        switch self {
        case .locked(let directory, let holder):
            let process = holder.map { "process \($0)" } ?? "another process"
            return "\(directory) is in use by \(process): stop it, or give another directory"
        case .damaged(let damage):
            let range = damage.lastOffset.map { "\(damage.firstOffset) to \($0)" }
            return "the log is damaged: \(damage.finding) in \(damage.file) at byte"
                + " \(damage.position), records \(range ?? "from \(damage.firstOffset)");"
                + " nothing was changed: restore that file from a backup and start again"
        case .unsupportedVersion(let file, let version):
            return "\(file) has format version \(version), which this program does not know"
        case .system(let call, let path, let code):
            let why = code == 0 ? "it ends too early" : String(cString: strerror(code))
            return "\(call) of \(path) failed: \(why)"
        case .noSpace(let path):
            return "no space left to write \(path)"
        case .noQuarantine(let directory, let why):
            return "rejected messages cannot be kept in \(directory): \(why); make it a folder that"
                + " this user may write to, or move away what is there"
        case .notContiguous(let expected, let found):
            return "the next record's offset is \(expected), not \(found)"
        case .emptyUnit: return "a unit has at least one record"
        case .commitTooLarge: return "a commit is at most 1 GiB"
        case .record(let error): return "a record does not fit the log's format: \(error)"
        case .busy: return "too many commits are on their way"
        case .closed: return "the log is closed"
        }
    }
}
