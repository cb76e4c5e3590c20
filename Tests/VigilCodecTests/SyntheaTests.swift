// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

/// Synthetic records of Synthea, kept beside the checkout where they are at hand.
private let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "../shared/synthea").standardized

@Suite struct SyntheaTests {
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: folder.path),
            "the Synthea bundles are not beside the checkout"))
    func everyResourceOfTheKindsDecodes() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        var decoded = 0
        let decoder = EventDecoder()
        for file in files.sorted() where file.hasSuffix(".json") {
            let bundle = Array(try Data(contentsOf: folder.appending(path: file)))
            for (kind, resource) in try resources(bundle) {
                let head =
                    #"{"specversion":"1.0","id":"1","source":"s","subject":"x","#
                    + #""time":"2024-01-01T00:00:00Z","type":"health.vigil."#
                    + "\(kind.rawValue).created.v1\",\"data\":"
                let event = Array(head.utf8) + resource + Array("}".utf8)
                let envelope = try decoder.readEnvelope(event, maximumBytes: 1 << 20)
                let topic = Array("\(kind.rawValue).A81001".utf8)
                guard case .input(let input) = try decoder.readResource(envelope, topic: topic)
                else {
                    Issue.record("a resource is an input")
                    continue
                }
                #expect(input.resource.content != nil)
                if case .clinical(let content) = input.resource.content {
                    #expect(!content.codings.isEmpty)
                    #expect(content.date?.instant != nil)
                }
                decoded += 1
            }
        }
        #expect(decoded > 5000)
    }

    private func resources(_ bundle: [UInt8]) throws -> [(EventKind, [UInt8])] {
        try JSONDocument().withRoot(of: bundle) { root in
            var found: [(EventKind, [UInt8])] = []
            for entry in root.member("entry").first?.children ?? root.children {
                guard let resource = entry.member("resource").first,
                    let name = resource.member("resourceType").first?.text,
                    let type = ResourceType(rawValue: name),
                    let kind = EventKind.allCases.first(where: {
                        $0.resourceTypes.contains(type)
                    })
                else { continue }
                found.append((kind, resource.compactText))
            }
            return found
        }
    }
}
