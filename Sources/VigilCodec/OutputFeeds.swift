// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// What feeds tell us, and how much people are told, as events.
extension SystemEvent {
    /// `system.coverage`: how much of what a source sent on a day can be read.
    package static func encode(coverage report: CoverageReport, at place: OutputPlace) -> [UInt8] {
        encode("coverage", at: place) { json in
            json.string("source", report.source)
            json.string("day", report.day.description)
            for (name, tally) in [
                ("medicines", report.medicines), ("conditions", report.conditions),
                ("results", report.results),
            ] {
                json.object(name) { json in
                    json.number("accepted", tally.accepted)
                    json.number("unread", tally.unread)
                    json.number("textOnly", tally.textOnly)
                }
            }
            json.boolean("degraded", !report.faults.isEmpty)
            json.array("faults") { json in
                for fault in report.faults { json.string(fault.rawValue) }
            }
            json.array("notWatching") { json in
                for rule in report.notWatching { json.string(rule) }
            }
        }
    }

    /// `system.digest.<practice>`: the flags of a day that people were not told of one by one.
    package static func encode(digest report: DigestReport, at place: OutputPlace) -> [UInt8] {
        encode("digest", at: place) { json in
            json.string("practice", report.practice)
            json.string("day", report.day.description)
            json.number("part", report.part)
            json.number("parts", report.parts)
            json.array("flags") { json in
                for item in report.items {
                    json.object { json in
                        json.string("flagid", item.flagID.text)
                        json.string("subject", item.subject)
                        json.string("rule", item.rule)
                        json.string("severity", item.severity.rawValue)
                        json.string("reason", item.reason)
                        json.string("raised", String(item.offset))
                        json.boolean("open", !item.isResolved)
                    }
                }
            }
        }
    }
}

/// A message that brackets a bulk load, as the log has it.
package struct LoadMessage: Hashable, Sendable {
    package var bound: LoadBound
    /// The message's own attributes.
    package var source: String
    package var id: String
    package var sequence: UInt64?
    package var epoch: UInt64
    /// SHA-256 of the message as it came, in hexadecimal.
    package var digest: String

    /// What of a message the log keeps.
    package init(_ bound: LoadBound, _ envelope: Envelope, event: [UInt8]) {
        self.bound = bound
        source = envelope.source
        id = envelope.id
        sequence = envelope.sequence
        epoch = envelope.epoch
        digest = hexadecimal(SHA256.digest(of: event))
    }

    /// Reads an observation of the log; nil where it is of something else.
    package init?(topic: String, payload: [UInt8]) {
        guard let bound = LoadBound.allCases.first(where: { topic == "system.\($0.rawValue)" })
        else { return nil }
        func read(_ root: JSONValue) -> LoadMessage? {
            guard let data = root.member("data").first,
                let source = data.member("source").first?.text,
                let id = data.member("id").first?.text,
                let digest = data.member("sha256").first?.text
            else { return nil }
            return LoadMessage(
                bound: bound, source: source, id: id,
                sequence: data.member("sequence").first.flatMap { UInt64($0.text) },
                epoch: data.member("epoch").first.flatMap { UInt64($0.text) } ?? 0,
                digest: digest)
        }
        guard let message = (try? JSONDocument().withRoot(of: payload, read)).flatMap({ $0 })
        else { return nil }
        self = message
    }

    private init(
        bound: LoadBound, source: String, id: String, sequence: UInt64?, epoch: UInt64,
        digest: String
    ) {
        self.bound = bound
        self.source = source
        self.id = id
        self.sequence = sequence
        self.epoch = epoch
        self.digest = digest
    }

    /// Writes the members of `data` of the observation.
    package func encode(to json: inout JSONWriter) {
        json.string("source", source)
        json.string("id", id)
        json.string("sha256", digest)
        guard let sequence else { return }
        json.string("sequence", String(sequence))
        json.string("epoch", String(epoch))
    }
}

extension LogRecordView {
    /// The source and id of the message that the record was made of; nil where it was made of none.
    ///
    /// A message that brackets a load is logged as an observation, which has names of its own.
    package var message: (source: String, id: String)? {
        switch kind {
        case .input: return (source, eventID)
        case .observation:
            let record = record
            return LoadMessage(topic: record.entry.topic, payload: record.payload).map {
                ($0.source, $0.id)
            }
        case .output, .control: return nil
        }
    }
}
