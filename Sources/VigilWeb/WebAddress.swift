// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where the web listens: `HOST:PORT`, on this machine alone.
package struct WebAddress: Hashable, Sendable {
    /// An IPv4 address of 127.0.0.0/8, or `::1`.
    package var host: String
    /// 0 for any that is free.
    package var port: UInt16

    package var isIPv6: Bool { host.contains(":") }

    /// Reads `HOST:PORT`; the port is a number, or `*` (or 0) for any that is free.
    ///
    /// - Throws: `WebError` where it cannot be read, or where other machines could reach it.
    package init(_ text: String) throws(WebError) {
        func fault(_ reason: String) -> WebError {
            WebError(isTaken: false, "cannot serve http on \(text): \(reason)")
        }
        guard let colon = text.lastIndex(of: ":") else {
            throw fault("it is not HOST:PORT or none")
        }
        let portText = text[text.index(after: colon)...]
        let digits = portText.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard let port = portText == "*" ? 0 : UInt16(portText), portText == "*" || digits else {
            throw fault("the port is a number from 0 to 65535, or * for any free one")
        }
        self.port = port
        switch String(text[..<colon]) {
        case "localhost": host = "127.0.0.1"
        case "[::1]": host = "::1"
        case let address where WebAddress.isLoopbackIPv4(address): host = address
        default:
            throw fault(
                "other machines could reach it, or it is no address, and the pages are neither "
                    + "encrypted nor guarded; use 127.0.0.1, [::1] or localhost")
        }
    }

    /// Whether a host, as a URL has it, is on this machine alone.
    static func isLoopback(host: String) -> Bool {
        host == "localhost" || host == "[::1]" || isLoopbackIPv4(host)
    }

    /// Four decimal octets of which the first is 127, without leading zeros.
    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127"
            && octets.allSatisfy { octet in UInt8(octet).map { String($0) == octet } ?? false }
    }
}

extension WebAddress: CustomStringConvertible {
    /// `HOST:PORT`, as in a URL.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why the web cannot be served: one sentence for a person.
package struct WebError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether the address was right but could not be had.
    package var isTaken: Bool
    package var description: String

    init(isTaken: Bool, _ description: String) {
        self.isTaken = isTaken
        self.description = description
    }
}
