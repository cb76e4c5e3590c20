// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilPacks

struct BundledPackTests {
    @Test func everyFileOfThePacksIsEmbeddedAsItStands() throws {
        let folder = packageRoot.appending(path: "Sources/VigilPacks/Packs")
        for pack in try FileManager.default.contentsOfDirectory(atPath: folder.path()) {
            let root = folder.appending(path: pack).path()
            let paths = try #require(FileManager.default.enumerator(atPath: root))
                .compactMap { $0 as? String }
                .filter {
                    (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + $0)) == nil
                }
                .sorted()
            let bundled = try BundledPacks.named(pack)
            #expect(bundled.files.map(\.name) == paths)
            for file in bundled.files {
                let data = try Data(contentsOf: URL(filePath: root + "/" + file.name))
                #expect(file.bytes == Array(data), "\(pack)/\(file.name) is embedded stale")
            }
        }
    }

    @Test func everyBundledPackCompilesWithoutAWarning() throws {
        #expect(BundledPacks.names == ["pincer"])
        for name in BundledPacks.names {
            let (pack, warnings) = try BundledPacks.named(name).check()
            #expect(pack.id == name)
            #expect(warnings.isEmpty)
            #expect(pack.switchedOff.isEmpty)
        }
    }

    @Test func pincerHasTheSeveritiesAndSettleTimesOfTheDefinitions() throws {
        let rules = try BundledPacks.named("pincer").compile().rules
        let table = rules.map { "\($0.id) \($0.severity) \($0.settleMilliseconds / 60_000) min" }
        #expect(
            table == ["gi-p3a moderate 10 min", "gi-p3d high 0 min", "hf-p3i high 0 min"])
        #expect(
            rules.map(\.absences) == [
                [AbsenceTest(kind: .prescription, months: 3, inDenominator: true)], [], [],
            ])
    }

    @Test(arguments: [
        ("nsaid", "https://www.nhsbsa.nhs.uk/bnf", "1001010P0AAADAD", true),
        ("nsaid", "urn:vigil:bnf", "1001010P0AAADAD", true),
        ("nsaid", "http://www.whocc.no/atc", "M01AE02", true),
        ("nsaid", "http://www.whocc.no/atc", "M01AX05", false),
        ("nsaid", "http://www.nlm.nih.gov/research/umls/rxnorm", "198014", true),
        ("nsaid", "https://www.nhsbsa.nhs.uk/bnf", "100302050AAAAAA", false),
        ("ppi", "https://www.nhsbsa.nhs.uk/bnf", "0103050P0AAAAAA", true),
        ("ppi", "https://www.nhsbsa.nhs.uk/bnf", "0103010H0AAAAAA", true),
        ("ppi", "https://www.nhsbsa.nhs.uk/bnf", "0103030S0AAAAAA", false),
        ("ppi", "http://www.whocc.no/atc", "A02BC01", true),
        ("ppi", "http://www.whocc.no/atc", "A02BD08", false),
        ("ppi", "http://www.whocc.no/atc", "A02BX02", false),
        ("anticoag", "http://www.whocc.no/atc", "B01AF02", true),
        ("anticoag", "http://www.whocc.no/atc", "B01AB05", false),
        ("hf", "http://snomed.info/sct", "84114007", true),
        ("hf", "https://dmd.nhs.uk", "84114007", true),
    ])
    func aListHasTheCode(list: String, system: String, code: String, expected: Bool) throws {
        let pack = try BundledPacks.named("pincer").compile()
        let found = try #require(pack.lists.first { $0.name == list })
        #expect(found.contains(system: system, code: code) == expected)
    }

    @Test func anUnknownNameIsAnsweredWithTheNearest() throws {
        let error = #expect(throws: PackError.self) { try BundledPacks.named("pincre") }
        #expect(error?.kind == .unknownPack)
        #expect(error?.remedy == "did you mean `pincer`?")
    }
}
