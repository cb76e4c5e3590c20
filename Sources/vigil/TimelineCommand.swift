// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon

/// `vigil timeline`: prints what the log has of one patient.
struct TimelineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timeline",
        abstract: "Print one patient's records, in order.",
        discussion: """
            Each record names the patient's record before it, so that only the newest is searched \
            for, from the log's end backwards, one file of the log after the other: quick for a \
            patient seen lately, a pass over the log for one unknown to it. Works beside a \
            running daemon.

            On a terminal it prints a table, else one JSON line a record, as `vigil export` does.

            Exit codes: 0; 66 there is no log, or nothing of this patient in it; 74 the log is \
            damaged.
            """)

    @Argument(help: "The patient's identifier: the events' subject.")
    var subject: String

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Print JSON lines also on a terminal.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let document = JSONDocument()
            let asTable = Terminal.printsForPerson && !json
            var rows = [["OFFSET", "RECORDED", "KIND", "TOPIC", "CAUSE", "ID"]]
            let isKnown = try LogTimeline(directory: data).run(subject: subject) { record in
                guard asTable else {
                    return Terminal.printLine(try LogExport.line(of: record, document))
                }
                rows.append(Self.row(record.entry))
                return true
            }
            guard isKnown else {
                throw CommandFailure(
                    .missingInput, "the log in \(data) has no record of that subject")
            }
            guard asTable else { return }
            for line in TextTable.lines(rows) { Terminal.printLine(line) }
        }
    }

    private static func row(_ entry: RecordEntry) -> [String] {
        [
            String(entry.offset), entry.recorded.description, "\(entry.kind)", entry.topic,
            entry.causation == entry.offset ? "" : String(entry.causation), entry.eventID,
        ]
    }
}
