// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

/// The requests to the daemon's `history` socket (protocol section 6).
package enum OutgoingHistoryRequest {
    /// A page of the log.
    package static func page(from offset: UInt64, topics: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.number("from", offset)
            json.array("topics") { list(topics, &$0) }
            json.number("limit", HistoryRequest.limitMax)
        }
        return json.bytes
    }

    /// The log's first record.
    package static var genesis: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.number("from", 0)
            json.number("to", 1)
            json.array("topics") { $0.string("system.genesis") }
        }
        return json.bytes
    }

    /// A page of what is open now; `after` is the cursor of the page before as JSON text.
    package static func open(topics: [String], after: [UInt8]?) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.array("open") { list(topics, &$0) }
            json.raw("after", after ?? Array("null".utf8))
            json.number("limit", HistoryRequest.limitMax)
        }
        return json.bytes
    }

    private static func list(_ topics: [String], _ json: inout JSONWriter) {
        for topic in topics { json.string(topic) }
    }
}
