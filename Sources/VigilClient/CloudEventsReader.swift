// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Reads lines that are CloudEvents, alone or as `{"topic", "event"}`.
package final class CloudEventsReader {
    /// What a line holds.
    package enum Line: Hashable, Sendable {
        case event(OutgoingEvent)
        /// A record of the log that came from the daemon itself; by the first part of its topic.
        case skipped(String)
        case refused(Refusal)
    }

    /// What the beginning of an input is.
    package enum Form: Hashable, Sendable {
        /// A CloudEvent, or a topic with one.
        case cloudEvent
        /// A FHIR Bundle or resource.
        case fhir
        /// Neither, or not a whole JSON text.
        case unknown
    }

    private let practice: String
    private let document = JSONDocument()

    /// Makes a reader.
    ///
    /// - Parameter practice: The practice of events that name none.
    package init(practice: String) {
        self.practice = practice
    }

    /// What a text is, as far as it can be told from itself.
    package func form(of text: [UInt8]) -> Form {
        do {
            return try document.withRoot(of: text) { root in
                guard root.kind == .object else { return .unknown }
                if root.string("specversion") != nil { return .cloudEvent }
                if root.string("topic") != nil, root.member("event").first != nil {
                    return .cloudEvent
                }
                return root.string("resourceType") == nil ? .unknown : .fhir
            }
        } catch {
            return .unknown
        }
    }

    /// Reads a line.
    package func line(_ text: [UInt8], origin: EventOrigin) -> Line {
        do {
            return try document.withRoot(of: text) { root in
                if let topic = root.string("topic"), let event = root.member("event").first {
                    return record(topic, event, origin)
                }
                return bare(root, origin)
            }
        } catch {
            return .refused(
                Refusal(
                    origin: origin, code: Rejection.Code.malformedJSON.rawValue,
                    message: "\(error.message), near byte \(error.offset)"))
        }
    }

    /// A record as `vigil export` prints it: the line's event goes out byte for byte.
    private func record(_ topic: String, _ event: JSONValue, _ origin: EventOrigin) -> Line {
        let first = String(topic.prefix { $0 != "." })
        if EventKind(rawValue: first) == nil {
            // The daemon's own clock records name their instant; a clock input has only a time.
            let isInput =
                topic == CloudEventsReader.clockTopic
                && event.member("instant").first == nil && event.member("data").first == nil
            guard isInput else { return .skipped(first) }
        }
        return .event(
            OutgoingEvent(
                topic: topic, event: Array(event.rawBytes), id: event.eventID, origin: origin,
                source: event.string("source") ?? ""))
    }

    private static let clockTopic = "system.clock"

    private func bare(_ event: JSONValue, _ origin: EventOrigin) -> Line {
        guard event.string("specversion") != nil else {
            return .refused(
                Refusal(
                    origin: origin, code: Rejection.Code.notCloudEvents.rawValue,
                    message: "this line has no specversion, the lines before it had"))
        }
        let parts = (event.string("type") ?? "").split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "health", parts[1] == "vigil" else {
            return .refused(
                Refusal(
                    origin: origin, code: Rejection.Code.unsupportedType.rawValue,
                    message: "a type is health.vigil.<kind>.<action>.v1", pointer: "/type"))
        }
        let topic =
            parts[2] == "system"
            ? "system.\(parts[3])" : "\(parts[2]).\(event.string("practice") ?? practice)"
        return .event(
            OutgoingEvent(
                topic: topic, event: Array(event.rawBytes), id: event.eventID, origin: origin,
                source: event.string("source") ?? ""))
    }
}
