// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Why a file of CURVE keys cannot be used: one sentence for a person.
package struct CurveKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
    /// Whether there is no such file.
    package var isMissing = false
}

/// Files of CURVE keys, in the form of czmq and pyzmq certificates: `public-key = "..."` and, in
/// the owner's file, `secret-key = "..."`.
package struct CurveKeyFile: Sendable {
    /// Longer than any certificate; a longer file is none.
    private static let lengthMax = 16 << 10

    package let path: String

    /// The file at a path.
    package init(path: String) {
        self.path = path
    }

    /// Reads a key pair.
    ///
    /// - Throws: A `CurveKeyError` where the file is not there, has no secret key, or others than
    ///   its owner may read it.
    package func loadPair() throws(CurveKeyError) -> CurveKeyPair {
        let (text, mode) = try read()
        guard let secret = CurveKeyFile.value("secret-key", in: text) else {
            throw fault("has no secret key: name the file that `vigil keys new` was given")
        }
        guard mode & 0o077 == 0 else {
            throw fault("can be read by others than its owner: run chmod 600 \(path)")
        }
        guard let pair = CurveKeyPair(secretText: secret) else {
            throw fault("has a secret key that is not 40 characters of Z85")
        }
        if let told = CurveKeyFile.value("public-key", in: text), told != pair.publicKey.text {
            throw fault("has a public key that is not that of its secret key")
        }
        return pair
    }

    /// Reads a public key, from either file of a pair.
    ///
    /// - Throws: A `CurveKeyError` where the file is not there or has no key.
    package func loadPublicKey() throws(CurveKeyError) -> CurvePublicKey {
        let (text, _) = try read()
        if CurveKeyFile.value("secret-key", in: text) != nil { return try loadPair().publicKey }
        guard let told = CurveKeyFile.value("public-key", in: text),
            let key = CurvePublicKey(told)
        else { throw fault("has no public key of 40 characters of Z85") }
        return key
    }

    /// Writes a pair: this file for its owner only, and beside it `.pub` for everybody.
    ///
    /// - Returns: the path of the public file.
    /// - Throws: A `CurveKeyError` where a file is there already or cannot be written.
    package func write(_ pair: CurveKeyPair) throws(CurveKeyError) -> String {
        let shared = CurveKeyFile(path: path + ".pub")
        let line = "    public-key = \"\(pair.publicKey.text)\"\n"
        try create(
            "# Secret: for its owner alone.\nmetadata\ncurve\n" + line
                + "    secret-key = \"\(pair.secretText)\"\n", mode: 0o600)
        do throws(CurveKeyError) {
            try shared.create("# To be handed out.\nmetadata\ncurve\n" + line, mode: 0o644)
        } catch {
            unlink(path)
            throw error
        }
        return shared.path
    }

    private func create(_ text: String, mode: mode_t) throws(CurveKeyError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? fault("is there already: keys are never written over")
                : fault("cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
        else { throw fault("cannot be written: \(String(cString: strerror(errno)))") }
    }

    private func read() throws(CurveKeyError) -> (text: String, mode: mode_t) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            var error = fault("cannot be read: \(String(cString: strerror(errno)))")
            error.isMissing = errno == ENOENT
            throw error
        }
        defer { close(descriptor) }
        var status = stat()
        var bytes = [UInt8](repeating: 0, count: CurveKeyFile.lengthMax)
        guard fstat(descriptor, &status) == 0 else { throw fault("cannot be read") }
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else {
            throw fault("cannot be read: \(String(cString: strerror(errno)))")
        }
        return (String(decoding: bytes.prefix(count), as: UTF8.self), status.st_mode)
    }

    private func fault(_ what: String) -> CurveKeyError {
        CurveKeyError(description: "the key file \(path) \(what)")
    }

    /// The value of a line `name = "value"`.
    private static func value(_ name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, trimmed(parts[0]) == name else { continue }
            let value = trimmed(parts[1])
            return value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
                ? String(value.dropFirst().dropLast()) : value
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        return String(
            text.drop(while: isSpace).reversed().drop { isSpace($0) || $0 == "\r" }.reversed())
    }
}
