// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// A review as it goes to the daemon (protocol section 7).
package struct ReviewText: Sendable {
    /// The flag's or alert's identity, its patient and practice.
    package var flagID: String
    package var subject: String
    package var practice: String
    /// The output event that the reviewer saw.
    package var seen: String
    /// A code of `urn:vigil:review-action`.
    package var action: String
    /// RFC 3339.
    package var date: String
    package var authorSystem: String?
    package var author: String
    package var authorName: String?
    /// What was done, for `act`.
    package var performed: String?
    /// Why, for `override`; a code and a text.
    package var reason: String?
    package var text: String?
    /// A day, for `override` and `snooze`.
    package var until: String?
    /// To whom, for `hand-over`.
    package var to: String?
    /// The source of the event.
    package var source: String

    package init(
        flagID: String, subject: String, practice: String, seen: String, action: String,
        date: String, author: String, source: String
    ) {
        self.flagID = flagID
        self.subject = subject
        self.practice = practice
        self.seen = seen
        self.action = action
        self.date = date
        self.author = author
        self.source = source
    }

    /// The topic frame.
    package var topic: String { "review.\(practice)" }

    /// The event frame.
    ///
    /// Its id, and its resource's, goes by all that the review says: the same review said again is
    /// a duplicate, and another one of the same moment is a review of its own.
    package var event: [UInt8] {
        let digest = hexadecimal(SHA256.digest(of: event(id: "")).prefix(8))
        // At most the 64 characters that FHIR allows.
        return event(id: "\(flagID.prefix(26))-\(seen.prefix(20))-\(digest)")
    }

    private func event(id: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("specversion", "1.0")
            json.string("id", id)
            json.string("source", source)
            json.string("type", "health.vigil.review.created.v1")
            json.string("subject", subject)
            json.string("time", date)
            json.string("datacontenttype", "application/fhir+json")
            json.object("data") { json in
                json.string("resourceType", "DetectedIssue")
                json.string("id", id)
                json.array("identifier") { json in
                    json.object { named("urn:vigil:flag", flagID, &$0) }
                }
                json.string("status", "final")
                json.object("patient") { json in
                    json.string("type", "Patient")
                    json.object("identifier") { named("urn:vigil:subject", subject, &$0) }
                }
                json.array("mitigation") { json in json.object { mitigation(&$0) } }
            }
        }
        return json.bytes
    }

    private func mitigation(_ json: inout JSONWriter) {
        json.array("extension") { json in
            member("seen", "valueString", seen, &json)
            if let performed { member("performed", "valueCode", performed, &json) }
            if let reason { because(reason, &json) }
            if let until { member("until", "valueDate", until, &json) }
            if let to { member("to", "valueString", to, &json) }
        }
        json.object("action") { coded("urn:vigil:review-action", action, &$0) }
        json.string("date", date)
        json.object("author") { json in
            json.string("type", "Practitioner")
            json.object("identifier") { json in
                if let authorSystem { json.string("system", authorSystem) }
                json.string("value", author)
            }
            if let authorName { json.string("display", authorName) }
        }
    }

    private func because(_ reason: String, _ json: inout JSONWriter) {
        json.object { json in
            json.string("url", "urn:vigil:reason")
            json.object("valueCodeableConcept") { json in
                coded("urn:vigil:override-reason", reason, &json)
                if let text { json.string("text", text) }
            }
        }
    }

    private func member(
        _ name: String, _ type: String, _ value: String, _ json: inout JSONWriter
    ) {
        json.object { json in
            json.string("url", "urn:vigil:\(name)")
            json.string(type, value)
        }
    }

    private func coded(_ system: String, _ code: String, _ json: inout JSONWriter) {
        json.array("coding") { json in
            json.object { json in
                json.string("system", system)
                json.string("code", code)
            }
        }
    }

    private func named(_ system: String, _ value: String, _ json: inout JSONWriter) {
        json.string("system", system)
        json.string("value", value)
    }
}

extension ReplyReader {
    /// What a review has to name of an open flag or alert: its identity, patient and practice.
    package func target(
        of item: OutputItem
    ) -> (flagID: String, subject: String, practice: String)? {
        summary(of: item).map { ($0.flagID, $0.subject, $0.practice) }
    }

    /// Whether an item is a review: what a reviewer sees is a raise or an update.
    package func isReview(_ item: OutputItem) -> Bool {
        type(of: item)?.hasSuffix(".reviewed.v1") ?? false
    }
}
