// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient
internal import VigilTransport

/// `vigil publish`: sends events, acknowledged.
struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Send CloudEvents or FHIR resources to the daemon, acknowledged.",
        discussion: """
            Takes CloudEvents as NDJSON (also lines of {"topic","event"} as vigil export prints \
            them), and FHIR R4 Bundles and resources as JSON or NDJSON. FHIR of all files is \
            merged and sent in the order of its clinical dates, each patient's Patient first. \
            Publishing the same files again changes nothing.

            With --baseline the files are a history: the rules are evaluated once for each \
            patient when all of it is there, and what is true then comes in the practices' digests \
            rather than one by one. If such a run is broken off, run it again.

            Exit codes: 0 all accepted or already there; 65 some were rejected, or an input is \
            neither form; 66 an input cannot be read; 69 the daemon does not answer; 77 it does \
            not know the key.
            """)

    @Option(help: "The daemon's ingest endpoint.")
    var ingest = ClientDefaults.ingest

    @Option(help: "The practice (ODS code) for events that do not name theirs.")
    var practice = "default"

    @Option(help: "The CloudEvents source of the events made from FHIR.")
    var source = "urn:vigil:publish"

    @Flag(help: "Load a history: its patients are evaluated once, at its end.")
    var baseline = false

    @Flag(help: "Print the summary as JSON on standard output.")
    var json = false

    @OptionGroup var keys: ClientKeys

    @Argument(help: ArgumentHelp("Files to send; - is standard input.", valueName: "file"))
    var files: [String]

    func run() throws {
        try ClientDefaults.reporting {
            try ClientDefaults.checkPractice(practice)
            guard (1...256).contains(source.utf8.count) else {
                throw CommandFailure(.usage, "a source has 1 to 256 bytes")
            }
            let endpoint = try ClientDefaults.endpoint(ingest)
            let feed = try PublishFeed(files, source: source, practice: practice)
            let connection = try ClientConnection(
                to: endpoint, with: try keys.load(), in: try ZMQContext())
            let run = PublishRun(
                baseline ? BaselineFeed(feed) : feed, connection, endpoint)
            let summary = try run.finish()
            Terminal.say(summary.sentence)
            if json { Terminal.printLine(Array(summary.json.utf8)) }
            if summary.rejectedCount > 0 { throw ExitCode(CommandFailure.Code.badData.rawValue) }
        }
    }
}
