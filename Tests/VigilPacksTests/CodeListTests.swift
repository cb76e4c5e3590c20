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
            "system,match,code,term,doses\natc,is,R03AC02,x,\natc,is,R03AC03,x,0\n",
            ":3: `0` is no number of doses in a device; "
                + "give a whole number from 1 to 1000, or leave it empty"
        ),
        (
            "system,match,code,doses\natc,is,R03AC02,200 puffs\n",
            ":2: `200 puffs` is no number of doses in a device; "
                + "give a whole number from 1 to 1000, or leave it empty"
        ),
        (
            "system,match,code,doses\natc,is,R03AC02,1001\n",
            ":2: `1001` is no number of doses in a device; "
                + "give a whole number from 1 to 1000, or leave it empty"
        ),
        (
            "system,match,code,dose\natc,is,R03AC02,200\n",
            ":1: the column `dose` is not known; did you mean `doses`?"
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

    @Test func dosesAreThoseOfTheProductElseOfTheLongestPrefix() throws {
        let list = try list(
            "system,match,code,term,doses\natc,under,R03,a,200\natc,under,R03AC,b,\n"
                + "atc,under,R03AK,c, 120 \natc,is,R03AK07,d,60\natc,not,R03AK06,e,\n")
        let atc = "http://www.whocc.no/atc"
        for (code, doses) in [
            ("R03AC02", 200), ("R03AK08", 120), ("R03AK07", 60), ("R03AK06", nil), ("M01A", nil),
        ] as [(String, Int?)] {
            #expect(list.doses(system: atc, code: code) == doses, "\(code)")
        }
        #expect(list.names(system: atc, code: "R03AK07"))
        #expect(!list.names(system: atc, code: "R03AC02"))
    }

    @Test func whatIsMappedToAProductHasItsDoses() throws {
        var sample = SamplePack()
        sample.nsaid = "system,match,code,term,doses\natc,is,R03AK07,a,60\n"
        sample.ppi = sample.nsaid
        let map = "system,code,to-system,to-code\ndmd,329925006,atc,R03AK07\n"
        let pack = try PackSource(files: sample.files + [file("map.csv", map)]).compile()
        let list = try #require(pack.lists.first)
        #expect(list.doses(system: "https://dmd.nhs.uk", code: "329925006") == 60)
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
