// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Reads elements of one FHIR R4 resource, noting what is wrong with them.
///
/// Only what is read is judged: "a FHIR resource may carry any other element" (protocol
/// section 3). A reader returns nil both for an absent element and for one it took note of.
struct FHIRReader {
    let resource: JSONValue
    var problems = Problems()

    init(_ resource: JSONValue) {
        self.resource = resource
    }

    mutating func invalid(_ value: JSONValue, _ message: String) {
        problems.note(.invalidElement, message, at: value)
    }

    mutating func missing(_ name: StaticString, in parent: JSONValue) {
        problems.note(.missingElement, "The element \(name) is missing.", at: parent)
    }

    /// The member of any type.
    mutating func element(_ name: StaticString, of object: JSONValue) -> JSONValue? {
        let (first, second) = object.member(name)
        if let second {
            problems.note(.malformedJSON, "The member \(name) is there twice.", at: second)
        }
        return first
    }

    /// The member, if it is of a type.
    private mutating func element(
        _ name: StaticString, of object: JSONValue, kind: JSONValue.Kind, _ description: String
    ) -> JSONValue? {
        guard let value = element(name, of: object) else { return nil }
        guard value.kind == kind else {
            invalid(value, "\(name) is not \(description).")
            return nil
        }
        return value
    }

    /// A member that is a string.
    mutating func string(_ name: StaticString, of object: JSONValue) -> JSONValue? {
        element(name, of: object, kind: .string, "a string")
    }

    /// The text of a string; an empty one, which FHIR does not know, is as good as none.
    mutating func text(_ name: StaticString, of object: JSONValue) -> String? {
        guard let value = string(name, of: object), !value.textBytes.isEmpty else { return nil }
        return value.text
    }

    /// A member that is an object.
    mutating func object(_ name: StaticString, of object: JSONValue) -> JSONValue? {
        element(name, of: object, kind: .object, "an object")
    }

    /// The elements of an array of objects, in order.
    mutating func objects(_ name: StaticString, of object: JSONValue) -> [JSONValue] {
        guard let array = element(name, of: object, kind: .array, "an array") else { return [] }
        var result: [JSONValue] = []
        for child in array.children {
            if child.kind == .object {
                result.append(child)
            } else {
                invalid(child, "An element of \(name) is not an object.")
            }
        }
        return result
    }

    mutating func boolean(_ name: StaticString, of object: JSONValue) -> Bool? {
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
    mutating func count(_ name: StaticString, of object: JSONValue) -> Int? {
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
        _ name: StaticString, of object: JSONValue, in list: [StaticString]
    ) -> String? {
        string(name, of: object).flatMap { code($0, in: list) }
    }

    mutating func code(_ value: JSONValue, in list: [StaticString]) -> String? {
        for known in list where value.hasText(known) { return value.text }
        invalid(value, "This is not a code that FHIR R4 knows here.")
        return nil
    }

    /// A required code of a closed list.
    mutating func requiredCode(
        _ name: StaticString, of object: JSONValue, in list: [StaticString]
    ) -> String? {
        guard let value = required(name, of: object) else { return nil }
        guard value.kind == .string else {
            invalid(value, "\(name) is not a string.")
            return nil
        }
        return code(value, in: list)
    }

    /// The member, noted as missing where it is absent.
    mutating func required(_ name: StaticString, of object: JSONValue) -> JSONValue? {
        guard let value = element(name, of: object) else {
            missing(name, in: object)
            return nil
        }
        return value
    }

    /// The one member of a choice such as `value[x]`, whatever its type.
    mutating func choice(_ prefix: StaticString, of object: JSONValue) -> JSONValue? {
        var found: JSONValue?
        for member in object.children where isChoice(member, prefix) {
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

    private func isChoice(_ member: JSONValue, _ prefix: StaticString) -> Bool {
        let name = member.nameBytes
        let length = prefix.utf8CodeUnitCount
        guard name.count > length,
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(name[length])
        else { return false }
        for index in 0..<length where name[index] != prefix.utf8Start[index] { return false }
        return true
    }
}
