// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A directory that tiles are published in: anybody may read what is written to it.
final class TileDirectory {
    private static let lengthMax: UInt64 = 32 << 20

    private let path: String
    private let descriptor: Int32
    private var made: Set<String> = []

    /// Makes the directory where there is none, and locks it against a second writer.
    init(_ path: String) throws(LogError) {
        var parent = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            parent += "/" + part
            guard mkdir(parent, 0o755) == 0 || errno == EEXIST else {
                throw failure("mkdir", parent)
            }
        }
        let opened = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw failure("open", path) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(opened)
            if code == EWOULDBLOCK { throw .locked(directory: path, holder: nil) }
            throw failure("flock", path, code)
        }
        self.path = path
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// A file's bytes, nil where there is none.
    func read(_ name: String) throws(LogError) -> [UInt8]? {
        let file: any DiskFile
        do throws(LogError) {
            file = try LinuxDisk().open(path + "/" + name, for: .read)
        } catch {
            guard case .system(_, _, ENOENT) = error else { throw error }
            return nil
        }
        return try file.read(Int(min(file.size(), Self.lengthMax)), at: 0)
    }

    /// Puts a file in place, whole; readers see the one before or this.
    func write(_ name: String, _ bytes: [UInt8]) throws(LogError) {
        let file = path + "/" + name
        try makeFolder(of: name)
        let new = file + ".new"
        let opened = Glibc.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw failure("open", new) }
        defer { close(opened) }
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                Glibc.write(opened, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { throw failure("write", new) }
            done += put
        }
        guard rename(new, file) == 0 else { throw failure("rename", new) }
    }

    /// Makes all that was written durable, at once: a sync for each of many tiles takes longer.
    func synchronise() throws(LogError) {
        guard vigil_sync_filesystem(descriptor) == 0 else { throw failure("syncfs", path) }
    }

    private func makeFolder(of name: String) throws(LogError) {
        let parts = name.split(separator: "/").dropLast()
        guard made.insert(parts.joined(separator: "/")).inserted else { return }
        var folder = path
        for part in parts {
            folder += "/" + part
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                throw failure("mkdir", folder)
            }
        }
    }
}
