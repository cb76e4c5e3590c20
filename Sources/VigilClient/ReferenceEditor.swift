// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

/// Edits a resource so that its references hold outside of the Bundle that it came in.
///
/// It edits the compact text instead of building the resource anew, so that everything else stays
/// as it was written.
struct ReferenceEditor {
    private struct Edit {
        var range: Range<Int>
        var text: [UInt8]
    }

    private let document = JSONDocument()

    /// Edits the resource so that it contains the Medication and refers to it.
    ///
    /// - Parameters:
    ///   - medication: The Medication as compact JSON.
    ///   - resource: A MedicationRequest, -Dispense or -Statement as compact JSON.
    /// - Returns: Compact JSON, or nil where the resource refers to no Medication.
    func include(_ medication: [UInt8], in resource: [UInt8]) -> [UInt8]? {
        let taken = read(resource, containedIdentifiers) ?? []
        guard let (name, contained) = read(medication, { self.named($0, besides: taken) }) else {
            return nil
        }
        return read(resource) { root in
            guard
                let reference = root.member("medicationReference").first?.member("reference").first
            else { return nil }
            var edits = [
                Edit(
                    range: range(of: reference, in: root),
                    text: JSONWriter.quoted("#" + name))
            ]
            if let list = root.member("contained").first, list.kind == .array {
                let end = range(of: list, in: root).upperBound - 1
                let isEmpty = list.children.first == nil
                edits.append(Edit(range: end..<end, text: (isEmpty ? [] : comma) + contained))
            } else {
                let end = resource.count - 1
                let member = Array(",\"contained\":[".utf8) + contained + Array("]".utf8)
                edits.append(Edit(range: end..<end, text: member))
            }
            return apply(edits, to: resource)
        }
    }

    /// Edits the resource so that it refers to its Patient by the id.
    ///
    /// - Parameters:
    ///   - resource: A resource that is no Patient as compact JSON.
    ///   - patient: The Patient's id.
    /// - Returns: Compact JSON, or nil where the resource refers to nobody.
    func refer(_ resource: [UInt8], toPatient patient: String) -> [UInt8]? {
        read(resource) { root in
            guard let reference = FHIRReading.patient(of: root)?.member("reference").first
            else { return nil }
            let edit = Edit(
                range: range(of: reference, in: root),
                text: JSONWriter.quoted("Patient/" + patient))
            return apply([edit], to: resource)
        }
    }

    private let comma = [UInt8(ascii: ",")]

    private func containedIdentifiers(_ root: JSONValue) -> [String]? {
        root.member("contained").first.map { list in
            list.children.compactMap { $0.string("id") }
        }
    }

    /// The Medication under an id that nothing else contained has.
    private func named(
        _ root: JSONValue, besides taken: [String]
    ) -> (name: String, text: [UInt8])? {
        guard root.kind == .object else { return nil }
        let own = root.member("id").first
        var name = own?.text ?? "medication"
        while taken.contains(name) { name += "-medication" }
        let quoted = JSONWriter.quoted(name)
        let text = Array(root.rawBytes)
        guard let own else {
            let member = Array("\"id\":".utf8) + quoted + (text.count > 2 ? comma : [])
            return (name, apply([Edit(range: 1..<1, text: member)], to: text))
        }
        return (name, apply([Edit(range: range(of: own, in: root), text: quoted)], to: text))
    }

    private func range(of value: JSONValue, in root: JSONValue) -> Range<Int> {
        guard let start = value.rawBytes.baseAddress, let origin = root.rawBytes.baseAddress else {
            return 0..<0
        }
        let lower = start - origin
        return lower..<lower + value.rawBytes.count
    }

    private func apply(_ edits: [Edit], to text: [UInt8]) -> [UInt8] {
        var result = text
        for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            result.replaceSubrange(edit.range, with: edit.text)
        }
        return result
    }

    private func read<Value>(_ text: [UInt8], _ body: (JSONValue) -> Value?) -> Value? {
        do {
            return try document.withRoot(of: text, body)
        } catch {
            return nil
        }
    }
}
