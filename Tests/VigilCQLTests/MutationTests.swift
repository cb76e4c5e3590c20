// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// Texts that nobody meant: a library with words dropped, doubled, swapped or cut off.
struct MutationTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any text compiles or is refused at a place within it`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var rules = RandomRules(seed: seed)
        let text = "define \"Recent\": [Condition: \"HF\"]\ndefine \"It\": \(rules.boolean(3))"
        let words = (Bench.header + text).split(
            separator: " ", omittingEmptySubsequences: false
        ).map(String.init)
        for _ in 0..<60 {
            var mutated = words
            let place = Int.random(in: mutated.indices, using: &random)
            switch Int.random(in: 0...4, using: &random) {
            case 0: mutated.remove(at: place)
            case 1: mutated.insert(mutated[place], at: place)
            case 2: mutated.swapAt(place, Int.random(in: mutated.indices, using: &random))
            case 3: mutated[place] = String(mutated[place].dropLast())
            default:
                let cut = Int.random(in: 0...mutated[place].count, using: &random)
                mutated = Array(mutated[..<place]) + [String(mutated[place].prefix(cut))]
            }
            let broken = mutated.joined(separator: " ")
            do throws(CQLError) {
                _ = try CQLCompiler.compile(broken, file: "", lists: Bench.identifiers)
            } catch {
                let lines = broken.split(separator: "\n", omittingEmptySubsequences: false)
                let line = try #require(
                    lines.indices.contains(error.line - 1) ? lines[error.line - 1] : nil,
                    "\(error) in \(broken)")
                #expect(
                    (1...line.unicodeScalars.count + 1).contains(error.column),
                    "\(error) in \(broken)")
            }
        }
    }
}
