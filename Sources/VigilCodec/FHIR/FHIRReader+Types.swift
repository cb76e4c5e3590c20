// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// FHIR R4's general-purpose data types.
extension FHIRReader {
    mutating func date(_ name: StaticString, of object: JSONValue) -> ClinicalTime? {
        guard let value = string(name, of: object) else { return nil }
        guard let time = TimeText.date(fhir: value.textBytes) else {
            invalid(value, "\(name) is not a FHIR date of the calendar.")
            return nil
        }
        return time
    }

    mutating func dateTime(_ name: StaticString, of object: JSONValue) -> ClinicalTime? {
        string(name, of: object).flatMap { dateTime($0) }
    }

    mutating func dateTime(_ value: JSONValue) -> ClinicalTime? {
        guard value.kind == .string, let time = TimeText.dateTime(fhir: value.textBytes) else {
            invalid(value, "\(value.name) is not a FHIR dateTime of the calendar.")
            return nil
        }
        return time
    }

    mutating func instant(_ name: StaticString, of object: JSONValue) -> Instant? {
        string(name, of: object).flatMap { instant($0)?.instant }
    }

    mutating func instant(_ value: JSONValue) -> ClinicalTime? {
        guard value.kind == .string, let time = TimeText.dateTime(fhir: value.textBytes),
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
        return (dateTime("start", of: value), dateTime("end", of: value))
    }

    mutating func quantity(_ name: StaticString, of object: JSONValue) -> ObservedQuantity? {
        element(name, of: object).flatMap { quantity($0) }
    }

    /// A Quantity; nil where it carries no value, which FHIR allows.
    mutating func quantity(_ value: JSONValue) -> ObservedQuantity? {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a Quantity.")
            return nil
        }
        let comparator = code("comparator", of: value, in: FHIRCodes.comparator)
        let unit = text("unit", of: value)
        let code = text("code", of: value)
        let system = string("system", of: value)
        guard let number = element("value", of: value) else { return nil }
        guard number.kind == .number else {
            invalid(number, "The value of a Quantity is not a number.")
            return nil
        }
        let isUCUM = system?.hasText("http://unitsofmeasure.org") ?? false
        return ObservedQuantity(
            value: number.text, comparator: comparator, unit: (isUCUM ? code : nil) ?? unit)
    }

    /// The codings of a CodeableConcept that carry a code, and what a person reads.
    mutating func concept(_ value: JSONValue) -> (codings: [Coding], text: String?) {
        guard value.kind == .object else {
            invalid(value, "\(value.name) is not a CodeableConcept.")
            return ([], nil)
        }
        var codings: [Coding] = []
        var display: String?
        for item in objects("coding", of: value) {
            let system = text("system", of: item)
            let code = text("code", of: item)
            let shown = text("display", of: item)
            if display == nil { display = shown }
            if let code {
                codings.append(Coding(system: system ?? "", code: code, display: shown))
            }
        }
        return (codings, text("text", of: value) ?? display)
    }

    /// The code that a CodeableConcept has in a system of FHIR's own with a closed list.
    mutating func conceptCode(
        _ name: StaticString, of object: JSONValue, system: StaticString, in list: [StaticString]
    ) -> String? {
        guard let concept = self.object(name, of: object) else { return nil }
        var found: String?
        for item in objects("coding", of: concept) {
            let named = string("system", of: item)
            guard let value = string("code", of: item), named?.hasText(system) ?? true else {
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
        if let reference = string("reference", of: value), !reference.textBytes.isEmpty {
            return ReferenceText(reference).name
        }
        return object("identifier", of: value).flatMap { text("value", of: $0) }
    }

    mutating func referenceNames(_ name: StaticString, of object: JSONValue) -> [String] {
        var names: [String] = []
        for item in objects(name, of: object) {
            if let name = referenceName(item) { names.append(name) }
        }
        return names
    }
}

/// The text of a FHIR `Reference.reference`, in its parts.
struct ReferenceText {
    /// The resource type, where the text says it.
    let type: String?
    /// The last segment, without a version: the target's id.
    let name: String
    /// Whether it points into `contained`.
    let isContained: Bool

    init(_ value: JSONValue) {
        let bytes = value.textBytes
        if bytes.first == UInt8(ascii: "#") {
            self.init(type: nil, name: bytes.dropFirst(), isContained: true)
            return
        }
        if bytes.starts(with: "urn:uuid:".utf8) {
            self.init(type: nil, name: bytes.dropFirst(9), isContained: false)
            return
        }
        let slash = UInt8(ascii: "/")
        var segments = (type: bytes[..<0], name: bytes[..<0])
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: slash) ?? bytes.count
            if end - start == 8, start > 0, bytes[start..<end].elementsEqual("_history".utf8) {
                break
            }
            segments = (segments.name, bytes[start..<end])
            start = end + 1
        }
        // Types are names such as `Patient`; what else comes before an id says nothing.
        let type = segments.type
        let isType =
            (type.first.map { (65...90).contains($0) } ?? false)
            && type.allSatisfy { (65...90).contains($0) || (97...122).contains($0) }
        self.init(
            type: isType ? String(decoding: type, as: UTF8.self) : nil, name: segments.name,
            isContained: false)
    }

    private init(type: String?, name: Slice<UnsafeBufferPointer<UInt8>>, isContained: Bool) {
        self.type = type
        self.name = String(decoding: name, as: UTF8.self)
        self.isContained = isContained
    }
}
