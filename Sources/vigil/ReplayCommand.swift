// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import VigilClient
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilEngine
internal import VigilLog
internal import VigilPacks

/// `vigil replay`: folds the log again.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold the log again: to check it, or to see a moment of it.",
        discussion: """
            TIME is RFC 3339, such as 2024-04-12T23:00:00Z, or a date for the beginning of that \
            day in UTC; OFFSET is the last record that is folded. Works beside a running daemon, \
            and always from the log's first record.

            Exit codes: 0; 1 an output differs from what its inputs amount to; 65 a pack is \
            refused; 66 there is no log; 74 the log is damaged: what precedes the damage was \
            folded; 78 two packs have a rule of the same id.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "Fold the records up to TIME, and what is due by then.")
    var until: String?

    @Option(
        parsing: .unconditional,
        help: "Fold the records up to OFFSET and with it, and nothing that is due later.",
        transform: ClientDefaults.count)
    var untilOffset: UInt64?

    @Flag(help: "Compare every output with the recorded one, byte for byte.")
    var check = false

    @Flag(help: "Print the indicators, one JSON line each, and nothing else.")
    var indicators = false

    @Flag(help: "Print the flags open at that moment as `vigil open` does, and nothing else.")
    var open = false

    @Option(help: "Fold with this pack in place of the log's own. Repeatable.")
    var pack: [String] = []

    @Option(help: "With --pack: a directory of code lists in place of the packs' own.")
    var codelists: String?

    @Option(help: "With --pack: a CSV file of further codings.")
    var map: String?

    @Option(
        help: """
            With --pack: tell which flags it would add, drop or move against this pack, or \
            against the log's own (log). Repeatable.
            """)
    var against: [String] = []

    @Option(
        help: ArgumentHelp(
            "Share the patients among NUMBER threads (default: a thread for each processor, one "
                + "thread for a short log).", valueName: "number"))
    var shards: Int?

    @Flag(help: "Print the summary as JSON.")
    var json = false

    /// From so many records on the threads are worth their beginning.
    private static let sharedRecordsMin: UInt64 = 65_536
    private static let shardsMax = 64

    func validate() throws {
        if let shards, !(1...Self.shardsMax).contains(shards) {
            throw ValidationError("--shards takes a number from 1 to \(Self.shardsMax).")
        }
        if shards != nil, !pack.isEmpty {
            throw ValidationError("--shards goes with the log's own packs: leave --pack out.")
        }
        if check, !pack.isEmpty {
            throw ValidationError("--check compares with the log's own packs: leave --pack out.")
        }
        if until != nil, untilOffset != nil {
            throw ValidationError("--until and --until-offset: one of them.")
        }
        if open, indicators || !pack.isEmpty {
            throw ValidationError(
                "--open prints events of the log: leave --indicators and --pack out.")
        }
        if !against.isEmpty, pack.isEmpty || indicators {
            throw ValidationError("--against needs --pack, the candidate, and no --indicators.")
        }
        if codelists != nil || map != nil, pack.isEmpty {
            throw ValidationError(
                "--codelists and --map need --pack: name the pack that takes them.")
        }
    }

    func run() throws {
        try reportingDaemon {
            var options = Replay.Options()
            options.comparison = check ? .bytes : .place
            options.until = try until.map(ReplayCommand.instant)
            options.untilOffset = untilOffset
            options.listsOpen = open
            options.listsIndicators = indicators
            let head = try LogReader(directory: data).durableHead
            let processors = min(ProcessInfo.processInfo.activeProcessorCount, Self.shardsMax)
            options.shardCount =
                shards ?? ((head ?? 0) < Self.sharedRecordsMin ? 1 : processors)
            if let untilOffset, let head, untilOffset > head {
                throw CommandFailure(
                    .usage, "the log ends at offset \(head): there is no \(untilOffset)")
            }
            guard against.isEmpty else {
                let candidate = try candidates()
                let others =
                    against == ["log"]
                    ? nil : try PackLoader.load(against, codelists: nil, isOnTrial: true)
                let comparison = try Replay(directory: data, options: options)
                    .compare(candidate, against: others)
                ComparisonText.lines(comparison, asJSON: json).forEach { Terminal.printLine($0) }
                return
            }
            if !pack.isEmpty {
                options.packs = try candidates()
            }
            let outcome = try Replay(directory: data, options: options).run()
            if indicators {
                // Figures over a part of the log would pass for those of the whole.
                if let damage = outcome.damage { throw damage }
                for row in outcome.indicators { Terminal.printLine(line(row, outcome.asOf)) }
            } else if open {
                if let damage = outcome.damage { throw damage }
                let reader = ReplyReader()
                for record in outcome.open { Terminal.printLine(reader.line(record.payload)) }
            } else {
                summarise(outcome)
                if let damage = outcome.damage { throw damage }
            }
        }
    }

    /// The packs to replay with: nothing is put in force, so their cases may have to follow yet.
    private func candidates() throws -> [PackSource] {
        try PackLoader.load(pack, codelists: codelists, map: map, isOnTrial: true)
    }

    /// Reads a moment from the command line.
    static func instant(_ text: String) throws(CommandFailure) -> Instant {
        let complete = text.utf8.count == 10 ? text + "T00:00:00Z" : text
        guard let instant = TimeText.instant(rfc3339: complete.utf8) else {
            throw CommandFailure(
                .usage, "\(text) is no time: write it as 2024-04-12T23:00:00Z or 2024-04-12")
        }
        return instant
    }

    private func line(_ row: Indicator, _ asOf: Instant) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("pack", row.pack)
            json.string("rule", row.rule)
            json.string("practice", row.practice)
            json.string("asOf", asOf.description)
            json.number("denominator", row.denominator)
            json.number("numerator", row.numerator)
            json.number("unknown", row.unknown)
            if !row.isWatching { json.boolean("watching", false) }
        }
        return json.bytes
    }

    private func summarise(_ outcome: Replay.Outcome) {
        if json {
            var json = JSONWriter()
            json.object { json in
                json.number("records", outcome.recordCount)
                json.number("outputs", outcome.outputCount)
                json.number("open", outcome.openFlagCount)
                json.string("asOf", outcome.asOf.description)
                json.boolean("checked", check)
                json.number("unchecked", outcome.uncheckedCount)
            }
            Terminal.printLine(json.bytes)
            return
        }
        let part = outcome.damage == nil ? "" : " before the damage"
        var verdict = check ? "; every output is what its inputs amount to, byte for byte" : ""
        if check, outcome.uncheckedCount > 0 {
            verdict =
                "; the outputs among the first \(outcome.uncheckedCount) records are of an earlier "
                + "version of the engine and were left unchecked"
            if outcome.recordCount > outcome.uncheckedCount {
                verdict += ", every later one is what its inputs amount to, byte for byte"
            }
        }
        let text =
            "Folded \(outcome.recordCount) records\(part): \(outcome.outputCount) outputs, "
            + "\(outcome.openFlagCount) flags open at \(outcome.asOf)\(verdict)."
        Terminal.printLine(Array(text.utf8))
    }
}
