// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The rests of what writes much beside the log: most of a busy disk is the log's.
enum DiskRest {
    /// A rest is so many times as long as the write before it: a quarter of a busy disk is enough.
    private static let factor = 3
    /// The longest rest, in microseconds, which a closing log may have to wait for.
    private static let microsecondsMax = 50_000

    /// Rests after a write that took so long.
    static func take(after duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
        usleep(useconds_t(min(microseconds * factor, microsecondsMax)))
    }
}
