// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore
package import VigilEngine
internal import VigilPacks
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
    /// How long a file of the log may grow, in bytes.
    package var segmentBytesMax: Int?
    /// After how many records a snapshot of the state is written.
    package var snapshotRecords: Int?
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

    package init() {}

    fileprivate static let keys =
        [
            "name", "zone", "clock", "eventBytesMax", "segmentBytesMax", "snapshotRecords",
            "events", "ingest", "alerts", "history", "http", "packs", "codelists", "map", "curve",
        ] + FoldSettings.keys
    private static let eventBytesCap = 1 << 20
    private static let segmentBytesRange = 64 << 10...1 << 30
    private static let snapshotRecordsRange = 256...1 << 30

    /// Fills what is not set from a YAML file.
    ///
    /// - Parameters:
    ///   - text: the file's text.
    ///   - file: its name, for messages.
    /// - Throws: `DaemonError` naming the key that is unknown or wrong.
    package mutating func fill(fromYAML text: String, file: String) throws(DaemonError) {
        let settings = try SettingsFile(text, name: file)
        let clockName = try settings.string("clock")
        if let clockName, ClockMode(rawValue: clockName) == nil {
            throw DaemonError(.configuration, "\(file): clock is wall or event")
        }
        let bytes = try settings.number("eventBytesMax", in: 1...Settings.eventBytesCap)
        let segmentBytes = try settings.number(
            "segmentBytesMax", in: Settings.segmentBytesRange)
        let records = try settings.number(
            "snapshotRecords", in: Settings.snapshotRecordsRange)
        let texts = (
            name: try settings.string("name"), zone: try settings.string("zone"),
            ingest: try settings.string("ingest"),
            alerts: try settings.string("alerts"), history: try settings.string("history"),
            http: try settings.string("http"), codelists: try settings.string("codelists"),
            map: try settings.string("map")
        )
        recorded = try FoldSettings(fromYAML: text, file: file)
        let lists = (events: try settings.strings("events"), packs: try settings.strings("packs"))
        name = name ?? texts.name
        zone = zone ?? texts.zone
        clock = clock ?? clockName.flatMap { ClockMode(rawValue: $0) }
        eventBytesMax = eventBytesMax ?? bytes
        segmentBytesMax = segmentBytesMax ?? segmentBytes
        snapshotRecords = snapshotRecords ?? records
        events = events ?? lists.events
        ingest = ingest ?? texts.ingest
        alerts = alerts ?? texts.alerts
        history = history ?? texts.history
        http = http ?? texts.http
        packs = packs ?? lists.packs
        codelists = codelists ?? texts.codelists
        map = map ?? texts.map
        curve = try CurveSettings(fromYAML: text, file: file)
    }
}

/// A YAML mapping of settings.
private struct SettingsFile {
    private let name: String
    private let map: [String: Any]

    init(_ text: String, name: String) throws(DaemonError) {
        self.name = name
        let loaded: Any?
        do {
            loaded = try Yams.load(yaml: text)
        } catch {
            throw DaemonError(.configuration, "\(name) is not YAML: \(error)")
        }
        guard let map = (loaded ?? [String: Any]()) as? [String: Any] else {
            throw DaemonError(.configuration, "\(name) is not a YAML mapping of settings")
        }
        if let unknown = map.keys.sorted().first(where: { !Settings.keys.contains($0) }) {
            let meant = suggestion(for: unknown, among: Settings.keys)
            throw DaemonError(
                .configuration,
                "\(name): there is no setting \"\(unknown)\": "
                    + (meant.map { "did you mean \"\($0)\"?" }
                        ?? "the settings are \(Settings.keys.joined(separator: ", "))"))
        }
        self.map = map
    }

    func string(_ key: String) throws(DaemonError) -> String? {
        try value(key, "a text")
    }

    func strings(_ key: String) throws(DaemonError) -> [String]? {
        try value(key, "a list of texts")
    }

    func number(_ key: String, in range: ClosedRange<Int>) throws(DaemonError) -> Int? {
        let what = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard let number: Int = try value(key, what) else { return nil }
        guard range.contains(number) else {
            throw DaemonError(.configuration, "\(name): \(key) is \(what)")
        }
        return number
    }

    private func value<Value>(_ key: String, _ what: String) throws(DaemonError) -> Value? {
        guard let found = map[key] else { return nil }
        guard let value = found as? Value else {
            throw DaemonError(.configuration, "\(name): \(key) is \(what)")
        }
        return value
    }
}

/// Why a command of the daemon's side cannot go on: one sentence for a person, and an exit code.
package struct DaemonError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure, by the exit code of sysexits(3).
    package enum Kind: Int32, Sendable {
        case differs = 1
        case badData = 65
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
