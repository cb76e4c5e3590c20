// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import VigilPacks

/// The folder of the package.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// A file from its text.
func file(_ name: String, _ text: String) -> PackFile {
    PackFile(name: name, bytes: Array(text.utf8))
}

/// The smallest pack with one rule that needs two medicine lists.
struct SamplePack {
    var manifest = """
        id: sample
        version: 1.0.0
        title: A sample
        source: None
        status: Not a clinical sign-off
        library: sample.cql
        systems:
          sct: [http://snomed.info/sct, https://dmd.nhs.uk]
          dmd: [http://snomed.info/sct, https://dmd.nhs.uk]
          atc: [http://www.whocc.no/atc]
          bnf: [https://www.nhsbsa.nhs.uk/bnf, urn:vigil:bnf]
        lists:
          nsaid: {kind: medicine}
          ppi: {kind: medicine}
        rules:
          - id: sample-rule
            version: 1.0.0
            severity: moderate
            title: A sample rule
            denominator: At risk
            numerator: Exposed
            sentence: "{hazard.display} issued {hazard.date}"
            evidence:
              - {role: hazard, display: Hazard, definition: Issues, hazard: true}
            endings:
              - {definition: Exposed, whenTrue: false, reason: hazard-ended}
        """
    var library = """
        library Sample version '1.0.0'
        using FHIR version '4.0.1'
        valueset "NSAID": 'urn:vigil:list:nsaid'
        valueset "PPI": 'urn:vigil:list:ppi'
        context Patient
        define "Issues":
          [MedicationRequest: "NSAID"]
        define "At risk":
          not exists [MedicationRequest: "PPI"]
        define "Exposed":
          "At risk" and exists "Issues"
        """
    var nsaid = "system,match,code,term\natc,under,M01A,NSAIDs\n"
    var ppi = "system,match,code,term\natc,under,A02BC,PPIs\n"

    var files: [PackFile] {
        [
            file("pack.yaml", manifest), file("sample.cql", library),
            file("codelists/nsaid.csv", nsaid), file("codelists/ppi.csv", ppi),
        ]
    }

    func source() throws -> PackSource {
        try PackSource(files: files)
    }

    /// The sample with one text of its manifest in place of another.
    func replacing(_ old: String, with new: String) -> SamplePack {
        var sample = self
        sample.manifest = manifest.replacing(old, with: new)
        return sample
    }
}
