// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilPacks

/// `vigil pack show`: what a pack consists of.
struct PackShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a pack's rules, code lists with their hashes, and definitions.",
        discussion: "Exit codes: 0; 65 the pack is refused; 66 there is no such directory.")

    @Argument(help: "A built-in pack's name or a pack's directory.")
    var pack: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let source = try PackLoader.read(pack)
            let overview = try source.overview()
            if json { printJSON(source, overview) } else { printText(source, overview) }
        }
    }

    private func printText(_ source: PackSource, _ overview: PackOverview) {
        func line(_ text: String) { Terminal.printLine(Array(text.utf8)) }
        line("\(source.id) \(source.version): \(overview.title)")
        line(source.hash)
        line("Source: \(overview.source)")
        line("Status: \(overview.status)")
        line("")
        let rules = overview.rules.map { rule in
            [rule.id, rule.version, rule.severity.rawValue, rule.emits.rawValue, rule.title]
        }
        Terminal.printTable([["RULE", "VERSION", "SEVERITY", "EMITS", "TITLE"]] + rules)
        line("")
        let lists = overview.lists.map { list in
            [list.name, list.kind, String(list.rowCount), list.hash, list.title]
        }
        Terminal.printTable([["LIST", "KIND", "ROWS", "HASH", "TITLE"]] + lists)
        line("")
        Terminal.printTable(
            [["LINE", "DEFINITION"]] + overview.definitions.map { [String($0.line), $0.name] })
    }

    private func printJSON(_ source: PackSource, _ overview: PackOverview) {
        Terminal.printObject { json in
            json.string("pack", source.id)
            json.string("version", source.version)
            json.string("hash", source.hash)
            json.string("title", overview.title)
            json.string("source", overview.source)
            json.string("status", overview.status)
            json.array("rules") { json in
                for rule in overview.rules {
                    json.object {
                        $0.string("rule", rule.id)
                        $0.string("version", rule.version)
                        $0.string("severity", rule.severity.rawValue)
                        $0.string("emits", rule.emits.rawValue)
                        $0.string("title", rule.title)
                    }
                }
            }
            json.array("lists") { json in
                for list in overview.lists {
                    json.object {
                        $0.string("list", list.name)
                        $0.string("kind", list.kind)
                        $0.number("rows", list.rowCount)
                        $0.string("hash", list.hash)
                        $0.string("title", list.title)
                    }
                }
            }
            json.array("definitions") { json in
                for definition in overview.definitions { json.string(definition.name) }
            }
        }
    }
}
