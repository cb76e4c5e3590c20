// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// A grant that cannot be read: one sentence for a person.
package struct GrantError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
}

/// Names of sources that are granted: one name, or with `*` at the end all that begin so.
package struct SourceGrant: Hashable, Sendable {
    private let text: [UInt8]
    private let isPrefix: Bool

    /// Reads a grant.
    package init(_ text: String) {
        isPrefix = text.hasSuffix("*")
        self.text = Array((isPrefix ? String(text.dropLast()) : text).utf8)
    }

    /// Whether a source is meant.
    func covers(_ source: String) -> Bool {
        isPrefix ? source.utf8.starts(with: text) : source.utf8.elementsEqual(text)
    }
}

/// Inbound topics that are granted: `kind.practice`, either of them or the whole may be `*`.
package struct InboundGrant: Hashable, Sendable {
    /// nil for every topic; in it nil for every token.
    private let tokens: [[UInt8]?]?

    /// Reads a grant.
    ///
    /// - Throws: A `GrantError` where it is not of this form.
    package init(_ text: String) throws(GrantError) {
        guard text != "*" else {
            tokens = nil
            return
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ !$0.isEmpty && ($0 == "*" || !$0.contains("*")) })
        else {
            throw GrantError(
                description: "\"\(text)\" is not kind.practice, such as prescription.A81001, "
                    + "*.A81001 or *")
        }
        let kind = parts[0] == "*" ? "patient" : parts[0]
        let name = parts[1] == "*" ? (kind == "system" ? "clock" : "any") : parts[1]
        guard InboundTopic(Array("\(kind).\(name)".utf8)) != nil else {
            let kinds = EventKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw GrantError(
                description: "nothing comes in on \"\(text)\": write one of \(kinds) and a "
                    + "practice, or system with clock, loading or loaded; either may be *")
        }
        tokens = parts.map { $0 == "*" ? nil : Array($0.utf8) }
    }

    /// Whether a topic is meant.
    func covers(_ topic: some Collection<UInt8>) -> Bool {
        guard let tokens else { return true }
        let parts = topic.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == tokens.count
            && zip(parts, tokens).allSatisfy { part, token in
                token.map { part.elementsEqual($0) } ?? true
            }
    }
}

extension InboundGrant {
    /// Whether any topic that is meant begins with a byte prefix.
    func meets(_ prefix: [UInt8]) -> Bool {
        guard let tokens else { return true }
        let parts = prefix.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= tokens.count else { return false }
        return zip(parts, tokens).enumerated().allSatisfy { index, pair in
            guard let token = pair.1 else { return true }
            return index + 1 == parts.count
                ? token.starts(with: pair.0) : pair.0.elementsEqual(token)
        }
    }
}

/// Output topics that are granted: those whose first tokens are these; `*` for all.
///
/// `flag.A1` grants `flag.A1.high.x` and never `flag.A10.high.x`.
package struct OutputGrant: Hashable, Sendable {
    /// The first words of output topics.
    private static let kinds = ["flag", "alert", "shadow", "system"]

    /// Without a dot at the end; empty for every topic.
    private let tokens: [UInt8]

    /// Reads a grant.
    ///
    /// - Throws: A `GrantError` where it is not of this form.
    package init(_ text: String) throws(GrantError) {
        let trimmed = text.hasSuffix(".") ? String(text.dropLast()) : text
        guard text == "*" || !trimmed.contains("*"),
            trimmed.split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy({ !$0.isEmpty })
        else {
            throw GrantError(
                description: "\"\(text)\" is not the beginning of an output topic in whole words, "
                    + "such as flag.A81001, or *")
        }
        let words = trimmed.split(separator: ".").map(String.init)
        let isTopic = text == "*" || OutputGrant.kinds.contains(words[0])
        guard isTopic else {
            throw GrantError(
                description: "no output topic begins with \"\(text)\": write "
                    + OutputGrant.kinds.joined(separator: ", ") + " or *, or one of them and on")
        }
        let severities = Severity.allCases.map(\.rawValue)
        if words[0] != "system", words.count > 2, !severities.contains(words[2]) {
            throw GrantError(
                description: "\"\(words[2])\" in \"\(text)\" is no severity: after the practice "
                    + "write one of \(severities.joined(separator: ", "))")
        }
        tokens = text == "*" ? [] : Array(trimmed.utf8)
    }

    /// Whether every topic is meant.
    var isEverything: Bool { tokens.isEmpty }

    /// Whether a topic is meant.
    func covers(_ topic: some Collection<UInt8>) -> Bool {
        guard !tokens.isEmpty else { return true }
        guard topic.starts(with: tokens) else { return false }
        let rest = topic.dropFirst(tokens.count)
        return rest.isEmpty || rest.first == UInt8(ascii: ".")
    }

    /// Whether it is of one topic and those that go on from it with a dot.
    func names(_ topic: [UInt8]) -> Bool { tokens == topic }

    /// The prefix that selects what is both asked for by a byte prefix and granted, but for a topic
    /// that is granted whole; nil for nothing.
    func narrowing(_ prefix: [UInt8]) -> [UInt8]? {
        guard !tokens.isEmpty else { return prefix }
        let granted = tokens + [UInt8(ascii: ".")]
        if prefix.starts(with: granted) { return prefix }
        return granted.starts(with: prefix) ? granted : nil
    }
}

/// What somebody may do at the sockets.
package struct Grants: Hashable, Sendable {
    /// The principal's name, for the operator.
    package var name: String
    /// What it may publish: events of these sources, on these topics.
    package var sources: [SourceGrant]
    package var topics: [InboundGrant]
    /// What it may read, live, from history and of what is open.
    package var outputs: [OutputGrant]
    /// What came from outside that it may read from history.
    package var inbound: [InboundGrant]

    package init(
        name: String, sources: [SourceGrant], topics: [InboundGrant], outputs: [OutputGrant],
        inbound: [InboundGrant]
    ) {
        self.name = name
        self.sources = sources
        self.topics = topics
        self.outputs = outputs
        self.inbound = inbound
    }

    static let heartbeat = Array("system.heartbeat".utf8)
    /// What the log's first record says (its name, zone and clock) is everybody's who asks for it
    /// by its whole topic: no patient is in it, and who reviews must know by which clock.
    static let genesis = Array("system.genesis".utf8)

    /// Whether no output is kept from it.
    var readsEverything: Bool { outputs.contains { $0.isEverything } }

    /// Whether it may publish an event of a source on a topic.
    func mayPublish(source: String, topic: [UInt8]) -> Bool {
        sources.contains { $0.covers(source) } && topics.contains { $0.covers(topic) }
    }

    /// Whether it may read a record.
    func mayRead(topic: some Collection<UInt8>, isInput: Bool) -> Bool {
        isInput
            ? inbound.contains { $0.covers(topic) } : outputs.contains { $0.covers(topic) }
    }

    /// What to subscribe it to when it asks for a prefix: nothing where nothing of it is granted.
    ///
    /// Heartbeats are everybody's.
    func subscriptions(for prefix: [UInt8]) -> [[UInt8]] {
        if prefix == Grants.heartbeat { return [prefix] }
        return outputs.compactMap { $0.narrowing(prefix) } + wholeTopics(beginningWith: prefix)
    }

    /// The system topics that are published without a practice.
    private static let systemTopics = [
        "coverage", "gap", "gap-closed", "loaded", "loading", "rejected", "silent", "trace",
    ].map { Array("system.\($0)".utf8) }

    /// What to subscribe it to for topics that are granted whole.
    ///
    /// A subscription is a prefix: where it would bring another topic too that is not granted, the
    /// topic is left to history. Rules and practices are not known here, so that is so of every
    /// topic that names one.
    private func wholeTopics(beginningWith prefix: [UInt8]) -> [[UInt8]] {
        Grants.systemTopics.filter { topic in
            topic.starts(with: prefix) && outputs.contains { $0.names(topic) }
                && Grants.systemTopics.allSatisfy {
                    !$0.starts(with: topic) || mayRead(topic: $0, isInput: false)
                }
        }
    }
}

/// Who has sent a message, as far as a key tells.
package enum Sender: Sendable {
    /// The daemon has no keys: whoever reaches its sockets may do everything.
    case anybody
    case principal(Grants)
    /// A key that is nobody's, or is nobody's any more.
    case stranger

    /// The principal's name, for the operator.
    var name: String {
        switch self {
        case .anybody: "somebody"
        case .principal(let grants): grants.name
        case .stranger: "somebody who is no principal any more"
        }
    }

    /// Whether it may publish an event of a source on a topic.
    func mayPublish(source: String, topic: [UInt8]) -> Bool {
        switch self {
        case .anybody: true
        case .principal(let grants): grants.mayPublish(source: source, topic: topic)
        case .stranger: false
        }
    }

    /// Whether it may read a record.
    func mayRead(topic: some Collection<UInt8>, isInput: Bool) -> Bool {
        switch self {
        case .anybody: true
        case .principal(let grants): grants.mayRead(topic: topic, isInput: isInput)
        case .stranger: false
        }
    }

    /// Whether it may read any record whose topic begins with a prefix.
    func mayAsk(for prefix: [UInt8]) -> Bool {
        switch self {
        case .anybody: true
        case .principal(let grants):
            prefix == Grants.genesis
                || grants.outputs.contains { $0.narrowing(prefix) != nil }
                || grants.inbound.contains { $0.meets(prefix) }
        case .stranger: false
        }
    }
}
