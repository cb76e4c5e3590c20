// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilEngine
internal import VigilPacks

/// Where the value of a setting comes from, the first that has one: the command line, the
/// environment, the file, the default.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case argument
    case environment(String)
    case file(String, line: Int?)
    case standard

    package var description: String {
        switch self {
        case .argument: "command line"
        case .environment(let name): name
        case .file(let name, let line): line.map { "\(name):\($0)" } ?? name
        case .standard: "default"
        }
    }
}

/// A setting that each of the three may give: one value, or a list of some.
struct SettingKey {
    /// How its text is read, and where it goes.
    enum Field {
        case text(WritableKeyPath<Settings, String?>)
        case number(WritableKeyPath<Settings, Int?>, ClosedRange<Int>)
        case texts(WritableKeyPath<Settings, [String]?>)
        case clock
    }

    let name: String
    let field: Field
    /// What holds where nobody says anything; nil where nothing does.
    let standard: String?

    /// `VIGIL_` and the name's words in capitals, with a line between: `VIGIL_EVENT_BYTES_MAX`.
    var variable: String {
        "VIGIL_"
            + name.map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }

    static var all: [SettingKey] {
        [
            SettingKey("data", .text(\.dataDirectory), nil),
            SettingKey("name", .text(\.name), Daemon.Defaults.name),
            SettingKey("zone", .text(\.zone), Daemon.Defaults.zone),
            SettingKey("clock", .clock, ClockMode.wall.rawValue),
            SettingKey(
                "eventBytesMax", .number(\.eventBytesMax, 1...(1 << 20)),
                "\(Intake.eventBytesDefault)"),
            SettingKey(
                "segmentBytesMax", .number(\.segmentBytesMax, (64 << 10)...(1 << 30)),
                "\(64 << 20)"),
            SettingKey(
                "snapshotRecords", .number(\.snapshotRecords, 256...(1 << 30)), "\(1 << 20)"),
            SettingKey(
                "queueBytesMax", .number(\.queueBytesMax, (16 << 20)...(64 << 30)),
                "\(Engine.queueBytesDefault)"),
            SettingKey("events", .texts(\.events), Daemon.Defaults.events),
            SettingKey("ingest", .text(\.ingest), Daemon.Defaults.ingest),
            SettingKey("alerts", .text(\.alerts), Daemon.Defaults.alerts),
            SettingKey("history", .text(\.history), Daemon.Defaults.history),
            SettingKey("http", .text(\.http), Daemon.Defaults.http),
            SettingKey("packs", .texts(\.packs), Daemon.Defaults.pack),
            SettingKey("codelists", .text(\.codelists), nil),
            SettingKey("map", .text(\.map), nil),
        ]
    }

    private init(_ name: String, _ field: Field, _ standard: String?) {
        self.name = name
        self.field = field
        self.standard = standard
    }

    /// Whether a value is set.
    func isSet(in settings: Settings) -> Bool {
        switch field {
        case .text(let path): settings[keyPath: path] != nil
        case .number(let path, _): settings[keyPath: path] != nil
        case .texts(let path): settings[keyPath: path] != nil
        case .clock: settings.clock != nil
        }
    }

    /// The value that is set, or the default; nil where there is neither.
    func value(in settings: Settings) -> [String]? {
        let set: [String]? =
            switch field {
            case .text(let path): settings[keyPath: path].map { [$0] }
            case .number(let path, _): settings[keyPath: path].map { [String($0)] }
            case .texts(let path): settings[keyPath: path]
            case .clock: settings.clock.map { [$0.rawValue] }
            }
        return set ?? standard.map { [$0] }
    }

    /// Whether it is a list.
    var isList: Bool {
        if case .texts = field { return true }
        return false
    }

    /// Whether it is a number.
    var isNumber: Bool {
        if case .number = field { return true }
        return false
    }

    /// What is wrong with a value, as far as it can be told from itself; nil where nothing is.
    func fault(_ texts: [String]) -> String? {
        switch field {
        case .number(_, let range):
            let number = texts.count == 1 ? Int(texts[0]) : nil
            guard let number, range.contains(number) else {
                return "\(name) is a number from \(range.lowerBound) to \(range.upperBound)"
            }
            return nil
        case .clock: return ClockMode(rawValue: texts[0]) == nil ? "clock is wall or event" : nil
        case .text, .texts: return texts.contains("") ? "\(name) is empty" : nil
        }
    }

    /// Puts a value that has no fault in its place.
    func set(_ texts: [String], in settings: inout Settings) {
        switch field {
        case .text(let path): settings[keyPath: path] = texts[0]
        case .number(let path, _): settings[keyPath: path] = Int(texts[0])
        case .texts(let path): settings[keyPath: path] = texts
        case .clock: settings.clock = ClockMode(rawValue: texts[0])
        }
    }
}
