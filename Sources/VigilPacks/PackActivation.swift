// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec

extension PackSource {
    /// The `data` of a `system.pack` record: the pack whole, as JSON with members in fixed order.
    ///
    /// A replay needs nothing else: it carries every text and list, and the hash over them.
    package func activation() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("pack", id)
            json.string("version", version)
            json.string("hash", hash)
            json.array("replacedLists") { json in
                for name in replacedLists { json.string(name) }
            }
            json.array("files") { json in
                for file in files {
                    json.object { json in
                        json.string("name", file.name)
                        json.string("text", String(decoding: file.bytes, as: UTF8.self))
                    }
                }
            }
        }
        return json.bytes
    }

    /// The pack that a `system.pack` record carries.
    ///
    /// - Throws: PackError where the text does not read or does not have its hash.
    package static func read(activation bytes: [UInt8]) throws(PackError) -> PackSource {
        let activation: Activation?
        do throws(JSONError) {
            activation = try JSONDocument().withRoot(of: bytes) { Activation($0) }
        } catch {
            throw fault("it does not read at byte \(error.offset): \(error.message)")
        }
        guard let activation else {
            throw fault("it lacks hash, replacedLists or files with name and text")
        }
        let source = try PackSource(
            files: activation.files, replacedLists: activation.replacedLists)
        guard source.hash == activation.hash, source.files.count == activation.files.count else {
            throw fault("its contents do not have the hash \(activation.hash)")
        }
        return source
    }

    private static func fault(_ what: String) -> PackError {
        PackError(
            .malformed, file: "system.pack", what: what,
            remedy: "the record is damaged: verify the log")
    }
}

/// What the `data` of a `system.pack` record says, not yet held against its hash.
private struct Activation {
    let hash: String
    let replacedLists: [String]
    let files: [PackFile]

    /// Nil where a member is absent, there twice or of another type.
    init?(_ root: JSONValue) {
        guard let hash = root.uniqueMember("hash", .string),
            let replaced = root.uniqueMember("replacedLists", .array),
            let list = root.uniqueMember("files", .array)
        else { return nil }
        var files: [PackFile] = []
        for file in list.children {
            guard let name = file.uniqueMember("name", .string),
                let text = file.uniqueMember("text", .string)
            else { return nil }
            files.append(PackFile(name: name.text, bytes: Array(text.textBytes)))
        }
        guard replaced.children.allSatisfy({ $0.kind == .string }) else { return nil }
        self.hash = hash.text
        self.replacedLists = replaced.children.map(\.text)
        self.files = files
    }
}
