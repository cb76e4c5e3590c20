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
}
