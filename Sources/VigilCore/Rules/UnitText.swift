// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What is left of a unit's text when what UCUM gives no meaning is taken away (clinical.md section
/// 3.0: UCUM annotations are ignored).
enum UnitText {
    /// A unit without its annotations, such as `mL/min` of `mL/min/{1.73_m2}`: an annotation alone
    /// is the unit one, so that the sign before it goes with it.
    static func withoutAnnotations(_ unit: String) -> String {
        guard unit.contains("{") else { return unit }
        var result = ""
        var depth = 0
        for character in unit {
            if character == "{" {
                if depth == 0, result.last == "/" || result.last == "." { result.removeLast() }
                depth += 1
            }
            if depth == 0 { result.append(character) }
            if character == "}" { depth = max(0, depth - 1) }
        }
        return result
    }

    /// The same with every litre as `L`: UCUM's `l` and `L` are one unit, `ml/min` is `mL/min`.
    static func plain(_ unit: String) -> String {
        var result = ""
        var atom = ""
        for character in withoutAnnotations(unit) {
            if character == "/" || character == "." {
                result += litre(atom)
                result.append(character)
                atom = ""
            } else {
                atom.append(character)
            }
        }
        return result + litre(atom)
    }

    /// `L` for `l`, which has one letter before it at most, its prefix.
    private static func litre(_ atom: String) -> String {
        guard atom.last == "l", atom.count == 1 || atom.count == 2 && atom.first?.isLetter == true
        else { return atom }
        return atom.dropLast() + "L"
    }
}
