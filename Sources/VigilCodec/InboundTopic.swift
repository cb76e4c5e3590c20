// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// The topic of an inbound message (protocol section 2).
package enum InboundTopic: Hashable, Sendable {
    /// `<kind>.<practice>`.
    case kind(EventKind, practice: String)
    /// `system.clock`: moves an event clock.
    case clock

    /// Reads a topic frame, or returns nil for what is no inbound topic.
    package init?(_ bytes: [UInt8]) {
        if bytes.elementsEqual("system.clock".utf8) {
            self = .clock
            return
        }
        guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")),
            let kind = EventKind(rawValue: String(decoding: bytes[..<dot], as: UTF8.self))
        else { return nil }
        let practice = bytes[(dot + 1)...]
        guard (1...32).contains(practice.count), practice.allSatisfy(isPracticeByte) else {
            return nil
        }
        self = .kind(kind, practice: String(decoding: practice, as: UTF8.self))
    }
}

private func isPracticeByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default:
        false
    }
}

/// The CloudEvents `type` of an inbound event.
package enum InboundType: Hashable, Sendable {
    /// `health.vigil.<kind>.<action>.v1`.
    case resource(EventKind, EventAction)
    /// `health.vigil.system.clock.v1`.
    case clock

    /// Reads a type, or returns nil for one that the daemon does not take.
    init?(_ text: some BidirectionalCollection<UInt8>) {
        let parts = text.split(
            separator: UInt8(ascii: "."), maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].elementsEqual("health".utf8),
            parts[1].elementsEqual("vigil".utf8), parts[4].elementsEqual("v1".utf8)
        else { return nil }
        let middle = String(decoding: parts[2], as: UTF8.self)
        let last = String(decoding: parts[3], as: UTF8.self)
        if middle == "system" && last == "clock" {
            self = .clock
            return
        }
        guard let kind = EventKind(rawValue: middle), let action = EventAction(rawValue: last)
        else { return nil }
        self = .resource(kind, action)
    }
}
