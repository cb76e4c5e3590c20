// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// The machine's own files.
package struct LinuxDisk: Disk {
    /// The disk of this process.
    package init() {}

    package func open(_ path: String, for access: DiskAccess) throws(LogError) -> any DiskFile {
        let flags =
            switch access {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT
            }
        return try LinuxFile(path: path, flags: flags)
    }

    package func lock(_ path: String) throws(LogError) -> any DiskFile {
        let file = try LinuxFile(path: path, flags: O_RDWR | O_CREAT)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw failure("flock", path) }
            let text = String(decoding: try file.read(20, at: 0), as: UTF8.self)
            let directory = path.split(separator: "/").dropLast().joined(separator: "/")
            throw .locked(
                directory: (path.hasPrefix("/") ? "/" : "") + directory,
                holder: Int(text.prefix { $0.isNumber }))
        }
        let holder = Array("\(getpid())\n".utf8)
        do throws(LogError) {
            try file.write(holder, at: 0)
            try file.resize(to: UInt64(holder.count))
        } catch {
            // The number is for messages: a full disk keeps nobody from locking and reading.
            guard case .noSpace = error else { throw error }
        }
        return file
    }

    package func list(_ directory: String) throws(LogError) -> [String] {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw failure("opendir", directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw failure("readdir", directory) }
        return names.sorted()
    }

    package func makeDirectory(_ path: String) throws(LogError) {
        var made = path.hasPrefix("/") ? "" : "."
        var parent = made
        for part in path.split(separator: "/") {
            parent = made.isEmpty ? "/" : made
            made += "/" + part
            if mkdir(made, 0o700) == 0 {
                try synchroniseDirectory(parent)
            } else if errno != EEXIST {
                throw failure("mkdir", made)
            }
        }
        // Also where it was there: whoever made it may have been killed before it was synced.
        try synchroniseDirectory(parent)
    }

    package func synchroniseDirectory(_ path: String) throws(LogError) {
        let file = try LinuxFile(path: path, flags: O_RDONLY | O_DIRECTORY)
        guard fsync(file.descriptor) == 0 else { throw failure("fsync", path) }
    }

    package func rename(_ path: String, to other: String) throws(LogError) {
        guard Glibc.rename(path, other) == 0 else { throw failure("rename", path) }
    }

    package func remove(_ path: String) throws(LogError) {
        guard unlink(path) == 0 else { throw failure("unlink", path) }
    }

    package func freeBytes(at path: String) throws(LogError) -> UInt64 {
        var answer = statvfs()
        guard statvfs(path, &answer) == 0 else { throw failure("statvfs", path) }
        let (bytes, overflow) = UInt64(answer.f_bavail)
            .multipliedReportingOverflow(by: UInt64(answer.f_frsize))
        return overflow ? .max : bytes
    }

    package func randomWords(_ count: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        words.withUnsafeMutableBytes { vigil_random($0.baseAddress, $0.count) }
        return words
    }

    package func clockMilliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

/// A file descriptor with its path, for messages.
private final class LinuxFile: DiskFile {
    let descriptor: Int32
    let path: String

    init(path: String, flags: Int32) throws(LogError) {
        var opened: Int32
        repeat {
            opened = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        } while opened < 0 && errno == EINTR
        guard opened >= 0 else { throw failure("open", path) }
        descriptor = opened
        self.path = path
    }

    deinit { close(descriptor) }

    func read(_ count: Int, at position: UInt64) throws(LogError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[done...])
                let got = pread(
                    descriptor, rest.baseAddress, rest.count,
                    off_t(clamping: position + UInt64(done)))
                if got < 0 {
                    if errno == EINTR { continue }
                    code = errno
                    return
                }
                if got == 0 { return }
                done += got
            }
        }
        guard code == 0 else { throw failure("pread", path, code) }
        return bytes
    }

    func write(_ bytes: [UInt8], at position: UInt64) throws(LogError) {
        let code: Int32 = bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                let put = pwrite(
                    descriptor, rest.baseAddress, rest.count,
                    off_t(clamping: position + UInt64(done)))
                if put < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                // A device that takes nothing and says nothing would otherwise be asked for ever.
                if put == 0 { return EIO }
                done += put
            }
            return 0
        }
        guard code == 0 else { throw failure("pwrite", path, code) }
    }

    func synchronise() throws(LogError) {
        guard fdatasync(descriptor) == 0 else { throw failure("fdatasync", path) }
    }

    func resize(to count: UInt64) throws(LogError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw failure("ftruncate", path) }
    }

    func size() throws(LogError) -> UInt64 {
        var answer = stat()
        guard fstat(descriptor, &answer) == 0 else { throw failure("fstat", path) }
        return UInt64(answer.st_size)
    }

    func isAtItsPath() throws(LogError) -> Bool {
        var own = stat()
        guard fstat(descriptor, &own) == 0 else { throw failure("fstat", path) }
        var named = stat()
        guard stat(path, &named) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw failure("stat", path) }
            return false
        }
        return own.st_dev == named.st_dev && own.st_ino == named.st_ino
    }
}

/// The error of a system call, by its errno.
func failure(_ call: String, _ path: String, _ code: Int32 = errno) -> LogError {
    switch code {
    case ENOSPC, EDQUOT, EFBIG: .noSpace(path: path)
    default: .system(call: call, path: path, code: code)
    }
}
