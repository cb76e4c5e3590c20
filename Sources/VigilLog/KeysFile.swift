// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The file below a data directory that holds the log's key.
package struct KeyFile: Sendable {
    /// Long enough for any key; a longer file is none.
    private static let lengthMax = 4096

    private static let name = "log.ed25519"

    private let directory: String
    private let folder: String
    /// The file's path.
    package let path: String

    /// The key's file in a data directory.
    package init(directory: String) {
        self.directory = directory
        folder = directory + "/keys"
        path = folder + "/" + Self.name
    }

    /// Whether there is a file, be it a key or not.
    func isThere(on disk: any Disk) throws(LogError) -> Bool {
        try disk.list(folder).contains(Self.name)
    }

    /// Reads the key.
    ///
    /// Throws `TreeError` where there is none, it is no key, or others than its owner may open it.
    package func load() throws -> SigningKey {
        guard let bytes = try read() else { throw TreeError.noKey(path: path) }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasSuffix("\n"), let key = SigningKey(text: String(text.dropLast())) else {
            throw TreeError.malformedKey(path: path)
        }
        return key
    }

    /// Reads the key of a log, making one where there is none and nothing was signed.
    ///
    /// Called by whoever holds the lock of the data directory. Throws `TreeError` where the key is
    /// not this log's, or not the one that has signed it, or what it signed is gone.
    package func loadOrMake(origin: String, disk: any Disk = LinuxDisk()) throws -> SigningKey {
        let history = SignedHistory(directory: directory, disk: disk)
        if try read() == nil { try make(origin: origin, history: history, disk: disk) }
        let key = try load()
        guard key.verifier.name == origin else {
            throw TreeError.keyOfOtherLog(path: path, name: key.verifier.name)
        }
        try history.requireSigned(by: key)
        return key
    }

    /// Puts the key aside, so that the next start makes another.
    ///
    /// Returns the file's new path, nil where there was no key.
    func retire(disk: any Disk) throws -> String? {
        guard try isThere(on: disk) else { return nil }
        let other = "\(path).retired-\(disk.clockMilliseconds())"
        try disk.rename(path, to: other)
        try disk.synchroniseDirectory(folder)
        return other
    }

    private func make(origin: String, history: SignedHistory, disk: any Disk) throws {
        let seed = disk.randomWords(4).flatMap { word in withUnsafeBytes(of: word, Array.init) }
        guard let key = SigningKey(name: origin, seed: seed) else {
            throw TreeError.unsignableName(origin)
        }
        // Killed behind this, the next start begins again, with another key.
        try history.begin(with: key)
        try disk.makeDirectory(folder)
        // Renamed when it is whole and durable: half a key would keep the log from being signed.
        try disk.replace(path, in: folder, with: Array((key.text + "\n").utf8))
    }

    /// The file's bytes, nil where there is none.
    private func read() throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw LogError.system(call: "open", path: path, code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw LogError.system(call: "fstat", path: path, code: errno)
        }
        guard status.st_mode & 0o077 == 0 else { throw TreeError.keyOpenToOthers(path: path) }
        var bytes = [UInt8](repeating: 0, count: Self.lengthMax)
        let count = bytes.withUnsafeMutableBytes { buffer in
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        }
        guard count >= 0 else { throw LogError.system(call: "read", path: path, code: errno) }
        return Array(bytes.prefix(count))
    }
}

extension Disk {
    /// Puts a file in the place of another, so that a crash leaves one of the two, whole.
    func replace(_ path: String, in folder: String, with bytes: [UInt8]) throws(LogError) {
        let new = path + ".new"
        let file = try open(new, for: .create)
        try file.resize(to: 0)
        try file.write(bytes, at: 0)
        try file.synchronise()
        try rename(new, to: path)
        try synchroniseDirectory(folder)
    }
}
