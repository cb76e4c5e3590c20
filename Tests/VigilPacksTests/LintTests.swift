// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilPacks

struct LintTests {
    /// The warnings about a pack, one line each.
    private func warnings(_ sample: SamplePack) throws -> String {
        try sample.source().check().warnings.map(\.description).joined(separator: "\n")
    }

    @Test func aPackAsItShouldBeIsNotWarnedOf() throws {
        #expect(try warnings(SamplePack()) == "")
    }

    @Test func aCancerDrugAmongDiureticsIsFound() throws {
        var sample = SamplePack()
        let terms =
            (1...40).map { "1234\($0)0,Furosemide \($0)mg tablets" }
            + ["60001,Fareston 60mg tablets (Orion Pharma)", "60002,Toremifene 60mg tablets"]
        sample.nsaid =
            "system,match,code,term\n"
            + terms.map { "atc,is," + $0 }.joined(separator: "\n") + "\n"
        #expect(
            try warnings(sample).hasPrefix(
                "codelists/nsaid.csv:42: warning: 2 of 42 terms name a cancer or hormone "
                    + "antagonist medicine (fareston, toremifene): \"Fareston 60mg tablets "))
    }

    @Test func aCodeOfAnotherClassIsFoundUnlessAWordTellsWhy() throws {
        var sample = SamplePack()
        sample.ppi = """
            system,match,code,term
            atc,is,A02BC01,Omeprazole
            atc,is,A02BC02,Pantoprazole
            atc,is,A02BC03,Lansoprazole
            atc,is,M01AE52,Naproxen and omeprazole
            atc,is,L02BA02,Toremifene

            """
        #expect(
            try warnings(sample) == """
                codelists/ppi.csv:6: warning: "Toremifene" (atc L02BA02) shares neither class nor \
                word with the rest of the list; take it out if it is not meant
                """)
    }

    @Test func anH2AntagonistInAListOfPPIsIsTold() throws {
        var sample = SamplePack().replacing(
            "ppi: {kind: medicine}", with: "ppi: {kind: medicine, title: PPIs}")
        sample.ppi += "atc,is,A02BA02,Ranitidine\n"
        #expect(try warnings(sample).contains("ppi.csv:3: warning: the list is called after PPIs"))
        sample = sample.replacing("title: PPIs", with: "title: PPIs and H2 antagonists")
        #expect(try warnings(sample) == "")
    }

    @Test func listsAndDefinitionsThatNoRuleNeedsAreTold() throws {
        var sample = SamplePack()
        sample.library = sample.library.replacing(
            "valueset \"PPI\": 'urn:vigil:list:ppi'\n", with: ""
        )
        .replacing("not exists [MedicationRequest: \"PPI\"]", with: "AgeInYears() >= 65")
        sample.library += "\n\n// \"Issues\" of old\ndefine \"Forgotten\":\n  exists \"Issues\"\n"
        #expect(
            try warnings(sample) == """
                pack.yaml:14: warning: no value set of sample.cql is bound to the list `ppi`: \
                declare one, or take the list out
                sample.cql:13: warning: no rule needs "Forgotten": name it in one, or take it out
                """)
    }

    @Test(arguments: [
        ("\"At risk\" and not \"At risk\"", "it asks for one thing and for its opposite"),
        (
            "exists \"Issues\" and AgeInYears() >= 65 and AgeInYears() < 18",
            "no number is within all of its bounds"
        ),
        ("exists \"Issues\" and false", "a part of it is never true"),
        (
            "Count(\"Issues\") > 5 and Count(\"Issues\") < 5",
            "no number is within all of its bounds"
        ),
    ])
    func aRuleThatCanNeverFireIsTold(numerator: String, why: String) throws {
        var sample = SamplePack()
        sample.library = sample.library.replacing(
            "\"At risk\" and exists \"Issues\"", with: numerator)
        #expect(try warnings(sample).contains("the rule `sample-rule` can never fire: \(why)"))
    }

    @Test func aRuleThatFiresWithoutAnyRecordIsToldAsThat() throws {
        var sample = SamplePack()
        sample.library = sample.library.replacing(
            "\"At risk\" and exists \"Issues\"", with: "AgeInYears() >= 65")
        let told = try warnings(sample)
        #expect(told.contains("`sample-rule` asks for no code list: it fires whatever is recorded"))
        #expect(!told.contains("can never fire"))
    }

    /// Between two whole numbers there are others, and a number of one list or unit says nothing
    /// of one of another.
    @Test(arguments: [
        """
        Vigil.Number(Last("Issues"), "NSAID") > 5 and Vigil.Number(Last("Issues"), "NSAID") < 6
        """,
        """
        Vigil.HasResult(Last("Issues"), "NSAID") and not Vigil.HasResult(Last("Issues"), "PPI")
        """,
    ])
    func aRuleThatCanFireIsNotToldOf(numerator: String) throws {
        var sample = SamplePack()
        sample.library = sample.library.replacing(
            "\"At risk\" and exists \"Issues\"", with: numerator
        ).replacing(
            "valueset \"NSAID\"",
            with: "include Vigil version '1.0.0' called Vigil\nvalueset \"NSAID\"")
        #expect(try !warnings(sample).contains("can never fire"))
    }

    // MARK: - Maps

    private static let header = "system,code,to-system,to-code\n"

    @Test func aMapMakesAListSeeCodesOfAnotherSystem() throws {
        let map = Self.header + "dmd,329925006,atc,M01AB16\ndmd,10961811000001104,atc,A02BC01\n"
        let source = try SamplePack().source().adding(map: file("bnf.csv", map))
        let pack = try source.compile()
        let nsaid = try #require(pack.lists.first { $0.name == "nsaid" })
        #expect(nsaid.contains(system: "https://dmd.nhs.uk", code: "329925006"))
        #expect(nsaid.contains(system: "http://snomed.info/sct", code: "329925006"))
        #expect(!nsaid.contains(system: "https://dmd.nhs.uk", code: "10961811000001104"))
        #expect(source.hash != (try SamplePack().source().hash))
        #expect(try PackSource.read(activation: source.activation()) == source)
    }

    @Test func coverageCountsWhatTheMapReaches() throws {
        let source = try SamplePack().source()
        let half = Self.header + "dmd,329925006,atc,M01AB16\n"
        let error = #expect(throws: PackError.self) {
            try source.adding(map: file("map.csv", half)).compile()
        }
        #expect(error?.kind == .uneven && error?.what.contains("`ppi`") == true)
        let whole = half + "dmd,10961811000001104,atc,A02BC01\n"
        #expect(try source.adding(map: file("map.csv", whole)).compile().rules.count == 1)
    }

    @Test(arguments: [
        ("system,code,to\n", 1, "begin it with"),
        (header, 1, "add rows"),
        (header + "dmd,329925006,bnf2,1001\n", 2, "did you mean `bnf`?"),
        (header + "dmd,329925007,bnf,1001\n", 2, "spreadsheet"),
        (header + "dmd,329925006,bnf\n", 2, "fill them"),
    ])
    func aMapThatDoesNotReadIsRefused(text: String, line: Int, remedy: String) throws {
        let source = try SamplePack().source()
        let error = #expect(throws: PackError.self) {
            try source.adding(map: file("bnf.csv", text))
        }
        #expect(error?.file == "bnf.csv" && error?.line == line)
        #expect(error?.remedy.contains(remedy) == true)
    }
}
