// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore
package import VigilEngine
internal import VigilPacks

/// What a daemon is started with: the command line counts before the environment, that before the
/// file, and that before the defaults.
package struct Settings: Sendable {
    /// Where the log is; nil where nobody has said so.
    package var dataDirectory: String?
    /// The log's name: its origin is `vigil/<name>`.
    package var name: String?
    /// The IANA name of the zone whose days the rules count.
    package var zone: String?
    package var clock: ClockMode?
    /// The longest event that is taken, in bytes.
    package var eventBytesMax: Int?
    /// How long a file of the log may grow, in bytes.
    package var segmentBytesMax: Int?
    /// After how many records a snapshot of the state is written.
    package var snapshotRecords: Int?
    /// What may wait for all clients of the ingest socket together, in bytes.
    package var queueBytesMax: Int?
    package var events: [String]?
    package var ingest: String?
    package var alerts: String?
    package var history: String?
    package var http: String?
    /// Names of bundled packs, or directories.
    package var packs: [String]?
    /// A directory of code lists that take the place of the packs' own.
    package var codelists: String?
    /// A file of further codings (`system,code,to-system,to-code`), or nil.
    package var map: String?
    /// The daemon's keys, and who may do what; nil where the sockets are for this machine alone.
    package var curve: CurveSettings?
    /// What the log records, since it can influence outputs.
    package var recorded = FoldSettings()
    /// Where the settings that are set come from, by name.
    package private(set) var origins: [String: SettingOrigin] = [:]

    package init() {}

    /// Where a setting comes from.
    package func origin(of name: String) -> SettingOrigin { origins[name] ?? .standard }

    /// The data directory.
    ///
    /// - Throws: `DaemonError` where nobody has said where it is.
    package func data() throws(DaemonError) -> String {
        guard let dataDirectory else {
            throw DaemonError(
                .usage,
                "there is no data directory: name it with --data, VIGIL_DATA or the setting data")
        }
        return dataDirectory
    }

    /// Takes note that what is set so far comes from the command line.
    package mutating func noteArguments() {
        for key in SettingKey.all where key.isSet(in: self) { origins[key.name] = .argument }
    }

    /// Fills what is not set from the environment.
    ///
    /// - Parameter environment: the process's.
    /// - Returns: sentences about variables that look as if they were meant for a setting.
    /// - Throws: `DaemonError` naming the variable that is wrong.
    package mutating func fill(
        fromEnvironment environment: [String: String]
    ) throws(DaemonError) -> [String] {
        for key in SettingKey.all {
            guard let text = environment[key.variable], !key.isSet(in: self) else { continue }
            let texts = key.isList ? text.split(separator: ",").map(String.init) : [text]
            if let fault = texts.isEmpty ? "\(key.name) is empty" : key.fault(texts) {
                throw DaemonError(
                    .configuration, "the environment's \(key.variable): \(fault)")
            }
            key.set(texts, in: &self)
            origins[key.name] = .environment(key.variable)
        }
        let known = SettingKey.all.map(\.variable) + Settings.otherVariables
        return environment.keys.sorted().compactMap { name in
            guard name.hasPrefix("VIGIL_"), !known.contains(name),
                let meant = suggestion(for: name, among: known)
            else { return nil }
            return "the environment's \(name) is no setting: did you mean \(meant)?"
        }
    }

    /// Variables of the commands that are no settings of the daemon's.
    private static let otherVariables = [
        "VIGIL_CONFIG", "VIGIL_SERVER_KEY", "VIGIL_KEY_FILE", "VIGIL_AUTHOR",
    ]

    /// The names of all settings of a file.
    package static var names: [String] {
        SettingKey.all.map(\.name) + ["curve"] + FoldSettings.keys
    }

    /// Fills what is not set from a YAML file.
    ///
    /// - Parameters:
    ///   - text: the file's text.
    ///   - file: its name, for messages.
    /// - Throws: `DaemonError` naming the line, the key that is wrong, and what to write.
    package mutating func fill(fromYAML text: String, file: String) throws(DaemonError) {
        guard let top = try SettingsNode.root(ofYAML: text, file: file) else { return }
        let entries = try top.entries()
        for (name, value) in entries {
            guard Settings.names.contains(name) else {
                let meant = suggestion(for: name, among: Settings.names)
                throw value.fault(
                    "there is no such setting",
                    meant.map { "did you mean \"\($0)\"?" }
                        ?? "the settings are \(Settings.names.joined(separator: ", "))")
            }
            if let key = SettingKey.all.first(where: { $0.name == name }) {
                let texts = try Settings.texts(of: key, value)
                guard !key.isSet(in: self) else { continue }
                key.set(texts, in: &self)
            }
            origins[name] = .file(file, line: value.line)
        }
        recorded = try FoldSettings(entries)
        curve = try CurveSettings(entries)
    }

    private static func texts(
        of key: SettingKey, _ value: SettingsNode
    ) throws(DaemonError) -> [String] {
        let remedy = "see the page on the command line"
        guard key.isList else {
            let text = try value.text()
            if let fault = key.fault([text]) { throw value.fault(fault, remedy) }
            return [text]
        }
        var texts: [String] = []
        for item in try value.items() { texts.append(try item.text()) }
        return texts
    }
}

/// Why a command of the daemon's side cannot go on: one sentence for a person, and an exit code.
package struct DaemonError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure, by the exit code of sysexits(3).
    package enum Kind: Int32, Sendable {
        case usage = 64
        case missingInput = 66
        case log = 74
        case notPermitted = 77
        case configuration = 78
    }

    package var kind: Kind
    package var description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
