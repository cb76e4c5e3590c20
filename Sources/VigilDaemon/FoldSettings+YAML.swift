// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilPacks

extension FoldSettings {
    /// The settings of a file that are recorded in the log.
    static let keys = ["sources", "parameters", "coverage", "budgets", "unreviewed"]

    /// Reads `sources`, `parameters`, `coverage`, `budgets` and `unreviewed` of a file, and leaves
    /// the rest.
    ///
    /// - Throws: `DaemonError` naming the line, what is wrong and what to write.
    init(_ settings: [(key: String, value: SettingsNode)]) throws(DaemonError) {
        func node(_ key: String) -> SettingsNode? { settings.first { $0.key == key }?.value }
        var sources: [Source] = []
        for item in try node("sources")?.items() ?? [] {
            let source = try FoldSettings.source(item)
            guard !sources.contains(where: { $0.source == source.source }) else {
                throw item.fault("the source \(source.source) is there twice", "give it once")
            }
            sources.append(source)
        }
        var parameters: [Parameter] = []
        for (pack, values) in try node("parameters")?.entries() ?? [] {
            for (name, value) in try values.entries() {
                parameters.append(Parameter(pack: pack, name: name, value: try value.text()))
            }
        }
        var coverage: [Coverage] = []
        for item in try node("coverage")?.items() ?? [] {
            let entry = try FoldSettings.coverage(item)
            guard
                !coverage.contains(where: {
                    $0.practice == entry.practice && $0.kind == entry.kind
                })
            else {
                throw item.fault(
                    "\(entry.kind.rawValue) of \(entry.practice) is there twice", "give it once")
            }
            coverage.append(entry)
        }
        var budgets: [Budget] = []
        for item in try node("budgets")?.items() ?? [] {
            let entry = try FoldSettings.budget(item)
            guard
                !budgets.contains(where: {
                    $0.practice == entry.practice && $0.severity == entry.severity
                })
            else {
                throw item.fault("the budget of \(entry.severity) is there twice", "give it once")
            }
            budgets.append(entry)
        }
        self.init(
            sources: sources, parameters: parameters, coverage: coverage, budgets: budgets)
        unreviewedMilliseconds = try node("unreviewed")?.milliseconds()
    }

    private static func budget(_ item: SettingsNode) throws(DaemonError) -> Budget {
        let fields = try item.fields(["practice", "severity", "raisesPerDay"])
        guard let severity = fields["severity"], let raises = fields["raisesPerDay"] else {
            throw item.fault("it lacks severity or raisesPerDay", "give both")
        }
        let word: Severity = try severity.word()
        guard word != .high else {
            throw severity.fault("what is high never waits", "write moderate or low")
        }
        let text = try raises.text()
        guard let number = Int(text), (0...1_000_000).contains(number) else {
            throw raises.fault("\(text) is no number of flags", "write 0 to 1000000")
        }
        return Budget(
            practice: try fields["practice"]?.practice(), severity: word, raisesPerDay: number)
    }

    private static func source(_ item: SettingsNode) throws(DaemonError) -> Source {
        let fields = try item.fields([
            "source", "subjects", "registration", "zone", "rhythm",
        ])
        guard let name = fields["source"] else {
            throw item.fault("it lacks `source`", "name the events' source")
        }
        let text = try name.text()
        guard (1...256).contains(text.utf8.count) else {
            throw name.fault("a source has 1 to 256 bytes", "name the events' source")
        }
        var source = Source(source: text)
        source.subjects = try fields["subjects"]?.word() ?? .same
        source.registration = try fields["registration"]?.word() ?? .explicit
        source.zone = try fields["zone"]?.zone()
        source.rhythmMilliseconds = try fields["rhythm"]?.milliseconds()
        return source
    }

    private static func coverage(_ item: SettingsNode) throws(DaemonError) -> Coverage {
        let fields = try item.fields(["practice", "kind", "from"])
        guard let practice = fields["practice"], let kind = fields["kind"],
            let from = fields["from"]
        else { throw item.fault("it lacks practice, kind or from", "give all three") }
        let code = try practice.practice()
        let text = try from.text()
        guard let date = TimeText.date(fhir: text.utf8), date.precision == .day else {
            throw from.fault("\(text) is no day", "write it as 2015-04-01")
        }
        return Coverage(practice: code, kind: try kind.word(), from: date.writtenDay)
    }
}
