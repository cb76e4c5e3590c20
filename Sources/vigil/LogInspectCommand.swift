// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilEngine
internal import VigilLog

/// `vigil log`: what the log's files hold.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Look into the log's files.",
        subcommands: [LogInspectCommand.self])
}

/// `vigil log inspect`: prints the log's files with what is in them.
struct LogInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print the log's files: offsets, sizes and times.",
        discussion: """
            Reads headers alone; `vigil replay --check` reads everything. A file may be longer \
            than what is used of it: it was filled with zeros ahead. Works beside a running daemon.

            Exit codes: 0; 66 there is no log; 74 the log is damaged: what precedes the damage was \
            printed.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Print JSON lines, one a file.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let reader = try LogReader(directory: data)
            guard reader.durableHead != nil else { throw OpeningError.noLog(directory: data) }
            var rows = [
                ["FILE", "FIRST", "LAST", "COMMITS", "USED", "LENGTH", "FROM", "TO"]
            ]
            defer {
                if !json { for line in TextTable.lines(rows) { Terminal.printLine(line) } }
            }
            try reader.inspectSegments { segment in
                if json {
                    Terminal.printLine(Self.line(segment))
                } else {
                    rows.append(Self.row(segment))
                }
            }
        }
    }

    private static func row(_ segment: SegmentInspection) -> [String] {
        let last = segment.recordCount == 0 ? "" : String(segment.endOffset - 1)
        return [
            segment.name, String(segment.firstOffset), last, String(segment.commitCount),
            String(segment.usedByteCount), String(segment.fileByteCount),
            segment.firstRecorded?.description ?? "", segment.lastRecorded?.description ?? "",
        ]
    }

    private static func line(_ segment: SegmentInspection) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("file", segment.name)
            json.number("firstOffset", segment.firstOffset)
            json.number("records", segment.recordCount)
            json.number("commits", segment.commitCount)
            json.number("usedBytes", segment.usedByteCount)
            json.number("fileBytes", segment.fileByteCount)
            if let first = segment.firstRecorded { json.string("from", first.description) }
            if let last = segment.lastRecorded { json.string("to", last.description) }
        }
        return json.bytes
    }
}
