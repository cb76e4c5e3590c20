// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilEngine
import VigilWeb
import Yams

/// `schemas/openapi.yaml` says what is served.
@Suite struct ContractTests {
    private static func paths() throws -> [String: [String: Any]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "schemas/openapi.yaml"), encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        return try #require(document["paths"] as? [String: [String: Any]])
    }

    @Test func thePathsAreTheRoutes() throws {
        #expect(try Set(Self.paths().keys) == Set(Route.allCases.map(\.rawValue)))
    }

    /// Replies to every method, from a daemon that is well and one that is not.
    @Test func everyAnswerIsDescribed() throws {
        let reports = [
            DaemonReport.example, .example(health: EngineHealth(), status: nil),
        ]
        for (path, operations) in try Self.paths() {
            #expect(Array(operations.keys) == ["get"])
            let operation = try #require(operations["get"] as? [String: Any])
            let described = try #require(operation["responses"] as? [String: [String: Any]])
            var given: Set<String> = []
            for report in reports {
                for method in ["GET", "HEAD", "POST"] {
                    let reply = WebReply.answer(method: method, path: path) { report }
                    given.insert(String(reply.code))
                    let content = described[String(reply.code)]?["content"] as? [String: Any]
                    if method != "POST" {
                        #expect(content?.keys.contains(reply.contentType) == true)
                    }
                }
            }
            #expect(given == Set(described.keys), "\(path)")
        }
    }
}
