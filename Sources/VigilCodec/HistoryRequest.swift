// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A request on the history socket (protocol section 6).
package enum HistoryRequest: Equatable, Sendable {
    /// Records of the log.
    case page(HistoryPage)
    /// What is open now.
    case open(OpenPage)

    /// Records of the log from an offset on.
    package struct HistoryPage: Equatable, Sendable {
        /// The first offset, inclusive.
        package var from: UInt64
        /// Exclusive; nil for the end.
        package var to: UInt64?
        /// Topic prefixes; nil for all.
        package var topics: [String]?
        /// The patient; nil for all.
        package var subject: String?
        /// The most items.
        package var limit: Int
    }

    /// Flags that are open now.
    package struct OpenPage: Equatable, Sendable {
        /// Topic prefixes; nil for all.
        package var topics: [String]?
        /// The cursor of the page before.
        package var after: String?
        /// The most items.
        package var limit: Int
    }

    /// Topic prefixes; nil for all.
    package var topics: [String]? {
        switch self {
        case .page(let page): page.topics
        case .open(let page): page.topics
        }
    }

    /// Why a request cannot be answered.
    package struct Refusal: Error, Equatable {
        /// A code for programs.
        package var code: String
        /// What is wrong, as a sentence.
        package var message: String

        /// A refusal, of what cannot be read where nothing else is said.
        package init(code: String = "invalid-request", message: String) {
            self.code = code
            self.message = message
        }
    }

    private static let limitDefault = 500
    /// The most items that a page may be asked to hold.
    package static let limitMax = 1000
    /// The most topic prefixes: more than a region has practices.
    ///
    /// Each record that is looked at is compared with all of them.
    private static let topicsMax = 1000
    /// The longest topic prefix: as long as the longest topic.
    private static let topicBytesMax = 200

    /// Reads a request.
    ///
    /// - Throws: what is wrong with it, as a sentence.
    package static func read(_ bytes: [UInt8]) throws(Refusal) -> HistoryRequest {
        let result: Result<HistoryRequest, Refusal>
        do throws(JSONError) {
            result = try JSONDocument().withRoot(of: bytes) { root in
                Result { () throws(Refusal) in try read(root) }
            }
        } catch {
            throw Refusal(message: "The request is not JSON: \(error.message).")
        }
        return try result.get()
    }

    private static func read(_ root: JSONValue) throws(Refusal) -> HistoryRequest {
        guard root.kind == .object else {
            throw Refusal(message: "The request is not a JSON object.")
        }
        let names = root.children.map(\.name)
        let isOpen = names.contains("open")
        let known =
            isOpen ? ["open", "after", "limit"] : ["from", "to", "topics", "subject", "limit"]
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw Refusal(
                message: "The request has no member \"\(unknown)\": it takes "
                    + known.joined(separator: ", ") + ".")
        }
        guard Set(names).count == names.count else {
            throw Refusal(message: "A member of the request is there twice.")
        }
        let limit = try number("limit", of: root) ?? UInt64(limitDefault)
        guard limit >= 1, limit <= UInt64(limitMax) else {
            throw Refusal(message: "limit is a number from 1 to \(limitMax).")
        }
        if isOpen {
            return .open(
                OpenPage(
                    topics: try strings("open", of: root), after: try string("after", of: root),
                    limit: Int(limit)))
        }
        guard let from = try number("from", of: root) else {
            throw Refusal(message: "from is needed: the offset to begin at.")
        }
        let subject = try string("subject", of: root)
        // The log's own records have an empty one.
        guard subject != "" else {
            throw Refusal(message: "subject is empty: name the patient, or write null for all.")
        }
        return .page(
            HistoryPage(
                from: from, to: try number("to", of: root),
                topics: try strings("topics", of: root),
                subject: subject, limit: Int(limit)))
    }

    private static func value(_ name: StaticString, of root: JSONValue) -> JSONValue? {
        root.member(name).first.flatMap { $0.kind == .null ? nil : $0 }
    }

    private static func number(
        _ name: StaticString, of root: JSONValue
    ) throws(Refusal) -> UInt64? {
        guard let value = value(name, of: root) else { return nil }
        guard value.kind == .number, let number = unsigned(value.textBytes) else {
            throw Refusal(message: "\(name) is a whole number, not negative.")
        }
        return number
    }

    private static func string(
        _ name: StaticString, of root: JSONValue
    ) throws(Refusal) -> String? {
        guard let value = value(name, of: root) else { return nil }
        guard value.kind == .string else { throw Refusal(message: "\(name) is a string.") }
        return value.text
    }

    private static func strings(
        _ name: StaticString, of root: JSONValue
    ) throws(Refusal) -> [String]? {
        guard let value = value(name, of: root) else { return nil }
        let items = value.kind == .array ? Array(value.children) : []
        guard !items.isEmpty, items.allSatisfy({ $0.kind == .string }) else {
            throw Refusal(message: "\(name) is an array of one or more topic prefixes, or null.")
        }
        let topics = items.map(\.text)
        guard topics.count <= topicsMax, topics.allSatisfy({ $0.utf8.count <= topicBytesMax })
        else {
            throw Refusal(
                message: "\(name) has at most \(topicsMax) topic prefixes of at most "
                    + "\(topicBytesMax) bytes.")
        }
        return topics
    }
}
