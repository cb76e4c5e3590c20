// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// Expressions on plain values and what CQL 1.5 says of them: `expression => literal`, or
/// `=> !code` for an error.
///
/// The facts are the specification's (appendix B and the chapters that
/// it refers to), the rows ours.
struct SpecificationTests {
    static func answer(_ expression: String) -> String {
        let library: CompiledLibrary
        do throws(CQLError) {
            library = try CQLCompiler.compileExpression(expression)
        } catch {
            return "!\(error.code.rawValue)"
        }
        guard let id = library.definitions[CQLCompiler.expressionName] else { return "!none" }
        var evaluation = Evaluation(
            program: SharedProgram(library.program), patient: PatientFacts(),
            membership: ListMembership(lists: []),
            now: Instant(day: CivilDay(number: 19_783), millisecondOfDay: 37_800_250), zone: .utc)
        let value = evaluation.value(of: id).value
        if let failure = evaluation.failure {
            return failure.failure.kind == .unsupported ? "!unsupported" : "!runtime"
        }
        return value.isUncertain ? "!unsupported" : value.literal
    }

    @Test(arguments: SpecificationTables.all)
    func `an expression has the value that the specification gives it`(_ row: String) throws {
        let cells = row.split(separator: " => ").map(String.init)
        try #require(cells.count == 2, "\(row)")
        let answer = Self.answer(cells[0])
        #expect(answer == cells[1], "\(cells[0])")
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `no mutation of an expression ends the process or lies about its place`(
        _ seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let rows = SpecificationTables.all.map {
            String($0.split(separator: " => ").first ?? "")
        }
        for _ in 0..<400 {
            let row = try #require(rows.randomElement(using: &random))
            var words = row.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            let other = try #require(rows.randomElement(using: &random))
            let place = Int.random(in: words.indices, using: &random)
            switch Int.random(in: 0...5, using: &random) {
            case 0: words.remove(at: place)
            case 1: words.insert(words[place], at: place)
            case 2: words.swapAt(place, Int.random(in: words.indices, using: &random))
            case 3: words[place] = String(words[place].dropLast())
            case 4: words[place] = "null"
            default: words[place] = other
            }
            let text = words.joined(separator: " ")
            do throws(CQLError) {
                _ = try CQLCompiler.compileExpression(text)
            } catch {
                #expect(
                    (1...text.unicodeScalars.count + 1).contains(error.column),
                    "seed \(seed): \(error) in \(text)")
            }
            _ = Self.answer(text)
        }
    }
}
