// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilPacks

struct CaseTests {
    @Test(arguments: BundledPacks.names)
    func everyCaseOfABundledPackHolds(name: String) throws {
        let results = try BundledPacks.named(name).runCases()
        #expect(results.count > 15)
        for result in results {
            for difference in result.differences {
                Issue.record(
                    """
                    \(result.file):\(result.line ?? 0) \(result.name): \(difference.rule)
                    expected \(difference.expected)
                    found    \(difference.found)
                    """)
            }
        }
    }

    /// What takes more readings than a story can tell, and where it is shown instead.
    private static let playedElsewhere = [
        "cgm-tir": "14 days of glucose readings, in Tests/Python/test_home_monitoring.py"
    ]

    /// Every rule has cases: a rule that nothing shows may say anything.
    @Test(arguments: BundledPacks.names)
    func everyRuleHasACase(name: String) throws {
        let source = try BundledPacks.named(name)
        let cases = source.files.filter { $0.name.hasPrefix("cases/") }
            .map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        for rule in try source.compile().rules where Self.playedElsewhere[rule.id] == nil {
            let letters =
                rule.emits == .indicators
                ? ["N \(rule.id)"] : ["raised \(rule.id)", "N \(rule.id)"]
            #expect(letters.contains(where: cases.contains), "\(rule.id)")
        }
    }

    private static let story = """
        rules: [sample-rule]
        cases:
          - case: An NSAID for ever
            patient: born 1950-01-01
            events:
              - 2024-03-01: nsaid
            expect:
              - 2024-03-01: raised sample-rule
        """

    private func pack(cases: String) throws -> PackSource {
        try PackSource(files: SamplePack().files + [file("cases/a.yaml", cases)])
    }

    @Test func aPackWhoseCasesHoldIsAccepted() throws {
        let source = try pack(cases: Self.story)
        #expect(try source.runCases().map(\.differences) == [[]])
        #expect(try source.accept().pack.id == "sample")
    }

    @Test(arguments: [
        // Too early, too little, too much.
        ("raised sample-rule", "resolved sample-rule"),
        ("      - 2024-03-01: raised sample-rule", "      []"),
        ("- 2024-03-01: nsaid", "- 2024-03-02: nsaid"),
        ("- 2024-03-01: nsaid", "- 2024-03-01: [nsaid, ppi]"),
    ])
    func aPackIsRefusedThatFailsACase(old: String, new: String) throws {
        let source = try pack(cases: Self.story.replacing(old, with: new))
        let error = #expect(throws: PackError.self) { try source.accept() }
        #expect(error?.kind == .failedCase)
        #expect(error?.file == "cases/a.yaml" && error?.line == 3)
        #expect(error?.what.contains("An NSAID for ever") == true)
    }

    @Test(arguments: [
        ("nsaid", "nasid", 6, "did you mean `nsaid`?"),
        ("born 1950-01-01", "borne 1950-01-01", 3, "unregistered"),
        ("raised sample-rule", "rised sample-rule", 8, "write raised"),
        ("2024-03-01: nsaid", "2024-02-30: nsaid", 6, "2024-04-10"),
        ("rules: [sample-rule]", "rules: [simple-rule]", 8, "write raised"),
        ("    patient:", "    pateint:", 4, "did you mean `patient`?"),
    ])
    func whatDoesNotReadIsToldWithItsLine(
        old: String, new: String, line: Int, remedy: String
    ) throws {
        let source = try pack(cases: Self.story.replacing(old, with: new))
        let error = #expect(throws: PackError.self) { try source.runCases() }
        #expect(error?.line == line, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.remedy.contains(remedy) == true)
    }

    @Test func whatHasATimeOfDayComesThenAndInOrder() throws {
        let timed = "- 2024-03-01T08:30: nsaid"
        let source = try pack(cases: Self.story.replacing("- 2024-03-01: nsaid", with: timed))
        #expect(try source.runCases().map(\.differences) == [[]])
        for (events, line) in [
            ("\(timed)\n      - 2024-03-01T08:29: ppi", 7), ("- 2024-03-01T24:00: nsaid", 6),
            ("- 2024-03-01T8:30: nsaid", 6), ("- 2024-03-01: nsaid\n      \(timed)", 7),
        ] {
            let source = try pack(cases: Self.story.replacing("- 2024-03-01: nsaid", with: events))
            let error = #expect(throws: PackError.self) { try source.runCases() }
            #expect(error?.line == line, "\(events)")
        }
    }

    @Test func aNewPackPassesItsOwnCheckAndCases() throws {
        let source = try PackSource(files: PackScaffold.files(id: "my-rules"))
        let (pack, warnings) = try source.accept()
        #expect(pack.id == "my-rules" && warnings.isEmpty)
        #expect(try source.runCases().allSatisfy { $0.differences.isEmpty })
        #expect(throws: PackError.self) { try PackScaffold.files(id: "My Rules") }
    }
}
