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
            let kind = bytes[..<dot].named(in: EventKind.allCases)
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
    init?(_ value: JSONValue) {
        let bytes = value.textBytes
        guard bytes.starts(with: "health.vigil.".utf8), bytes.count > 16,
            bytes.suffix(3).elementsEqual(".v1".utf8)
        else { return nil }
        let middle = bytes[13..<(bytes.count - 3)]
        if middle.elementsEqual("system.clock".utf8) {
            self = .clock
            return
        }
        guard let dot = middle.firstIndex(of: UInt8(ascii: ".")),
            let kind = middle[..<dot].named(in: EventKind.allCases),
            let action = middle[(dot + 1)...].named(in: EventAction.allCases)
        else { return nil }
        self = .resource(kind, action)
    }
}

extension Collection<UInt8> {
    /// The case whose raw value these bytes are, compared without making a string of them.
    func named<Name: RawRepresentable<String>>(in names: [Name]) -> Name? {
        let length = count
        for name in names {
            let text = name.rawValue.utf8
            if text.count == length && elementsEqual(text) { return name }
        }
        return nil
    }
}
