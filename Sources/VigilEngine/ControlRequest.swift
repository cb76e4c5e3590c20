// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilPacks

/// Why an order cannot be given.
struct ControlRefusal: Error {
    var code: String
    var message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Requests on the control socket, as JSON.
enum ControlRequest {
    /// Reads a request.
    ///
    /// - Throws: `ControlRefusal`, or what is wrong with a pack.
    static func read(_ bytes: [UInt8], settings: FoldSettings) throws -> Order {
        let asked: Asked?
        do throws(JSONError) {
            asked = try JSONDocument().withRoot(of: bytes, Asked.init)
        } catch {
            throw ControlRefusal("invalid-request", "the request is no JSON")
        }
        switch asked {
        case .activate(let pack):
            let source = try PackSource.read(activation: pack)
            _ = try source.accept()
            return .activate([try PackChange(activating: source, settings: settings)])
        case .change(let order?):
            return .suspend(order)
        case .change(nil):
            throw ControlRefusal(
                "invalid-request", "it takes rule, practice (a code, or null for all) and reason")
        case .rules:
            return .rules
        case nil:
            throw ControlRefusal(
                "invalid-request", "a request is one of activate, suspend, resume, rules")
        }
    }

    /// What a request asks for, as far as it can be read by itself.
    private enum Asked {
        case activate([UInt8])
        /// nil where it is not said what.
        case change(SuspensionOrder?)
        case rules

        /// nil where it is not one thing that can be asked for.
        init?(_ root: JSONValue) {
            let members = Array(root.children)
            guard root.kind == .object, members.count == 1 else { return nil }
            switch members[0].name {
            case "activate": self = .activate(members[0].compactText)
            case "suspend", "resume":
                let suspension = ControlRequest.suspension(members[0])
                self = .change(
                    suspension.map {
                        SuspensionOrder($0, isResumption: members[0].name == "resume")
                    })
            case "rules": self = .rules
            default: return nil
            }
        }
    }

    private static func suspension(_ value: JSONValue) -> Suspension? {
        guard let rule = value.uniqueMember("rule", .string),
            case (let practice?, nil) = value.member("practice"),
            practice.kind == .null
                || practice.kind == .string && InboundTopic.isPractice(practice.textBytes),
            let reason = value.uniqueMember("reason", .string), !reason.textBytes.isEmpty
        else { return nil }
        return Suspension(
            rule: rule.text, practice: practice.kind == .string ? practice.text : nil,
            reason: reason.text)
    }

    /// Writes the reply to the question about rules.
    static func encode(_ rules: [RuleState], to json: inout JSONWriter) {
        json.array("rules") { json in
            for rule in rules {
                json.object { json in
                    json.string("rule", rule.rule)
                    json.string("pack", rule.pack.id)
                    json.string("packVersion", rule.pack.version)
                    json.string("severity", orNull: rule.severity?.rawValue)
                    json.string("switchedOff", orNull: rule.switchedOff)
                    json.array("suspensions") { json in
                        for suspension in rule.suspensions {
                            json.object { json in
                                json.string("practice", orNull: suspension.practice)
                                json.string("reason", suspension.reason)
                            }
                        }
                    }
                }
            }
        }
    }
}
