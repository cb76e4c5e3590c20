// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The checker itself: what it must find in made-up files, and what it must leave alone.
@Suite struct CheckerTests {
    private func file(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: "Sources/" + path, text: text)
    }

    private func rules(
        _ path: String, _ text: String, _ check: (SourceFile) -> [Violation]
    ) -> [Violation] {
        check(file(path, text))
    }

    @Test(arguments: [
        ("VigilCore", "import Foundation"),
        ("VigilCore", "internal import VigilCodec"),
        ("VigilCodec", "package import VigilLog"),
        ("VigilCQL", "import struct Foundation.Date"),
        ("VigilTransport", "@preconcurrency import VigilCore"),
        ("NewTarget", "import VigilCore"),
    ])
    func anImportFromAnOuterRingIsFound(target: String, line: String) {
        let found = rules("\(target)/A.swift", "// x\n\(line)\n", Rings.violations)
        #expect(found.map(\.line) == [2])
    }

    @Test(arguments: [
        ("VigilCore", "internal import CDigest"),
        ("VigilCodec", "package import VigilCore"),
        ("VigilLog", "import Glibc"),
        ("VigilCore", "let text = \"import Foundation\" // import Foundation"),
    ])
    func anImportFromAnInnerRingIsNot(target: String, line: String) {
        #expect(rules("\(target)/A.swift", line, Rings.violations).isEmpty)
    }

    @Test(arguments: [
        "let now = Date()", "let dice = Int.random(in: 1...6)", "func f() async {}",
        "let x: Double = 0", "print(\"x\")", "for key in table.keys { use(key) }",
        "let all = table.values.map { $0 + 1 }", "var hasher = Hasher()",
        "unsafe bytes.withUnsafeBytes { _ in }", "let p: UnsafePointer<UInt8>",
        "Task { await f() }",
    ])
    func impureCodeInThePureRingIsFound(line: String) {
        #expect(rules("VigilCore/A.swift", line, Purity.violations).isEmpty == false)
        #expect(rules("VigilEngine/A.swift", line, Purity.violations).isEmpty)
    }

    @Test(arguments: [
        "let clinicalDate = ClinicalDate(1)", "for key in table.keys.sorted() { use(key) }",
        "let random = 1".replacing("random", with: "randomised"),
        "/// The Date() of a Double, printed by print( at random.",
        "let text = \"async Task \\(value.count) Double\"", "let values = message.values.count",
    ])
    func pureCodeIsLeftAlone(line: String) {
        #expect(rules("VigilCore/A.swift", line, Purity.violations).isEmpty)
    }

    @Test(arguments: [
        "let a = try! f()", "let b = c as! D", "fatalError(\"unimplemented\")",
        "fatalError(\"not implemented\")", "// TO" + "DO: later", "print(1)",
    ])
    func forcedOrUnfinishedCodeIsFound(line: String) {
        #expect(rules("VigilEngine/A.swift", line, Leftovers.violations).map(\.line) == [1])
    }

    @Test(arguments: ["// never try! this", "let s = \"as! x\"", "log.print(1)"])
    func proseAboutForcedCodeIsLeftAlone(line: String) {
        #expect(rules("VigilEngine/A.swift", line, Leftovers.violations).isEmpty)
    }

    @Test func aMissingHeaderIsFoundAndOneAfterAToolsLineIsNot() {
        let header = Shape.header.map { "// " + $0 }.joined(separator: "\n")
        #expect(!rules("A/A.swift", "import A\n", Shape.headerViolations).isEmpty)
        #expect(rules("A/A.swift", header + "\n", Shape.headerViolations).isEmpty)
        #expect(
            rules("A/A.swift", "// swift-tools-version: 6.3\n" + header, Shape.headerViolations)
                .isEmpty)
    }

    @Test func aLongLineAndALongFileAreFound() {
        let line = String(repeating: "x", count: 101)
        #expect(rules("A/A.swift", "\n" + line, Shape.sizeViolations).map(\.line) == [2])
        let full = String(repeating: "x\n", count: 500)
        #expect(rules("A/A.swift", full, Shape.sizeViolations).isEmpty)
        #expect(rules("A/A.swift", full + "x\n", Shape.sizeViolations).map(\.line) == [501])
    }

    @Test func aFunctionOfSeventyLinesPassesAndALongerOneDoesNot() {
        func function(lines: Int) -> String {
            "func f(\n    _ a: [Int] = [1]\n) -> Int\nwhere A: B {\n"
                + String(repeating: "    g { \"}\" }\n", count: lines - 5) + "}\n"
        }
        #expect(rules("A/A.swift", function(lines: 70), Shape.functionViolations).isEmpty)
        let found = rules("A/A.swift", function(lines: 71), Shape.functionViolations)
        #expect(found.map(\.rule) == ["a function of 71 lines; at most 70"])
    }

    @Test func aRequirementWithoutABodyHasNoLength() {
        let text = "protocol P {\n    func f(\n        a: Int\n    ) throws\n    init(b: Int)\n}\n"
        #expect(
            FunctionScanner(lines: text.split(separator: "\n").map(String.init)).functions() == [])
    }

    @Test(arguments: [
        "package struct A {}", "public func f() {}", "    package static func f() {}",
        "@frozen\npackage enum A {}", "// not a summary\npackage final class A {}",
    ])
    func aDeclarationForOthersWithoutASummaryIsFound(text: String) {
        #expect(rules("A/A.swift", text) { Shape.documentationViolations(in: $0) }.count == 1)
        #expect(
            rules("A/A.swift", "/// It is.\n" + text) { Shape.documentationViolations(in: $0) }
                .count
                == (text.hasPrefix("//") ? 1 : 0))
    }

    @Test func aFunctionThatAProtocolDocumentsNeedsNoSecondSummary() {
        let text = "protocol P {\n    func f()\n}\nfunc g() {}\n"
        #expect(Requirements.names(in: file("A/A.swift", text)) == ["f"])
        let undocumented = file("A/B.swift", "package func f() {}\npackage func g() {}")
        #expect(
            Shape.documentationViolations(in: undocumented, witnesses: ["f"]).map(\.line) == [2])
    }

    @Test func aLinkToAMissingFileIsFound() {
        let text = "[a](b.md) [c](https://x.org/y) [d](#part) [e](missing/f.md#part)"
        let found = Links.violations(in: file("A/A.docc/A.md", text)) {
            $0 == "Sources/A/A.docc/b.md"
        }
        #expect(found.map(\.rule) == ["link to missing/f.md: no such file"])
    }

    @Test func textAndCommentsAreBlankedAndLinesStay() {
        let text =
            "let a = \"x\\(b[\"y\"])z\" /* c /* d */ e */ + 1 // f\n"
            + "#\"g\\\"#\n\"\"\"\nh\n\"\"\"\nlet i"
        let masked = SwiftMask.blankingTextAndComments(text)
        #expect(masked.filter { $0 != " " && $0 != "\n" } == "leta=+1leti")
        #expect(masked.filter { $0 == "\n" }.count == text.filter { $0 == "\n" }.count)
    }
}
