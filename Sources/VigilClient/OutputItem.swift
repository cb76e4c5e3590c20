// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// An event of the log as a client sees it, live or from history.
package struct OutputItem: Hashable, Sendable {
    /// The exact topic.
    package var topic: String
    /// The offset in the log: the event's identity.
    package var offset: UInt64
    /// Its place in the numbering of its topic, from 1; nil where the event has none.
    package var sequence: UInt64?
    /// The CloudEvents object as received.
    package var event: [UInt8]

    package init(topic: String, offset: UInt64, sequence: UInt64?, event: [UInt8]) {
        self.topic = topic
        self.offset = offset
        self.sequence = sequence
        self.event = event
    }
}

/// One page of history (protocol section 6).
package struct HistoryPage: Sendable {
    /// The first offset that was not examined.
    package var next: UInt64
    /// The last durable offset.
    package var head: UInt64
    package var items: [OutputItem]

    package init(next: UInt64, head: UInt64, items: [OutputItem]) {
        self.next = next
        self.head = head
        self.items = items
    }
}

/// What the daemon says every second.
package struct Heartbeat: Hashable, Sendable {
    /// The last durable offset.
    package var offset: UInt64
    /// The last offset that is an output event; nil where there is none yet.
    package var output: UInt64?

    package init(offset: UInt64, output: UInt64?) {
        self.offset = offset
        self.output = output
    }
}

/// The output topics, and which of them a client asked for.
package enum OutputTopics {
    /// The beginnings of every output topic.
    package static let prefixes = ["flag.", "alert.", "shadow.", "system."]

    /// Where heartbeats are published.
    package static let heartbeat = "system.heartbeat"

    /// Names of the log's control records: they are in history, but are no outputs.
    private static let controls = [
        "system.genesis", "system.settings", "system.pack", "system.step", "system.clock",
        "system.semantics", "system.tail", "system.suspend", "system.resume", heartbeat,
    ]

    /// The prefixes to subscribe to for the wishes of a user, without those that others cover.
    ///
    /// - Returns: nil where a wish matches no output topic at all.
    package static func resolve(_ wishes: [String]) -> [String]? {
        guard !wishes.isEmpty else { return prefixes }
        var wanted: [String] = []
        for wish in wishes {
            let found = prefixes.filter { $0.hasPrefix(wish) }
            if !found.isEmpty {
                wanted += found
            } else if prefixes.contains(where: { wish.hasPrefix($0) }) {
                wanted.append(wish)
            } else {
                return nil
            }
        }
        var kept: [String] = []
        for (index, prefix) in wanted.enumerated() {
            let isCovered = wanted.enumerated().contains { other, broader in
                other != index && prefix.hasPrefix(broader) && (broader != prefix || other < index)
            }
            if !isCovered { kept.append(prefix) }
        }
        return kept
    }

    /// Whether an event under this topic is an output event.
    package static func isOutput(_ topic: String) -> Bool {
        prefixes.contains { topic.hasPrefix($0) }
            && !controls.contains { topic == $0 || topic.hasPrefix($0 + ".") }
    }
}
