// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The head of a request, as far as the answer depends on it.
struct RequestHead: Hashable, Sendable {
    /// The longest head that is read, in bytes.
    static let lengthMax = 8 << 10

    var method: String
    /// Without a query.
    var path: String
    /// Whether another request may follow on the same connection.
    ///
    /// It may not where this one has a body: none is read.
    var keepsConnection: Bool
    /// Whether it is meant for a server on loopback.
    ///
    /// A browser sends the name that its page came by: a name of somebody else's that was made to
    /// lead here is not ours.
    var isForLoopback: Bool

    /// Reads a head; nil where it is none of HTTP/1 (RFC 9112).
    init?(_ bytes: ArraySlice<UInt8>) {
        var lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
            String(
                decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line,
                as: UTF8.self)
        }[...]
        let parts = (lines.popFirst() ?? "").split(separator: " ")
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1.") else { return nil }
        // The empty line is the head's end.
        lines = lines.filter { !$0.isEmpty }[...]
        let headers = lines.compactMap { RequestHead.header($0) }
        guard headers.count == lines.count else { return nil }
        let isOld = parts[2] == "HTTP/1.0"
        let hosts = headers.filter { $0.name == "host" }.map(\.value)
        // Section 3.2: of two that differ a proxy may have gone by the other one.
        guard hosts.count == 1 || isOld && hosts.isEmpty else { return nil }
        method = String(parts[0])
        path = RequestHead.path(of: parts[1])
        keepsConnection =
            !isOld && headers.allSatisfy { RequestHead.allowsAnother($0.name, $0.value) }
        isForLoopback = hosts.allSatisfy { RequestHead.isLoopback($0) }
    }

    /// The place behind the empty line that ends a head; nil where it has not come yet.
    ///
    /// Nothing ends before `searched`.
    static func end(in bytes: [UInt8], from searched: Int) -> Int? {
        let newline = UInt8(ascii: "\n")
        for index in max(0, searched - 2)..<bytes.count where bytes[index] == newline {
            let rest = bytes[(index + 1)...].prefix(2)
            if rest.first == newline { return index + 2 }
            if rest.elementsEqual([UInt8(ascii: "\r"), newline]) { return index + 3 }
        }
        return nil
    }

    private static func path(of target: Substring) -> String {
        var path = target.prefix { $0 != "?" }
        // A server takes what a proxy is asked as well: `http://host/path`.
        if path.hasPrefix("http://") { path = path.dropFirst(7).drop { $0 != "/" } }
        return String(path)
    }

    /// A header's name and value in lower case; nil where it has no name, or white space in it or
    /// around it: who reads it in another way would see another request (section 5.1).
    private static func header(_ line: String) -> (name: String, value: String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let name = line[..<colon]
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        return (name.lowercased(), line[line.index(after: colon)...].lowercased())
    }

    /// Whether a Host, its port aside, is this machine's own address or name.
    private static func isLoopback(_ value: String) -> Bool {
        let words = value.split { $0 == " " || $0 == "\t" }
        guard words.count == 1, var host = words.first else { return false }
        if let colon = host.lastIndex(of: ":"),
            host[colon...].dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            host = host[..<colon]
        }
        return WebAddress.isLoopback(host: String(host))
    }

    /// Whether a header leaves the connection to further requests.
    private static func allowsAnother(_ name: String, _ value: String) -> Bool {
        let words = value.split { $0 == "," || $0 == " " || $0 == "\t" }
        return switch name {
        case "connection": !words.contains("close")
        case "content-length": words == ["0"]
        case "transfer-encoding": false
        default: true
        }
    }
}
