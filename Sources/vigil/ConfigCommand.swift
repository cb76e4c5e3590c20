// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilDaemon

/// `vigil config`: what a daemon would be started with.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check or show what a daemon is started with.",
        discussion: """
            Takes what vigil serve takes: the command line counts before the environment \
            (VIGIL_CONFIG names the file, VIGIL_INGEST the setting ingest, and so on), that \
            before the file, and that before the defaults.
            """,
        subcommands: [Check.self, Show.self])

    /// `vigil config check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything that the settings name, and start nothing.",
            discussion: """
                Warnings come on standard error.

                Exit codes: 0 a daemon would start with them; 65 a pack is refused; 66 a file is \
                not there; 78 a setting is wrong: its file and line, and what to write.
                """)

        @OptionGroup var options: DaemonOptions

        @Flag(help: "Print the warnings in a JSON object on standard output.")
        var json = false

        func run() throws {
            try reportingDaemon {
                let options = options
                let (settings, hints) = try options.settings()
                // Before the check: one may say why it fails.
                for hint in hints { Terminal.say("vigil: " + hint) }
                let daemon = try Daemon(settings) { try options.settings().settings }
                let warnings = try daemon.check()
                guard !json else {
                    Terminal.printObject { json in
                        json.array("warnings") { json in
                            for warning in hints + warnings { json.string(warning) }
                        }
                    }
                    return
                }
                for warning in warnings { Terminal.say("vigil: " + warning) }
                Terminal.say("vigil: the settings are in order")
            }
        }
    }

    /// `vigil config show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the settings in effect, and where each comes from.",
            discussion: """
                Values are printed as a file takes them; - is one that is not set. Keys are left \
                out: of curve only the file's name and the principals' names are printed.

                Exit codes: 0; 66 the file is not there; 78 a setting is wrong.
                """)

        @OptionGroup var options: DaemonOptions

        @Flag(help: "Print one JSON object a setting and line: setting, value, from.")
        var json = false

        func run() throws {
            try reportingDaemon {
                let (settings, hints) = try options.settings()
                for hint in hints { Terminal.say("vigil: " + hint) }
                let rows = settings.effective
                if json {
                    for row in rows { Terminal.printLine(row.json) }
                    return
                }
                let lines = TextTable.lines(
                    [["setting", "value", "from"]] + rows.map { [$0.name, $0.text, $0.from] })
                for line in lines { Terminal.printLine(line) }
            }
        }
    }
}
