// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore

/// What a pack consists of, for people.
package struct PackOverview: Sendable {
    package var title: String
    package var source: String
    package var status: String
    package var rules: [Rule]
    package var lists: [List]
    /// The names that the library declares, in its order.
    package var definitions: [Definition]

    /// A code list.
    package struct List: Sendable {
        package var name: String
        /// medicine, condition or result.
        package var kind: String
        package var title: String
        /// Its records, those that take codes out among them.
        package var rowCount: Int
        /// `sha256:` and the digest of its file.
        package var hash: String
    }

    /// A definition, value set or parameter of the library.
    package struct Definition: Sendable {
        package var name: String
        package var line: Int
    }
}

extension PackSource {
    /// What the pack consists of.
    ///
    /// - Throws: PackError where it does not compile.
    package func overview() throws(PackError) -> PackOverview {
        let manifest = try manifest()
        let systems = manifest.systems.map(\.name).sorted()
        var lists: [PackOverview.List] = []
        for list in manifest.lists {
            let name = PackSource.file(ofList: list.name)
            let bytes = bytes(of: name) ?? []
            let file = try CodeListFile(bytes, name: name, systems: systems)
            lists.append(
                PackOverview.List(
                    name: list.name, kind: list.kind.rawValue, title: list.title ?? list.name,
                    rowCount: file.entries.count,
                    hash: "sha256:" + hexadecimal(SHA256.digest(of: bytes))))
        }
        let text = String(decoding: bytes(of: manifest.library.value) ?? [], as: UTF8.self)
        return PackOverview(
            title: manifest.title, source: manifest.source, status: manifest.status,
            rules: try compile().rules, lists: lists,
            definitions: CQLOutline(text).declarations.map {
                PackOverview.Definition(name: $0.name, line: $0.line)
            })
    }
}
