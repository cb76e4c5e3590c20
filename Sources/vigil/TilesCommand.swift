// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilEngine
internal import VigilLog

/// `vigil tiles`: publishes the log for auditors.
struct TilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiles",
        abstract: "Write the log as C2SP tlog-tiles, for auditors and witnesses.",
        discussion: """
            Signs a checkpoint of what is durable and writes checkpoint, tile/... and \
            tile/entries/... to a directory that any web server can publish. The bundles hold \
            entries: offset, time, topic, source, event id, subject, and the salted digest of the \
            payload, never the payload. Only what is new since the last run is read and written. \
            Works beside a running daemon.

            Exit codes: 0; 66 there is no log or no key; 74 the log is damaged or not the one that \
            was signed, or DIR holds tiles of another log.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "The directory of the tiles: made where there is none.")
    var out: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            guard try LogReader(directory: data).durableHead != nil else {
                throw OpeningError.noLog(directory: data)
            }
            let export = try TileExport(directory: data, to: out)
            var progress = Progress(
                nowMilliseconds: SteadyClock.milliseconds, counting: "records")
            let start = export.startSize
            let total = Int(clamping: export.recordCount) - Int(clamping: start)
            defer { progress.clear() }
            let head = try export.run { done in
                progress.update(
                    done: Int(clamping: done) - Int(clamping: start), total: total,
                    nowMilliseconds: SteadyClock.milliseconds)
            }
            progress.clear()
            let root = Base64.encode(head.root.bytes)
            guard !json else {
                var json = JSONWriter()
                json.object { json in
                    json.number("size", head.size)
                    json.string("root", root)
                    json.number("added", head.size - start)
                }
                Terminal.printLine(json.bytes)
                return
            }
            let text =
                "Wrote tiles for \(head.size) records, \(head.size - start) of them new; the "
                + "tree's root is \(root)."
            Terminal.printLine(Array(text.utf8))
        }
    }
}
