// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// A file of a pack.
package struct PackFile: Hashable, Sendable {
    /// Its path inside the pack, with `/`, such as `codelists/nsaid.csv`.
    package var name: String
    /// Its contents.
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// A pack as it is written: everything that its rules consist of, as bytes.
package struct PackSource: Hashable, Sendable {
    /// What the manifest calls the pack.
    package let id: String
    /// The manifest's version of it.
    package let version: String
    /// In ascending order of names.
    package let files: [PackFile]
    /// Names of the lists that stand in for the pack's own, in ascending order.
    package let replacedLists: [String]

    /// Takes the files that make a pack and leaves others aside.
    ///
    /// A pack is `pack.yaml`, CQL libraries, `codelists/*.csv`, `cases/*.yaml` and, where there is
    /// one, `map.csv`; what else
    /// lies in its folder (notes, an editor's copies) cannot change what it does or its hash.
    ///
    /// - Throws: PackError where the manifest is missing, a name stands twice or a file is not
    ///   UTF-8.
    package init(files: [PackFile]) throws(PackError) {
        try self.init(files: files, replacedLists: [])
    }

    init(files: [PackFile], replacedLists: [String]) throws(PackError) {
        let kept = files.filter { PackSource.belongs($0.name) }.sorted { $0.name < $1.name }
        for (file, next) in zip(kept, kept.dropFirst()) where file.name == next.name {
            throw PackError(
                .malformed, file: file.name, what: "the file is there twice",
                remedy: "give it once")
        }
        guard let manifestFile = kept.first(where: { $0.name == Manifest.file }) else {
            throw PackError(
                .missingFile, file: Manifest.file, what: "the pack has no manifest",
                remedy: "name a folder that holds a \(Manifest.file)")
        }
        for file in kept where String(validating: file.bytes, as: UTF8.self) == nil {
            throw PackError(
                .malformed, file: file.name, what: "the text is not UTF-8",
                remedy: "save it as UTF-8")
        }
        let manifest = try Manifest(manifestFile.bytes)
        id = manifest.id
        version = manifest.version
        self.files = kept
        self.replacedLists = replacedLists.sorted()
    }

    private static func belongs(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.hasPrefix(".") else { return false }
        switch parts.count {
        case 1: return name == Manifest.file || name == CodeMap.file || name.hasSuffix(".cql")
        case 2:
            return (parts[0] == "codelists" && name.hasSuffix(".csv"))
                || (parts[0] == "cases" && name.hasSuffix(".yaml"))
        default: return false
        }
    }

    /// The manifest, read again.
    func manifest() throws(PackError) -> Manifest {
        try Manifest(bytes(of: Manifest.file) ?? [])
    }

    /// The bytes of a file, or nil.
    func bytes(of name: String) -> [UInt8]? {
        files.first { $0.name == name }?.bytes
    }

    /// `sha256:` and the digest of everything that the pack consists of.
    ///
    /// Hashed are netstrings (length in decimal, colon, bytes, comma): a tag, then each file's
    /// name and bytes in ascending order of names, then the names of replaced lists.
    package var hash: String {
        var canonical: [UInt8] = []
        func append(_ bytes: some Collection<UInt8>) {
            canonical += Array(String(bytes.count).utf8) + [UInt8(ascii: ":")]
            canonical += bytes
            canonical.append(UInt8(ascii: ","))
        }
        append("vigil-pack-1".utf8)
        append(String(files.count).utf8)
        for file in files {
            append(file.name.utf8)
            append(file.bytes)
        }
        for name in replacedLists { append(name.utf8) }
        return "sha256:" + hexadecimal(SHA256.digest(of: canonical))
    }

    /// The pack with other code lists in the place of its own.
    ///
    /// A file `<list>.csv` or `<pack>-<list>.csv` (the published PINCER lists' names) replaces the
    /// list; `pincer-<list>.csv` is for `pincer-audit`, too. Files for lists that
    /// the pack does not have are left aside.
    ///
    /// - Parameter newLists: Files of one folder, named without it.
    /// - Returns: A pack of another hash, that knows which of its lists are not its own; the pack
    ///   as it is where no file is for it.
    /// - Throws: PackError where two files replace the same list, or one is no code list.
    package func replacingLists(
        files newLists: [PackFile]
    ) throws(PackError) -> PackSource {
        let manifest = try manifest()
        let systems = manifest.systems.map(\.name).sorted()
        var replaced = replacedLists
        var byName = files
        for list in manifest.lists {
            let names = manifest.filesReplacing(list: list.name)
            let candidates = newLists.filter { names.contains($0.name) }
            guard let file = candidates.first else { continue }
            guard candidates.count == 1 else {
                throw PackError(
                    .codeList, file: candidates[1].name,
                    what: "two files would replace the list `\(list.name)`",
                    remedy: "keep one of \(names.joined(separator: " and "))")
            }
            // Read once under its own name: what is wrong with it is told where its owner finds it.
            _ = try CodeListFile(file.bytes, name: file.name, systems: systems)
            let name = PackSource.file(ofList: list.name)
            byName.removeAll { $0.name == name }
            byName.append(PackFile(name: name, bytes: file.bytes))
            if !replaced.contains(list.name) { replaced.append(list.name) }
        }
        return try PackSource(files: byName, replacedLists: replaced)
    }

    /// Whether a file of that name replaces a list of the pack.
    package func takesList(file name: String) throws(PackError) -> Bool {
        let manifest = try manifest()
        return manifest.lists.contains { manifest.filesReplacing(list: $0.name).contains(name) }
    }

    /// The pack with a map that adds codings to those that records carry.
    ///
    /// - Parameter map: A file of `system,code,to-system,to-code`.
    /// - Returns: A pack of another hash.
    /// - Throws: PackError where the file is no map.
    package func adding(map: PackFile) throws(PackError) -> PackSource {
        let systems = try manifest().systems.map(\.name).sorted()
        // Read once under its own name: what is wrong with it is told where its owner finds it.
        _ = try CodeMap(map.bytes, name: map.name, systems: systems)
        var others = files
        others.removeAll { $0.name == CodeMap.file }
        return try PackSource(
            files: others + [PackFile(name: CodeMap.file, bytes: map.bytes)],
            replacedLists: replacedLists)
    }

    /// The file that holds a list.
    static func file(ofList name: String) -> String {
        "codelists/\(name).csv"
    }
}

extension Manifest {
    /// What a file that replaces a list may be called.
    fileprivate func filesReplacing(list name: String) -> [String] {
        let words = id.split(separator: "-")
        let families = words.indices.map { words[...$0].joined(separator: "-") }
        return ["\(name).csv"] + families.map { "\($0)-\(name).csv" }
    }
}
