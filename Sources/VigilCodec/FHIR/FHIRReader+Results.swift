// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Observations and reports.
extension FHIRReader {
    mutating func observation(status: String?, counts: Bool) -> ClinicalContent {
        let code = required(.code, of: resource)
        let own = code.map { concept($0) } ?? Concept()
        var codings = own.codings
        var components: [ObservedComponent] = []
        let parts = objects(.component, of: resource)
        var componentCodings: [Coding] = []
        for part in parts {
            let theirs = required(.code, of: part).map { concept($0).codings } ?? []
            componentCodings += theirs
            if let value = observedValue(of: part).value {
                components.append(ObservedComponent(codings: theirs, value: value))
            }
        }
        if let code, let part = parts.first, part.index < code.index {
            codings = componentCodings + codings
        } else {
            codings += componentCodings
        }
        let (value, isValued) = observedValue(of: resource)
        let isEmpty = !isValued && parts.first == nil && isSaidToBeAbsent()
        let (date, issued) = resultDates()
        let referenceHigh = leniently { reader in
            reader.objects(.referenceRange, of: reader.resource).first
                .flatMap { reader.object(.high, of: $0) }.flatMap { reader.quantity($0) }
        }
        return ClinicalContent(
            counts: counts && !isEmpty && isToTheDay(date), codings: codings, text: own.text,
            date: date,
            details: FactDetails(
                status: status, issued: issued, value: value, components: components,
                referenceHigh: referenceHigh))
    }

    /// Whether a result says why it has no value, and is no group of other results.
    private mutating func isSaidToBeAbsent() -> Bool {
        leniently { $0.object(.dataAbsentReason, of: $0.resource) } != nil
            && leniently { $0.objects(.hasMember, of: $0.resource).first } == nil
    }

    mutating func diagnosticReport(status: String?, counts: Bool) -> ClinicalContent {
        let code = required(.code, of: resource).map { concept($0) } ?? Concept()
        let (date, issued) = resultDates()
        return ClinicalContent(
            counts: counts && isToTheDay(date), codings: code.codings, text: code.text, date: date,
            details: FactDetails(status: status, issued: issued))
    }

    /// A medicine or result without a day is not counted (clinical.md, section 1.8); one without
    /// any date takes the event's.
    func isToTheDay(_ date: ClinicalTime?) -> Bool {
        date.map { $0.precision >= .day } ?? true
    }

    private mutating func resultDates() -> (date: ClinicalTime?, issued: Instant?) {
        let issued = string(.issued, of: resource).flatMap { instant($0) }
        var date: ClinicalTime?
        if let value = choice("effective", of: resource) {
            if value.isNamed(.effectiveDateTime) {
                date = dateTime(value)
            } else if value.isNamed(.effectiveInstant) {
                date = instant(value)
            } else if value.isNamed(.effectivePeriod) {
                let (start, end) = period(value)
                date = end ?? start
            }
        }
        return (date ?? issued, issued?.instant)
    }

    /// The `value[x]` as far as rules can read it, and whether there is one at all.
    private mutating func observedValue(
        of object: JSONValue
    ) -> (value: ObservedValue?, isValued: Bool) {
        guard let value = choice("value", of: object) else { return (nil, false) }
        if value.isNamed(.valueQuantity) {
            let quantity = quantity(value)
            return (quantity.map { .quantity($0) }, quantity != nil)
        }
        if value.isNamed(.valueCodeableConcept) {
            let concept = concept(value)
            if !concept.codings.isEmpty { return (.codings(concept.codings), true) }
            return (concept.text.map { .text($0) }, concept.text != nil)
        }
        if value.isNamed(.valueString) {
            guard value.kind == .string else {
                invalid(value, "valueString is not a string.")
                return (nil, true)
            }
            return (.text(texts.text(of: value)), true)
        }
        if value.isNamed(.valueBoolean) {
            return (boolean(value).map { .boolean($0) }, true)
        }
        if value.isNamed(.valueInteger) {
            guard value.kind == .number else {
                invalid(value, "valueInteger is not a number.")
                return (nil, true)
            }
            return (.quantity(ObservedQuantity(value: texts.text(of: value))), true)
        }
        return (nil, true)
    }
}
