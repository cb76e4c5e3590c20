// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CSimdJSON

/// Why a text is not a JSON document (RFC 8259) that the daemon reads.
package struct JSONError: Error, Hashable, Sendable {
    /// What is wrong, as a phrase.
    package var message: String
    /// About where, in bytes from the beginning of the text.
    package var offset: Int
}

/// A parser for JSON texts, with buffers that are reused from text to text.
///
/// An instance serves one thread at a time. A text that it accepts is valid JSON throughout,
/// whether or not anybody reads the part in question; numbers keep their text.
package final class JSONDocument {
    private let parser: OpaquePointer?
    private var nodes: UnsafePointer<vigil_json_node>?
    private var count = 0

    /// How many objects and arrays may contain each other (protocol section 3).
    package static let depthLimit: UInt32 = 64

    /// Makes a parser with empty buffers.
    package init() {
        parser = vigil_json_parser_new(JSONDocument.names)
    }

    deinit {
        vigil_json_parser_free(parser)
    }

    /// The parsers' table of member names.
    ///
    /// Made once, and nothing changes it; nil without memory.
    nonisolated(unsafe) private static let names: OpaquePointer? = {
        var bytes: [CChar] = []
        var starts: [Int] = []
        for name in MemberName.allCases {
            starts.append(bytes.count)
            bytes += name.stringValue.utf8CString
        }
        return bytes.withUnsafeBufferPointer { bytes in
            let texts = starts.map { start in bytes.baseAddress.map { $0 + start } }
            return vigil_json_names_new(texts, UInt32(texts.count))
        }
    }()

    /// Parses a text and hands its root to a closure, which must not let a value of it escape.
    ///
    /// - Throws: `JSONError` where the text is not one JSON document of at most 64 levels.
    package func withRoot<Result>(
        of text: [UInt8], _ body: (JSONValue) -> Result
    ) throws(JSONError) -> Result {
        let root = try unsafeParse(text)
        return withExtendedLifetime(self) { body(root) }
    }

    /// Parses a text; its values dangle after the next parse, or when the document goes.
    func unsafeParse(_ text: [UInt8]) throws(JSONError) -> JSONValue {
        nodes = nil
        count = 0
        let result = text.withUnsafeBufferPointer {
            vigil_json_parse(parser, $0.baseAddress, $0.count, JSONDocument.depthLimit)
        }
        guard result.status == Int32(VIGIL_JSON_OK.rawValue), let first = result.nodes else {
            let message = result.error_message.map { String(cString: $0) } ?? "out of memory"
            throw JSONError(message: message, offset: Int(clamping: result.error_offset))
        }
        nodes = first
        count = Int(result.node_count)
        return JSONValue(nodes: first, index: 0)
    }

    /// The value at an index that a value of the newest parse had; nil where there is none.
    func value(at index: Int) -> JSONValue? {
        guard let nodes, index >= 0, index < count else { return nil }
        return JSONValue(nodes: nodes, index: index)
    }
}

/// A value in a parsed document: a position, as cheap to copy as two integers.
///
/// It is valid until its document parses another text.
package struct JSONValue {
    private let nodes: UnsafePointer<vigil_json_node>
    /// The position in the document's order; a container comes before what it contains.
    package let index: Int

    init(nodes: UnsafePointer<vigil_json_node>, index: Int) {
        self.nodes = nodes
        self.index = index
    }

    /// What a value is.
    package enum Kind: UInt8, Sendable {
        case object, array, string, number, yes, no, null
    }

    private var node: vigil_json_node {
        nodes[index]
    }

    /// What this value is.
    @inline(__always) package var kind: Kind {
        Kind(rawValue: node.kind) ?? .null
    }

    /// The object or array that contains this value; the root is in itself.
    package var parent: JSONValue {
        JSONValue(nodes: nodes, index: Int(node.parent))
    }

    /// The bytes of a string without quotes and escapes, of anything else as written.
    package var textBytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: node.text, count: Int(node.text_length))
    }

    /// A string without quotes and escapes, anything else as written.
    package var text: String {
        String(decoding: textBytes, as: UTF8.self)
    }

    /// The bytes of the member's name without escapes; empty in an array and at the root.
    package var nameBytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: node.key, count: Int(node.key_length))
    }

    /// The member's name without escapes; empty in an array and at the root.
    package var name: String {
        String(decoding: nameBytes, as: UTF8.self)
    }

    /// The value as written, white space included.
    package var rawBytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: node.raw, count: Int(node.raw_length))
    }

    /// The parser's number of the member's name; 0 for a name that it does not know, and for none.
    var nameNumber: UInt8 { node.name }

    /// Whether the member's name is this one.
    func isNamed(_ name: MemberName) -> Bool {
        node.name == name.number
    }

    /// The member's name, if it is one that is read.
    var memberName: MemberName? {
        MemberName(rawValue: Int(node.name) - 1)
    }

    /// Whether the text is this one.
    package func hasText(_ text: StaticString) -> Bool {
        textBytes.isText(text)
    }

    /// Whether the text has another one in it at a position.
    func hasText(from position: Int, _ text: StaticString) -> Bool {
        guard position >= 0, textBytes.count - position >= text.utf8CodeUnitCount,
            let start = textBytes.baseAddress
        else { return false }
        return JSONValue.equal(
            start + position, text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private static func equal(
        _ left: UnsafePointer<UInt8>?, _ right: UnsafePointer<UInt8>, count: Int
    ) -> Bool {
        guard let left else { return count == 0 }
        var index = 0
        while index < count {
            if left[index] != right[index] { return false }
            index += 1
        }
        return true
    }

    /// The first member that has a name, after a position among the members.
    func firstMember(_ name: StaticString, after position: JSONValue? = nil) -> JSONValue? {
        var members = children
        if let position { members.following = Int(position.node.next) }
        return members.first { $0.nameBytes.isText(name) }
    }

    /// The first two members that have a name; this is where most of the time of a read goes, so
    /// it looks at the nodes themselves.
    func members(_ name: MemberName) -> (first: JSONValue?, second: JSONValue?) {
        let end = kind == .object ? Int(nodes[index].next) : 0
        var position = index + 1
        let number = name.number
        var first: JSONValue?
        while position < end {
            if nodes[position].name == number {
                let found = JSONValue(nodes: nodes, index: position)
                guard first == nil else { return (first, found) }
                first = found
            }
            position = Int(nodes[position].next)
        }
        return (first, nil)
    }

    /// Whether the member's name begins with a text and goes on with a capital letter.
    func isNamed(choiceOf prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard node.key_length > length, let key = node.key,
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(key[length])
        else { return false }
        return JSONValue.equal(key, prefix.utf8Start, count: length)
    }

    /// The value of the same document at an index that one of its values had.
    func sibling(at index: Int) -> JSONValue { JSONValue(nodes: nodes, index: index) }

    /// No value at all.
    var noChildren: Children { Children(nodes: nodes, following: 0, end: 0) }

    /// The members of an object or elements of an array, in order; nothing in any other value.
    package var children: Children {
        let isContainer = kind == .object || kind == .array
        return Children(
            nodes: nodes, following: index + 1,
            end: isContainer ? Int(node.next) : index + 1)
    }

    /// An object's members or an array's elements.
    package struct Children: Sequence, IteratorProtocol {
        fileprivate let nodes: UnsafePointer<vigil_json_node>
        fileprivate var following: Int
        fileprivate let end: Int

        /// How many are still to come.
        var count: Int { reduce(0) { count, _ in count + 1 } }

        /// The first member or element still to come.
        package var first: JSONValue? {
            following < end ? JSONValue(nodes: nodes, index: following) : nil
        }

        /// The next member or element, or nil after the last.
        package mutating func next() -> JSONValue? {
            guard following < end else { return nil }
            let value = JSONValue(nodes: nodes, index: following)
            following = Int(nodes[following].next)
            return value
        }
    }
}
