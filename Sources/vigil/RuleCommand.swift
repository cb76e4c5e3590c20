// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec

/// `vigil rule`: the rules in force of a running daemon.
struct RuleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule", abstract: "The rules of a running daemon.",
        subcommands: [
            RuleListCommand.self, RuleSuspendCommand.self, RuleResumeCommand.self,
        ])
}

/// What to suspend or to resume, and where.
struct SuspensionOptions: ParsableArguments {
    @Argument(help: "The rule's id.")
    var rule: String

    @Option(help: "The daemon's data directory.")
    var data: String

    @Option(help: "A practice's code, or all.")
    var practice: String

    @Flag(help: "Print the daemon's reply as JSON.")
    var json = false

    func order(_ kind: String, reason: String, done: String) throws {
        try reportingDaemon {
            let place: String? = practice == "all" ? nil : practice
            if let place { try ClientDefaults.checkPractice(place) }
            let reply = try ControlClient.ask(directory: data) { json in
                json.object(kind) { json in
                    json.string("rule", rule)
                    json.string("practice", orNull: place)
                    json.string("reason", reason)
                }
            }
            let scope = place.map { "for practice \($0)" } ?? "for all practices"
            ControlClient.printOutcome(
                reply, asJSON: json, done: "\(rule) is \(done) \(scope)",
                idle: "Nothing was to be done.")
        }
    }
}

/// `vigil rule suspend`: takes a rule out of service at once.
struct RuleSuspendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: "Take a rule out of service, for a practice or for all.",
        discussion: """
            It raises nothing from then on, and what is open of it is resolved (suspended); its \
            indicators count on. `vigil rule resume` undoes it.

            Exit codes: 0; 65 refused: no such rule, or it is suspended already; 69 no daemon \
            runs there.
            """)

    @OptionGroup var options: SuspensionOptions

    @Option(help: "Why: recorded in the log.")
    var reason: String

    func validate() throws {
        if reason.isEmpty { throw ValidationError("--reason needs a text: say why.") }
    }

    func run() throws {
        try options.order("suspend", reason: reason, done: "suspended")
    }
}

/// `vigil rule resume`: puts a rule back into service.
struct RuleResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Put a suspended rule back into service.",
        discussion: """
            What is true of it is raised again (rules). With --practice all it ends every \
            suspension of the rule.

            Exit codes: 0; 65 refused: it is not suspended there; 69 no daemon runs there.
            """)

    @OptionGroup var options: SuspensionOptions

    @Option(help: "Why: recorded in the log.")
    var reason = "resumed"

    func run() throws {
        try options.order("resume", reason: reason, done: "back in service")
    }
}

/// `vigil rule list`: the rules in force, and where they are suspended.
struct RuleListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the rules of a running daemon and their state.",
        discussion: "Exit codes: 0; 69 no daemon runs there.")

    @Option(help: "The daemon's data directory.")
    var data: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let reply = try ControlClient.ask(directory: data) { $0.object("rules") { _ in } }
            guard !json else {
                Terminal.printLine(reply)
                return
            }
            var rows = [["RULE", "PACK", "SEVERITY", "STATE"]]
            _ = try? JSONDocument().withRoot(of: reply) { root in
                guard let rules = root.member("rules").first else { return }
                for rule in rules.children {
                    func text(_ name: StaticString) -> String? {
                        rule.member(name).first.flatMap { $0.kind == .string ? $0.text : nil }
                    }
                    rows.append([
                        text("rule") ?? "", "\(text("pack") ?? "") \(text("packVersion") ?? "")",
                        text("severity") ?? "", RuleListCommand.state(of: rule),
                    ])
                }
            }
            for line in TextTable.lines(rows) { Terminal.printLine(line) }
        }
    }

    private static func state(of rule: JSONValue) -> String {
        if let why = rule.member("switchedOff").first, why.kind == .string {
            return "switched off: \(why.text)"
        }
        let suspensions = rule.member("suspensions").first.map { Array($0.children) } ?? []
        guard !suspensions.isEmpty else { return "in force" }
        return suspensions.map { suspension in
            let practice = suspension.member("practice").first
            let place = practice.flatMap { $0.kind == .string ? $0.text : nil } ?? "all"
            let reason = suspension.member("reason").first?.text ?? ""
            return "suspended for \(place): \(reason)"
        }.joined(separator: "; ")
    }
}
