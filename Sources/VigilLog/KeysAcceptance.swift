// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What an operator put aside so that a log with another history than was signed is served again.
package struct AcceptedHistory: Hashable, Sendable {
    /// Where what was signed is now, nil where it was gone.
    package var signed: String?
    /// Where the key that signed it is now, nil where there was none.
    package var key: String?

    /// Puts what was signed aside, and the key with it: one key never signs two histories.
    ///
    /// The next start makes a new key, which auditors have to be given: whoever holds an earlier
    /// checkpoint learns that the history is another. Returns nil where there is neither. Throws
    /// `LogError`, `locked` while a daemon runs.
    package static func accept(
        directory: String, disk: any Disk = LinuxDisk()
    ) throws -> AcceptedHistory? {
        let history = SignedHistory(directory: directory, disk: disk)
        let file = KeyFile(directory: directory)
        guard try history.hasFiles || file.isThere(on: disk) else { return nil }
        let lock = try disk.lock(LogPaths(directory: directory).lock)
        return try withExtendedLifetime(lock) {
            // The key first: with the state alone put aside, it could sign another history.
            let key = try file.retire(disk: disk)
            return AcceptedHistory(signed: try history.retire(), key: key)
        }
    }
}
