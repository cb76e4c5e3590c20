// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore
import Yams

extension Manifest {
    /// The name of the manifest's file in every pack.
    static let file = "pack.yaml"

    /// Resolution codes that a definition can stand for (protocol section 5).
    private static let reasons = [
        "hazard-ended", "hazard-stopped", "protection-issued", "test-done", "condition-ended",
        "recovered", "expired", "deceased", "deregistered",
    ]

    /// Reads a manifest.
    init(_ bytes: [UInt8]) throws(PackError) {
        let root: YAMLMapping
        do {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw PackError(
                    .malformed, file: Self.file, what: "the text is not UTF-8",
                    remedy: "save it as UTF-8")
            }
            guard let node = try Yams.compose(yaml: text, .basic) else {
                throw PackError(
                    .manifest, file: Self.file, what: "the file is empty",
                    remedy: "write at least id, version, library, systems, lists and rules")
            }
            root = try YAMLMapping(
                node, file: Self.file, subject: "the manifest",
                keys: [
                    "id", "version", "title", "source", "status", "notes", "library", "stopped",
                    "supplies", "systems", "lists", "rules",
                ])
        } catch let error as PackError {
            throw error
        } catch {
            throw PackError(notYAML: error, file: Self.file)
        }
        id = try Self.identifier(root)
        version = try root.text("version").value
        title = try root.text("title").value
        source = try root.text("source").value
        status = try root.text("status").value
        _ = try root.optionalText("notes")
        library = try root.text("library")
        stopped = try root.optionalWord("stopped", StoppedMode.self) ?? .ends
        supplies = try root.optionalWord("supplies", SuppliesMode.self) ?? .counted
        systems = try Self.readSystems(root)
        lists = try Self.readLists(root)
        rules = []
        for node in try root.items("rules") {
            let rule = try Self.readRule(node)
            guard !rules.contains(where: { $0.id == rule.id }) else {
                throw PackError(
                    .manifest, file: Self.file, line: rule.line,
                    what: "there are two rules `\(rule.id)`", remedy: "name one of them anew")
            }
            rules.append(rule)
        }
        guard !rules.isEmpty else {
            throw root.fault(nil, "the pack has no rule", "add one under `rules`")
        }
    }

    /// An id of a pack or rule: it becomes part of topics and references.
    private static func identifier(_ mapping: YAMLMapping) throws(PackError) -> String {
        let id = try mapping.text("id")
        let isPlain = id.value.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
        }
        guard isPlain, id.value.utf8.count <= 32 else {
            throw mapping.fault(
                mapping.node("id"), "`\(id.value)` is no id",
                "use 1 to 32 of a-z, 0-9 and `-`")
        }
        return id.value
    }

    private static func readSystems(_ root: YAMLMapping) throws(PackError) -> [System] {
        let mapping = try root.mapping("systems", keys: nil)
        var systems: [System] = []
        for (name, _, node) in mapping.entries {
            let uris = (node.sequence.map(Array.init) ?? [node]).map { $0.scalar?.string ?? "" }
            guard !uris.isEmpty, uris.allSatisfy({ !$0.isEmpty }) else {
                throw mapping.fault(
                    node, "the system `\(name)` has no URIs", "write a list of URIs")
            }
            systems.append(System(name: name, uris: uris))
        }
        return systems
    }

    private static func readLists(_ root: YAMLMapping) throws(PackError) -> [List] {
        let mapping = try root.mapping("lists", keys: nil)
        var lists: [List] = []
        for (name, line, node) in mapping.entries {
            let list = try YAMLMapping(
                node, file: file, subject: "the list `\(name)`",
                keys: ["kind", "title", "addsTo"])
            lists.append(
                List(
                    name: name, kind: try list.word("kind", ListKind.self),
                    title: try list.optionalText("title")?.value,
                    addsTo: try list.texts("addsTo"), line: line))
        }
        return lists
    }

    private static func readRule(_ node: Yams.Node) throws(PackError) -> RuleText {
        let rule = try YAMLMapping(
            node, file: file, subject: "the rule",
            keys: [
                "id", "version", "severity", "emits", "shadow", "title", "settle", "absence",
                "covers", "fromBaseline", "denominator", "numerator", "sentence", "evidence",
                "endings", "algorithm", "alert",
            ])
        var evidence: [Evidence] = []
        for item in try rule.items("evidence") { evidence.append(try readEvidence(item)) }
        var endings: [EndingText] = []
        for item in try rule.items("endings") { endings.append(try readEnding(item)) }
        let emits = try rule.optionalWord("emits", Emission.self) ?? .flags
        if emits != .alerts, rule.node("alert") != nil {
            throw rule.fault(
                rule.node("alert"), "only an alert has `alert`",
                "write `emits: alerts`, or take it out")
        }
        if emits == .indicators, rule.node("algorithm") != nil {
            throw rule.fault(
                rule.node("algorithm"), "what only counts has no `algorithm`",
                "write `emits: alerts` or `emits: flags`, or take it out")
        }
        let algorithm = try readAlgorithm(rule)
        let sentence = try readSentence(rule, emits: emits, algorithm: algorithm)
        return RuleText(
            id: try identifier(rule), version: try rule.text("version").value,
            severity: try rule.word("severity", Severity.self), emits: emits,
            title: try rule.text("title").value, settleMilliseconds: try readSettle(rule),
            absences: try readAbsences(rule), covers: try readCovers(rule),
            raisesFromBaseline: try rule.optionalFlag("fromBaseline") ?? true,
            isShadow: try rule.optionalFlag("shadow") ?? false,
            sentence: sentence, denominator: try rule.text("denominator"),
            numerator: try rule.text("numerator"), evidence: evidence, endings: endings,
            algorithm: algorithm, wording: try readWording(rule), line: rule.line)
    }

    /// An algorithm words what it finds itself; of a flag the sentence says of which medicine.
    private static func readSentence(
        _ rule: YAMLMapping, emits: Emission, algorithm: Located<Algorithm>?
    ) throws(PackError) -> Located<String>? {
        if emits == .alerts, algorithm != nil, rule.node("sentence") != nil {
            throw rule.fault(
                rule.node("sentence"), "an alert with an algorithm has no `sentence`",
                "take it out")
        }
        guard emits != .indicators, emits == .flags || algorithm == nil else {
            return try rule.optionalText("sentence")
        }
        return try rule.text("sentence")
    }

    private static func readAlgorithm(
        _ rule: YAMLMapping
    ) throws(PackError) -> Located<Algorithm>? {
        guard rule.node("algorithm") != nil else { return nil }
        let line = try rule.text("algorithm").line
        return Located(value: try rule.word("algorithm", Algorithm.self), line: line)
    }

    private static func readWording(_ rule: YAMLMapping) throws(PackError) -> AlertWording {
        var wording = AlertWording()
        guard rule.node("alert") != nil else { return wording }
        let alert = try rule.mapping("alert", keys: ["outcome", "response", "method", "code"])
        wording.outcome = try alert.optionalText("outcome")?.value
        wording.response = try alert.optionalText("response")?.value
        wording.method = try alert.optionalText("method")?.value
        guard alert.node("code") != nil else { return wording }
        let code = try alert.mapping("code", keys: ["system", "code", "display", "text"])
        wording.code = Coding(
            system: try code.text("system").value, code: try code.text("code").value,
            display: try code.text("display").value)
        wording.codeText = try code.optionalText("text")?.value
        return wording
    }

    private static func readEvidence(_ node: Yams.Node) throws(PackError) -> Evidence {
        let item = try YAMLMapping(
            node, file: file, subject: "the evidence",
            keys: ["role", "display", "definition", "age", "when", "absent", "hazard"])
        let definition = try item.optionalText("definition")
        let isAge = try item.optionalFlag("age") ?? false
        guard (definition != nil) != isAge else {
            throw item.fault(
                nil, "evidence needs either `definition` or `age: true`", "give one of them")
        }
        var absent: EvidenceSource.Absence?
        if item.node("absent") != nil {
            let mapping = try item.mapping("absent", keys: ["role", "display"])
            absent = EvidenceSource.Absence(
                role: try mapping.text("role").value, display: try mapping.text("display").value)
        }
        return Evidence(
            role: try item.text("role").value, display: try item.text("display").value,
            definition: definition, condition: try item.optionalText("when"), absent: absent,
            isHazard: try item.optionalFlag("hazard") ?? false)
    }

    private static func readEnding(_ node: Yams.Node) throws(PackError) -> EndingText {
        let item = try YAMLMapping(
            node, file: file, subject: "the ending",
            keys: ["definition", "whenTrue", "reason", "evidence", "role", "display"])
        let reason = try item.text("reason").value
        guard reasons.contains(reason) else {
            let meant = suggestion(for: reason, among: reasons)
            throw item.fault(
                item.node("reason"), "`\(reason)` is no reason to end",
                meant.map { "did you mean `\($0)`?" }
                    ?? "use one of \(reasons.joined(separator: ", "))")
        }
        let role = try item.optionalText("role")?.value
        let display = try item.optionalText("display")?.value
        let evidence = try item.optionalText("evidence")
        guard (role == nil) == (display == nil), evidence == nil || role != nil else {
            throw item.fault(
                nil, "`role`, `display` and `evidence` belong together",
                "give `role` and `display` both, or none of the three")
        }
        return EndingText(
            definition: try item.text("definition"),
            whenTrue: try item.optionalFlag("whenTrue") ?? true, reason: reason,
            evidence: evidence, role: role, display: display)
    }

    private static func readAbsences(_ rule: YAMLMapping) throws(PackError) -> [AbsenceTest] {
        var absences: [AbsenceTest] = []
        for node in try rule.items("absence") {
            let item = try YAMLMapping(
                node, file: file, subject: "the absence", keys: ["kind", "months", "denominator"])
            let months = try item.text("months")
            guard let number = Int(months.value), (1...120).contains(number) else {
                throw item.fault(
                    item.node("months"), "`\(months.value)` is no number of months",
                    "write 1 to 120")
            }
            absences.append(
                AbsenceTest(
                    kind: try item.word("kind", EventKind.self), months: number,
                    inDenominator: try item.optionalFlag("denominator") ?? false))
        }
        return absences
    }

    private static func readCovers(_ rule: YAMLMapping) throws(PackError) -> [Located<String>] {
        try rule.items("covers").map { node in
            Located(value: node.scalar?.string ?? "", line: node.mark?.line)
        }
    }

    /// A number and a unit, such as `10 min`, in milliseconds; 0 where the key is not there.
    private static func readSettle(_ rule: YAMLMapping) throws(PackError) -> Int64 {
        guard let text = try rule.optionalText("settle") else { return 0 }
        let parts = text.value.split(separator: " ")
        let units: [Substring: Int64] = ["s": 1000, "min": 60_000, "h": 3_600_000]
        guard parts.count == 2, let number = Int64(parts[0]), let unit = units[parts[1]],
            (1...86_400).contains(number), number * unit <= 86_400_000
        else {
            throw rule.fault(
                rule.node("settle"), "`\(text.value)` is no time to settle",
                "write a number and s, min or h, up to a day, such as `10 min`")
        }
        return number * unit
    }
}
