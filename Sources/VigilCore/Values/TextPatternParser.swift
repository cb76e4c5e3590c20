// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Turns the text of a regular expression into a program.
struct TextPatternParser {
    private static let programMax = 5_000
    private static let deepest = 40

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private(set) var groupCount = 0
    private(set) var hasClasses = false

    typealias Refusal = TextPattern.Refusal
    typealias Instruction = TextPattern.Instruction
    private typealias Ranges = [ClosedRange<Unicode.Scalar>]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    /// The program of the whole text.
    mutating func program() throws(Refusal) -> [Instruction] {
        let body = try alternation()
        guard index == scalars.count else { throw Refusal(why: "a pattern with a ')' too many") }
        return body + [.match]
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func alternation() throws(Refusal) -> [Instruction] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw Refusal(why: "groups nested this deep") }
        var program = try sequence()
        while take("|") {
            let other = try sequence()
            program =
                [.split(1, program.count + 2)] + program.moved(by: 1)
                + [.jump(program.count + 2 + other.count)] + other.moved(by: program.count + 2)
        }
        return program
    }

    private mutating func sequence() throws(Refusal) -> [Instruction] {
        var program: [Instruction] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let part = try repeated(try atom())
            program += part.moved(by: program.count)
            guard program.count <= Self.programMax else {
                throw Refusal(why: "this long a pattern")
            }
        }
        return program
    }

    private mutating func repeated(_ atom: [Instruction]) throws(Refusal) -> [Instruction] {
        let least: Int
        var most: Int?
        switch next {
        case "*": (least, most) = (0, nil)
        case "+": (least, most) = (1, nil)
        case "?": (least, most) = (0, 1)
        case "{":
            index += 1
            least = try number()
            most = least
            if take(",") { most = next == "}" ? nil : try number() }
            guard next == "}", most.map({ $0 >= least }) ?? true else {
                throw Refusal(why: "'{' that is no count")
            }
        default: return atom
        }
        index += 1
        if case .textStart? = atom.first { throw Refusal(why: "a repeated '^'") }
        if case .textEnd? = atom.first { throw Refusal(why: "a repeated '$'") }
        let isLazy = take("?")
        if let scalar = next, "*+?{".unicodeScalars.contains(scalar) {
            throw Refusal(why: "two counts in a row")
        }
        guard atom.count * max(least, most ?? 0, 1) <= Self.programMax else {
            throw Refusal(why: "this long a pattern")
        }
        func split(_ into: Int, _ past: Int) -> Instruction {
            isLazy ? .split(past, into) : .split(into, past)
        }
        var program: [Instruction] = []
        for _ in 0..<least { program += atom.moved(by: program.count) }
        if let most {
            let end = program.count + (most - least) * (atom.count + 1)
            for _ in least..<most {
                program.append(split(program.count + 1, end))
                program += atom.moved(by: program.count)
            }
        } else {
            let start = program.count
            program.append(split(start + 1, start + atom.count + 2))
            program += atom.moved(by: start + 1)
            program.append(.jump(start))
        }
        return program
    }

    private mutating func number() throws(Refusal) -> Int {
        var digits = ""
        while let scalar = next, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            index += 1
        }
        guard let number = Int(digits), number <= 1000 else {
            throw Refusal(why: "'{' that is no count")
        }
        return number
    }

    private mutating func atom() throws(Refusal) -> [Instruction] {
        guard let scalar = next else { return [] }
        index += 1
        switch scalar {
        case ".": return [.any]
        case "^": return [.textStart]
        case "$": return [.textEnd]
        case "[": return [try set()]
        case "(":
            var group: Int?
            if take("?") {
                guard take(":") else { throw Refusal(why: "a group that begins with '(?'") }
            } else {
                groupCount += 1
                group = groupCount
            }
            let body = try alternation()
            guard take(")") else { throw Refusal(why: "a '(' without its ')'") }
            guard let group else { return body }
            return [.save(2 * group)] + body.moved(by: 1) + [.save(2 * group + 1)]
        case "\\":
            let ranges = try escape()
            if let only = ranges.ranges.first, ranges.ranges.count == 1, !ranges.isNegated,
                only.lowerBound == only.upperBound
            {
                return [.scalar(only.lowerBound)]
            }
            return [.set(ranges.ranges, isNegated: ranges.isNegated)]
        case "*", "+", "?", "{", "}", "]":
            throw Refusal(why: "'\(scalar)' in this place; write '\\\(scalar)'")
        default: return [.scalar(scalar)]
        }
    }

    /// What follows a backslash.
    private mutating func escape() throws(Refusal) -> (ranges: Ranges, isNegated: Bool) {
        guard let scalar = next else { throw Refusal(why: "a pattern that ends with '\\'") }
        index += 1
        let controls: [Unicode.Scalar: Unicode.Scalar] = [
            "t": "\t", "n": "\n", "r": "\r", "f": "\u{c}",
        ]
        if let control = controls[scalar] { return ([control...control], false) }
        let classes: [Unicode.Scalar: Ranges] = [
            "d": ["0"..."9"], "w": ["a"..."z", "A"..."Z", "0"..."9", "_"..."_"],
            "s": [" "..." ", "\t"..."\r"],
        ]
        if let ranges = classes[scalar] {
            hasClasses = true
            return (ranges, false)
        }
        if let ranges = classes[scalar.properties.lowercaseMapping.unicodeScalars.first ?? scalar] {
            hasClasses = true
            return (ranges, true)
        }
        guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
            throw Refusal(why: "'\\\(scalar)'")
        }
        return ([scalar...scalar], false)
    }

    private mutating func set() throws(Refusal) -> Instruction {
        let isNegated = take("^")
        var ranges: Ranges = []
        while let scalar = next, scalar != "]" {
            index += 1
            switch scalar {
            case "[": throw Refusal(why: "'[' within '[]'; write '\\['")
            case "&" where next == "&": throw Refusal(why: "'&&' within '[]'")
            case "\\":
                let escaped = try escape()
                guard !escaped.isNegated else { throw Refusal(why: "a class negated within '[]'") }
                ranges += escaped.ranges
            default:
                guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                    ranges.append(scalar...scalar)
                    continue
                }
                let last = scalars[index + 1]
                guard last != "\\", last != "[", last >= scalar else {
                    throw Refusal(why: "a range within '[]' that is none")
                }
                index += 2
                ranges.append(scalar...last)
            }
        }
        guard take("]"), !ranges.isEmpty else { throw Refusal(why: "a '[' without its ']'") }
        return .set(ranges, isNegated: isNegated)
    }
}

extension [TextPattern.Instruction] {
    /// The same, for another place in a program.
    fileprivate func moved(by offset: Int) -> [TextPattern.Instruction] {
        map { instruction in
            switch instruction {
            case .split(let first, let second): .split(first + offset, second + offset)
            case .jump(let target): .jump(target + offset)
            default: instruction
            }
        }
    }
}
