// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import VigilCore

/// A file that holds a checkpoint that was signed.
package struct CheckpointInspection: Hashable, Sendable {
    /// The file's path below the data directory.
    package var name: String
    /// The size and root that were signed.
    package var head: TreeHead
    /// When the file was written, by the clock of its file system.
    package var written: Instant
}

extension SignedHistory {
    /// Hands out what each file holds: the checkpoints by size, then which was signed last.
    ///
    /// Checks no signature: `vigil verify` does. Throws `LogError`, or `TreeError.malformedState`
    /// behind the last file that can be read.
    package func inspect(visit: (CheckpointInspection) -> Void) throws {
        var names = try disk.list(checkpoints).filter { UInt64($0) != nil }
            .map { "signed/checkpoints/" + $0 }
        if try isKept { names.append("signed/state") }
        for name in names {
            let path = directory + "/" + name
            let head = try read(path).head
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw LogError.system(call: "stat", path: path, code: errno)
            }
            let written = status.st_mtim
            visit(
                CheckpointInspection(
                    name: name, head: head,
                    written: Instant(
                        milliseconds: Int64(written.tv_sec) * 1000
                            + Int64(written.tv_nsec) / 1_000_000)))
        }
    }
}
