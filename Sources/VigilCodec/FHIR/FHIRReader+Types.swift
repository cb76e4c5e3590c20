// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// FHIR R4's general-purpose data types.
extension FHIRReader {
    mutating func date(_ name: MemberName, of object: JSONValue) -> ClinicalTime? {
        guard let value = string(name, of: object) else { return nil }
        guard let time = TimeText.date(fhir: value.textBytes) else {
            invalid(value, "\(name) is not a FHIR date of the calendar.")
            return nil
        }
        return time
    }

    mutating func dateTime(_ name: MemberName, of object: JSONValue) -> ClinicalTime? {
        string(name, of: object).flatMap { dateTime($0) }
    }

    mutating func dateTime(_ value: JSONValue) -> ClinicalTime? {
        guard value.kind == .string,
            let time = TimeText.dateTime(fhir: value.textBytes, zone: zone)
        else {
            invalid(value, "\(value.name) is not a FHIR dateTime of the calendar.")
            return nil
        }
        return time
    }

    mutating func instant(_ name: MemberName, of object: JSONValue) -> Instant? {
        string(name, of: object).flatMap { instant($0)?.instant }
    }

    mutating func instant(_ value: JSONValue) -> ClinicalTime? {
        guard value.kind == .string,
            let time = TimeText.dateTime(fhir: value.textBytes, zone: zone),
            time.instant != nil
        else {
            invalid(value, "\(value.name) is not a FHIR instant of the calendar.")
            return nil
        }
        return time
    }

    mutating func period(_ value: JSONValue) -> (start: ClinicalTime?, end: ClinicalTime?) {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a Period.")
            return (nil, nil)
        }
        return (dateTime(.start, of: value), dateTime(.end, of: value))
    }

    mutating func quantity(_ name: MemberName, of object: JSONValue) -> ObservedQuantity? {
        element(name, of: object).flatMap { quantity($0) }
    }

    /// A Quantity; nil where it carries no value, which FHIR allows.
    mutating func quantity(_ value: JSONValue) -> ObservedQuantity? {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a Quantity.")
            return nil
        }
        var comparator, unit, code, system, number: JSONValue?
        for member in value.children {
            switch member.memberName {
            case .value: take(member, into: &number)
            case .unit: take(member, into: &unit)
            case .code: take(member, into: &code)
            case .system: take(member, into: &system)
            case .comparator: take(member, into: &comparator)
            default: break
            }
        }
        let unitText = text(of: unit)
        let codeText = text(of: code)
        let isUCUM = isString(system) && system?.hasText("http://unitsofmeasure.org") ?? false
        let comparison =
            isString(comparator)
            ? comparator.flatMap {
                self.code($0, in: FHIRCodes.comparator)
            } : nil
        guard let number else { return nil }
        guard number.kind == .number else {
            invalid(number, "The value of a Quantity is not a number.")
            return nil
        }
        return ObservedQuantity(
            value: texts.text(of: number), comparator: comparison,
            unit: (isUCUM ? codeText : nil) ?? unitText)
    }

    /// The codings of a CodeableConcept that carry a code, and what a person reads.
    mutating func concept(_ value: JSONValue) -> Concept {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a CodeableConcept.")
            return Concept()
        }
        return kept(value, in: concepts) { $0.unknownConcept($1) }
    }

    /// What was read lately in the same bytes, or else what is read in them now.
    mutating func kept<Value>(
        _ value: JSONValue, in cache: ReadCache<Value>,
        _ read: (inout FHIRReader, JSONValue) -> Value
    ) -> Value {
        let hash = cache.hash(of: value.rawBytes)
        if let known = cache.find(value.rawBytes, hash: hash) { return known }
        let problemCount = problems.count
        let result = read(&self, value)
        if problems.count == problemCount { cache.keep(result, for: value.rawBytes, hash: hash) }
        return result
    }

    private mutating func unknownConcept(_ value: JSONValue) -> Concept {
        var coding, written: JSONValue?
        for member in value.children {
            switch member.memberName {
            case .coding: take(member, into: &coding)
            case .text: take(member, into: &written)
            default: break
            }
        }
        let items = objects(coding)
        var codings: [Coding] = []
        codings.reserveCapacity(items.count)
        var display: String?
        for item in items {
            let (coding, shown) = self.coding(item)
            if display == nil { display = shown }
            if let coding { codings.append(coding) }
        }
        let said = text(of: written) ?? display
        return Concept(
            codings: codings, text: said,
            isInhaled: said.flatMap { MedicineForm.isInhaled(words: $0) })
    }

    /// A Coding, if it carries a code, and its display in any case.
    private mutating func coding(_ value: JSONValue) -> (coding: Coding?, display: String?) {
        var system, code, display: JSONValue?
        for member in value.children {
            switch member.memberName {
            case .system: take(member, into: &system)
            case .code: take(member, into: &code)
            case .display: take(member, into: &display)
            default: break
            }
        }
        let systemText = text(of: system)
        let shown = text(of: display)
        guard let code = text(of: code) else { return (nil, shown) }
        return (Coding(system: systemText ?? "", code: code, display: shown), shown)
    }

    /// The code that a CodeableConcept has in a system of FHIR's own with a closed list.
    mutating func conceptCode(
        _ name: MemberName, of object: JSONValue, system: StaticString, in list: [StaticString]
    ) -> String? {
        guard let concept = self.object(name, of: object) else { return nil }
        var found: String?
        for item in objects(.coding, of: concept) {
            let named = string(.system, of: item)
            guard let value = string(.code, of: item), named?.hasText(system) ?? true else {
                continue
            }
            let known = code(value, in: list)
            found = found ?? known
        }
        return found
    }

    /// The name by which a Reference's target can be known: its reference's last segment, else
    /// its identifier's value.
    mutating func referenceName(_ value: JSONValue) -> String? {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a Reference.")
            return nil
        }
        if let reference = string(.reference, of: value), !reference.textBytes.isEmpty {
            return texts.string(ReferenceText(reference).name)
        }
        return object(.identifier, of: value).flatMap { text(.value, of: $0) }
    }

    mutating func referenceNames(_ name: MemberName, of object: JSONValue) -> [String] {
        var names: [String] = []
        for item in objects(name, of: object) {
            if let name = referenceName(item) { names.append(name) }
        }
        return names
    }
}

/// The text of a FHIR `Reference.reference`, in its parts; they lie in the document.
struct ReferenceText {
    typealias Part = UnsafeBufferPointer<UInt8>

    /// The resource type, where the text says it; else empty.
    let type: Part
    /// The last segment, without a version: the target's id.
    let name: Part
    /// Whether it points into `contained`.
    let isContained: Bool

    init(_ value: JSONValue) {
        let bytes = value.textBytes
        isContained = bytes.first == UInt8(ascii: "#")
        if isContained || value.hasText(from: 0, "urn:uuid:") {
            type = Part(rebasing: bytes[..<0])
            name = Part(rebasing: bytes[(isContained ? 1 : 9)...])
            return
        }
        var segments = (type: 0..<0, name: 0..<0)
        var start = 0
        while start <= bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
            if end - start == 8, start > 0, value.hasText(from: start, "_history") { break }
            segments = (segments.name, start..<end)
            start = end + 1
        }
        name = Part(rebasing: bytes[segments.name])
        // Types are names such as `Patient`; what else comes before an id says nothing.
        let type = Part(rebasing: bytes[segments.type])
        let isType =
            (type.first.map { (65...90).contains($0) } ?? false)
            && type.allSatisfy { (65...90).contains($0) || (97...122).contains($0) }
        self.type = isType ? type : Part(rebasing: bytes[..<0])
    }
}
