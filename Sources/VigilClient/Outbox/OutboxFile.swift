// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// An open file of an outbox: reads and writes at places, whole or not at all.
final class OutboxFile {
    let path: String
    private let descriptor: Int32

    /// Opens a file; one that is made is its owner's alone.
    ///
    /// - Throws: `OutboxError` where the system refuses; `full` where the disk has no room for one.
    init(_ path: String, isNew: Bool = false, isLock: Bool = false) throws(OutboxError) {
        self.path = path
        var flags = O_RDWR | O_CLOEXEC
        if isNew { flags |= O_CREAT | O_EXCL }
        if isLock { flags |= O_CREAT }
        descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else {
            throw OutboxFile.failure("open", path, OutboxFile.isDiskFull ? .full : .system)
        }
    }

    /// Whether what has just failed did so for want of space, or of a quota.
    private static var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT }

    deinit {
        close(descriptor)
    }

    static func failure(
        _ what: String, _ path: String, _ kind: OutboxError.Kind = .system
    ) -> OutboxError {
        OutboxError(kind, "cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }

    /// Takes the file for this process alone; false where another has it.
    func lock() -> Bool {
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    /// How long it is, in bytes.
    func length() throws(OutboxError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw OutboxFile.failure("read", path) }
        return Int(status.st_size)
    }

    /// Reads up to so many bytes, fewer only at the file's end.
    func read(at position: Int, count: Int) throws(OutboxError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    descriptor, buffer.baseAddress.map { $0 + done }, count - done,
                    off_t(position + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw OutboxFile.failure("read", path) }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// Writes bytes and makes them durable.
    ///
    /// - Returns: false where the disk is full: the file is then as long as before.
    /// - Throws: `OutboxError`; after a failed sync nothing is known of what was written.
    func write(_ bytes: [UInt8], at position: Int) throws(OutboxError) -> Bool {
        guard try put(bytes, at: position) else { return false }
        guard fdatasync(descriptor) == 0 else { throw OutboxFile.failure("sync", path) }
        return true
    }

    /// Writes bytes, durable at the system's leisure.
    ///
    /// - Returns: false where the disk is full: the file is then as long as before.
    func put(_ bytes: [UInt8], at position: Int) throws(OutboxError) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor, buffer.baseAddress.map { $0 + done }, bytes.count - done,
                    off_t(position + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                guard OutboxFile.isDiskFull else { throw OutboxFile.failure("write", path) }
                try cut(to: position)
                return false
            }
            done += count
        }
        return true
    }

    /// Shortens the file, or makes it longer by a hole.
    func cut(to length: Int) throws(OutboxError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else {
            throw OutboxFile.failure("shorten", path)
        }
    }

    /// Makes the file so long, with all of its room on the disk where the file system can tell.
    ///
    /// - Returns: false where there is too little.
    func allocate(_ length: Int) throws(OutboxError) -> Bool {
        try cut(to: length)
        var fault = EINTR
        while fault == EINTR { fault = posix_fallocate(descriptor, 0, off_t(length)) }
        return fault != ENOSPC && fault != EDQUOT
    }

    // MARK: - Directories

    /// Makes a directory for its owner alone where there is none, durable by its name.
    static func makeDirectory(_ path: String) throws(OutboxError) {
        guard mkdir(path, 0o700) == 0 else {
            guard errno == EEXIST else { throw failure("make", path) }
            return
        }
        try syncDirectory(path + "/..")
    }

    /// Makes the names in a directory durable.
    static func syncDirectory(_ path: String) throws(OutboxError) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("sync", path) }
    }

    /// The names in a directory, in order.
    static func names(in path: String) throws(OutboxError) -> [String] {
        guard let directory = opendir(path) else { throw failure("read", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// How long the file of a name is, in bytes; 0 where there is none.
    static func length(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    static func remove(_ path: String) throws(OutboxError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }
}
