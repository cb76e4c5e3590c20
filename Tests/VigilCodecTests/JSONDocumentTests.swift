// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec

@Suite struct JSONDocumentTests {
    @Test(arguments: [
        "{}", "[]", "5", "-0", "1e400", "-1.25E-7", "123456789012345678901234567890", "true",
        "null", "\"\"", " [ 1 , 2 ] ", "\"\\ud83d\\ude00\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "{\"a\":{\"b\":[]},\"a\":1}", "[[],{},[{}]]", "\"\u{FFFF}\u{10FFFF}\"", "\t\r\n0\n",
    ])
    func aValidTextIsTaken(text: String) {
        #expect(isTaken(text))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "[1", "[1,]", "[,1]", "[1 2]", "[1]]", "[[1]", "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{1:1}", "{\"a\":1}}",
        "{\"a\":1]", "[1}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1 2", "5 x", "tru",
        "truex", "nul", "True", "\"", "\"\\\"", "\"a\"b", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\t\"", "\"\u{0}\"",
        "[\"a\":1]", "{\"a\":\"b\":1}", "[1,2}", "{} {}", "[] 1", "\"a\" \"b\"", "{,}", "[{]}",
        "[1]x", "'a'", "[NaN]", "[1,\u{FEFF}2]", "/**/1", "[\"a]", "{\"a:1}", "[1\u{0}]", "1\"a\"",
    ])
    func aTextThatIsNoJSONIsRefused(text: String) {
        #expect(!isTaken(text))
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0xFE, 0xFF],
        ] as [[UInt8]])
    func aTextThatIsNotUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONDocument().withRoot(of: bytes) { _ in } }
    }

    @Test func sixtyFourLevelsAreTakenAndOneMoreIsNot() {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(isTaken(nested(64)))
        #expect(!isTaken(nested(65)))
        #expect(!isTaken(nested(100_000)))
        #expect(!isTaken(String(repeating: "{\"a\":", count: 65) + "1"))
    }

    @Test func valuesCarryTheirTextTheirPlaceAndTheirWriting() throws {
        let text = #"{"a/b":[1.50,{"m~n":"x\u00e9\"y"}], "c" : {"d" : [ true , null ] } }"#
        try JSONDocument().withRoot(of: Array(text.utf8)) { root in
            let array = root.member("a/b").first
            let elements = array.map { Array($0.children) } ?? []
            #expect(elements.map(\.pointer) == ["/a~1b/0", "/a~1b/1"])
            #expect(elements.first?.text == "1.50")
            let inner = elements.last?.member("m~n").first
            #expect(inner?.text == "xé\"y")
            #expect(inner?.pointer == "/a~1b/1/m~0n")
            let object = root.member("c").first
            #expect(
                object.map { String(decoding: $0.rawBytes, as: UTF8.self) }
                    == #"{"d" : [ true , null ] }"#)
            #expect(
                object.map { String(decoding: $0.compactText, as: UTF8.self) }
                    == #"{"d":[true,null]}"#)
            #expect(
                String(decoding: root.compactText, as: UTF8.self)
                    == #"{"a/b":[1.50,{"m~n":"x\u00e9\"y"}],"c":{"d":[true,null]}}"#)
        }
    }

    @Test func whiteSpaceInStringsIsKept() throws {
        let text = #"{ "a b" : " \" \\" , "c":" } " }"#
        let compact = try JSONDocument().withRoot(of: Array(text.utf8)) { $0.compactText }
        #expect(String(decoding: compact, as: UTF8.self) == #"{"a b":" \" \\","c":" } "}"#)
    }

    @Test func aRepeatedMemberIsFoundThroughItsEscapes() throws {
        try JSONDocument().withRoot(of: Array(#"{"a":1,"b":2,"\u0061":3}"#.utf8)) { root in
            #expect(root.repeatedMember?.text == "3")
            let (first, second) = root.member("a")
            #expect(first?.text == "1")
            #expect(second?.text == "3")
            #expect(root.member("b").second == nil)
        }
    }

    @Test func aParserIsGoodForManyTextsOfAnyLength() throws {
        let document = JSONDocument()
        for count in [0, 1, 63, 64, 65, 1000, 100_000, 3] {
            let text = "[" + (0..<count).map { "\"\($0)\"" }.joined(separator: ",") + "]"
            let last = try document.withRoot(of: Array(text.utf8)) { root in
                root.children.reduce(into: "") { $0 = $1.text }
            }
            #expect(last == (count == 0 ? "" : "\(count - 1)"))
            #expect(throws: JSONError.self) { try document.withRoot(of: [0x5B]) { _ in } }
        }
    }

    private func isTaken(_ text: String) -> Bool {
        (try? JSONDocument().withRoot(of: Array(text.utf8)) { _ in true }) ?? false
    }
}
