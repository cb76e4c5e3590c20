// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore

/// The daemon's own events that are about no flag, byte for byte.
struct OutputSystemTests {
    private let place = OutputPlace(
        offset: 12, origin: "vigil/test", causation: 11,
        time: Instant(milliseconds: 1_712_962_800_000), sequence: 3)

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private let head =
        #"{"specversion":"1.0","id":"12","source":"vigil/test","type":"health.vigil.system."#

    @Test(arguments: [(false, "gap"), (true, "gap-closed")])
    func aGapNamesItsEnds(closed: Bool, name: String) {
        let gap = SourceGap(source: "urn:\"s\"", epoch: .max, from: 1, to: .max - 1)
        #expect(
            text(SystemEvent.encode(gap: gap, closed: closed, at: place))
                == head + #"\#(name).v1","time":"2024-04-12T23:00:00.000Z","#
                + #""datacontenttype":"application/json","causation":"11","sequence":"3","#
                + #""data":{"source":"urn:\"s\"","epoch":"18446744073709551615","from":1,"#
                + #""to":18446744073709551614}}"#)
    }

    @Test func aClockRecordNamesItsPatientAndInstant() {
        var place = place
        place.sequence = nil
        let encoded = SystemEvent.encode(
            clock: Instant(milliseconds: 1_712_962_800_001), subject: "ann", at: place)
        #expect(
            text(encoded)
                == head + #"clock.v1","subject":"ann","time":"2024-04-12T23:00:00.000Z","#
                + #""datacontenttype":"application/json","causation":"11","#
                + #""data":{"instant":"2024-04-12T23:00:00.001Z"}}"#)
    }

    @Test func aWriterSeparatesWhatItWrites() {
        var json = JSONWriter()
        json.object { json in
            json.array("empty") { _ in }
            json.object("none") { _ in }
            json.array("mixed") { json in
                json.string("a")
                json.object { $0.number("n", -1) }
                json.raw(Array("null".utf8))
                json.object { _ in }
            }
            json.boolean("yes", true)
            json.raw("raw", Array("[1]".utf8))
            json.string("k\"ey", "\u{1F}")
        }
        #expect(
            text(json.bytes)
                == #"{"empty":[],"none":{},"mixed":["a",{"n":-1},null,{}],"yes":true,"raw":[1],"#
                + #""k\"ey":"\u001f"}"#)
    }
}
