// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Reviews of flags and alerts (protocol section 7).
///
/// What needs the flag or the log's clock and zone (its practice and patient, the bounds of
/// `date` and `until`, a newer event than `seen`) is judged where those are known.
extension FHIRReader {
    /// The decision; nil where what it cannot do without is missing or wrong.
    mutating func review() -> Content? {
        let flag = flagIdentifier()
        let mitigations = Array(objects(.mitigation, of: resource))
        if mitigations.count > 1 {
            // What the first one lacks comes before that in the order of codes.
            invalid(mitigations[1], "A review has exactly one mitigation.")
        }
        guard let mitigation = mitigations.first else {
            missing(.mitigation, in: resource)
            return nil
        }
        let action = reviewAction(mitigation)
        let date = reviewDate(mitigation)
        checkAuthor(mitigation)
        let seen = seenOffset(mitigation)
        let until = untilDate(mitigation)
        switch action {
        case "act":
            let extra = reviewExtension("urn:vigil:performed", of: mitigation, required: true)
            if let extra { checkCode(extra, in: ReviewCodes.performed, otherNeedsText: false) }
        case "override":
            let extra = reviewExtension("urn:vigil:reason", of: mitigation, required: true)
            if let extra { checkCode(extra, in: ReviewCodes.reasons, otherNeedsText: true) }
        case "snooze":
            _ = reviewExtension("urn:vigil:until", of: mitigation, required: true)
        case "hand-over":
            let extra = reviewExtension("urn:vigil:to", of: mitigation, required: true)
            if let extra, choice("value", of: extra) == nil { missing("value[x]", in: extra) }
        default:
            break
        }
        guard let flag, let action, let date else { return nil }
        let content = ReviewContent(
            flagID: flag.text, action: action, seen: seen?.text, date: date.time,
            until: until?.day, mitigation: mitigation.compactText)
        return .review(
            content,
            at: ReviewPlaces(
                flag: flag.pointer, date: date.value.pointer,
                until: until?.value.pointer ?? mitigation.pointer,
                seen: seen?.pointer ?? mitigation.pointer,
                isUntilFirst: until.map { $0.value.index < date.value.index } ?? false))
    }

    private mutating func flagIdentifier() -> JSONValue? {
        var found: JSONValue?
        for identifier in objects(.identifier, of: resource)
        where string(.system, of: identifier)?.hasText("urn:vigil:flag") ?? false {
            if found != nil { invalid(identifier, "A review names exactly one flag.") }
            found = found ?? identifier
        }
        guard let found else {
            missing("identifier of system urn:vigil:flag", in: resource)
            return nil
        }
        guard let value = required(.value, of: found) else { return nil }
        guard value.kind == .string, (1...128).contains(value.textBytes.count) else {
            invalid(value, "This is not a flag's identity.")
            return nil
        }
        return value
    }

    private mutating func reviewAction(_ mitigation: JSONValue) -> String? {
        guard let concept = required(.action, of: mitigation) else { return nil }
        guard concept.kind == .object else {
            invalid(concept, "action is not a CodeableConcept.")
            return nil
        }
        var found: JSONValue?
        for item in objects(.coding, of: concept)
        where string(.system, of: item)?.hasText("urn:vigil:review-action") ?? false {
            guard let value = required(.code, of: item) else { return nil }
            guard value.kind == .string, found == nil else {
                invalid(value, "action names exactly one code of urn:vigil:review-action.")
                return nil
            }
            found = value
        }
        guard let found else {
            invalid(concept, "action names exactly one code of urn:vigil:review-action.")
            return nil
        }
        for known in ReviewCodes.actions where found.hasText(known) { return found.text }
        invalid(found, "This action is not known.")
        return nil
    }

    private mutating func reviewDate(
        _ mitigation: JSONValue
    ) -> (value: JSONValue, time: ClinicalTime)? {
        guard let value = required(.date, of: mitigation) else { return nil }
        guard let date = dateTime(value) else { return nil }
        guard date.precision >= .day else {
            invalid(value, "The date of a review needs a day.")
            return nil
        }
        return (value, date)
    }

    private mutating func checkAuthor(_ mitigation: JSONValue) {
        guard let author = required(.author, of: mitigation) else { return }
        guard author.kind == .object else {
            invalid(author, "author is not a Reference.")
            return
        }
        let type = string(.type, of: author)
        let reference = string(.reference, of: author)
        let stated = reference.map { ReferenceText($0).type }
        let named =
            type?.text ?? stated.flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
        switch named {
        case "Practitioner", "PractitionerRole":
            break
        case nil:
            missing(.type, in: author)
        default:
            invalid(
                type ?? reference ?? author, "The author is no Practitioner or PractitionerRole.")
        }
        guard let identifier = required(.identifier, of: author) else { return }
        guard identifier.kind == .object else {
            invalid(identifier, "identifier is not an Identifier.")
            return
        }
        if text(.value, of: identifier) == nil { missing(.value, in: identifier) }
    }

    private mutating func seenOffset(_ mitigation: JSONValue) -> JSONValue? {
        guard let extra = reviewExtension("urn:vigil:seen", of: mitigation),
            let value = choice("value", of: extra)
        else { return nil }
        guard value.kind == .string, unsigned(value.textBytes) != nil else {
            invalid(value, "This is not the id of an output event.")
            return nil
        }
        return value
    }

    private mutating func untilDate(
        _ mitigation: JSONValue
    ) -> (value: JSONValue, day: ClinicalTime)? {
        guard let extra = reviewExtension("urn:vigil:until", of: mitigation) else { return nil }
        guard let value = required(.valueDate, of: extra) else { return nil }
        guard value.kind == .string, let date = TimeText.date(fhir: value.textBytes),
            date.precision == .day
        else {
            invalid(value, "until is not a day of the calendar.")
            return nil
        }
        return (value, date)
    }

    /// The extension of a URL, which is there at most once.
    private mutating func reviewExtension(
        _ url: StaticString, of mitigation: JSONValue, required: Bool = false
    ) -> JSONValue? {
        var found: JSONValue?
        for extra in objects(.extension, of: mitigation)
        where string(.url, of: extra)?.hasText(url) ?? false {
            if found != nil { invalid(extra, "The extension \(url) is there twice.") }
            found = found ?? extra
        }
        if found == nil && required { missing(url.description, in: mitigation) }
        return found
    }

    /// Checks the code of an extension's `valueCode` or `valueCodeableConcept`.
    private mutating func checkCode(
        _ extra: JSONValue, in list: [StaticString], otherNeedsText: Bool
    ) {
        guard let value = choice("value", of: extra) else {
            missing("value[x]", in: extra)
            return
        }
        // Of several codings one may be of this list, and the others of one of their own.
        var codes = [value]
        if value.kind == .object {
            codes = objects(.coding, of: value).compactMap { element(.code, of: $0) }
        }
        guard let first = codes.first else {
            missing("coding with a code", in: value)
            return
        }
        let known = list.first { known in
            codes.contains { $0.kind == .string && $0.hasText(known) }
        }
        guard let known else {
            let names = list.map(\.description).joined(separator: ", ")
            invalid(first, "This is none of \(names).")
            return
        }
        guard otherNeedsText, known.description == "other" else { return }
        if value.kind != .object || text(.text, of: value) == nil {
            missing("text beside the code other", in: value)
        }
    }
}
