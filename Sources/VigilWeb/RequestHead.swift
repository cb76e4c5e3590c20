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

    /// Reads a head; nil where it is none of HTTP/1.
    init?(_ bytes: ArraySlice<UInt8>) {
        var lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
            String(
                decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line,
                as: UTF8.self)
        }[...]
        let parts = (lines.popFirst() ?? "").split(separator: " ")
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1.") else { return nil }
        method = String(parts[0])
        path = RequestHead.path(of: parts[1])
        keepsConnection = parts[2] != "HTTP/1.0" && lines.allSatisfy(RequestHead.allowsAnother)
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

    /// Whether a header leaves the connection to further requests.
    private static func allowsAnother(_ header: String) -> Bool {
        guard let colon = header.firstIndex(of: ":") else { return true }
        let value = header[header.index(after: colon)...].lowercased()
        let words = value.split { $0 == "," || $0 == " " || $0 == "\t" }
        return switch header[..<colon].lowercased() {
        case "connection": !words.contains("close")
        case "content-length": words == ["0"]
        case "transfer-encoding": false
        default: true
        }
    }
}
