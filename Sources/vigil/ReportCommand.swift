// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilDaemon

/// `vigil report`: figures over a log.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Print figures over a log.",
        subcommands: [NoiseCommand.self])
}

/// `vigil report noise`: what became of what was shown.
struct NoiseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "noise",
        abstract: "Print what became of each rule's flags and alerts.",
        discussion: """
            For each rule and practice: how many were raised, ended before anybody reviewed them, \
            were accepted, acted on, snoozed and overridden (by reason), and the time from raise \
            to first review. Then the rules that people override most. Works beside a running \
            daemon.

            Exit codes: 0; 66 there is no log; 74 the log is damaged.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Flag(help: "Print JSON lines: one for each rule and practice.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let report = try NoiseReport(directory: data)
            if json {
                for row in report.rows { Terminal.printLine(NoiseCommand.line(row)) }
                return
            }
            var rows = [
                [
                    "RULE", "PRACTICE", "RAISED", "BY ITSELF", "ACCEPTED", "ACTED", "SNOOZED",
                    "OVERRIDDEN", "MEDIAN", "P90", "REASONS",
                ]
            ]
            rows += report.rows.map(NoiseCommand.cells)
            for line in TextTable.lines(rows) { Terminal.printLine(line) }
            let most = report.mostOverridden.prefix(5)
            guard !most.isEmpty else { return }
            let named = most.map { "\($0.rule) (\($0.overridden) of \($0.reviewed) reviewed)" }
            Terminal.printLine(
                Array("overridden most: \(named.joined(separator: ", "))".utf8))
        }
    }

    private static func cells(_ row: NoiseReport.Row) -> [String] {
        let reasons = row.overrideReasons.map { "\($0.reason) \($0.count)" }
        return [
            row.rule, row.practice, String(row.raised), String(row.resolvedByItself),
            String(row.accepted), String(row.acted), String(row.snoozed),
            String(row.overridden), duration(row.reviewTime(percent: 50)),
            duration(row.reviewTime(percent: 90)), reasons.joined(separator: ", "),
        ]
    }

    private static func duration(_ milliseconds: Int64?) -> String {
        guard let milliseconds else { return "-" }
        let minutes = milliseconds / 60_000
        if minutes < 120 { return "\(minutes) min" }
        return minutes < 2880 ? "\(minutes / 60) h" : "\(minutes / 1440) d"
    }

    private static func line(_ row: NoiseReport.Row) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("rule", row.rule)
            json.string("practice", row.practice)
            json.number("raised", row.raised)
            json.number("resolvedByItself", row.resolvedByItself)
            json.number("accepted", row.accepted)
            json.number("acted", row.acted)
            json.number("snoozed", row.snoozed)
            json.number("overridden", row.overridden)
            json.object("overrideReasons") { json in
                for (reason, count) in row.overrideReasons { json.number(reason, count) }
            }
            json.number("reviewed", row.reviewed)
            if let median = row.reviewTime(percent: 50) {
                json.number("medianReviewMilliseconds", median)
            }
            if let late = row.reviewTime(percent: 90) {
                json.number("p90ReviewMilliseconds", late)
            }
        }
        return json.bytes
    }
}
