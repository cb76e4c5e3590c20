// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// Measurements, each a command.
@main
struct VigilBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "VigilBench", abstract: "Measure what the daemon is held to.",
        subcommands: [
            IntakeBench.self, RulesBench.self, DaysBench.self, PatientsBench.self,
            ReplayBench.self, DevicesBench.self, SoakBench.self, StagesBench.self,
        ], defaultSubcommand: IntakeBench.self)
}

/// Where a measurement publishes, and how.
struct PublishingOptions: ParsableArguments {
    @Option(help: "The server's ingest endpoint.")
    var ingest = "tcp://127.0.0.1:5551"

    @Option(help: "Pairs of topic and event in a request, at most 1024.")
    var batch = 256

    @Option(help: "Requests in flight.")
    var window = 16

    func validate() throws {
        guard (1...1024).contains(batch), (1...1024).contains(window) else {
            throw ValidationError("a number is out of its range; see --help")
        }
    }

    /// A publisher that is connected.
    func publisher() throws -> Publisher {
        try Publisher(endpoint: ingest, batch: batch, window: window)
    }
}

/// Measures acknowledged intake of a server that speaks protocol section 4: one publisher that
/// pipelines requests, as a hospital's or a region's gateway would.
struct IntakeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "intake",
        abstract: "Measure acknowledged durable events a second at an ingest endpoint.")

    @OptionGroup
    var publishing: PublishingOptions

    @Option(help: "Prescriptions to send and measure.")
    var events = 100_000

    @Option(help: "Patients that the prescriptions are for.")
    var patients = 20_000

    @Option(help: "Prescriptions out of a thousand that raise a flag.")
    var flaggedPerThousand = 10

    @Option(help: "The day that the prescriptions are dated, such as 2026-03-01.")
    var day: String?

    func validate() throws {
        guard (1...100_000_000).contains(events), (1...1_000_000).contains(patients),
            (0...1000).contains(flaggedPerThousand)
        else {
            throw ValidationError("a number is out of its range; see --help")
        }
        guard Workload.flaggedCount(events: events, perThousand: flaggedPerThousand) < patients
        else {
            throw ValidationError("each flag needs a patient of its own: raise --patients")
        }
    }

    func run() throws {
        let workload = Workload(
            events: events, patients: patients, flaggedPerThousand: flaggedPerThousand,
            day: day ?? Workload.today())
        let publisher = try publishing.publisher()
        _ = try publisher.publishAccepted(workload.preparation())
        let prescriptions = workload.prescriptions()
        let result = try publisher.publishAccepted(prescriptions)
        print(result.json(of: publishing, bytes: prescriptions.bytes.count))
    }
}

/// A failure told in one sentence.
struct BenchError: Error, CustomStringConvertible {
    var description: String
}
