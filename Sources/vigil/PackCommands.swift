// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
private import Glibc
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilPacks

/// `vigil pack`: rule packs.
struct PackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Rule packs.",
        subcommands: [
            PackListCommand.self, PackCheckCommand.self, PackTestCommand.self, PackNewCommand.self,
            PackShowCommand.self, PackActivateCommand.self,
        ])
}

/// `vigil pack list`: the packs in the binary.
struct PackListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the built-in packs.",
        discussion: "Exit codes: 0.")

    @Flag(help: "Print one JSON object a pack.")
    var json = false

    func run() throws {
        try reportingDaemon {
            var rows = [["PACK", "VERSION", "RULES", "HASH"]]
            for name in BundledPacks.names {
                let source = try BundledPacks.named(name)
                let count = try source.compile().rules.count
                rows.append([name, source.version, String(count), source.hash])
                guard json else { continue }
                Terminal.printObject {
                    $0.string("pack", name)
                    $0.string("version", source.version)
                    $0.string("hash", source.hash)
                    $0.number("rules", count)
                }
            }
            if !json { Terminal.printTable(rows) }
        }
    }
}

/// `vigil pack check`: whether a pack can run, and what is odd about it.
struct PackCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a pack: manifest, CQL, code lists.",
        discussion: """
            Errors and warnings name the file, the line, what is wrong and what to do. Warnings \
            are about what runs and is perhaps not meant: terms that do not belong among the \
            others, duplicate rows, lists and definitions that no rule needs, rules that can never \
            fire, and rules that --codelists leaves uneven and so switches off.

            Exit codes: 0, also with warnings; 65 the pack is refused; 66 there is no such \
            directory or file.
            """)

    @Argument(help: "A built-in pack's name or a pack's directory.")
    var pack: String

    @Option(help: "A directory of code lists in place of the pack's own.")
    var codelists: String?

    @Option(help: "A CSV file of further codings: system,code,to-system,to-code.")
    var map: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let sources = try PackLoader.complete(
                [PackLoader.read(pack)], codelists: codelists, map: map)
            let (compiled, warnings) = try sources[0].check()
            guard json else {
                for warning in warnings { Terminal.printLine(Array(warning.description.utf8)) }
                let count = warnings.isEmpty ? "no warnings" : "warnings: \(warnings.count)"
                Terminal.printLine(
                    Array(
                        ("\(compiled.id) \(compiled.version): "
                            + "\(compiled.rules.count) rules, \(count).").utf8))
                return
            }
            Terminal.printObject { json in
                json.string("pack", compiled.id)
                json.string("version", compiled.version)
                json.string("hash", compiled.hash)
                json.array("rules") { json in
                    for rule in compiled.rules { json.string(rule.id) }
                }
                json.array("switchedOff") { json in
                    for (rule, why) in compiled.switchedOff {
                        json.object {
                            $0.string("rule", rule)
                            $0.string("why", why)
                        }
                    }
                }
                json.array("warnings") { json in
                    for warning in warnings {
                        json.object {
                            $0.string("file", warning.file)
                            if let line = warning.line { $0.number("line", line) }
                            $0.string("what", warning.what)
                        }
                    }
                }
            }
        }
    }
}

/// `vigil pack test`: the pack's own cases.
struct PackTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run a pack's cases: events given, transitions expected by date.",
        discussion: """
            The cases are the files cases/*.yaml of the pack. Each is a patient's story, played \
            day by day; everything that becomes of the rules that it compares must be expected.

            Exit codes: 0 all hold; 1 a case comes out otherwise; 65 the pack or a case does not \
            read; 66 there is no such directory.
            """)

    @Argument(help: "A built-in pack's name or a pack's directory.")
    var pack: String

    @Flag(help: "Print one JSON object a case.")
    var json = false

    func run() throws {
        try reportingDaemon {
            let results = try PackLoader.read(pack).runCases()
            for result in results { tell(result) }
            let failed = results.count { !$0.differences.isEmpty }
            if !json {
                Terminal.printLine(
                    Array("\(results.count) cases, \(failed) fail.".utf8))
            }
            guard failed == 0 else {
                throw CommandFailure(
                    .differs, "\(failed) of \(results.count) cases came out otherwise than they say"
                )
            }
        }
    }

    private func tell(_ result: CaseResult) {
        guard json else {
            let place = "\(result.file)\(result.line.map { ":\($0)" } ?? "")"
            for difference in result.differences {
                Terminal.printLine(
                    Array("\(place): \(result.name): \(difference.rule)".utf8))
                Terminal.printLine(Array("  expected \(shown(difference.expected))".utf8))
                Terminal.printLine(Array("  found    \(shown(difference.found))".utf8))
            }
            return
        }
        Terminal.printObject { json in
            json.string("file", result.file)
            if let line = result.line { json.number("line", line) }
            json.string("case", result.name)
            json.boolean("holds", result.differences.isEmpty)
            json.array("differences") { json in
                for difference in result.differences {
                    json.object { json in
                        json.string("rule", difference.rule)
                        json.array("expected") { json in
                            for step in difference.expected { json.string(step) }
                        }
                        json.array("found") { json in
                            for step in difference.found { json.string(step) }
                        }
                    }
                }
            }
        }
    }

    private func shown(_ steps: [String]) -> String {
        steps.isEmpty ? "nothing" : steps.joined(separator: ", ")
    }
}

/// `vigil pack new`: a pack to begin with.
struct PackNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a small pack that passes its own check and test.",
        discussion: """
            The directory's name becomes the pack's id: 1 to 32 of a-z, 0-9 and `-`.

            Exit codes: 0; 64 the directory exists; 65 the name is no id; 74 a file cannot be \
            written.
            """)

    @Argument(help: "The new pack's directory; it must not exist.")
    var directory: String

    @Flag(help: "Print the files' names as JSON.")
    var json = false

    func run() throws {
        try reportingDaemon {
            guard !directory.isEmpty else {
                throw CommandFailure(.usage, "the directory's name is empty: name a new one")
            }
            let folder = URL(filePath: directory)
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw CommandFailure(.usage, "\(directory) exists: name another directory")
            }
            let files = try PackScaffold.files(id: folder.lastPathComponent)
            do {
                for file in files {
                    let url = folder.appending(path: file.name)
                    try FileManager.default.createDirectory(
                        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data(file.bytes).write(to: url)
                }
            } catch {
                let cause = (error as? CocoaError)?.underlying as? POSIXError
                let reason = cause.map { String(cString: strerror($0.code.rawValue)) }
                throw CommandFailure(
                    .log,
                    "cannot write \(directory): \(reason ?? error.localizedDescription); mend "
                        + "that, remove \(directory) if it is there, and run the command again")
            }
            if json {
                Terminal.printObject { json in
                    json.array("files") { json in
                        for file in files { json.string("\(directory)/\(file.name)") }
                    }
                }
            } else {
                Terminal.printLine(
                    Array("Wrote \(files.count) files. Now: vigil pack test \(directory)".utf8))
            }
        }
    }
}

extension Terminal {
    /// Prints rows of texts as columns.
    static func printTable(_ rows: [[String]]) {
        for line in TextTable.lines(rows) { printLine(line) }
    }

    /// Prints one line of JSON.
    static func printObject(_ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.object(body)
        printLine(json.bytes)
    }
}
