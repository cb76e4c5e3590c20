// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// Sends more than memory holds, made while it is sent, and tells of each round how it went: what
/// grows with time, or loses count, shows.
struct SoakBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Send short prescriptions for a long time; a line of JSON for each round.")

    @OptionGroup
    var publishing: PublishingOptions

    @Option(help: "Prescriptions to send.")
    var events = 24_000_000

    @Option(help: "Patients that the prescriptions are for.")
    var patients = 1_000_000

    @Option(help: "Orders of a patient, then come new versions of them; else each is an order.")
    var orders: Int?

    @Option(help: "Prescriptions in a round.")
    var round = 400_000

    func validate() throws {
        guard (1...1_000_000_000).contains(events), (1...10_000_000).contains(patients),
            (1...10_000_000).contains(round), (1...1_000_000).contains(orders ?? 1)
        else {
            throw ValidationError("a number is out of its range; see --help")
        }
    }

    func run() throws {
        let workload = Workload(
            events: events, patients: patients, flaggedPerThousand: 0, day: Workload.today())
        let publisher = try publishing.publisher()
        show(try publisher.publishAccepted(workload.preparation()), round: 0)
        for (number, start) in stride(from: 0, to: events, by: round).enumerated() {
            let end = min(start + round, events)
            let messages = workload.shortPrescriptions(start..<end, orders: orders)
            show(try publisher.publish(messages), round: number + 1)
        }
    }

    /// Round 0 tells of the patients.
    private func show(_ result: Result, round: Int) {
        let replies = result.accepted + result.duplicates + result.rejected + result.busy
        print(
            """
            {"round":\(round),"replies":\(replies),"accepted":\(result.accepted),\
            "duplicate":\(result.duplicates),"rejected":\(result.rejected),\
            "busy":\(result.busy),"eventsPerSecond":\(Int(Double(replies) / result.seconds)),\
            "p50":\(result.percentile(50)),"p99":\(result.percentile(99)),\
            "max":\(result.percentile(100))}
            """)
        fflush(nil)
    }
}
