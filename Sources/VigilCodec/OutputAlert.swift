// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Alerts: a FHIR R4 `RiskAssessment`, with extensions for what it has no place for.
extension FlagEncoder {
    private static let ucum = "http://unitsofmeasure.org"

    func risk(_ event: FlagEvent, at place: OutputPlace, _ json: inout JSONWriter) {
        let rule = event.rule
        let wording = rule.wording
        let subject = event.subject
        json.string("resourceType", "RiskAssessment")
        json.string("id", event.flagID.text)
        json.object("meta") { json in
            json.string("versionId", String(place.offset))
            json.string("lastUpdated", place.time.toTheSecond)
        }
        if let score = event.assessment?.score {
            json.array("contained") { json in json.object { observation(score, subject, &$0) } }
        }
        json.array("extension") { riskExtensions(event, &$0) }
        json.array("identifier") { json in
            json.object { identifier("urn:vigil:flag", event.flagID.text, &$0) }
        }
        json.string("status", status(of: event))
        json.object("method") {
            coding("urn:vigil:rule", rule.id, wording.method ?? rule.title, &$0)
        }
        json.object("code") { json in
            if let code = wording.code {
                coding(code.system, code.code, code.display ?? rule.title, &json)
            } else {
                coding("urn:vigil:rule", rule.id, rule.title, &json)
            }
            json.string("text", wording.codeText ?? rule.title)
        }
        json.object("subject") { person(subject, &$0) }
        json.object("occurrencePeriod") { json in
            json.string("start", zone.describe(event.occurredAt ?? event.openedAt))
            if let closedAt = event.closedAt { json.string("end", zone.describe(closedAt)) }
        }
        json.object("performer") { json in
            json.string("type", "Device")
            json.object("identifier") { identifier("urn:vigil:engine", place.origin, &$0) }
            json.string("display", author)
        }
        if hasBasis(event) { json.array("basis") { basis(of: event, &$0) } }
        json.array("prediction") { json in
            let several = event.transition == .resolved ? [] : event.assessment?.predictions ?? []
            for one in several {
                json.object { prediction(event, one.outcome, one.rationale, &$0) }
            }
            guard several.isEmpty else { return }
            let outcome = rule.wording.outcome ?? rule.title
            json.object { prediction(event, outcome, rationale(of: event), &$0) }
        }
        if let response = event.assessment?.response ?? wording.response {
            json.string("mitigation", response)
        }
    }

    private func person(_ subject: String, _ json: inout JSONWriter) {
        json.string("type", "Patient")
        json.object("identifier") { identifier("urn:vigil:subject", subject, &$0) }
    }

    private func prediction(
        _ event: FlagEvent, _ outcome: String, _ rationale: String, _ json: inout JSONWriter
    ) {
        json.object("outcome") { $0.string("text", outcome) }
        let likelihood = event.severity.rawValue
        json.object("qualitativeRisk") { json in
            coding(
                "http://terminology.hl7.org/CodeSystem/risk-probability", likelihood,
                likelihood.prefix(1).uppercased() + likelihood.dropFirst() + " likelihood", &json)
        }
        json.string("rationale", rationale)
    }

    private func rationale(of event: FlagEvent) -> String {
        guard event.transition != .resolved, let assessment = event.assessment else {
            return detail(of: event)
        }
        return assessment.rationale
            + (assessment.isStale ? " Nothing has come since that could confirm it." : "")
    }

    // MARK: - Extensions

    private func riskExtensions(_ event: FlagEvent, _ json: inout JSONWriter) {
        ruleExtension(event, &json)
        value("urn:vigil:severity", "valueCode", event.severity.rawValue, &json)
        value("urn:vigil:review-state", "valueCode", event.reviewState, &json)
        corrected(event, &json)
        if let isComplete = event.assessment?.isComplete {
            json.object { json in
                json.string("url", "urn:vigil:complete")
                json.boolean("valueBoolean", isComplete)
            }
        }
        unreadMedicines(of: event, &json)
        if event.transition == .resolved { resolution(event, &json) }
        if let review = event.review { mitigation(review.content.mitigation, &json) }
    }

    /// The review: a `RiskAssessment` has no coded mitigation.
    private func mitigation(_ element: [UInt8], _ json: inout JSONWriter) {
        var parts: [[UInt8]] = []
        try? JSONDocument().withRoot(of: element) { root in
            parts = (root.member("extension").first.map { Array($0.children) } ?? [])
                .map(\.compactText)
            for (name, type) in FlagEncoder.mitigationParts {
                guard let part = root.member(name).first else { continue }
                var text = JSONWriter()
                text.object { text in
                    text.string("url", name.description)
                    text.raw(type, part.compactText)
                }
                parts.append(text.bytes)
            }
        }
        json.object { json in
            json.string("url", "urn:vigil:mitigation")
            json.array("extension") { json in
                for part in parts { json.raw(part) }
            }
        }
    }

    private static let mitigationParts: [(StaticString, String)] = [
        ("action", "valueCodeableConcept"), ("date", "valueDateTime"),
        ("author", "valueReference"),
    ]

    // MARK: - Evidence

    private func observation(
        _ score: ScoreObservation, _ subject: String, _ json: inout JSONWriter
    ) {
        json.string("resourceType", "Observation")
        json.string("id", score.id)
        json.string("status", "final")
        json.array("category") { json in
            json.object {
                coding(
                    "http://terminology.hl7.org/CodeSystem/observation-category", "survey",
                    "Survey", &$0)
            }
        }
        json.object("code") {
            coding(score.code.system, score.code.code, score.code.display ?? "", &$0)
        }
        json.object("subject") { person(subject, &$0) }
        json.string("effectiveDateTime", zone.describe(score.at))
        json.object("valueQuantity") { points(score.total, &$0) }
        json.array("component") { json in
            for part in score.parts {
                json.object { json in
                    json.object("code") { json in
                        json.array("coding") { json in
                            json.object { json in
                                json.string("system", score.code.system)
                                json.string("code", part.code)
                            }
                        }
                        json.string("text", part.text)
                    }
                    json.object("valueQuantity") { points(part.score, &$0) }
                }
            }
        }
    }

    private func points(_ points: Int, _ json: inout JSONWriter) {
        json.number("value", points)
        json.string("unit", "score")
        json.string("system", FlagEncoder.ucum)
        json.string("code", "{score}")
    }

    private func hasBasis(_ event: FlagEvent) -> Bool {
        event.about != nil || event.assessment?.score != nil
            || !(event.assessment?.basis ?? []).isEmpty
            || event.evidence.contains { !$0.records.isEmpty }
    }

    private func basis(of event: FlagEvent, _ json: inout JSONWriter) {
        if let score = event.assessment?.score {
            json.object { $0.string("reference", "#\(score.id)") }
        }
        if let about = event.about {
            json.object { json in
                json.object("identifier") { identifier("urn:vigil:flag", about.text, &$0) }
                json.string("display", "The flag or alert that nobody has reviewed")
            }
        }
        for record in event.assessment?.basis ?? [] { json.object { basis(record, &$0) } }
        for item in event.evidence { details(item, &json) }
    }

    private func basis(_ record: BasisRecord, _ json: inout JSONWriter) {
        json.array("extension") { json in
            if let at = record.at {
                value("urn:vigil:clinical-date", "valueDateTime", zone.describe(at), &json)
            } else {
                value("urn:vigil:clinical-date", "valueDate", record.day.description, &json)
            }
            guard let quantity = record.value else { return }
            json.object { json in
                json.string("url", "urn:vigil:value")
                json.object("valueQuantity") { json in
                    json.raw("value", Array(quantity.text.utf8))
                    json.string("unit", quantity.display)
                    json.string("system", FlagEncoder.ucum)
                    json.string("code", quantity.unit)
                }
            }
        }
        if let description = describe(record.offset) {
            json.string("reference", "\(description.type.rawValue)/\(description.id)")
            json.string("type", description.type.rawValue)
        }
        json.object("identifier") { identifier("urn:vigil:offset", String(record.offset), &$0) }
        json.string("display", record.display)
    }
}
