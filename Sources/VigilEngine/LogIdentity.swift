// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// What a log's first record fixes for ever (protocol section 8).
package struct LogIdentity: Hashable, Sendable {
    /// The engine's name and version, as outputs show it.
    package static let engine = "Vigil 0.1.0"
    /// The version of the log's record format.
    package static let format = 1
    /// Grows whenever the fold could give other bytes for the same inputs.
    package static let semantics = 4

    /// `vigil/<name>`: the `source` of the log's own events.
    package var origin: String
    package var clockMode: ClockMode
    package var zone: ZoneTable
    /// By which its first records were decided.
    package var semantics: Int

    package init(
        origin: String, clockMode: ClockMode, zone: ZoneTable,
        semantics: Int = LogIdentity.semantics
    ) {
        self.origin = origin
        self.clockMode = clockMode
        self.zone = zone
        self.semantics = semantics
    }

    /// Whether a log begun as this one may be opened with what is asked for.
    ///
    /// The zone is the same by its name: its transitions are those of the log's first record, also
    /// where the machine has since learnt others.
    func admits(_ asked: LogIdentity) -> Bool {
        origin == asked.origin && clockMode == asked.clockMode && zone.name == asked.zone.name
    }

    func encode(to json: inout JSONWriter) {
        json.number("format", LogIdentity.format)
        json.string("origin", origin)
        json.string("clock", clockMode.rawValue)
        json.object("zone") { zone.encode(to: &$0) }
        json.number("semantics", semantics)
    }
}

extension LogIdentity {
    /// Reads a log's first record.
    ///
    /// - Throws: `OpeningError` where it is none, or one of a later version's semantics.
    package init(genesis payload: [UInt8]) throws(OpeningError) {
        let parsed = try? JSONDocument().withRoot(of: payload) { root in
            LogIdentity.read(root.member("data").first)
        }
        guard let identity = parsed.flatMap({ $0 }) else { throw .unreadableGenesis }
        guard identity.semantics <= LogIdentity.semantics else {
            throw .otherSemantics(identity.semantics)
        }
        self = identity
    }

    private static func read(_ data: JSONValue?) -> LogIdentity? {
        guard let data, number(data, "format") == LogIdentity.format,
            let semantics = number(data, "semantics"),
            let origin = data.member("origin").first?.text,
            let clockMode = data.member("clock").first.flatMap({ ClockMode(rawValue: $0.text) }),
            let zone = data.member("zone").first.flatMap({ ZoneTable($0) })
        else { return nil }
        return LogIdentity(
            origin: origin, clockMode: clockMode, zone: zone, semantics: semantics)
    }

    private static func number(_ value: JSONValue, _ name: StaticString) -> Int? {
        value.member(name).first.flatMap { Int($0.text) }
    }
}
