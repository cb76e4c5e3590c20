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
        #expect(
            BundledPacks.names == [
                "asthma", "deterioration", "endotype", "home-monitoring", "kidney", "pincer",
                "pincer-audit", "prescribing-safety",
            ])
        for name in BundledPacks.names {
            let (pack, warnings) = try BundledPacks.named(name).check()
            #expect(pack.id == name)
            #expect(warnings.isEmpty)
            #expect(pack.switchedOff.isEmpty)
        }
    }

    @Test func pincerHasTheSeveritiesAndSettleTimesOfTheDefinitions() throws {
        let rules = try BundledPacks.named("pincer").compile().rules
        let table = rules.map { rule in
            "\(rule.id) \(rule.severity) \(rule.settleMilliseconds / 60_000) min"
                + rule.absences.map { " absence \($0.kind) \($0.months)" }.joined()
        }
        #expect(
            table.joined(separator: "\n") == """
                gi-p3a moderate 10 min absence prescription 3
                gi-p3b high 10 min absence prescription 3
                gi-p3c high 10 min absence prescription 3
                gi-p3d high 0 min
                gi-p3e high 10 min absence prescription 3
                gi-p3f moderate 10 min absence prescription 3
                as-p3g high 0 min
                as-p3h high 10 min absence prescription 3
                hf-p3i high 0 min
                ki-p3k high 0 min
                mo-p13 moderate 0 min absence observation 15
                mo-p15-fbc moderate 0 min absence observation 3
                mo-p15-lft moderate 0 min absence observation 3
                mo-p17 moderate 0 min absence observation 3
                mo-p18 moderate 0 min absence observation 6
                """)
    }

    @Test(arguments: [
        (
            "prescribing-safety",
            """
            valp observation 12, prescription 6
            inr-12w observation 3
            doac-rf observation 12
            k-spare observation 6
            ssri-gi prescription 3
            li-ue observation 6
            """
        ),
        (
            "asthma",
            """
            ast-icslow prescription 12
            ast-post encounter 1
            ast-ics0 prescription 12
            ast-laba prescription 3
            ast-rev observation 12, encounter 12
            """
        ),
    ])
    func rulesOnAnAbsenceSaySo(name: String, expected: String) throws {
        let lines = try BundledPacks.named(name).compile().rules.filter { !$0.absences.isEmpty }
            .map { rule in
                let tests = rule.absences.map { "\($0.kind) \($0.months)" }
                return "\(rule.id) \(tests.joined(separator: ", "))"
            }
        #expect(lines.joined(separator: "\n") == expected)
    }

    @Test(arguments: ["pincer", "pincer-audit", "prescribing-safety", "asthma", "endotype"])
    func codesOfSNOMEDMatchUnderEitherSystemWherePacksListMedicines(name: String) throws {
        let source = try BundledPacks.named(name)
        let map = "system,code,to-system,to-code\ndmd,329925006,atc,M01AB16\n"
        _ = try source.adding(map: file("map.csv", map))
        for list in try source.compile().lists where list.kind == .condition {
            for code in ["195967001", "84114007"] {
                #expect(
                    list.contains(system: "https://dmd.nhs.uk", code: code)
                        == list.contains(system: "http://snomed.info/sct", code: code))
            }
        }
    }

    @Test func theAuditCountsAndRaisesNothing() throws {
        let live = try BundledPacks.named("pincer").compile().rules.map(\.id)
        let audit = try BundledPacks.named("pincer-audit").compile().rules
        #expect(audit.map(\.id) == live.filter { $0 != "as-p3h" }.map { "\($0)-audit" })
        #expect(audit.allSatisfy { $0.emits == .indicators })
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
