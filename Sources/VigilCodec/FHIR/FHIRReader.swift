// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Reads elements of one FHIR R4 resource, noting what is wrong with them.
///
/// Only what is read is judged: "a FHIR resource may carry any other element" (protocol
/// section 3). A reader returns nil both for an absent element and for one it took note of.
struct FHIRReader {
    let resource: JSONValue
    /// The resource's own members, of which most are asked for.
    private let members: MemberIndex
    let texts: JSONTextCache
    let concepts: ConceptCache
    let directionTexts: ReadCache<DirectionsText>
    let amounts: ReadCache<SupplyAmount>
    /// The zone of times without an offset; nil where each must have one.
    let zone: ZoneTable?
    var problems = Problems()

    init(_ resource: JSONValue, zone: ZoneTable?, buffers: DecoderBuffers) {
        self.resource = resource
        self.zone = zone
        texts = buffers.texts
        concepts = buffers.concepts
        directionTexts = buffers.directions
        amounts = buffers.amounts
        members = buffers.members.layOut(resource)
    }

    mutating func invalid(_ value: JSONValue, _ message: String) {
        problems.note(.invalidElement, message, at: value)
    }

    /// Reads an element that the protocol does not name as read: nothing is refused for its shape.
    ///
    /// A repeated member on the way there is refused all the same, as two readers could differ.
    ///
    /// - Returns: what was read; nil where anything about it is odd.
    mutating func leniently<Value>(_ read: (inout FHIRReader) -> Value?) -> Value? {
        let before = problems
        let value = read(&self)
        guard problems.count > before.count else { return value }
        if problems.code != .malformedJSON { problems = before }
        return nil
    }

    mutating func missing(_ name: MemberName, in parent: JSONValue) {
        missing(name.description, in: parent)
    }

    mutating func missing(_ what: String, in parent: JSONValue) {
        problems.note(.missingElement, "The element \(what) is missing.", at: parent)
    }

    /// The member of any type.
    mutating func element(_ name: MemberName, of object: JSONValue) -> JSONValue? {
        let (first, second) =
            object.index == resource.index ? members.find(name) : object.members(name)
        if let second { repeated(second) }
        return first
    }

    /// Takes a member of an object whose members are gone through; one of the name was there
    /// before if the place is taken.
    mutating func take(_ member: JSONValue, into place: inout JSONValue?) {
        if place == nil {
            place = member
        } else {
            repeated(member)
        }
    }

    private mutating func repeated(_ member: JSONValue) {
        problems.note(.malformedJSON, "The member \(member.name) is there twice.", at: member)
    }

    /// The text of a string; an empty one, which FHIR does not know, is as good as none.
    mutating func text(of value: JSONValue?) -> String? {
        guard let value, isString(value), !value.textBytes.isEmpty else { return nil }
        return texts.text(of: value)
    }

    /// The member, if it is of a type.
    private mutating func element(
        _ name: MemberName, of object: JSONValue, kind: JSONValue.Kind, _ description: String
    ) -> JSONValue? {
        guard let value = element(name, of: object) else { return nil }
        guard value.kind == kind else {
            invalid(value, "\(name) is not \(description).")
            return nil
        }
        return value
    }

    /// A member that is a string.
    mutating func string(_ name: MemberName, of object: JSONValue) -> JSONValue? {
        element(name, of: object, kind: .string, "a string")
    }

    /// The text of a member that is a string.
    mutating func text(_ name: MemberName, of object: JSONValue) -> String? {
        text(of: element(name, of: object))
    }

    /// A member that is an object.
    mutating func object(_ name: MemberName, of object: JSONValue) -> JSONValue? {
        element(name, of: object, kind: .object, "an object")
    }

    /// The elements of an array of objects, in order; what is none is noted, and reads as an
    /// object without members.
    mutating func objects(_ name: MemberName, of object: JSONValue) -> JSONValue.Children {
        objects(element(name, of: object))
    }

    mutating func objects(_ array: JSONValue?) -> JSONValue.Children {
        guard let array else { return resource.noChildren }
        guard array.kind == .array else {
            invalid(array, "\(array.name) is not an array.")
            return array.noChildren
        }
        for child in array.children where child.kind != .object {
            invalid(child, "An element of \(array.name) is not an object.")
        }
        return array.children
    }

    /// Whether a value is a string, which it is to be if it is there.
    mutating func isString(_ value: JSONValue?) -> Bool {
        guard let value else { return false }
        if value.kind == .string { return true }
        invalid(value, "\(value.name) is not a string.")
        return false
    }

    mutating func boolean(_ name: MemberName, of object: JSONValue) -> Bool? {
        element(name, of: object).flatMap { boolean($0) }
    }

    mutating func boolean(_ value: JSONValue) -> Bool? {
        switch value.kind {
        case .yes: return true
        case .no: return false
        default:
            invalid(value, "\(value.name) is neither true nor false.")
            return nil
        }
    }

    /// A FHIR `unsignedInt`.
    mutating func count(_ name: MemberName, of object: JSONValue) -> Int? {
        guard let value = element(name, of: object) else { return nil }
        guard value.kind == .number, let number = unsigned(value.textBytes),
            number <= UInt64(Int32.max)
        else {
            invalid(value, "\(name) is not a whole number from 0 to 2147483647.")
            return nil
        }
        return Int(number)
    }

    /// A code of a closed list.
    mutating func code(
        _ name: MemberName, of object: JSONValue, in list: [StaticString]
    ) -> String? {
        string(name, of: object).flatMap { code($0, in: list) }
    }

    mutating func code(_ value: JSONValue, in list: [StaticString]) -> String? {
        for known in list where value.hasText(known) { return texts.text(of: value) }
        invalid(value, "This is not a code that FHIR R4 knows here.")
        return nil
    }

    /// A required code of a closed list.
    mutating func requiredCode(
        _ name: MemberName, of object: JSONValue, in list: [StaticString]
    ) -> String? {
        guard let value = required(name, of: object) else { return nil }
        guard value.kind == .string else {
            invalid(value, "\(name) is not a string.")
            return nil
        }
        return code(value, in: list)
    }

    /// The member, noted as missing where it is absent.
    mutating func required(_ name: MemberName, of object: JSONValue) -> JSONValue? {
        guard let value = element(name, of: object) else {
            if object.kind == .object { missing(name, in: object) }
            return nil
        }
        return value
    }

    /// The one member of a choice such as `value[x]`, whatever its type.
    mutating func choice(_ prefix: StaticString, of object: JSONValue) -> JSONValue? {
        var found: JSONValue?
        for member in object.children where member.isNamed(choiceOf: prefix) {
            guard let first = found else {
                found = member
                continue
            }
            if first.nameBytes.elementsEqual(member.nameBytes) {
                problems.note(.malformedJSON, "A member is there twice.", at: member)
            } else {
                invalid(member, "There is more than one \(prefix)[x].")
            }
        }
        return found
    }
}
