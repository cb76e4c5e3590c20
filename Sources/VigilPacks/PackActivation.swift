// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension PackSource {
    /// The `data` of a `system.pack` record: the pack whole, as JSON with members in fixed order.
    ///
    /// A replay needs nothing else: it carries every text and list, and the hash over them.
    package func activation() -> [UInt8] {
        var json = JSONText()
        json.raw("{\"pack\":")
        json.string(id)
        json.raw(",\"version\":")
        json.string(version)
        json.raw(",\"hash\":")
        json.string(hash)
        json.raw(",\"replacedLists\":[")
        for (index, name) in replacedLists.enumerated() {
            if index > 0 { json.raw(",") }
            json.string(name)
        }
        json.raw("],\"files\":[")
        for (index, file) in files.enumerated() {
            json.raw(index > 0 ? ",{\"name\":" : "{\"name\":")
            json.string(file.name)
            json.raw(",\"text\":")
            json.string(String(decoding: file.bytes, as: UTF8.self))
            json.raw("}")
        }
        json.raw("]}")
        return json.bytes
    }

    /// The pack that a `system.pack` record carries.
    ///
    /// - Throws: PackError where the text does not read or does not have its hash.
    package static func read(activation bytes: [UInt8]) throws(PackError) -> PackSource {
        func fault(_ what: String) -> PackError {
            PackError(
                .malformed, file: "system.pack", what: what,
                remedy: "the record is damaged: verify the log")
        }
        let root: JSONText.Value
        do throws(JSONText.Fault) {
            root = try JSONText.parse(bytes)
        } catch {
            throw fault("it does not read at byte \(error.position): \(error.what)")
        }
        guard let files = root["files"]?.items, let replaced = root["replacedLists"]?.items,
            let hash = root["hash"]?.text
        else { throw fault("it lacks files, replacedLists or hash") }
        var packFiles: [PackFile] = []
        for file in files {
            guard let name = file["name"]?.text, let text = file["text"]?.text else {
                throw fault("a file of it lacks name or text")
            }
            packFiles.append(PackFile(name: name, bytes: Array(text.utf8)))
        }
        let source = try PackSource(
            files: packFiles, replacedLists: replaced.compactMap(\.text))
        guard source.hash == hash, source.files.count == files.count else {
            throw fault("its contents do not have the hash \(hash)")
        }
        return source
    }
}
