// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilPacks

@main
struct Vigil: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A daemon for prescribing safety, and its tools.",
        subcommands: [
            ServeCommand.self, ConfigCommand.self, PublishCommand.self, ForwardCommand.self,
            WatchCommand.self,
            OpenCommand.self,
            ExportCommand.self, ReplayCommand.self, TimelineCommand.self, LogCommand.self,
            SimulateCommand.self, VerifyCommand.self, TilesCommand.self, ProveCommand.self,
            KeysCommand.self, PackCommand.self, RuleCommand.self, ExplainCommand.self,
            CQLCommand.self, ReviewCommand.self, ReportCommand.self,
        ])

    /// Runs the command that was asked for; arguments that are none are told of in one sentence.
    static func main() {
        do {
            try checkCommand(CommandLine.arguments.dropFirst())
            try checkPaths(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if let failure = error as? CommandFailure { exit(withError: failure.report()) }
            // Help is no failure, and what a command could not do it has said itself.
            guard exitCode(for: error) == .validationFailure, !(error is ExitCode) else {
                exit(withError: error)
            }
            let sentence = message(for: error).split(whereSeparator: \.isNewline)
            exit(withError: CommandFailure(.usage, sentence.joined(separator: " ")).report())
        }
    }

    /// Options that name a file or a directory.
    private static let pathOptions: Set = [
        "--data", "--config", "--codelists", "--map", "--out", "--outbox", "--checkpoint",
        "--key-file",
    ]

    /// Refuses such an option that is given nothing, as by a script whose variable is not set.
    private static func checkPaths(_ words: some Sequence<String>) throws(CommandFailure) {
        var before = ""
        for word in words {
            let option = word.isEmpty ? before : String(word.dropLast())
            if word.isEmpty || word.hasSuffix("="), pathOptions.contains(option) {
                throw CommandFailure(.usage, "\(option) is empty: name a file or a directory")
            }
            before = word
        }
    }

    /// Refuses a word that is no command where one is due, also after `help`, and names those that
    /// there are.
    private static func checkCommand(_ words: some Sequence<String>) throws(CommandFailure) {
        var path = ["vigil"]
        var commands = configuration.subcommands
        for word in words where word != "help" {
            guard !commands.isEmpty, !word.hasPrefix("-") else { return }
            guard let command = commands.first(where: { $0._commandName == word }) else {
                let names = commands.map { $0._commandName }
                let meant = suggestion(for: word, among: names)
                throw CommandFailure(
                    .usage,
                    "\(path.joined(separator: " ")) has no command \(word)"
                        + (meant.map { " (did you mean \($0)?)" } ?? "")
                        + "; the commands are \(names.joined(separator: ", "))")
            }
            path.append(word)
            commands = command.configuration.subcommands
        }
    }
}
