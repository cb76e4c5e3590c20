// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// The topic of an inbound message (protocol section 2).
package enum InboundTopic: Hashable, Sendable {
    /// `<kind>.<practice>`.
    case kind(EventKind, practice: String)
    /// `system.clock`: moves an event clock.
    case clock
    /// `system.loading` and `system.loaded`: a bulk load begins or has ended.
    case load(LoadBound)

    /// Reads a topic frame, or returns nil for what is no inbound topic.
    package init?(_ bytes: [UInt8]) {
        let topic = bytes.withUnsafeBufferPointer { InboundTopic.read($0) }
        guard let topic else { return nil }
        self = topic
    }

    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> InboundTopic? {
        if bytes.isText("system.clock") { return .clock }
        if let bound = bytes.named(in: LoadBound.topics) { return .load(bound) }
        guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")),
            let kind = bytes.part(0..<dot).named(in: EventKind.names)
        else { return nil }
        let practice = bytes.part((dot + 1)..<bytes.count)
        guard isPractice(practice) else { return nil }
        return .kind(kind, practice: String(decoding: practice, as: UTF8.self))
    }

    /// Whether bytes are a practice's code.
    package static func isPractice(_ code: some Collection<UInt8>) -> Bool {
        (1...32).contains(code.count) && code.allSatisfy(isPracticeByte)
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
    /// `health.vigil.system.loading.v1` and `.loaded.v1`.
    case load(LoadBound)

    /// Whether the event is about a patient.
    var hasSubject: Bool {
        if case .resource = self { true } else { false }
    }

    /// Reads a type, or returns nil for one that the daemon does not take.
    init?(_ value: JSONValue) {
        let bytes = value.textBytes
        guard value.hasText(from: 0, "health.vigil."), bytes.count > 16,
            value.hasText(from: bytes.count - 3, ".v1")
        else { return nil }
        let middle = bytes.part(13..<(bytes.count - 3))
        if middle.isText("system.clock") {
            self = .clock
            return
        }
        if let bound = middle.named(in: LoadBound.topics) {
            self = .load(bound)
            return
        }
        guard let dot = middle.firstIndex(of: UInt8(ascii: ".")),
            let kind = middle.part(0..<dot).named(in: EventKind.names),
            let action = middle.part((dot + 1)..<middle.count).named(in: EventAction.names)
        else { return nil }
        self = .resource(kind, action)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes in a range, counted from 0.
    func part(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: self[range])
    }

    /// Whether these are the bytes of a text.
    func isText(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        var position = 0
        while position < count {
            if self[position] != text.utf8Start[position] { return false }
            position += 1
        }
        return true
    }

    /// The case whose raw value these bytes are, compared without making a string of them.
    func named<Name>(in names: [(text: StaticString, name: Name)]) -> Name? {
        for (text, name) in names where isText(text) { return name }
        return nil
    }
}

extension LoadBound {
    static let topics: [(text: StaticString, name: LoadBound)] = [
        ("system.loading", .loading), ("system.loaded", .loaded),
    ]
}

extension EventKind {
    static let names: [(text: StaticString, name: EventKind)] = [
        ("patient", .patient), ("encounter", .encounter), ("condition", .condition),
        ("prescription", .prescription), ("observation", .observation), ("device", .device),
        ("review", .review),
    ]
}

extension EventAction {
    static let names: [(text: StaticString, name: EventAction)] = [
        ("created", .created), ("updated", .updated), ("deleted", .deleted),
    ]
}
