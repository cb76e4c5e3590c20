// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilPacks

/// The published schema of `pack.yaml` and its reader must take the same manifests.
struct SchemaTests {
    private func properties(_ path: [String]) throws -> [String] {
        let data = try Data(
            contentsOf: packageRoot.appending(path: "schemas/pack.schema.json"))
        var node = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for name in path { node = try #require(node[name] as? [String: Any]) }
        return try #require(node["properties"] as? [String: Any]).keys.sorted()
    }

    /// What the reader says it takes, when it is given a key that it does not know.
    @Test(
        arguments: [
            ("title: A sample\n", "unheard-of: 1\n", []),
            ("    title: A sample rule\n", "    unheard-of: 1\n", ["$defs", "rule"]),
            ("{role: hazard,", "{unheard-of: 1,", ["$defs", "evidence"]),
            ("reason: hazard-ended", "unheard-of: 1", ["$defs", "ending"]),
        ] as [(String, String, [String])])
    func theReaderTakesTheKeysOfTheSchema(old: String, new: String, path: [String]) throws {
        let sample = SamplePack().replacing(old, with: new)
        let error = #expect(throws: PackError.self) { try sample.source() }
        let keys = try #require(error?.remedy.split(separator: "use one of ").last)
        #expect(keys.components(separatedBy: ", ").sorted() == (try properties(path)))
    }

    @Test func theReaderTakesTheReasonsOfTheSchema() throws {
        let data = try Data(
            contentsOf: packageRoot.appending(path: "schemas/pack.schema.json"))
        let text = String(decoding: data, as: UTF8.self)
        let sample = SamplePack().replacing("reason: hazard-ended", with: "reason: unheard-of")
        let error = #expect(throws: PackError.self) { try sample.source() }
        let reasons = try #require(error?.remedy.split(separator: "use one of ").last)
        for reason in reasons.components(separatedBy: ", ") {
            #expect(text.contains("\"\(reason)\""))
        }
    }
}
