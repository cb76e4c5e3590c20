// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCQL
package import VigilCore

extension PackSource {
    /// Compiles the pack with the defaults of its parameters.
    ///
    /// - Returns: the pack as it runs.
    /// - Throws: PackError at the first thing that does not fit.
    package func compile() throws(PackError) -> CompiledPack {
        try check().pack
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
struct PackCompiler {
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
        if let text = source.bytes(of: manifest.library.value) {
            warnings +=
                PackLint(
                    manifest: manifest, text: String(decoding: text, as: UTF8.self),
                    library: library
                ).warnings()
        }
        var pack = CompiledPack(
            id: manifest.id, version: manifest.version, hash: source.hash, rules: rules,
            program: library.program, lists: lists, switchedOff: switchedOff)
        pack.definitionNames = library.names
        return pack
    }

    private mutating func readLists() throws(PackError) -> [CodeList] {
        var rows: [[CodeListFile.Row]] = []
        var contents: [[CodeListFile.Row: CodeList.Contents]] = []
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
            warnings += LexicalOutliers.find(
                in: file.entries, title: list.title ?? list.name, file: name)
            warnings += Self.acidNotice(list, file, name)
            rows.append(file.rows)
            contents.append(file.contents)
        }
        let map = try readMap(systems: systems)
        let lists = try manifest.lists.indices.map { index throws(PackError) in
            let whole = rows[index] + (try addedRows(to: index, rows: rows))
            return CodeList(
                name: manifest.lists[index].name, kind: manifest.lists[index].kind,
                rows: resolved(whole, contents[index])
                    + resolved(map.rows(reaching: whole, contents: contents[index])))
        }
        for file in source.files
        where file.name.hasPrefix("codelists/") && !listed.contains(file.name) {
            warnings.append(PackWarning(file: file.name, what: "the manifest does not list it"))
        }
        return lists
    }

    /// A list of PPIs that holds H2 antagonists, too, and does not say so.
    private static func acidNotice(
        _ list: Manifest.List, _ file: CodeListFile, _ name: String
    ) -> [PackWarning] {
        let title = (list.title ?? list.name).lowercased()
        guard list.name == "ppi" || title.contains("ppi") || title.contains("proton pump"),
            !title.contains("h2"),
            let entry = file.entries.first(where: {
                ($0.match == .is || $0.match == .under)
                    && ["tidine", "h2"].contains(where: $0.term.lowercased().contains)
            })
        else { return [] }
        return [
            PackWarning(
                file: name, line: entry.line,
                what: "the list is called after PPIs and holds H2 antagonists, such as "
                    + "\"\(entry.term)\": name it by its content")
        ]
    }

    private func readMap(systems: [String]) throws(PackError) -> CodeMap {
        guard let bytes = source.bytes(of: CodeMap.file) else { return CodeMap() }
        return try CodeMap(bytes, name: CodeMap.file, systems: systems)
    }

    /// What other lists add to a list, in the systems that it has entries in itself: an addition
    /// does not make it cover a system that it does not know.
    private func addedRows(
        to index: Int, rows: [[CodeListFile.Row]]
    ) throws(PackError) -> [CodeListFile.Row] {
        let own = Set(rows[index].map(\.system))
        var added: [CodeListFile.Row] = []
        for (other, list) in manifest.lists.enumerated() {
            for target in list.addsTo {
                guard manifest.lists.contains(where: { $0.name == target.value }) else {
                    throw PackError(
                        .manifest, file: Manifest.file, line: target.line,
                        what: "`\(list.name)` adds to `\(target.value)`, which is no list",
                        remedy: "name one of \(manifest.lists.map(\.name).joined(separator: ", "))")
                }
                guard target.value == manifest.lists[index].name else { continue }
                added += rows[other].filter { own.contains($0.system) }
            }
        }
        return added
    }

    /// Rows with the URIs of their systems; a system the manifest lacks resolves to none.
    private func resolved(
        _ rows: [CodeListFile.Row], _ contents: [CodeListFile.Row: CodeList.Contents]
    ) -> [CodeList.Row] {
        resolved(
            rows.map {
                CodeList.Row(
                    system: $0.system, match: $0.match, code: $0.code,
                    contents: contents[$0] ?? CodeList.Contents())
            })
    }

    private func resolved(_ rows: [CodeList.Row]) -> [CodeList.Row] {
        rows.flatMap { row in
            let system = manifest.systems.first { $0.name == row.system }
            return (system?.uris ?? []).map { uri in
                var row = row
                row.system = uri
                return row
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
                    condition: try item.condition.map { name throws(PackError) in
                        try definition(name, library, [.boolean])
                    }, absent: item.absent, isHazard: item.isHazard))
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
        var rule = Rule(
            id: text.id, version: text.version, severity: text.severity, emits: text.emits,
            title: text.title, settleMilliseconds: text.settleMilliseconds, sentence: sentence,
            denominator: try definition(text.denominator, library, [.boolean]),
            numerator: try definition(text.numerator, library, [.boolean]), evidence: evidence,
            endings: endings, absences: text.absences, covers: try covered(by: text),
            raisesFromBaseline: text.raisesFromBaseline
                && text.algorithm?.value.isOnReadings != true)
        rule.isShadow = text.isShadow
        rule.wording = text.wording
        if let algorithm = text.algorithm { rule.algorithm = try use(of: algorithm, text.id) }
        return rule
    }

    /// An algorithm reads the pack's lists by their names.
    private func use(
        of algorithm: Manifest.Located<Algorithm>, _ rule: String
    ) throws(PackError) -> AlgorithmUse {
        var lists: [Int] = []
        for name in algorithm.value.lists {
            guard let index = manifest.lists.firstIndex(where: { $0.name == name }) else {
                throw PackError(
                    .manifest, file: Manifest.file, line: algorithm.line,
                    what: "the algorithm of `\(rule)` reads a list `\(name)`",
                    remedy: "add it under `lists`")
            }
            lists.append(index)
        }
        return AlgorithmUse(algorithm: algorithm.value, lists: lists)
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
                what: "\"\(name.value)\" is of type \(library.type(of: id).name)",
                remedy: "name a definition of type "
                    + types.map(\.name).joined(separator: " or "))
        }
        return id
    }

    /// Every placeholder must be of a role that the rule's evidence can fill.
    private func checkedSentence(
        _ text: Manifest.RuleText
    ) throws(PackError) -> SentenceTemplate {
        let template: SentenceTemplate
        let sentence = text.sentence ?? Manifest.Located(value: "", line: text.line)
        do throws(SentenceError) {
            template = try SentenceTemplate(sentence.value)
        } catch {
            throw PackError(
                .manifest, file: Manifest.file, line: sentence.line,
                what: "the sentence of `\(text.id)` does not read: \(error)",
                remedy: "write {role.display}, {role.date} or {age}, and optional parts in [ ]")
        }
        let known = text.evidence.flatMap { item in
            item.definition == nil
                ? [item.role]
                : ["\(item.role).display", "\(item.role).date"]
                    + (item.absent.map { ["\($0.role).display"] } ?? [])
        }
        for name in template.placeholders where !known.contains(name) {
            let meant = suggestion(for: name, among: known)
            throw PackError(
                .manifest, file: Manifest.file, line: sentence.line,
                what: "no evidence of `\(text.id)` fills {\(name)}",
                remedy: meant.map { "did you mean {\($0)}?" }
                    ?? "use \(known.map { "{\($0)}" }.joined(separator: ", "))")
        }
        return template
    }
}
