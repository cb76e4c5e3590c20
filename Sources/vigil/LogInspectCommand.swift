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
        abstract: "Print the log's files: offsets, sizes, times and checkpoints.",
        discussion: """
            Reads headers alone; `vigil verify` reads everything. A file may be longer than what \
            is used of it: it was filled with zeros ahead. Below the segments are the checkpoints \
            that were signed, each with the number of records it is of and the root of their tree; \
            signed/state is the last. Works beside a running daemon.

            With --json, a segment is {"file", "firstOffset", "records", "commits", "usedBytes", \
            "fileBytes", "from", "to"}, a checkpoint {"file", "size", "root", "written"}.

            Exit codes: 0; 66 there is no log; 74 the log or a checkpoint is damaged: what could \
            be read was printed.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Print JSON lines, one a file.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let reader = try LogReader(directory: data)
            guard reader.durableHead != nil else { throw OpeningError.noLog(directory: data) }
            var segments: [SegmentInspection] = []
            var checkpoints: [CheckpointInspection] = []
            // Damage to one hides nothing of the others.
            let outcomes: [Result<Void, any Error>] = [
                Result { try reader.inspectSegments { segments.append($0) } },
                Result {
                    try SignedHistory(directory: data).inspect { checkpoints.append($0) }
                },
            ]
            let lines =
                json
                ? segments.map(Self.line) + checkpoints.map(Self.line)
                : Self.tables(segments, checkpoints)
            for line in lines { Terminal.printLine(line) }
            for outcome in outcomes { try outcome.get() }
        }
    }

    private static func tables(
        _ segments: [SegmentInspection], _ checkpoints: [CheckpointInspection]
    ) -> [[UInt8]] {
        let lines = TextTable.lines(
            [["FILE", "FIRST", "LAST", "COMMITS", "USED", "LENGTH", "FROM", "TO"]]
                + segments.map(row))
        guard !checkpoints.isEmpty else { return lines }
        return lines + [[]]
            + TextTable.lines(
                [["CHECKPOINT", "RECORDS", "ROOT", "WRITTEN"]]
                    + checkpoints.map { checkpoint in
                        [
                            checkpoint.name, String(checkpoint.head.size),
                            Base64.encode(checkpoint.head.root.bytes),
                            checkpoint.written.description,
                        ]
                    })
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

    private static func line(_ checkpoint: CheckpointInspection) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("file", checkpoint.name)
            json.number("size", checkpoint.head.size)
            json.string("root", Base64.encode(checkpoint.head.root.bytes))
            json.string("written", checkpoint.written.description)
        }
        return json.bytes
    }
}
