// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilPacks

struct PackSourceTests {
    @Test func theHashIsOfTheContentsWhateverTheOrderOfTheFiles() throws {
        let sample = SamplePack()
        let source = try sample.source()
        #expect(source.hash.hasPrefix("sha256:") && source.hash.utf8.count == 71)
        #expect(try PackSource(files: sample.files.reversed()).hash == source.hash)
        var changed = sample
        changed.ppi += "atc,is,A02BA03,Famotidine\n"
        #expect(try changed.source().hash != source.hash)
    }

    @Test func aByteMovedFromOneFileToTheNextChangesTheHash() throws {
        var left = SamplePack()
        var right = SamplePack()
        left.library += " "
        right.manifest += " "
        #expect(try left.source().hash != right.source().hash)
    }

    @Test func notesAndCopiesInTheFolderChangeNothing() throws {
        let sample = SamplePack()
        let strays = [
            file("README.md", "notes"), file("pack.yaml~", ""), file(".hidden.cql", ""),
            file("codelists/.nsaid.csv", ""), file("other/x.csv", ""),
        ]
        let source = try PackSource(files: sample.files + strays)
        #expect(try source == sample.source())
    }

    @Test func anActivationCarriesThePackWhole() throws {
        for source in [try BundledPacks.named("pincer"), try awkward()] {
            let read = try PackSource.read(activation: source.activation())
            #expect(read == source)
            #expect(read.hash == source.hash)
            #expect(try read.compile().rules.count == source.compile().rules.count)
        }
    }

    @Test func anActivationIsTheJSONThatOthersRead() throws {
        let source = try awkward()
        let json = try JSONSerialization.jsonObject(with: Data(source.activation()))
        let object = try #require(json as? [String: Any])
        #expect(object["pack"] as? String == "sample")
        #expect(object["hash"] as? String == source.hash)
        #expect(object["replacedLists"] as? [String] == ["nsaid", "ppi"])
        let files = try #require(object["files"] as? [[String: String]])
        #expect(files.map { $0["name"] } == source.files.map(\.name))
        #expect(
            files.map { $0["text"] }
                == source.files.map { String(decoding: $0.bytes, as: UTF8.self) })
    }

    /// A sample with every character that JSON escapes, and with lists put in from outside.
    private func awkward() throws -> PackSource {
        var sample = SamplePack()
        sample.library += "\n// \u{1}\u{8}\t\u{c}\r\u{1f}\u{7f} \"quoted\" \\ äß \u{1F48A}"
        return try sample.source().replacingLists(files: [
            file("nsaid.csv", sample.nsaid), file("sample-ppi.csv", sample.ppi),
        ])
    }

    @Test func anActivationThatWasTamperedWithIsRefused() throws {
        let activation = try SamplePack().source().activation()
        let text = String(decoding: activation, as: UTF8.self)
        let changed = text.replacing("A02BC", with: "A02BX")
        for damaged in [changed, String(text.dropLast()), text + "x", "", "[]", "{\"files\":1}"] {
            #expect(throws: PackError.self) {
                try PackSource.read(activation: Array(damaged.utf8))
            }
        }
    }

    @Test func everyTruncationOfAnActivationIsRefused() throws {
        let activation = try SamplePack().source().activation()
        for length in 0..<activation.count {
            #expect(throws: PackError.self) {
                try PackSource.read(activation: Array(activation.prefix(length)))
            }
        }
    }
}
