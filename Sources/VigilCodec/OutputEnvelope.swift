// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// Where in the log an event of the daemon's own stands, and what brought it about.
package struct OutputPlace: Sendable {
    package var offset: UInt64
    /// The log's origin: the events' `source`.
    package var origin: String
    /// The offset of the cause.
    package var causation: UInt64
    /// The cause's log time, for a clock record its instant.
    package var time: Instant
    /// The place in the exact topic's numbering, from 1; nil for records that are not published.
    package var sequence: UInt64?

    package init(
        offset: UInt64, origin: String, causation: UInt64, time: Instant, sequence: UInt64?
    ) {
        self.offset = offset
        self.origin = origin
        self.causation = causation
        self.time = time
        self.sequence = sequence
    }

    func writeHead(_ json: inout JSONWriter, type: String, subject: String?) {
        json.string("specversion", "1.0")
        json.string("id", String(offset))
        json.string("source", origin)
        json.string("type", type)
        if let subject { json.string("subject", subject) }
        json.string("time", time.description)
    }
}

/// The daemon's own events that are about no flag, as CloudEvents JSON.
package enum SystemEvent {
    /// An event `health.vigil.system.<name>.v1`.
    ///
    /// - Parameters:
    ///   - name: the last part but one of its type.
    ///   - place: where in the log it stands.
    ///   - subject: the patient, for what is about one.
    ///   - data: writes the members of `data`.
    /// - Returns: the event's bytes.
    package static func encode(
        _ name: String, at place: OutputPlace, subject: String? = nil,
        data: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            place.writeHead(&json, type: "health.vigil.system.\(name).v1", subject: subject)
            json.string("datacontenttype", "application/json")
            json.string("causation", String(place.causation))
            if let sequence = place.sequence { json.string("sequence", String(sequence)) }
            json.object("data", data)
        }
        return json.bytes
    }

    /// `system.gap` and `system.gap-closed`.
    package static func encode(gap: SourceGap, closed: Bool, at place: OutputPlace) -> [UInt8] {
        encode(closed ? "gap-closed" : "gap", at: place) { json in
            json.string("source", gap.source)
            json.string("epoch", String(gap.epoch))
            json.number("from", gap.from)
            json.number("to", gap.to)
        }
    }

    /// `system.trace`: the digest of what was judged otherwise than before, from an offset on.
    package static func encode(
        trace: DecisionTrace, from first: UInt64, at place: OutputPlace
    ) -> [UInt8] {
        encode("trace", at: place) { json in
            json.number("from", first)
            json.number("to", place.causation)
            json.number("decisions", trace.count)
            json.string("sha256", hexadecimal(trace.digest))
        }
    }

    /// `system.data-quality.<practice>`: what of a patient's record cannot be taken as it is.
    package static func encode(_ quality: DataQuality, at place: OutputPlace) -> [UInt8] {
        encode("data-quality", at: place, subject: quality.subject) { json in
            if let rule = quality.rule { json.string("rule", rule) }
            json.string("offset", String(quality.offset))
            json.string("what", quality.what)
            json.string("why", quality.why)
        }
    }

    /// `system.clock`: time alone made something of a patient true or false at an instant.
    ///
    /// Without a subject it is the whole log's: a local day has ended.
    package static func encode(
        clock instant: Instant, subject: String?, at place: OutputPlace
    ) -> [UInt8] {
        encode("clock", at: place, subject: subject) { json in
            json.string("instant", instant.description)
        }
    }
}
