// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilPacks

struct CodeListTests {
    /// A list's text and the message that a person reads for it.
    static let faults = [
        ("", ":1: the file is empty; begin it with the header system,match,code,term"),
        (
            "system,match,kode,term\n",
            ":1: the header names no column `code`; "
                + "use system,match,code,term or the OpenCodelists form id,term"
        ),
        (
            "system,mach,code\natc,is,M01AE02\n",
            ":1: the column `mach` is not known; did you mean `match`?"
        ),
        (
            "system,match,code,term\natv,is,M01AE02,x\n",
            ":2: the manifest binds no system `atv`; did you mean `atc`?"
        ),
        (
            "system,match,code,term\natc,beneath,M01AE,x\n",
            ":2: `beneath` is no way to match; use is, under, not, not-under"
        ),
        (
            "system,match,code,term\n\n\"sct\",under,84114007,x\n",
            ":3: sct codes do not tell by their beginning what they belong under; "
                + "list its codes one by one, with `is` or `not`"
        ),
        (
            "system,match,code,term\natc,is,M01AE02,Naproxen, 500 mg\n",
            ":2: the row has 5 fields and the header 4; put terms that hold a comma in quotes"
        ),
        (
            "system,match,code,term\natc,is,,Naproxen\n",
            ":2: the row has no code; fill in or remove it"
        ),
        (
            "id,term\n329925006,\"Aceclofenac\n100mg\"\n10961811000001100,x\n",
            ":4: `10961811000001100` is no SNOMED CT identifier: its digits or its check digit "
                + "are wrong; take it from its source again; a spreadsheet rounds long codes"
        ),
        (
            "code,term\n1.09618E+16,x\n",
            ":2: `1.09618E+16` is no SNOMED CT identifier: its digits or its check digit "
                + "are wrong; take it from its source again; a spreadsheet rounds long codes"
        ),
        (
            "system,match,code,term\natc,not,M01AX05,Glucosamine\n",
            ":1: the list includes no code; add rows that match `is` or `under`"
        ),
        (
            "id,term\n329925006,\"Aceclofenac\n",
            ":2: a quote is never closed; write the file as CSV in UTF-8, as RFC 4180 describes it"
        ),
        (
            "id,term\n329925006,\"Aceclofenac\"x\n",
            ":2: text follows a closing quote; "
                + "write the file as CSV in UTF-8, as RFC 4180 describes it"
        ),
        (
            "id,term\n329925006,Aceclo\"fenac\n",
            ":2: a quote stands inside an unquoted field; "
                + "write the file as CSV in UTF-8, as RFC 4180 describes it"
        ),
    ]

    @Test(arguments: faults)
    func aFaultIsNamedWithItsLine(text: String, message: String) throws {
        var sample = SamplePack()
        sample.nsaid = text
        let error = #expect(throws: PackError.self) { try sample.source().check() }
        #expect(error?.description == "codelists/nsaid.csv" + message)
    }

    /// The NSAID list of a sample whose both lists are the text.
    private func list(_ text: String) throws -> CodeList {
        var sample = SamplePack()
        sample.nsaid = text
        sample.ppi = text
        return try #require(sample.source().compile().lists.first)
    }

    @Test func quotesCommasAndLineEndsOfAnyKindAreRead() throws {
        let list = try list(
            "\u{FEFF}system,match,code,term\r\n"
                + "atc,is,M01AE02,\"Naproxen, \"\"plain\"\"\r\nor not\"\r\natc,,M01AE01,Ibuprofen\r"
                + "atc,is,M01AB05,")
        for code in ["M01AE02", "M01AE01", "M01AB05"] {
            #expect(list.contains(system: "http://www.whocc.no/atc", code: code))
        }
    }

    @Test func openCodelistsFilesAreReadInSNOMEDAndDMDAlike() throws {
        let list = try list("code,term,Grouping_6\n84114007,Heart failure,1\n")
        #expect(list.contains(system: "http://snomed.info/sct", code: "84114007"))
        #expect(list.contains(system: "https://dmd.nhs.uk", code: "84114007"))
        #expect(!list.contains(system: "http://www.whocc.no/atc", code: "84114007"))
    }

    @Test func aRowThatStandsTwiceIsAWarning() throws {
        var sample = SamplePack()
        sample.nsaid += "atc,under,M01A,again\n"
        let warnings = try sample.source().check().warnings.map(\.description)
        #expect(warnings == ["codelists/nsaid.csv:3: warning: atc M01A stands already on line 2"])
    }

    @Test func aListThatTheManifestDoesNotNameIsAWarning() throws {
        let source = try PackSource(
            files: SamplePack().files + [file("codelists/hf.csv", "code,term\n84114007,x\n")])
        let warnings = try source.check().warnings.map(\.description)
        #expect(warnings == ["codelists/hf.csv: warning: the manifest does not list it"])
    }

    @Test func listsThatCoverDifferentSystemsAreRefused() throws {
        var sample = SamplePack()
        sample.nsaid += "bnf,under,100101,NSAIDs\n"
        let error = #expect(throws: PackError.self) { try sample.source().compile() }
        #expect(error?.kind == .uneven)
        #expect(
            error?.what
                == "the rule `sample-rule` is uneven: the list `ppi` has no entries in `bnf`, "
                + "as `nsaid` has")
    }

    @Test func aListThatOnlyExcludesInASystemDoesNotCoverIt() throws {
        var sample = SamplePack()
        sample.nsaid += "bnf,under,100101,NSAIDs\n"
        sample.ppi += "bnf,not,0103050P0,Omeprazole\n"
        #expect(throws: PackError.self) { try sample.source().compile() }
    }
}
