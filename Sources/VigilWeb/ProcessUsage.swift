// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// What the process has used of the machine.
package struct ProcessUsage: Hashable, Sendable {
    /// Of all threads, user and system.
    package var processorMicroseconds: Int64
    package var residentBytes: Int64

    package init(processorMicroseconds: Int64, residentBytes: Int64) {
        self.processorMicroseconds = processorMicroseconds
        self.residentBytes = residentBytes
    }

    /// What this process has used until now: getrusage(2) and proc(5).
    package static func now() -> ProcessUsage {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let seconds = Int64(usage.ru_utime.tv_sec) + Int64(usage.ru_stime.tv_sec)
        let rest = Int64(usage.ru_utime.tv_usec) + Int64(usage.ru_stime.tv_usec)
        let pages = FileManager.default.contents(atPath: "/proc/self/statm").flatMap { text in
            String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first
                .flatMap { Int64($0) }
        }
        return ProcessUsage(
            processorMicroseconds: seconds * 1_000_000 + rest,
            residentBytes: (pages ?? 0) * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
