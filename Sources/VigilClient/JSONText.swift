// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Writes the JSON of requests and envelopes.
package enum JSONText {
    /// A string as a JSON string, quotes included.
    package static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An array of strings.
    package static func array(_ texts: [String]) -> String {
        "[" + texts.map(string).joined(separator: ",") + "]"
    }
}

/// The requests to the daemon's `history` socket (protocol section 6).
package enum HistoryRequest {
    /// The most items that a page may be asked to hold.
    package static let limit = 1000

    /// A page of the log.
    package static func page(from offset: UInt64, topics: [String]) -> [UInt8] {
        Array(
            "{\"from\":\(offset),\"topics\":\(JSONText.array(topics)),\"limit\":\(limit)}".utf8)
    }

    /// A page of what is open now; `after` is the cursor of the page before as JSON text.
    package static func open(topics: [String], after: [UInt8]?) -> [UInt8] {
        Array("{\"open\":\(JSONText.array(topics)),\"after\":".utf8)
            + (after ?? Array("null".utf8)) + Array(",\"limit\":\(limit)}".utf8)
    }
}
