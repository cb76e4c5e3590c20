// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// The reply to one message (protocol section 4).
package enum Reply {
    /// How long a publisher waits before it sends again what was answered `busy`.
    static let retryAfterMilliseconds = 1000

    /// The bytes of a reply.
    package static func encode(_ outcome: Intake.Outcome) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch outcome {
            case .accepted(let id, let offset):
                json.string("status", "accepted")
                json.string("id", id)
                json.number("offset", offset)
            case .duplicate(let id, let offset):
                json.string("status", "duplicate")
                json.string("id", id)
                json.number("offset", offset)
            case .rejected(let rejection, let id):
                json.string("status", "rejected")
                if let id { json.string("id", id) }
                json.string("code", rejection.code.rawValue)
                json.string("message", rejection.message)
                json.string("pointer", rejection.pointer)
            case .busy(let id):
                json.string("status", "busy")
                if let id { json.string("id", id) }
                json.number("retryAfterMs", retryAfterMilliseconds)
            }
        }
        return json.bytes
    }
}

/// Replies in the order of their requests, each held back until what it says is durable.
struct ReplyQueue {
    struct Pending {
        /// The routing identity, with the client's delimiter where it sent one.
        var envelope: [[UInt8]]
        var frames: [[UInt8]]
        /// The offset that must be durable before the reply leaves, nil where none was needed.
        var requires: UInt64?
        /// The events of the request that count as outstanding until it is sent, and their bytes.
        var eventCount = 0
        var eventBytes = 0
        /// Whether an event of the request was put off: all later ones are, then.
        var isPutOff = false

        /// What it takes of memory, about.
        var byteCount: Int { frames.reduce(64) { $0 + $1.count + 32 } }
    }

    private var pending: ArraySlice<Pending> = []

    mutating func append(_ reply: Pending) {
        pending.append(reply)
    }

    /// The next reply that may leave.
    mutating func next(durable: UInt64?) -> Pending? {
        guard let first = pending.first else { return nil }
        if let requires = first.requires {
            guard let durable, requires <= durable else { return nil }
        }
        return pending.popFirst()
    }
}
