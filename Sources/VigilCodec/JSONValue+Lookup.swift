// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// The member of an object by its name, and the second of that name where there is one.
    ///
    /// RFC 8259 leaves open what a repeated name means, and readers differ: on a path that
    /// matters a second member has to be refused.
    package func member(_ name: StaticString) -> (first: JSONValue?, second: JSONValue?) {
        guard let first = firstMember(name) else { return (nil, nil) }
        return (first, firstMember(name, after: first))
    }

    /// The first member whose name an earlier one has, or nil.
    package var repeatedMember: JSONValue? {
        guard kind == .object else { return nil }
        var known: (low: UInt64, high: UInt64) = (0, 0)
        var repeated: JSONValue?
        var count = 0
        var unknownCount = 0
        for member in children {
            count += 1
            let number = member.nameNumber
            if number == 0 {
                unknownCount += 1
                continue
            }
            let bit: UInt64 = 1 << UInt64(number & 63)
            let seen = number < 64 ? known.low : known.high
            if seen & bit != 0 && repeated == nil { repeated = member }
            if number < 64 { known.low |= bit } else { known.high |= bit }
        }
        if unknownCount < 2 { return repeated }
        return count <= 16 ? repeatedOfFew : repeatedOfMany
    }

    private var repeatedOfFew: JSONValue? {
        for member in children {
            for earlier in children {
                if earlier.index == member.index { break }
                if earlier.hasName(of: member) { return member }
            }
        }
        return nil
    }

    private var repeatedOfMany: JSONValue? {
        let members = Array<JSONValue>(children)
        // An object may have a hundred thousand members: comparing pairs would take minutes.
        let sorted = members.sorted { left, right in
            if left.hasName(of: right) { return left.index < right.index }
            return left.nameBytes.lexicographicallyPrecedes(right.nameBytes)
        }
        var found: JSONValue?
        for (left, right) in zip(sorted, sorted.dropFirst())
        where left.hasName(of: right) {
            if let earlier = found, earlier.index < right.index { continue }
            found = right
        }
        return found
    }

    private func hasName(of other: JSONValue) -> Bool {
        let (left, right) = (nameBytes, other.nameBytes)
        return left.count == right.count && left.elementsEqual(right)
    }

    /// The JSON Pointer (RFC 6901) of this value in its document; empty for the root.
    package var pointer: String {
        guard index > 0 else { return "" }
        let container = parent
        let token: String
        if container.kind == .array {
            var position = 0
            for child in container.children {
                if child.index == index { break }
                position += 1
            }
            token = String(position)
        } else {
            token = JSONValue.pointerToken(name)
        }
        return container.pointer + "/" + token
    }

    private static func pointerToken(_ name: String) -> String {
        var token = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": token += "~0"
            case "/": token += "~1"
            default: token.unicodeScalars.append(scalar)
            }
        }
        return token
    }

    /// The one member of a name, if it is of a kind.
    package func uniqueMember(_ name: StaticString, _ kind: Kind) -> JSONValue? {
        let (first, second) = member(name)
        return second == nil && first?.kind == kind ? first : nil
    }

    /// The value as written but for the white space outside strings, which is left out.
    package var compactText: [UInt8] {
        var result: [UInt8] = []
        let bytes = rawBytes
        result.reserveCapacity(bytes.count)
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                result.append(byte)
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "\""): inString = true
            default: break
            }
            result.append(byte)
        }
        return result
    }
}
