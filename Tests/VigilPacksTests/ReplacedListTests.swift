// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilPacks

struct ReplacedListTests {
    private let published = "id,term\n329925006,Aceclofenac 100mg tablets\n"

    @Test func aRuleLeftUnevenIsSwitchedOffWithASentence() throws {
        let source = try SamplePack().source().replacingLists(files: [file("nsaid.csv", published)])
        let (pack, warnings) = try source.check()
        let sentence =
            "The rule `sample-rule` is switched off: the list `ppi` has no entries in `sct`, "
            + "as `nsaid` has."
        #expect(pack.rules.isEmpty)
        #expect(pack.switchedOff.map(\.rule) == ["sample-rule"])
        #expect(pack.switchedOff.map(\.why) == [sentence])
        #expect(warnings.map(\.what) == [sentence])
    }

    @Test func bothNamesOfAFileAreTakenAndOthersLeftAside() throws {
        let pack = try SamplePack().source()
            .replacingLists(files: [
                file("sample-nsaid.csv", published), file("ppi.csv", published),
                file("pincer-ast.csv", "no list of this pack"),
            ])
            .compile()
        #expect(pack.rules.map(\.id) == ["sample-rule"])
        #expect(pack.lists.allSatisfy { $0.covers(system: "https://dmd.nhs.uk") })
    }

    @Test func aReplacedListChangesTheHashEvenIfItSaysTheSame() throws {
        let sample = SamplePack()
        let source = try sample.source()
        let replaced = try source.replacingLists(files: [file("nsaid.csv", sample.nsaid)])
        #expect(replaced.hash != source.hash)
    }

    @Test func aPackThatHasNoneOfTheListsKeepsItsOwn() throws {
        let source = try SamplePack().source()
        let names = ["nsaids.csv", "other-nsaid.csv", "pincer-ppi.csv", "lists/nsaid.csv"]
        let same = try source.replacingLists(files: names.map { file($0, published) })
        #expect(same == source)
        #expect(same.hash == source.hash)
        #expect(try names.filter { try source.takesList(file: $0) }.isEmpty)
        #expect(try source.takesList(file: "nsaid.csv"))
        #expect(try source.takesList(file: "sample-ppi.csv"))
    }

    @Test func filesThatReplaceOneListTwiceAreRefused() throws {
        let source = try SamplePack().source()
        #expect(throws: PackError.self) {
            try source.replacingLists(files: [
                file("nsaid.csv", published), file("sample-nsaid.csv", published),
            ])
        }
    }

    @Test func aFaultInAFileIsToldUnderTheNameThatItsOwnerKnows() throws {
        let source = try SamplePack().source()
        let error = #expect(throws: PackError.self) {
            try source.replacingLists(files: [file("sample-nsaid.csv", "id,term\n123456,x\n")])
        }
        #expect(error?.file == "sample-nsaid.csv" && error?.line == 2)
    }

    /// Where the published lists lie when somebody who may use them has put them there.
    static let publishedFolder = ["codelists", "shared/codelists"]
        .map { packageRoot.deletingLastPathComponent().appending(path: $0) }
        .first { FileManager.default.fileExists(atPath: $0.path()) }

    @Test(
        .enabled(
            if: publishedFolder != nil, "the published PINCER lists are licensed and not here"))
    func thePublishedListsDropIn() throws {
        let folder = try #require(Self.publishedFolder)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).map { name in
            PackFile(
                name: name, bytes: Array(try Data(contentsOf: folder.appending(path: name))))
        }
        let source = try BundledPacks.named("pincer").replacingLists(files: files)
        let (pack, warnings) = try source.check()
        #expect(source.replacedLists.count == 24)
        // Its own lists for long-acting beta-agonists are not in the system of the published ones.
        #expect(pack.switchedOff.map(\.rule) == ["as-p3h"])
        let audit = try BundledPacks.named("pincer-audit").replacingLists(files: files).check()
        #expect(audit.pack.switchedOff.isEmpty && audit.pack.rules.count == 14)
        // What the published lists are known to hold beside what they are meant to.
        let odd = warnings.filter { $0.file == "codelists/diur.csv" }.map(\.what)
        for name in ["degarelix", "fareston", "toremifene", "timolol"] {
            #expect(odd.contains { $0.contains(name) }, "\(name) among diuretics")
        }
        #expect(warnings.contains { $0.what.contains("stands already on line") })
        let nsaid = try #require(pack.lists.first { $0.name == "nsaid" })
        #expect(nsaid.contains(system: "https://dmd.nhs.uk", code: "10961811000001104"))
        #expect(try PackSource.read(activation: source.activation()) == source)
    }
}
