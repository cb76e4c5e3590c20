// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore
package import VigilEngine
internal import Yams

/// What a daemon is started with: the command line's word counts before the file's.
package struct Settings: Sendable {
    package var data = ""
    /// The log's name: its origin is `vigil/<name>`.
    package var name: String?
    /// The IANA name of the zone whose days the rules count.
    package var zone: String?
    package var clock: ClockMode?
    /// The longest event that is taken, in bytes.
    package var eventBytesMax: Int?
    package var events: [String]?
    package var ingest: String?
    package var alerts: String?
    package var history: String?
    package var http: String?
    /// Names of bundled packs, or directories.
    package var packs: [String]?
    /// A directory of code lists that take the place of the packs' own.
    package var codelists: String?

    package init() {}

    private static let keys = [
        "name", "zone", "clock", "eventBytesMax", "events", "ingest", "alerts", "history", "http",
        "packs", "codelists",
    ]
    private static let eventBytesCap = 1 << 20

    /// Fills what is not set from a YAML file.
    ///
    /// - Parameters:
    ///   - text: the file's text.
    ///   - file: its name, for messages.
    /// - Throws: `DaemonError` naming the key that is unknown or wrong.
    package mutating func fill(fromYAML text: String, file: String) throws(DaemonError) {
        let loaded: Any?
        do {
            loaded = try Yams.load(yaml: text)
        } catch {
            throw DaemonError(.configuration, "\(file) is not YAML: \(error)")
        }
        guard let map = loaded as? [String: Any] else {
            if loaded == nil { return }
            throw DaemonError(.configuration, "\(file) is not a YAML mapping of settings")
        }
        if let unknown = map.keys.sorted().first(where: { !Settings.keys.contains($0) }) {
            throw DaemonError(
                .configuration,
                "\(file) has no setting \"\(unknown)\": the settings are "
                    + Settings.keys.joined(separator: ", "))
        }
        func string(_ key: String) throws(DaemonError) -> String? {
            guard let value = map[key] else { return nil }
            guard let text = value as? String else {
                throw DaemonError(.configuration, "\(file): \(key) is a text")
            }
            return text
        }
        func strings(_ key: String) throws(DaemonError) -> [String]? {
            guard let value = map[key] else { return nil }
            guard let texts = value as? [String] else {
                throw DaemonError(.configuration, "\(file): \(key) is a list of texts")
            }
            return texts
        }
        name = try name ?? string("name")
        zone = try zone ?? string("zone")
        if clock == nil, let text = try string("clock") {
            guard let mode = ClockMode(rawValue: text) else {
                throw DaemonError(.configuration, "\(file): clock is wall or event")
            }
            clock = mode
        }
        if eventBytesMax == nil, let value = map["eventBytesMax"] {
            guard let bytes = value as? Int, (1...Settings.eventBytesCap).contains(bytes) else {
                throw DaemonError(
                    .configuration,
                    "\(file): eventBytesMax is a number from 1 to \(Settings.eventBytesCap)")
            }
            eventBytesMax = bytes
        }
        events = try events ?? strings("events")
        ingest = try ingest ?? string("ingest")
        alerts = try alerts ?? string("alerts")
        history = try history ?? string("history")
        http = try http ?? string("http")
        packs = try packs ?? strings("packs")
        codelists = try codelists ?? string("codelists")
    }
}

/// Why a command of the daemon's side cannot go on: one sentence for a person, and an exit code.
package struct DaemonError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure, by the exit code of sysexits(3).
    package enum Kind: Int32, Sendable {
        case differs = 1
        case badData = 65
        case missingInput = 66
        case unavailable = 69
        case log = 74
        case configuration = 78
    }

    package var kind: Kind
    package var description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
