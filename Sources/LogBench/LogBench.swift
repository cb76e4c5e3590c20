// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Dispatch
internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// Measures the log alone, without rules and sockets: `deploy/bench-log` puts it beside others.
@main
struct LogBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "LogBench", abstract: "Measure the log alone.",
        subcommands: [Append.self, Fill.self, Hash.self, Verify.self])

    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        let (seconds, attoseconds) = start.duration(to: .now).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// Appends records in commits of a fixed number, as fast as they become durable.
struct Append: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append records; prints seconds, commits and the length of a commit.")

    @Argument(help: "A data directory; made here.")
    var data: String

    @Option(help: "Records to append.")
    var records = 200_000

    @Option(help: "Records in a commit.")
    var batch = 500

    @Option(help: "The length of a payload, in bytes.")
    var payload = 900

    func run() throws {
        let room = Room()
        let (writer, _) = try LogWriter.open(
            directory: data, report: { _ in room.tell() }, visit: { _ in })
        var units = Self.units(4096, payload: payload)
        // The segments of a log that has run for a while are full length and filled ahead.
        try append(records / 4, &units, to: writer, room)
        let seconds = try LogBench.seconds { try append(records, &units, to: writer, room) }
        try writer.close()
        let entry = 8 + 68 + 8 + 20 + 15 + 12 + 10 + 16
        let length = (128 + batch * (entry + payload) + 511) / 512 * 512
        print("\(seconds) \(records / batch) \(length)")
    }

    private func append(
        _ count: Int, _ units: inout [[Record]], to writer: LogWriter, _ room: Room
    ) throws {
        // An option looks its type up each time that it is read.
        let batch = batch
        for number in 0..<count {
            let place = number % units.count
            units[place][0].entry.offset = writer.nextOffset
            units[place][0].entry.causation = writer.nextOffset
            try writer.append(unit: units[place])
            guard number % batch == batch - 1 else { continue }
            try room.wait(for: writer)
            try writer.submit()
        }
        try writer.drain()
    }

    /// Units of a record to be sent again and again: making their texts is no work of the log's.
    private static func units(_ count: Int, payload: Int) -> [[Record]] {
        (0..<count).map { number in
            let entry = RecordEntry(
                offset: 0, recorded: Instant(milliseconds: 1), kind: .input,
                topic: "prescription.BENCH01", source: "urn:vigil:bench",
                eventID: "p-" + padded(number, 10), subject: "b-" + padded(number, 8),
                causation: 0, previous: nil)
            let bytes = (0..<payload).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            return [Record(entry: entry, payload: bytes)]
        }
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Waits until a log takes another commit: while some are on their way the next is filled, as in
/// the daemon.
final class Room: Sendable {
    private let told = DispatchSemaphore(value: 0)

    /// Says that a commit is durable.
    func tell() { told.signal() }

    /// Waits; throws what ended the log's writing.
    func wait(for writer: LogWriter) throws {
        while !writer.canSubmit {
            if let failure = writer.failure { throw failure }
            told.wait()
        }
    }
}

/// The speed of SHA-256 on one core.
struct Hash: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hash a mebibyte again and again; prints gigabytes a second, and the bytes.")

    func run() throws {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let rounds = 2000
        var last: [UInt8] = []
        let seconds = LogBench.seconds {
            for _ in 0..<rounds { last = SHA256.digest(of: bytes) }
        }
        precondition(last.count == 32)
        print(Double(rounds << 20) / seconds / 1e9, rounds << 20)
    }
}

/// Checks a whole log.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify a log; prints the seconds that took.")

    @Argument(help: "A data directory.")
    var data: String

    func run() throws {
        let seconds = try LogBench.seconds {
            _ = try LogVerification(directory: data).run()
        }
        print(seconds)
    }
}
