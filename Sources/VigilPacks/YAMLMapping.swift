// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Yams

/// A mapping of a YAML file that is read key by key, and in the end has no key left over.
struct YAMLMapping {
    let file: String
    let line: Int?
    /// What the mapping is, for errors, such as "the rule".
    let subject: String
    private let pairs: [(key: String, line: Int?, node: Yams.Node)]

    /// Takes a node for a mapping whose keys are among the known ones.
    init(
        _ node: Yams.Node, file: String, subject: String, keys known: [String]?
    ) throws(PackError) {
        self.file = file
        self.subject = subject
        line = node.mark?.line
        guard let mapping = node.mapping else {
            throw PackError(
                .manifest, file: file, line: line, what: "\(subject) is not a mapping",
                remedy: "write it as `key: value` lines")
        }
        var pairs: [(key: String, line: Int?, node: Yams.Node)] = []
        for (keyNode, value) in mapping {
            guard let key = keyNode.scalar?.string else {
                throw PackError(
                    .manifest, file: file, line: keyNode.mark?.line,
                    what: "\(subject) has a key that is not a word", remedy: "write a plain word")
            }
            if let known, !known.contains(key) {
                let meant = suggestion(for: key, among: known)
                throw PackError(
                    .manifest, file: file, line: keyNode.mark?.line,
                    what: "\(subject) has no key `\(key)`",
                    remedy: meant.map { "did you mean `\($0)`?" }
                        ?? "use one of \(known.joined(separator: ", "))")
            }
            pairs.append((key, keyNode.mark?.line, value))
        }
        self.pairs = pairs
    }

    /// The keys and values in the order of the file.
    var entries: [(key: String, line: Int?, node: Yams.Node)] { pairs }

    /// The value of a key, or nil where it is not there.
    func node(_ key: String) -> Yams.Node? {
        pairs.first { $0.key == key }?.node
    }

    /// An error about a value of this mapping.
    func fault(_ node: Yams.Node?, _ what: String, _ remedy: String) -> PackError {
        PackError(
            .manifest, file: file, line: node?.mark?.line ?? line, what: what, remedy: remedy)
    }

    /// The text of a key, or nil where it is not there.
    func optionalText(_ key: String) throws(PackError) -> Manifest.Located<String>? {
        guard let node = node(key) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            throw fault(node, "`\(key)` of \(subject) is not a text", "write one value")
        }
        return Manifest.Located(value: text, line: node.mark?.line)
    }

    /// The text of a key that must be there.
    func text(_ key: String) throws(PackError) -> Manifest.Located<String> {
        guard let text = try optionalText(key) else {
            throw fault(nil, "\(subject) lacks `\(key)`", "add it")
        }
        return text
    }

    /// A truth value, or nil where the key is not there.
    func optionalFlag(_ key: String) throws(PackError) -> Bool? {
        guard let text = try optionalText(key) else { return nil }
        switch text.value {
        case "true": return true
        case "false": return false
        default:
            throw fault(
                node(key), "`\(key)` of \(subject) is neither true nor false",
                "write `true` or `false`")
        }
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Word.Type
    ) throws(PackError) -> Word where Word.RawValue == String {
        let text = try text(key)
        if let word = Word(rawValue: text.value) { return word }
        let words = Word.allCases.map(\.rawValue)
        let meant = suggestion(for: text.value, among: words)
        throw fault(
            node(key), "`\(text.value)` is no \(key)",
            meant.map { "did you mean `\($0)`?" }
                ?? "use one of \(words.joined(separator: ", "))")
    }

    /// One of the words of an enumeration, or nil where the key is not there.
    func optionalWord<Word: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Word.Type
    ) throws(PackError) -> Word? where Word.RawValue == String {
        node(key) == nil ? nil : try word(key, type)
    }

    /// The texts of a list; none where the key is not there.
    func texts(_ key: String) throws(PackError) -> [Manifest.Located<String>] {
        var texts: [Manifest.Located<String>] = []
        for item in try items(key) {
            guard let text = item.scalar?.string, !text.isEmpty else {
                throw fault(item, "`\(key)` of \(subject) holds what is not a text", "write texts")
            }
            texts.append(Manifest.Located(value: text, line: item.mark?.line))
        }
        return texts
    }

    /// The items of a list; none where the key is not there.
    func items(_ key: String) throws(PackError) -> [Yams.Node] {
        guard let node = node(key) else { return [] }
        guard let sequence = node.sequence else {
            throw fault(node, "`\(key)` of \(subject) is not a list", "write `- item` lines")
        }
        return Array(sequence)
    }

    /// The mapping of a key that must be there; known keys nil allows any.
    func mapping(_ key: String, keys: [String]?) throws(PackError) -> YAMLMapping {
        guard let node = node(key) else {
            throw fault(nil, "\(subject) lacks `\(key)`", "add it")
        }
        return try YAMLMapping(
            node, file: file, subject: "`\(key)` of \(subject)", keys: keys)
    }
}

extension PackError {
    /// Of a file that is no YAML.
    ///
    /// - Parameters:
    ///   - error: the parser's.
    ///   - file: the file's name.
    package init(notYAML error: any Error, file: String) {
        let (line, problem): (Int?, String) =
            switch error as? YamlError {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                (mark.line, problem)
            case .duplicatedKeysInMapping(let keys, let context):
                (
                    context.mark.line,
                    "the key `\(keys.sorted().joined(separator: "`, `"))` stands there twice"
                )
            default: (nil, "it cannot be parsed")
            }
        self.init(
            .malformed, file: file, line: line, what: "the file is not YAML: \(problem)",
            remedy: "check indentation and quotes there")
    }
}
