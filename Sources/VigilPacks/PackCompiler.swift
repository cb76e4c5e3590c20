// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCQL
package import VigilCore

extension PackSource {
    /// Compiles the pack.
    ///
    /// - Parameter parameters: values for parameters of its library, in place of the defaults.
    /// - Returns: the pack as it runs.
    /// - Throws: PackError at the first thing that does not fit.
    package func compile(
        parameters: [String: String] = [:]
    ) throws(PackError) -> CompiledPack {
        try check(parameters: parameters).pack
    }

    /// Compiles the pack and tells what is odd about it.
    ///
    /// - Parameter parameters: values for parameters of its library, in place of the defaults.
    /// - Returns: the pack as it runs, and what is odd.
    /// - Throws: PackError at the first thing that does not fit.
    package func check(
        parameters: [String: String] = [:]
    ) throws(PackError) -> (pack: CompiledPack, warnings: [PackWarning]) {
        var compiler = PackCompiler(
            source: self, manifest: try manifest(), parameters: parameters)
        return (try compiler.compile(), compiler.warnings)
    }
}

/// One compilation of a pack: manifest, lists and library into rules.
private struct PackCompiler {
    let source: PackSource
    let manifest: Manifest
    let parameters: [String: String]
    var warnings: [PackWarning] = []

    mutating func compile() throws(PackError) -> CompiledPack {
        let lists = try readLists()
        var library = try compileLibrary()
        library.program.stoppedEndsExposure = manifest.stopped == .ends
        library.program.countsSupplies = manifest.supplies == .counted
        var rules: [Rule] = []
        var switchedOff: [(rule: String, why: String)] = []
        for text in manifest.rules {
            let rule = try compile(text, library)
            guard let fault = unevenness(of: rule, line: text.line, library, lists) else {
                rules.append(rule)
                continue
            }
            guard fault.byReplacement else { throw fault.error }
            switchedOff.append((rule: rule.id, why: fault.sentence))
            warnings.append(PackWarning(file: Manifest.file, line: text.line, what: fault.sentence))
        }
        return CompiledPack(
            id: manifest.id, version: manifest.version, hash: source.hash, rules: rules,
            program: library.program, lists: lists, switchedOff: switchedOff)
    }

    private mutating func readLists() throws(PackError) -> [CodeList] {
        var lists: [CodeList] = []
        var listed: Set<String> = []
        let systems = manifest.systems.map(\.name).sorted()
        for list in manifest.lists {
            let name = PackSource.file(ofList: list.name)
            listed.insert(name)
            guard let bytes = source.bytes(of: name) else {
                throw PackError(
                    .missingFile, file: name, line: nil,
                    what: "the manifest lists `\(list.name)` and this file is not there",
                    remedy: "add it, or take the list out of \(Manifest.file)")
            }
            let file = try CodeListFile(bytes, name: name, systems: systems)
            warnings += file.warnings
            lists.append(CodeList(name: list.name, kind: list.kind, rows: resolved(file.rows)))
        }
        for file in source.files
        where file.name.hasPrefix("codelists/") && !listed.contains(file.name) {
            warnings.append(PackWarning(file: file.name, what: "the manifest does not list it"))
        }
        return lists
    }

    /// Rows with the URIs of their systems; a system the manifest lacks resolves to none.
    private func resolved(_ rows: [CodeListFile.Row]) -> [CodeList.Row] {
        rows.flatMap { row in
            let system = manifest.systems.first { $0.name == row.system }
            return (system?.uris ?? []).map {
                CodeList.Row(system: $0, match: row.match, code: row.code)
            }
        }
    }

    private func compileLibrary() throws(PackError) -> CompiledLibrary {
        let file = manifest.library.value
        guard let bytes = source.bytes(of: file) else {
            throw PackError(
                .missingFile, file: Manifest.file, line: manifest.library.line,
                what: "there is no library `\(file)`", remedy: "add the file or name another")
        }
        var indexes: [String: Int] = [:]
        for (index, list) in manifest.lists.enumerated() {
            indexes["urn:vigil:list:\(list.name)"] = index
        }
        do throws(CQLError) {
            return try CQLCompiler.compile(
                String(decoding: bytes, as: UTF8.self), file: file, lists: indexes,
                parameters: parameters)
        } catch {
            if error.code == .parameter {
                throw PackError(
                    .library, file: file, line: error.line > 0 ? error.line : nil,
                    what: "in the settings of the pack `\(manifest.id)` \(error.message)",
                    remedy: "correct `parameters` there")
            }
            throw PackError(
                .library, file: file, line: error.line,
                what: "\(error.code) CQL at column \(error.column): \(error.message)",
                remedy: "correct it there")
        }
    }

    private func compile(
        _ text: Manifest.RuleText, _ library: CompiledLibrary
    ) throws(PackError) -> Rule {
        var evidence: [EvidenceSource] = []
        for item in text.evidence {
            let records: EvidenceSource.Records =
                if let name = item.definition {
                    .definition(try definition(name, library, [.fact, .list]))
                } else {
                    .age
                }
            evidence.append(
                EvidenceSource(
                    role: item.role, display: item.display, records: records,
                    absent: item.absent, isHazard: item.isHazard))
        }
        var endings: [Ending] = []
        for item in text.endings {
            var evidence: DefinitionID?
            if let name = item.evidence {
                evidence = try definition(name, library, [.fact, .list])
            }
            endings.append(
                Ending(
                    definition: try definition(item.definition, library, [.boolean]),
                    whenTrue: item.whenTrue, reason: item.reason, role: item.role,
                    display: item.display, evidence: evidence))
        }
        let sentence = try checkedSentence(text)
        return Rule(
            id: text.id, version: text.version, severity: text.severity, title: text.title,
            settleMilliseconds: text.settleMilliseconds, sentence: sentence,
            denominator: try definition(text.denominator, library, [.boolean]),
            numerator: try definition(text.numerator, library, [.boolean]), evidence: evidence,
            endings: endings, absences: text.absences, covers: try covered(by: text),
            raisesFromBaseline: text.raisesFromBaseline)
    }

    /// The rules of the pack that a rule stands for.
    private func covered(by text: Manifest.RuleText) throws(PackError) -> [String] {
        let others = manifest.rules.map(\.id).filter { $0 != text.id }
        for name in text.covers where !others.contains(name.value) {
            let meant = suggestion(for: name.value, among: others)
            throw PackError(
                .manifest, file: Manifest.file, line: name.line,
                what: "`\(text.id)` covers `\(name.value)`, which is no other rule of the pack",
                remedy: meant.map { "did you mean `\($0)`?" } ?? "name a rule of the pack")
        }
        return text.covers.map(\.value)
    }

    /// A definition by its name, whose value must be of one of the types.
    private func definition(
        _ name: Manifest.Located<String>, _ library: CompiledLibrary, _ types: [CQLType]
    ) throws(PackError) -> DefinitionID {
        guard let id = library.definitions[name.value] else {
            let meant = suggestion(for: name.value, among: library.definitions.map(\.key).sorted())
            throw PackError(
                .library, file: Manifest.file, line: name.line,
                what: "\(manifest.library.value) defines no \"\(name.value)\"",
                remedy: meant.map { "did you mean \"\($0)\"?" } ?? "define it there")
        }
        guard types.contains(library.type(of: id)) else {
            throw PackError(
                .library, file: Manifest.file, line: name.line,
                what: "\"\(name.value)\" is of type \(library.type(of: id).rawValue)",
                remedy: "name a definition of type "
                    + types.map(\.rawValue).joined(separator: " or "))
        }
        return id
    }

    /// Every placeholder must be of a role that the rule's evidence can fill.
    private func checkedSentence(
        _ text: Manifest.RuleText
    ) throws(PackError) -> SentenceTemplate {
        let template: SentenceTemplate
        do throws(SentenceError) {
            template = try SentenceTemplate(text.sentence.value)
        } catch {
            throw PackError(
                .manifest, file: Manifest.file, line: text.sentence.line,
                what: "the sentence of `\(text.id)` does not read: \(error)",
                remedy: "write {role.display}, {role.date} or {age}, and optional parts in [ ]")
        }
        let known = text.evidence.flatMap { item in
            item.definition == nil ? [item.role] : ["\(item.role).display", "\(item.role).date"]
        }
        for name in template.placeholders where !known.contains(name) {
            let meant = suggestion(for: name, among: known)
            throw PackError(
                .manifest, file: Manifest.file, line: text.sentence.line,
                what: "no evidence of `\(text.id)` fills {\(name)}",
                remedy: meant.map { "did you mean {\($0)}?" }
                    ?? "use \(known.map { "{\($0)}" }.joined(separator: ", "))")
        }
        return template
    }

    /// What is uneven about a rule's lists, or nil.
    ///
    /// For each kind of list and each code system, all of the rule's lists have entries in it or
    /// none has: one that lacks a system would call everybody coded in it unprotected or safe.
    private func unevenness(
        of rule: Rule, line: Int?, _ library: CompiledLibrary, _ lists: [CodeList]
    ) -> Unevenness? {
        let denominator = Set(library.lists(of: rule.denominator))
        let used = denominator.union(library.lists(of: rule.numerator)).sorted()
        for kind in Manifest.ListKind.allCases {
            let ofKind = used.filter { manifest.lists[$0].kind == kind }
            for system in manifest.systems {
                for uri in system.uris {
                    let without = ofKind.filter { !lists[$0].covers(system: uri) }
                    guard let missing = without.first, without.count < ofKind.count else {
                        continue
                    }
                    return Unevenness(
                        rule: rule.id, list: lists[missing].name,
                        others: ofKind.filter { !without.contains($0) }.map { lists[$0].name },
                        system: system.name, line: line,
                        byReplacement: ofKind.contains {
                            source.replacedLists.contains(lists[$0].name)
                        })
                }
            }
        }
        return nil
    }
}

/// A rule whose lists do not cover the same code systems.
private struct Unevenness {
    var rule: String
    /// The list without entries in the system.
    var list: String
    /// Those with.
    var others: [String]
    /// The system's short name.
    var system: String
    var line: Int?
    /// Whether lists that were put in from outside take part in it.
    var byReplacement: Bool

    private var what: String {
        "the list `\(list)` has no entries in `\(system)`, "
            + "as \(others.map { "`\($0)`" }.joined(separator: " and ")) has"
    }

    /// A warning in one sentence.
    var sentence: String {
        "The rule `\(rule)` is switched off: \(what)."
    }

    var error: PackError {
        PackError(
            .uneven, file: Manifest.file, line: line, what: "the rule `\(rule)` is uneven: \(what)",
            remedy:
                "add entries to \(PackSource.file(ofList: list)), or take them out of the others")
    }
}
