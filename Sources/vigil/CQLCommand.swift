// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilDaemon
internal import VigilEngine

/// `vigil cql`: evaluates expressions of the rules' language.
struct CQLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cql",
        abstract: "Evaluate CQL: one expression, or with - one on each line of standard input.",
        discussion: """
            Prints the value as a CQL literal; with -, one JSON object a line: {"value","type"} \
            or {"error":{"code","message","column"}} with code unsupported, invalid or runtime.

            With --data and --subject the expression may retrieve the patient's facts, as of TIME \
            or of the log's clock; value sets go by the names of the code lists of the packs that \
            are active then: exists [Condition: "hf"].

            TIME is RFC 3339, such as 2024-04-12T23:00:00Z, or a date for its beginning in UTC; \
            without it, and without a log, now is the computer's time, in UTC.

            Exit codes: 0; 1 the expression has no value; 64 the options do not fit together; \
            66 there is no log, or nothing of this patient in it; 74 the log is damaged.
            """)

    @Option(help: "The moment that Now() and Today() mean.")
    var at: String?

    @Option(help: "The data directory of a log.")
    var data: String?

    @Option(help: "The patient of the log: the events' subject.")
    var subject: String?

    @Flag(help: "Print JSON also for one expression.")
    var json = false

    @Argument(help: "A CQL expression, or - for one on each line of standard input.")
    var expression: String

    func validate() throws {
        guard (data == nil) == (subject == nil) else {
            throw ValidationError("--data and --subject go together.")
        }
    }

    func run() throws {
        try reportingDaemon {
            let evaluator = try evaluator()
            guard expression == "-" else {
                let answer = evaluator.evaluate(expression)
                if json { Terminal.printLine(Self.line(answer)) }
                switch answer {
                case .value(let value, _):
                    if !json { Terminal.printLine(Array(value.utf8)) }
                case .error(let code, let message, let column):
                    if json { throw ExitCode.failure }
                    Terminal.say("vigil: \(code) CQL at column \(column): \(message)")
                    throw ExitCode.failure
                }
                return
            }
            let reader = try ClientLineReader("-")
            // Each line has its answer, so that who asks can count them.
            while let line = try reader.next(includingBlank: true) {
                let answer = evaluator.evaluate(String(decoding: line, as: UTF8.self))
                guard Terminal.printLine(Self.line(answer)) else { return }
            }
        }
    }

    private func evaluator() throws -> CQLEvaluator {
        let moment = try at.map(ReplayCommand.instant)
        guard let data, let subject else {
            return CQLEvaluator(now: moment ?? Daemon.now())
        }
        var options = Replay.Options()
        options.until = moment
        guard let view = try Replay(directory: data, options: options).view(of: subject) else {
            throw CommandFailure(
                .missingInput, "the log in \(data) has no record of that subject")
        }
        return CQLEvaluator(view)
    }

    private static func line(_ answer: CQLEvaluator.Answer) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch answer {
            case .value(let value, let type):
                json.string("value", value)
                json.string("type", type)
            case .error(let code, let message, let column):
                json.object("error") { json in
                    json.string("code", code)
                    json.string("message", message)
                    json.number("column", column)
                }
            }
        }
        return json.bytes
    }
}
