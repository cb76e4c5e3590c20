// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

/// Reads what the daemon sends beside events: replies, page headers, heartbeats.
///
/// An instance serves one thread at a time.
package final class ReplyReader {
    private let document = JSONDocument()

    /// Makes a reader.
    package init() {}

    /// A refusal of a whole request (protocol section 6).
    package struct Failure: Error, Hashable, Sendable {
        package var code: String
        package var message: String
    }

    /// The answer about one event, or nil where the text is none.
    package func reply(_ text: [UInt8]) -> EventReply? {
        read(text) { root -> EventReply? in
            let id = root.string("id")
            return switch root.string("status") {
            case "accepted": root.number("offset").map { .accepted(id: id, offset: $0) }
            case "duplicate": root.number("offset").map { .duplicate(id: id, offset: $0) }
            case "busy":
                .busy(
                    id: id,
                    retryAfterMilliseconds: Int64(clamping: root.number("retryAfterMs") ?? 1000))
            case "rejected":
                .rejected(
                    id: id, code: root.string("code") ?? "unknown",
                    message: root.string("message") ?? "", pointer: root.string("pointer") ?? "")
            default: nil
            }
        }
    }

    /// The `id` of an event, or nil where it has none, or not one alone.
    package func eventID(of event: [UInt8]) -> String? {
        read(event) { $0.eventID }
    }

    /// A heartbeat, or nil where the text is none.
    package func heartbeat(_ text: [UInt8]) -> Heartbeat? {
        read(text) { root in
            // In a CloudEvents envelope the two numbers stand in `data`.
            let body = root.member("data").first ?? root
            guard let offset = body.number("offset") else { return nil }
            return Heartbeat(offset: offset, output: body.number("output"))
        }
    }

    /// An event with the attributes that order it.
    ///
    /// - Parameters:
    ///   - topic: The topic frame.
    ///   - offset: The offset where history names it; nil where it is the event's `id`.
    ///   - event: The event's frame.
    /// - Returns: nil where the event has no offset, or the topic is no text.
    package func item(topic: [UInt8], offset: UInt64?, event: [UInt8]) -> OutputItem? {
        read(event) { root in
            guard let number = offset ?? root.digits("id"),
                let topic = String(validating: topic, as: UTF8.self)
            else { return nil }
            return OutputItem(
                topic: topic, offset: number, sequence: root.digits("sequence"), event: event)
        }
    }

    /// The text on one line: as it is, or without the white space between its parts.
    package func line(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(UInt8(ascii: "\n")) else { return text }
        return read(text) { $0.compactText } ?? text
    }

    /// The CloudEvents `type` of an item.
    func type(of item: OutputItem) -> String? {
        read(item.event) { $0.string("type") }
    }

    /// What people want to know of a flag or alert, or nil where the event is none.
    func summary(of item: OutputItem) -> OutputSummary? {
        read(item.event) { root in
            guard let flagID = root.string("flagid"), let data = root.member("data").first else {
                return nil
            }
            let period =
                data.member("identifiedPeriod").first ?? data.member("occurrencePeriod").first
            let states = data.member("extension").first?.children.first {
                $0.string("url") == "urn:vigil:review-state"
            }
            let prediction = data.member("prediction").first?.children.first
            return OutputSummary(
                flagID: flagID, offset: item.offset, severity: root.string("severity") ?? "",
                practice: root.string("practice") ?? "", subject: root.string("subject") ?? "",
                since: period?.string("start") ?? root.string("time") ?? "",
                rule: root.string("rule") ?? "", state: states?.string("valueCode") ?? "open",
                detail: data.string("detail") ?? prediction?.string("rationale") ?? "")
        }
    }

    /// The clock that a log's first record names, `wall` or `event`; nil where it is none.
    package func clock(ofGenesis item: OutputItem) -> String? {
        read(item.event) { $0.member("data").first?.string("clock") }
    }

    /// A page of history from the frames of a reply.
    package func page(_ frames: [[UInt8]]) -> Result<HistoryPage, Failure> {
        header(frames) { root -> (UInt64, UInt64)? in
            guard let next = root.number("next") else { return nil }
            // An empty log has no head; nothing is then ahead of what comes next.
            return (next, root.number("head") ?? 0)
        }.flatMap { header in
            items(frames).map { HistoryPage(next: header.0, head: header.1, items: $0) }
        }
    }

    /// A page of what is open now from the frames of a reply.
    package func openPage(_ frames: [[UInt8]]) -> Result<OpenPage, Failure> {
        header(frames) { root -> (asOf: UInt64, after: [UInt8]?)? in
            guard let asOf = root.number("asOf") else { return nil }
            let after = root.member("after").first.flatMap { value in
                value.kind == .null ? nil : Array(value.rawBytes)
            }
            return (asOf, after)
        }.flatMap { header in
            items(frames).map { OpenPage(asOf: header.asOf, after: header.after, items: $0) }
        }
    }

    private func header<Header>(
        _ frames: [[UInt8]], _ body: (JSONValue) -> Header?
    ) -> Result<Header, Failure> {
        let unreadable = Failure(
            code: "unreadable", message: "the daemon's reply does not follow the protocol")
        guard let first = frames.first else { return .failure(unreadable) }
        return read(first) { root in
            if let error = root.member("error").first {
                return .failure(
                    Failure(
                        code: error.string("code") ?? "unknown",
                        message: error.string("message") ?? ""))
            }
            return body(root).map { .success($0) }
        } ?? .failure(unreadable)
    }

    /// The items after the header: three frames each.
    private func items(_ frames: [[UInt8]]) -> Result<[OutputItem], Failure> {
        let bodies = frames.dropFirst()
        var items: [OutputItem] = []
        var index = bodies.startIndex
        while index + 2 < bodies.endIndex {
            guard let offset = unsigned(bodies[index + 1]),
                let item = item(topic: bodies[index], offset: offset, event: bodies[index + 2])
            else { break }
            items.append(item)
            index += 3
        }
        guard index == bodies.endIndex else {
            return .failure(
                Failure(code: "unreadable", message: "an item of the reply cannot be read"))
        }
        return .success(items)
    }

    private func read<Value>(_ text: [UInt8], _ body: (JSONValue) -> Value?) -> Value? {
        do {
            return try document.withRoot(of: text, body)
        } catch {
            return nil
        }
    }
}

/// A page of the flags and alerts that are open now.
package struct OpenPage: Sendable {
    /// The offset at which the answer holds.
    package var asOf: UInt64
    /// The cursor for the next page as JSON text; nil at the end.
    package var after: [UInt8]?
    package var items: [OutputItem]
}

extension JSONValue {
    /// The text of a string member; nil where it is absent or something else.
    func string(_ name: StaticString) -> String? {
        guard let value = member(name).first, value.kind == .string else { return nil }
        return value.text
    }

    /// The `id` of an event; nil where it has none, or where readers may differ on which it is.
    var eventID: String? {
        member("id").second == nil ? string("id") : nil
    }

    /// A member that is a whole number, nil where it is absent or something else.
    func number(_ name: StaticString) -> UInt64? {
        guard let value = member(name).first, value.kind == .number else { return nil }
        return unsigned(value.textBytes)
    }

    /// The number that a member's string writes in digits; nil where it is absent or another.
    fileprivate func digits(_ name: StaticString) -> UInt64? {
        guard let value = member(name).first, value.kind == .string else { return nil }
        return unsigned(value.textBytes)
    }
}
