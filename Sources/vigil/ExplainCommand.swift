// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilEngine

/// `vigil explain`: tells why a flag was raised.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell why a flag was raised, definition by definition.",
        discussion: """
            Prints the definitions of the flag's rule with their values at the moment of the \
            raise, or at TIME, as a tree: what was true, false or unknown, by which records, and \
            until when that holds if nothing more is recorded. From the log alone; works beside \
            a running daemon. TIME is RFC 3339, or a date for its first instant in UTC.

            Exit codes: 0; 65 the log never raised such a flag, or the rule was not in force; 66 \
            there is no log; 74 the log is damaged.
            """)

    @Argument(help: "The flag's identifier: flagid of its events.")
    var flag: String

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "Values at TIME instead of at the raise.")
    var at: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let moment = try at.map(ReplayCommand.instant)
            do {
                let explanation = try FlagExplainer(directory: data).explain(flag, at: moment)
                let printer = ExplanationPrinter(explanation)
                for line in json ? [printer.json()] : printer.lines() { Terminal.printLine(line) }
            } catch let error as ExplanationError {
                throw CommandFailure(.badData, error.description)
            }
        }
    }
}

/// An explanation as it is printed.
private struct ExplanationPrinter {
    private let explanation: FlagExplanation

    init(_ explanation: FlagExplanation) {
        self.explanation = explanation
    }

    // MARK: - For a person

    func lines() -> [[UInt8]] {
        let raise = explanation.raise
        let rule = explanation.rule
        var lines = [
            "\(rule.title) (\(rule.id) \(rule.version), pack \(explanation.pack.id) "
                + "\(explanation.pack.version))",
            "Flag \(explanation.flagID) of \(raise.subject), raised \(raise.time) "
                + "(\(raise.reason)), offset \(raise.offset):",
            raise.detail, "", "Values at \(explanation.at):",
        ]
        var told: [String] = []
        for definition in [explanation.numerator, explanation.denominator] {
            tell(definition, depth: 0, told: &told, to: &lines)
        }
        return lines.map { TextTable.lines([[$0]])[0] }
    }

    private func tell(
        _ definition: ExplainedDefinition, depth: Int, told: inout [String],
        to lines: inout [String]
    ) {
        let margin = String(repeating: "  ", count: depth)
        let isTold = told.contains(definition.name)
        let until =
            definition.stableUntil == .never ? "" : ", until \(definition.stableUntil)"
        lines.append(
            "\(margin)\(definition.name): \(text(definition.value))\(until)"
                + (isTold ? " (see above)" : ""))
        guard !isTold else { return }
        told.append(definition.name)
        if case .facts(let facts) = definition.value {
            for fact in facts { lines.append("\(margin)  - \(describe(fact))") }
        }
        for part in definition.parts { tell(part, depth: depth + 1, told: &told, to: &lines) }
    }

    private func text(_ value: ExplainedDefinition.Value) -> String {
        switch value {
        case .unknown: "unknown"
        case .truth(let isTrue): isTrue ? "true" : "false"
        case .facts(let facts):
            facts.isEmpty ? "no record" : facts.count == 1 ? "1 record" : "\(facts.count) records"
        case .other(let text): text
        }
    }

    private func describe(_ fact: Fact) -> String {
        let known = explanation.descriptions[fact.offset]
        let name = known?.text ?? fact.type.rawValue
        let reference = known.map { "\($0.type.rawValue)/\($0.id), " } ?? ""
        let stopped = fact.stoppedOn.map { ", stopped \($0)" } ?? ""
        return "\(fact.day) \(name)\(stopped) (\(reference)offset \(fact.offset))"
    }

    // MARK: - For a program

    func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("flagid", explanation.flagID)
            json.string("subject", explanation.raise.subject)
            json.string("rule", explanation.rule.id)
            json.string("ruleversion", explanation.rule.version)
            json.string("pack", explanation.pack.id)
            json.string("packVersion", explanation.pack.version)
            json.string("packHash", explanation.pack.hash)
            json.object("raised") { json in
                json.number("offset", explanation.raise.offset)
                json.string("time", explanation.raise.time.description)
                json.string("reason", explanation.raise.reason)
                json.string("detail", explanation.raise.detail)
            }
            json.string("at", explanation.at.description)
            json.object("numerator") { write(explanation.numerator, to: &$0) }
            json.object("denominator") { write(explanation.denominator, to: &$0) }
        }
        return json.bytes
    }

    private func write(_ definition: ExplainedDefinition, to json: inout JSONWriter) {
        json.string("name", definition.name)
        switch definition.value {
        case .unknown: json.raw("value", Array("null".utf8))
        case .truth(let isTrue): json.boolean("value", isTrue)
        case .other(let text): json.string("value", text)
        case .facts(let facts):
            json.array("records") { json in
                for fact in facts { json.object { write(fact, to: &$0) } }
            }
        }
        let isForEver = definition.stableUntil == .never
        json.string("until", orNull: isForEver ? nil : definition.stableUntil.description)
        json.array("parts") { json in
            for part in definition.parts { json.object { write(part, to: &$0) } }
        }
    }

    private func write(_ fact: Fact, to json: inout JSONWriter) {
        json.number("offset", fact.offset)
        json.string("date", fact.day.description)
        if let known = explanation.descriptions[fact.offset] {
            json.string("reference", "\(known.type.rawValue)/\(known.id)")
            json.string("display", known.text)
        }
    }
}
