// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What the compiler does not check of the house rules, checked on every file of the repository.
@Suite struct ArchitectureTests {
    private static let swift = Set(["swift"])
    private static let code = Set(["swift", "c", "cpp", "h"])

    private func expectNone(_ violations: [Violation]) {
        for violation in violations {
            Issue.record("\(violation)")
        }
    }

    private func sources(_ extensions: Set<String>) throws -> [SourceFile] {
        let files = try Repository.files(under: "Sources", extensions: extensions)
        #expect(!files.isEmpty, "no sources found: these tests would prove nothing")
        return files
    }

    @Test func importsPointInwardOnly() throws {
        expectNone(try sources(Self.swift).flatMap(Rings.violations))
    }

    @Test func thePureRingKnowsNoClockFileChanceOrThread() throws {
        expectNone(try sources(Self.swift).flatMap(Purity.violations))
    }

    @Test func nothingIsForcedOrLeftForLater() throws {
        let tests = try Repository.files(under: "Tests", extensions: ["swift", "py"])
            .filter { !$0.path.hasPrefix("Tests/ArchitectureTests/") }
        expectNone(try sources(Self.code).flatMap(Leftovers.violations))
        expectNone(
            tests.flatMap(Leftovers.violations).filter { $0.rule.contains("do something later") })
    }

    @Test func everyFileOpensWithTheHeader() throws {
        let tests = try Repository.files(under: "Tests", extensions: Self.swift)
        expectNone((try sources(Self.code) + tests).flatMap(Shape.headerViolations))
    }

    @Test func filesFunctionsAndLinesAreShort() throws {
        let tests = try Repository.files(under: "Tests", extensions: Self.swift)
        let files = try sources(Self.swift) + tests
        expectNone(files.flatMap(Shape.sizeViolations))
        expectNone(files.flatMap(Shape.functionViolations))
    }

    @Test func whatOtherModulesSeeIsDocumented() throws {
        let files = try sources(Self.swift)
        let requirements = Dictionary(grouping: files, by: \.target).mapValues {
            $0.reduce(into: Set<String>()) { $0.formUnion(Requirements.names(in: $1)) }
        }
        expectNone(
            files.flatMap {
                Shape.documentationViolations(in: $0, witnesses: requirements[$0.target] ?? [])
            })
    }

    /// Targets without a suite of their own, each with the reason.
    private static let withoutSuite: [String: String] = [
        "VigilDaemon": "composition; Tests/Python runs it from outside",
        "vigil": "the command line; Tests/Python runs it from outside",
        "VigilBench": "measures; deploy/bench runs it",
        "LogBench": "measures; deploy/bench-log runs it",
        "VigilFuzz": "is itself a test",
    ]

    @Test func everySwiftTargetHasATestSuite() throws {
        let suites = Set(try Repository.folders(under: "Tests"))
        let targets = Set(try sources(Self.swift).map(\.target)).sorted()
        for target in targets where Self.withoutSuite[target] == nil {
            #expect(
                suites.contains("\(target)Tests"),
                "Sources/\(target): no Tests/\(target)Tests, and no reason listed for that")
        }
    }

    @Test func relativeLinksOfDocumentsResolve() throws {
        var documents = try Repository.files(under: "Sources", extensions: ["md"])
        documents += try Repository.files(under: "schemas", extensions: ["md"])
        let readme = try String(
            contentsOf: Repository.root.appending(path: "README.md"), encoding: .utf8)
        documents.append(SourceFile(path: "README.md", text: readme))
        let root = Repository.root
        expectNone(
            documents.flatMap { document in
                Links.violations(in: document) { path in
                    FileManager.default.fileExists(
                        atPath: root.appending(path: path).path(percentEncoded: false))
                }
            })
    }
}

/// Links from one document of the repository to another file.
enum Links {
    /// Relative links whose target is not there; `exists` is asked with paths of the repository.
    static func violations(in file: SourceFile, exists: (String) -> Bool) -> [Violation] {
        let folder = file.path.split(separator: "/").dropLast()
        var found: [Violation] = []
        for (index, line) in file.lines.enumerated() {
            for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                let link = match.1.prefix { $0 != "#" }
                let isElsewhere = link.contains(":") || link.isEmpty
                let target = (folder + link.split(separator: "/")).joined(separator: "/")
                if !isElsewhere, !exists(target) {
                    found.append(
                        Violation(
                            path: file.path, line: index + 1, rule: "link to \(link): no such file")
                    )
                }
            }
        }
        return found
    }
}
