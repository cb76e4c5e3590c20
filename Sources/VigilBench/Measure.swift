// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the process has used so far.
enum Measure {
    /// The processor time of this thread: what others do on the machine counts little.
    ///
    /// - Returns: nanoseconds.
    static func processorNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The processor time that something takes, in nanoseconds.
    static func nanoseconds(_ body: () throws -> Void) rethrows -> Int64 {
        let start = processorNanoseconds()
        try body()
        return processorNanoseconds() - start
    }

    /// The processor time that something takes, in seconds.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        Double(try nanoseconds(body)) / 1e9
    }

    /// All memory that the process has resident: proc(5).
    static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var (size, resident) = (0, 0)
        withUnsafeMutablePointer(to: &size) { first in
            withUnsafeMutablePointer(to: &resident) { second in
                _ = withVaList([first, second]) { vfscanf(file, "%ld %ld", $0) }
            }
        }
        return resident * sysconf(Int32(_SC_PAGESIZE))
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }

    /// A number with two digits behind the point.
    static func rounded(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}
