// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

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
            var command = try parseAsRoot()
            try command.run()
        } catch {
            // Help is no failure, and what a command could not do it has said itself.
            guard exitCode(for: error) == .validationFailure, !(error is ExitCode) else {
                exit(withError: error)
            }
            let sentence = message(for: error).split(whereSeparator: \.isNewline)
            exit(withError: CommandFailure(.usage, sentence.joined(separator: " ")).report())
        }
    }
}
