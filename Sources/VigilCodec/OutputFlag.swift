// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// What a record of the log is called where it serves as evidence.
package struct EvidenceDescription: Hashable, Sendable {
    package var type: ResourceType
    package var id: String
    /// The medicine's, condition's or result's name as the source wrote it.
    package var text: String

    package init(type: ResourceType, id: String, text: String) {
        self.type = type
        self.id = id
        self.text = text
    }
}

/// Encodes flags as CloudEvents with a FHIR R4 `DetectedIssue` (protocol section 5).
package struct FlagEncoder {
    let zone: ZoneTable
    /// Shown as the author: the daemon and its version.
    let author: String
    let describe: (UInt64) -> EvidenceDescription?

    /// An encoder for one log.
    ///
    /// - Parameters:
    ///   - zone: the log's zone, in which periods are given.
    ///   - author: the engine's name and version, for people.
    ///   - describe: reads a record of the log.
    package init(
        zone: ZoneTable, author: String, describe: @escaping (UInt64) -> EvidenceDescription?
    ) {
        self.zone = zone
        self.author = author
        self.describe = describe
    }

    /// The event's bytes.
    package func encode(_ event: FlagEvent, at place: OutputPlace) -> [UInt8] {
        let rule = event.rule
        var json = JSONWriter()
        json.object { json in
            place.writeHead(
                &json, type: "health.vigil.\(event.kind).\(event.transition.rawValue).v1",
                subject: event.subject)
            json.string("datacontenttype", "application/fhir+json")
            json.string("rule", rule.id)
            json.string("ruleversion", rule.version)
            json.string("pack", event.pack.id)
            json.string("severity", event.severity.rawValue)
            json.string("practice", event.practice)
            json.string("flagid", event.flagID.text)
            json.string("group", event.group.text)
            json.string("causation", String(place.causation))
            if let reason = event.reason {
                json.string("reason", reason)
                json.string("delivery", event.delivery.rawValue)
            }
            if let sequence = place.sequence { json.string("sequence", String(sequence)) }
            json.object("data") { json in
                if rule.emits == .alerts {
                    risk(event, at: place, &json)
                } else {
                    issue(event, at: place, &json)
                }
            }
        }
        return json.bytes
    }

    private func issue(_ event: FlagEvent, at place: OutputPlace, _ json: inout JSONWriter) {
        let rule = event.rule
        json.string("resourceType", "DetectedIssue")
        json.string("id", event.flagID.text)
        json.object("meta") { json in
            json.string("versionId", String(place.offset))
            json.string("lastUpdated", place.time.toTheSecond)
        }
        json.array("extension") { extensions(event, &$0) }
        json.array("identifier") { json in
            json.object { identifier("urn:vigil:flag", event.flagID.text, &$0) }
        }
        json.string("status", status(of: event))
        json.object("code") { json in
            coding("urn:vigil:rule", rule.id, rule.title, &json)
            json.string("text", rule.title)
        }
        json.string("severity", event.severity.rawValue)
        json.object("patient") { json in
            json.string("type", "Patient")
            json.object("identifier") { identifier("urn:vigil:subject", event.subject, &$0) }
        }
        json.object("identifiedPeriod") { json in
            json.string("start", zone.describe(event.openedAt))
            if let closedAt = event.closedAt { json.string("end", zone.describe(closedAt)) }
        }
        json.object("author") { json in
            json.string("type", "Device")
            json.object("identifier") { identifier("urn:vigil:engine", place.origin, &$0) }
            json.string("display", author)
        }
        let hazards = event.evidence.filter { $0.isHazard && !$0.records.isEmpty }
        if !hazards.isEmpty {
            json.array("implicated") { json in
                for hazard in hazards { details(hazard, &json) }
            }
        }
        json.array("evidence") { json in
            for item in event.evidence { json.object { evidence(item, &$0) } }
        }
        json.string("detail", detail(of: event))
        json.string(
            "reference", "urn:vigil:rule:\(event.pack.id)/\(event.pack.version)/\(rule.id)")
        if let review = event.review {
            json.array("mitigation") { $0.raw(review.content.mitigation) }
        }
    }

    func status(of event: FlagEvent) -> String {
        switch event.transition {
        case .updated: "amended"
        case .resolved where event.withdrawn: "entered-in-error"
        case .raised, .resolved, .reviewed: "final"
        }
    }

    // MARK: - Extensions

    private func extensions(_ event: FlagEvent, _ json: inout JSONWriter) {
        ruleExtension(event, &json)
        value("urn:vigil:review-state", "valueCode", event.reviewState, &json)
        corrected(event, &json)
        switch event.transition {
        case .raised, .updated: outlook(event, &json)
        case .resolved: resolution(event, &json)
        case .reviewed: break
        }
    }

    func corrected(_ event: FlagEvent, _ json: inout JSONWriter) {
        guard let corrects = event.corrects else { return }
        value("urn:vigil:corrects", "valueString", String(corrects), &json)
    }

    func ruleExtension(_ event: FlagEvent, _ json: inout JSONWriter) {
        json.object { json in
            json.string("url", "urn:vigil:rule")
            json.array("extension") { json in
                value("id", "valueCode", event.rule.id, &json)
                value("version", "valueString", event.rule.version, &json)
                value("pack", "valueCode", event.pack.id, &json)
                value("packVersion", "valueString", event.pack.version, &json)
                value("packHash", "valueString", event.pack.hash, &json)
            }
        }
    }

    private func outlook(_ event: FlagEvent, _ json: inout JSONWriter) {
        json.object { json in
            json.string("url", "urn:vigil:baseline")
            json.boolean("valueBoolean", event.isFromBaseline)
        }
        if let endsOn = event.endsOn {
            json.object { json in
                json.string("url", "urn:vigil:forecast")
                json.array("extension") { json in
                    value("becomes", "valueCode", "resolved", &json)
                    value("date", "valueDate", endsOn.description, &json)
                    value("if", "valueString", condition(of: event.rule), &json)
                }
            }
        }
        unreadMedicines(of: event, &json)
    }

    /// How many medicines could not be read, where the rule rests on the absence of one.
    func unreadMedicines(of event: FlagEvent, _ json: inout JSONWriter) {
        guard let unread = event.unreadMedicines else { return }
        json.object { json in
            json.string("url", "urn:vigil:unread-medicines")
            json.number("valueUnsignedInt", unread)
        }
    }

    /// What a rule's endings come to when somebody acts, in words.
    private static let acts: [String: String] = [
        "hazard-ended": "the hazardous medicine is stopped",
        "protection-issued": "a protective medicine is issued", "test-done": "the test is done",
    ]

    /// Under what condition the day of a forecast holds, and what would end the flag before.
    private func condition(of rule: Rule) -> String {
        var ways: [String] = []
        for ending in rule.endings {
            guard let act = FlagEncoder.acts[ending.reason], !ways.contains(act) else { continue }
            ways.append(act)
        }
        let sooner = ways.isEmpty ? "" : "; or at once when \(ways.joined(separator: " or "))"
        return "nothing further is recorded\(sooner)"
    }

    func resolution(_ event: FlagEvent, _ json: inout JSONWriter) {
        json.object { json in
            json.string("url", "urn:vigil:resolution")
            json.array("extension") { json in
                value("code", "valueCode", event.reason ?? "", &json)
                count("daysOpen", daysOpen(event), &json)
                if let days = daysFromReview(event) { count("daysFromReview", days, &json) }
            }
        }
    }

    func value(
        _ url: String, _ type: String, _ value: String, _ json: inout JSONWriter
    ) {
        json.object { json in
            json.string("url", url)
            json.string(type, value)
        }
    }

    func count(_ url: String, _ value: Int, _ json: inout JSONWriter) {
        json.object { json in
            json.string("url", url)
            json.number("valueUnsignedInt", value)
        }
    }

    func identifier(_ system: String, _ value: String, _ json: inout JSONWriter) {
        json.string("system", system)
        json.string("value", value)
    }

    func coding(
        _ system: String, _ code: String, _ display: String, _ json: inout JSONWriter
    ) {
        json.array("coding") { json in
            json.object { json in
                json.string("system", system)
                json.string("code", code)
                json.string("display", display)
            }
        }
    }

    // MARK: - Evidence

    private func evidence(_ item: Evidence, _ json: inout JSONWriter) {
        json.array("code") { json in
            json.object { coding("urn:vigil:evidence-role", item.role, item.display, &$0) }
        }
        guard !item.records.isEmpty else { return }
        json.array("detail") { details(item, &$0) }
    }

    func details(_ item: Evidence, _ json: inout JSONWriter) {
        for record in item.records {
            json.object { json in
                if let day = record.day {
                    json.array("extension") { json in
                        value("urn:vigil:clinical-date", "valueDate", record.date(day), &json)
                    }
                }
                let description = describe(record.offset)
                if let description {
                    json.string("reference", "\(description.type.rawValue)/\(description.id)")
                    json.string("type", description.type.rawValue)
                }
                json.object("identifier") {
                    identifier("urn:vigil:offset", String(record.offset), &$0)
                }
                json.string("display", display(of: record, in: item, description))
            }
        }
    }

    private func display(
        of record: EvidenceRecord, in item: Evidence, _ description: EvidenceDescription?
    ) -> String {
        if let years = item.ageYears {
            return record.isPartial
                ? "Aged \(years), counted from the first day of a partial birth date"
                : "Aged \(years)"
        }
        guard let description, let day = record.day else { return "Record \(record.offset)" }
        let verb = description.type.isMedicine ? "issued" : "recorded"
        let last = item.role.hasSuffix("-lapsed") ? "last " : ""
        return "\(description.text), \(last)\(verb) \(record.date(day))"
            + (record.isPartial ? ", counted from \(day)" : "")
    }

    // MARK: - Sentences

    func detail(of event: FlagEvent) -> String {
        guard event.transition == .resolved else {
            let sentence = event.rule.sentence.render(placeholders(of: event))
            let rationale = event.assessment?.rationale ?? ""
            return [sentence, rationale].filter { !$0.isEmpty }.joined(separator: " ")
        }
        let days = daysOpen(event)
        let duration =
            days == 0 ? "It was open for less than a day." : "It was open for \(plural(days))."
        return "Resolved: \(ending(of: event)). \(duration)"
    }

    private func placeholders(of event: FlagEvent) -> [(name: String, text: String)] {
        var values: [(name: String, text: String)] = []
        for item in event.evidence {
            if let years = item.ageYears { values.append((item.role, String(years))) }
            if item.records.isEmpty { values.append(("\(item.role).display", item.display)) }
            guard let newest = item.records.first, let day = newest.day,
                let description = describe(newest.offset)
            else { continue }
            values.append(("\(item.role).display", description.text))
            values.append(("\(item.role).date", newest.date(day)))
        }
        return values
    }

    private func ending(of event: FlagEvent) -> String {
        var reviewed = ""
        if let days = daysFromReview(event) {
            reviewed = ", \(plural(days)) after the review"
        }
        let reason = event.reason ?? ""
        if let last = event.evidence.last, last.role == reason, let record = last.records.first,
            let day = record.day, let description = describe(record.offset)
        {
            let verb = description.type.isMedicine ? "issued" : "recorded"
            return "\(description.text) \(verb) \(day)\(reviewed)"
        }
        return (FlagEncoder.endings[reason] ?? reason) + reviewed
    }

    private static let endings: [String: String] = [
        "hazard-ended": "the hazardous medicine has left the window",
        "hazard-stopped": "the hazardous medicine was stopped",
        "protection-issued": "a protective medicine was issued",
        "test-done": "the test was done",
        "condition-ended": "the condition no longer holds",
        "corrected": "a record it rested on was corrected",
        "deceased": "the patient has died",
        "deregistered": "the patient is no longer registered",
        "moved": "the patient moved to another practice",
        "merged": "the patient's record was merged into another",
        "rules": "the rules have changed",
        "engine": "this version of the engine finds otherwise",
        "recovered": "what it rested on is no longer so",
        "expired": "nothing has come since that supports it",
        "severity-changed": "it goes on with another severity",
    ]

    private func daysOpen(_ event: FlagEvent) -> Int {
        guard let closedAt = event.closedAt else { return 0 }
        return days(from: event.openedAt, to: closedAt)
    }

    private func daysFromReview(_ event: FlagEvent) -> Int? {
        guard let review = event.review, let closedAt = event.closedAt else { return nil }
        return days(from: review.instant, to: closedAt)
    }

    private func days(from start: Instant, to end: Instant) -> Int {
        max(0, Int(zone.day(of: end).number) - Int(zone.day(of: start).number))
    }

    private func plural(_ days: Int) -> String {
        days == 1 ? "1 day" : "\(days) days"
    }
}

extension EvidenceRecord {
    /// Whether the date does not name a day, so that its first one counts.
    fileprivate var isPartial: Bool { precision < .day }

    /// The date as far as it was given.
    fileprivate func date(_ day: CivilDay) -> String {
        let text = day.description
        return switch precision {
        case .year: String(text.prefix(4))
        case .month: String(text.prefix(7))
        case .day, .time: text
        }
    }
}
