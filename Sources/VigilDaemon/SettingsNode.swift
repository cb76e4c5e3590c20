// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilPacks
internal import Yams

/// A value in a file of settings, and what errors call it.
struct SettingsNode {
    let node: Yams.Node
    let file: String
    let name: String

    init(_ node: Yams.Node, file: String, name: String) {
        self.node = node
        self.file = file
        self.name = name
    }

    /// What a YAML text is; nil of an empty one.
    static func root(ofYAML text: String, file: String) throws(DaemonError) -> SettingsNode? {
        do {
            guard let root = try Yams.compose(yaml: text), root.scalar?.string != "" else {
                return nil
            }
            return SettingsNode(root, file: file, name: "the file")
        } catch {
            throw DaemonError(.configuration, "\(PackError(notYAML: error, file: file))")
        }
    }

    /// Where it stands in the file, from 1.
    var line: Int? { node.mark.map { $0.line } }

    func fault(_ what: String, _ remedy: String) -> DaemonError {
        let place = line.map { "\(file):\($0)" } ?? file
        return DaemonError(.configuration, "\(place): \(name): \(what); \(remedy)")
    }

    func text() throws(DaemonError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else {
            throw fault("it is no text", "write one value")
        }
        return text
    }

    func items() throws(DaemonError) -> [SettingsNode] {
        guard let sequence = node.sequence else {
            throw fault("it is not a list", "write `- item` lines")
        }
        return sequence.map { SettingsNode($0, file: file, name: name) }
    }

    func entries() throws(DaemonError) -> [(key: String, value: SettingsNode)] {
        guard let mapping = node.mapping else {
            throw fault("it is not a mapping", "write `key: value` lines")
        }
        var entries: [(key: String, value: SettingsNode)] = []
        for (key, value) in mapping {
            guard let text = key.scalar?.string else {
                throw fault("a key is not a word", "write a plain word")
            }
            entries.append((text, SettingsNode(value, file: file, name: text)))
        }
        return entries
    }

    func fields(_ known: [String]) throws(DaemonError) -> [String: SettingsNode] {
        var fields: [String: SettingsNode] = [:]
        for (key, value) in try entries() {
            guard known.contains(key) else {
                let meant = suggestion(for: key, among: known)
                throw value.fault(
                    "there is no such key in \(name)",
                    meant.map { "did you mean \($0)?" }
                        ?? "use \(known.joined(separator: ", "))")
            }
            fields[key] = value
        }
        return fields
    }

    func word<Word: RawRepresentable & CaseIterable>() throws(DaemonError) -> Word
    where Word.RawValue == String {
        let text = try text()
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue)
        throw fault(
            "it is not \(text)",
            suggestion(for: text, among: words).map { "did you mean \($0)?" }
                ?? "write \(words.joined(separator: ", "))")
    }

    /// A practice's code.
    func practice() throws(DaemonError) -> String {
        let code = try text()
        guard InboundTopic.isPractice(code.utf8) else {
            throw fault("\(code) is no practice", "write 1 to 32 of A-Z a-z 0-9 _ -")
        }
        return code
    }

    /// A time zone by its IANA name.
    func zone() throws(DaemonError) -> ZoneTable {
        let name = try text()
        guard let zone = ZoneTable.ofThisMachine(named: name) else {
            throw fault(
                "this machine knows no time zone \(name)", "write one such as Europe/London")
        }
        return zone
    }

    /// A number and a unit, such as `90 min`.
    func milliseconds() throws(DaemonError) -> Int64 {
        let text = try text()
        let parts = text.split(separator: " ")
        let unit = FoldSettings.timeUnits.first { parts.count == 2 && parts[1] == $0.name }
        guard let unit, let number = Int64(parts[0]),
            (1...86_400).contains(number)
        else {
            throw fault(
                "\(text) is no time", "write a number and s, min, h or d, such as `90 min`")
        }
        return number * unit.milliseconds
    }

    /// A whole number.
    func number(in range: ClosedRange<Int>) throws(DaemonError) -> Int {
        guard let number = Int(try text()), range.contains(number) else {
            throw fault(
                "it is no number from \(range.lowerBound) to \(range.upperBound)", "write one")
        }
        return number
    }
}
