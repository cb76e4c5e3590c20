// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A regular expression, of the part of the notation that Java, JavaScript and Python read alike.
///
/// It is matched by a machine with a stack of its own and a bound on its steps: no pattern can
/// exhaust the process's stack, nor run for ever.
struct TextPattern {
    /// Why a pattern, or a text that it is held against, is not taken.
    struct Refusal: Error {
        var why: String
    }

    enum Instruction {
        case any
        case scalar(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
        case textStart, textEnd
        /// The first of two ways, and the one to be taken where that fails.
        case split(Int, Int)
        case jump(Int)
        case save(Int)
        case match
    }

    /// Where a match and its groups begin and end: two places each, -1 for a group not entered.
    typealias Places = [Int]

    private static let stepsMax = 50_000

    let program: [Instruction]
    let groupCount: Int
    /// Whether it has `\w`, `\d` or `\s`, on whose meaning beyond ASCII engines differ.
    let hasClasses: Bool
    private let hasEnd: Bool

    init(_ text: String) throws(Refusal) {
        var parser = TextPatternParser(text)
        program = try parser.program()
        groupCount = parser.groupCount
        hasClasses = parser.hasClasses
        hasEnd = program.contains { if case .textEnd = $0 { true } else { false } }
    }

    /// A text in the form that is matched.
    func scalars(of text: String) throws(Refusal) -> [Unicode.Scalar] {
        let scalars = Array(text.unicodeScalars)
        if hasClasses, !scalars.allSatisfy(\.isASCII) {
            throw Refusal(why: "\\w, \\d or \\s on a text that is not ASCII")
        }
        if hasEnd, scalars.last == "\n" {
            throw Refusal(why: "$ on a text that ends with a line feed")
        }
        return scalars
    }

    /// The first match that begins at a place or behind it.
    func match(
        in text: [Unicode.Scalar], from start: Int, steps: inout Int
    ) throws(Refusal) -> Places? {
        for place in start...max(start, text.count) {
            if let found = try match(at: place, in: text, isWhole: false, steps: &steps) {
                return found
            }
        }
        return nil
    }

    /// Whether the whole text matches.
    func matchesWhole(_ text: [Unicode.Scalar], steps: inout Int) throws(Refusal) -> Bool {
        try match(at: 0, in: text, isWhole: true, steps: &steps) != nil
    }

    static var steps: Int { stepsMax }

    private func match(
        at start: Int, in text: [Unicode.Scalar], isWhole: Bool, steps: inout Int
    ) throws(Refusal) -> Places? {
        var threads: [(counter: Int, place: Int, saved: Places)] = [
            (0, start, Array(repeating: -1, count: 2 * (groupCount + 1)))
        ]
        while var (counter, place, saved) = threads.popLast() {
            thread: while true {
                steps -= 1
                guard steps > 0 else { throw Refusal(why: "a pattern that takes this many steps") }
                switch program[counter] {
                case .any, .scalar, .set:
                    guard place < text.count, program[counter].takes(text[place]) else {
                        break thread
                    }
                    place += 1
                    counter += 1
                case .textStart:
                    guard place == 0 else { break thread }
                    counter += 1
                case .textEnd:
                    guard place == text.count else { break thread }
                    counter += 1
                case .split(let first, let second):
                    threads.append((second, place, saved))
                    counter = first
                case .jump(let target): counter = target
                case .save(let slot):
                    saved[slot] = place
                    counter += 1
                case .match:
                    guard !isWhole || place == text.count else { break thread }
                    saved[0] = start
                    saved[1] = place
                    return saved
                }
            }
        }
        return nil
    }
}

extension TextPattern.Instruction {
    fileprivate func takes(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .any: true
        case .scalar(let wanted): scalar == wanted
        case .set(let ranges, let isNegated): ranges.contains { $0 ~= scalar } != isNegated
        default: false
        }
    }
}

extension TextFunctions {
    /// Whether a text matches a pattern as a whole, as implementations read `Matches`.
    ///
    /// Where a part of it alone does, it is refused.
    static func matches(_ text: String, _ pattern: String) throws(TextPattern.Refusal) -> Bool {
        let pattern = try TextPattern(pattern)
        let scalars = try pattern.scalars(of: text)
        var steps = TextPattern.steps
        if try pattern.matchesWhole(scalars, steps: &steps) { return true }
        guard try pattern.match(in: scalars, from: 0, steps: &steps) == nil else {
            throw TextPattern.Refusal(
                why: "a pattern that a part of the text matches and the whole does not; write "
                    + "'^…$' or '.*'")
        }
        return false
    }

    /// A text with each match of a pattern replaced; `$1` is what the first group matched.
    static func replacing(
        _ text: String, _ pattern: String, with substitution: String
    ) throws(TextPattern.Refusal) -> String {
        let pattern = try TextPattern(pattern)
        let scalars = try pattern.scalars(of: text)
        var result = String.UnicodeScalarView()
        var steps = TextPattern.steps
        var place = 0
        while place <= scalars.count,
            let found = try pattern.match(in: scalars, from: place, steps: &steps)
        {
            result.append(contentsOf: scalars[place..<found[0]])
            try substitute(substitution, scalars, found, into: &result)
            place = found[1]
            guard found[0] == found[1] else { continue }
            if place < scalars.count { result.append(scalars[place]) }
            place += 1
        }
        if place < scalars.count { result.append(contentsOf: scalars[place...]) }
        return String(result)
    }

    private static func substitute(
        _ substitution: String, _ text: [Unicode.Scalar], _ places: TextPattern.Places,
        into result: inout String.UnicodeScalarView
    ) throws(TextPattern.Refusal) {
        var rest = Array(substitution.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\":
                guard let escaped = rest.popFirst() else {
                    throw TextPattern.Refusal(why: "a substitution that ends with \\")
                }
                result.append(escaped)
            case "$":
                guard let digit = rest.popFirst(), let group = Int(String(digit)),
                    2 * group + 1 < places.count,
                    rest.first.map({ !("0"..."9").contains($0) }) ?? true
                else { throw TextPattern.Refusal(why: "'$' without a group's number") }
                if places[2 * group] >= 0 {
                    result.append(contentsOf: text[places[2 * group]..<places[2 * group + 1]])
                }
            default: result.append(scalar)
            }
        }
    }
}
