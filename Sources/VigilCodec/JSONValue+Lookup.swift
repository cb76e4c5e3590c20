// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// The member of an object by its name, and the second of that name where there is one.
    ///
    /// RFC 8259 leaves open what a repeated name means, and readers differ: on a path that
    /// matters a second member has to be refused.
    package func member(_ name: StaticString) -> (first: JSONValue?, second: JSONValue?) {
        var first: JSONValue?
        guard kind == .object else { return (nil, nil) }
        for child in children where child.isNamed(name) {
            if first != nil { return (first, child) }
            first = child
        }
        return (first, nil)
    }

    /// The first member whose name an earlier one has, or nil.
    package var repeatedMember: JSONValue? {
        guard kind == .object else { return nil }
        let members = Array<JSONValue>(children)
        if members.count <= 16 {
            for (position, member) in members.enumerated() {
                for earlier in members[..<position] where earlier.hasName(of: member) {
                    return member
                }
            }
            return nil
        }
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
        nameBytes.count == other.nameBytes.count && nameBytes.elementsEqual(other.nameBytes)
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
