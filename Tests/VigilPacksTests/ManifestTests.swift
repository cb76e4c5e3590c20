// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilPacks

struct ManifestTests {
    @Test func theSampleIsSound() throws {
        #expect(try SamplePack().source().check().warnings.isEmpty)
    }

    /// What is written in the manifest, what in its place, and the error that a person then reads.
    static let faults = [
        (
            "title: A sample\n", "titel: A sample\n",
            "pack.yaml:3: the manifest has no key `titel`; did you mean `title`?"
        ),
        (
            "severity: moderate", "severity: moderat",
            "pack.yaml:18: `moderat` is no severity; did you mean `moderate`?"
        ),
        (
            "numerator: Exposed", "numerator: Exposd",
            "pack.yaml:21: sample.cql defines no \"Exposd\"; did you mean \"Exposed\"?"
        ),
        (
            "{hazard.date}", "{hazrd.date}",
            "pack.yaml:22: no evidence of `sample-rule` fills {hazrd.date}; "
                + "did you mean {hazard.date}?"
        ),
        (
            "{hazard.date}", "[{hazard.date}",
            "pack.yaml:22: the sentence of `sample-rule` does not read: "
                + "what character 25 opens is never closed; "
                + "write {role.display}, {role.date} or {age}, and optional parts in [ ]"
        ),
        (
            "reason: hazard-ended", "reason: hazard-end",
            "pack.yaml:26: `hazard-end` is no reason to end; did you mean `hazard-ended`?"
        ),
        (
            "definition: Issues, hazard", "age: true, definition: Issues, hazard",
            "pack.yaml:24: evidence needs either `definition` or `age: true`; give one of them"
        ),
        (
            "    title: A sample rule\n", "",
            "pack.yaml:16: the rule lacks `title`; add it"
        ),
        (
            "    title: A sample rule\n", "    title: A sample rule\n    settle: soon\n",
            "pack.yaml:20: `soon` is no time to settle; "
                + "write a number and s, min or h, up to a day, such as `10 min`"
        ),
        (
            "id: sample\n", "id: Sample\n",
            "pack.yaml:1: `Sample` is no id; use 1 to 32 of a-z, 0-9 and `-`"
        ),
        (
            "id: sample\n", "id: sample\nid: sample\n",
            "pack.yaml:1: the file is not YAML: the key `id` stands there twice; "
                + "check indentation and quotes there"
        ),
        (
            "  ppi: {kind: medicine}", "  ppi: {kind: medicine}\n  hf: {kind: condition}",
            "codelists/hf.csv: the manifest lists `hf` and this file is not there; "
                + "add it, or take the list out of pack.yaml"
        ),
        (
            "library: sample.cql", "library: simple.cql",
            "pack.yaml:6: there is no library `simple.cql`; add the file or name another"
        ),
    ]

    @Test(arguments: faults)
    func aFaultIsNamedWithItsPlaceAndRemedy(old: String, new: String, message: String) throws {
        let sample = SamplePack().replacing(old, with: new)
        try #require(sample.manifest != SamplePack().manifest)
        let error = #expect(throws: PackError.self) { try sample.source().check() }
        #expect(error?.description == message)
    }

    @Test func aFaultInTheLibraryIsNamedWithItsLine() throws {
        var sample = SamplePack()
        sample.library = sample.library.replacing("urn:vigil:list:ppi", with: "urn:vigil:list:pip")
        let error = #expect(throws: PackError.self) { try sample.source().check() }
        #expect(error?.kind == .library)
        #expect(error?.file == "sample.cql")
        #expect(error?.line == 4)
    }

    @Test func aFolderWithoutAManifestIsNoPack() {
        let error = #expect(throws: PackError.self) {
            try PackSource(files: [file("sample.cql", "")])
        }
        #expect(error?.kind == .missingFile)
    }

    @Test func twoRulesOfOneNameAreRefused() throws {
        let sample = SamplePack()
        let rule = try #require(sample.manifest.range(of: "  - id: sample-rule"))
        let twice = sample.manifest + "\n" + sample.manifest[rule.lowerBound...]
        let files = sample.files.map { $0.name == "pack.yaml" ? file($0.name, twice) : $0 }
        let error = #expect(throws: PackError.self) { try PackSource(files: files) }
        #expect(error?.what == "there are two rules `sample-rule`")
    }
}
