// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import VigilCodec
import VigilCore

/// Good events, one a file; the fuzzer starts from the same ones.
enum Samples {
    static let names = [
        "patient", "encounter", "condition", "allergy", "request", "contained", "dispense",
        "statement", "observation", "pressure", "report", "procedure", "deleted", "review",
        "clock",
    ]

    static func text(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let text = try String(
            contentsOf: folder.appending(path: "Corpus/\(name).json"), encoding: .utf8)
        return text.trimmingCharacters(in: .newlines)
    }

    static func topic(_ name: String) -> String {
        switch name {
        case "request", "contained", "dispense", "statement", "deleted": "prescription.A81001"
        case "allergy": "condition.A81001"
        case "pressure": "device.A81001"
        case "report", "procedure": "observation.A81001"
        case "clock": "system.clock"
        default: "\(name).A81001"
        }
    }

    static func input(_ name: String) throws -> InputEvent? {
        guard case .input(let event) = try decode(try text(name), topic: topic(name)) else {
            return nil
        }
        return event
    }

    static func clinical(_ name: String) throws -> ClinicalContent? {
        guard case .clinical(let content) = try input(name)?.resource.content else { return nil }
        return content
    }

    /// The sample with a part of its text replaced, decoded.
    static func clinical(
        _ name: String, replacing old: String, with new: String
    ) throws -> ClinicalContent? {
        let text = try text(name).replacingOccurrences(of: old, with: new)
        guard case .input(let event) = try decode(text, topic: topic(name)),
            case .clinical(let content) = event.resource.content
        else { return nil }
        return content
    }

    /// Both stages and the subject check, as the daemon runs them.
    static func decode(_ text: String, topic: String) throws(Rejection) -> DecodedEvent {
        try decode(Array(text.utf8), topic: Array(topic.utf8))
    }

    static func decode(_ event: [UInt8], topic: [UInt8]) throws(Rejection) -> DecodedEvent {
        let decoder = EventDecoder()
        let envelope: Envelope
        do {
            envelope = try decoder.readEnvelope(event, maximumBytes: 65536)
        } catch {
            throw error.rejection
        }
        let decoded = try decoder.readResource(envelope, topic: topic)
        if case .input(let input) = decoded { try EventDecoder.checkSubject(input) }
        return decoded
    }
}
