// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import CBundledPacks

/// The packs that are compiled into the binary.
package enum BundledPacks {
    /// Their names, in ascending order.
    package static var names: [String] {
        var names: [String] = []
        for file in files where names.last != file.pack { names.append(file.pack) }
        return names.sorted()
    }

    /// A pack by its name.
    ///
    /// - Throws: PackError of kind `unknownPack` where there is none.
    package static func named(_ name: String) throws(PackError) -> PackSource {
        let own = files.filter { $0.pack == name }.map(\.file)
        guard !own.isEmpty else {
            let meant = suggestion(for: name, among: names)
            throw PackError(
                .unknownPack, file: name, what: "there is no built-in pack of this name",
                remedy: meant.map { "did you mean `\($0)`?" }
                    ?? "use \(names.joined(separator: ", ")), or the folder of a pack")
        }
        return try PackSource(files: own)
    }

    private static var files: [(pack: String, file: PackFile)] {
        (0..<vigil_bundled_file_count()).compactMap { index in
            let file = vigil_bundled_file(index)
            let path = String(cString: file.name).split(separator: "/", maxSplits: 1)
            guard path.count == 2 else { return nil }
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.length)
            return (String(path[0]), PackFile(name: String(path[1]), bytes: Array(bytes)))
        }
    }
}
