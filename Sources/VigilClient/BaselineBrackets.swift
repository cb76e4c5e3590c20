// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// The messages that bracket a bulk load, one pair for each source of its events.
package struct BaselineBrackets: Sendable {
    /// What messages to people call them.
    package static let name = "the baseline load"

    private let run: String
    private let time: Instant
    /// Sources whose load has begun, in order.
    private var sources: [String] = []
    private var endedCount = 0

    /// Brackets of one run.
    ///
    /// - Parameters:
    ///   - run: what tells the run from every other one of the same sources.
    ///   - time: now; it moves no clock of the daemon's.
    package init(run: String, time: Instant) {
        self.run = run
        self.time = time
    }

    /// What has to go out before an event of a source; nil where its load has begun.
    package mutating func begin(source: String) -> OutgoingEvent? {
        guard !source.isEmpty, !sources.contains(source) else { return nil }
        sources.append(source)
        return message(.loading, source)
    }

    /// What has to go out after the last event; nil where all loads have ended.
    package mutating func end() -> OutgoingEvent? {
        guard endedCount < sources.count else { return nil }
        endedCount += 1
        return message(.loaded, sources[endedCount - 1])
    }

    private func message(_ bound: LoadBound, _ source: String) -> OutgoingEvent {
        let id = "\(bound.rawValue)-\(run)"
        var json = JSONWriter()
        json.object { json in
            json.string("specversion", "1.0")
            json.string("id", id)
            json.string("source", source)
            json.string("type", "health.vigil.system.\(bound.rawValue).v1")
            json.string("time", time.description)
        }
        var event = OutgoingEvent(
            topic: "system.\(bound.rawValue)", event: json.bytes, id: id,
            origin: EventOrigin(file: BaselineBrackets.name, position: 1, unit: .line),
            source: source)
        event.isAlone = true
        return event
    }
}
