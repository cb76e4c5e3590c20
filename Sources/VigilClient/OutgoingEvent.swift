// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An event on its way to the daemon, with the place it came from for messages to people.
package struct OutgoingEvent: Hashable, Sendable {
    /// The topic frame.
    package var topic: String
    /// The CloudEvents object, as it goes on the wire.
    package var event: [UInt8]
    /// The event's `id`, which an answer names; nil where it is not known.
    package var id: String?
    /// Where it was read: the file's name and what to look for in it.
    package var origin: EventOrigin
    /// The event's `source`; empty where it has none.
    package var source: String
    /// Whether it goes out when all before it is answered, and all after it when it is.
    package var isAlone = false

    package init(
        topic: String, event: [UInt8], id: String? = nil, origin: EventOrigin, source: String = ""
    ) {
        self.topic = topic
        self.event = event
        self.id = id
        self.origin = origin
        self.source = source
    }
}

/// Where in the input an event or a fault stands.
package struct EventOrigin: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// The line, from 1; for a file that is one JSON text the position of the resource, from 1.
    package var position: Int
    /// What the position counts.
    package var unit: Unit

    /// What a position counts.
    package enum Unit: String, Sendable {
        case line
        case resource
    }

    package init(file: String, position: Int, unit: Unit) {
        self.file = file
        self.position = position
        self.unit = unit
    }

    /// Such as `events.ndjson, line 12`.
    package var description: String {
        "\(file), \(unit.rawValue) \(position)"
    }
}

/// The daemon's answer about one event (protocol section 4), which names it where it could be read.
package enum EventReply: Hashable, Sendable {
    case accepted(id: String? = nil, offset: UInt64)
    case duplicate(id: String? = nil, offset: UInt64)
    case rejected(id: String? = nil, code: String, message: String, pointer: String)
    case busy(id: String? = nil, retryAfterMilliseconds: Int64)

    /// The `id` of the event; nil where the daemon could not read it.
    package var id: String? {
        switch self {
        case .accepted(let id, _), .duplicate(let id, _), .rejected(let id, _, _, _),
            .busy(let id, _):
            id
        }
    }

    /// Whether the answer can be about an event.
    func isAbout(_ event: OutgoingEvent) -> Bool {
        guard let named = id, let sent = event.id else { return true }
        return named == sent
    }
}

/// An event that is not accepted and never will be as it stands.
package struct Refusal: Hashable, Sendable, CustomStringConvertible {
    package var origin: EventOrigin
    /// One of the protocol's rejection codes.
    package var code: String
    package var message: String
    /// A JSON Pointer into the event.
    package var pointer: String

    package init(origin: EventOrigin, code: String, message: String, pointer: String = "") {
        self.origin = origin
        self.code = code
        self.message = message
        self.pointer = pointer
    }

    /// One line for a person.
    package var description: String {
        "\(origin): \(code)" + (pointer.isEmpty ? "" : " at \(pointer)") + ": \(message)"
    }
}
