// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Reads a file or stdin line by line, in large pieces.
final class ClientLineReader {
    private let descriptor: Int32
    private let name: String
    private var buffer: [UInt8] = []
    /// Where the line at hand begins, and up to where it holds no line feed.
    private var start = 0
    private var searched = 0
    private var isAtEnd = false
    /// Lines read so far, blank ones included.
    private(set) var lineNumber = 0

    private static let pieceBytes = 1 << 20

    /// Opens a file; `-` is stdin.
    ///
    /// - Throws: A `CommandFailure` where it cannot be read.
    init(_ path: String) throws(CommandFailure) {
        name = path == "-" ? "standard input" : path
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ClientLineReader.failure(name) }
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    private static func failure(_ name: String) -> CommandFailure {
        CommandFailure(
            .missingInput, "cannot read \(name): \(String(cString: strerror(errno)))")
    }

    /// The next line that is not blank, without its end.
    ///
    /// - Parameter includingBlank: whether blank lines count too.
    /// - Returns: nil after the last.
    /// - Throws: A `CommandFailure` where the file cannot be read further.
    func next(includingBlank: Bool = false) throws(CommandFailure) -> [UInt8]? {
        while let line = try nextLine() {
            lineNumber += 1
            if includingBlank || line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
                return Array(line)
            }
        }
        return nil
    }

    /// All that follows.
    ///
    /// - Throws: A `CommandFailure` where the file cannot be read further.
    func rest() throws(CommandFailure) -> [UInt8] {
        while !isAtEnd { try fill() }
        let rest = Array(buffer[start...])
        start = buffer.count
        return rest
    }

    /// Whether `next` would give something, or the end, without waiting.
    var hasInput: Bool {
        guard !isAtEnd, !buffer[searched...].contains(UInt8(ascii: "\n")) else { return true }
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, 0) > 0
    }

    private func nextLine() throws(CommandFailure) -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[start..<end]
                start = end + 1
                searched = start
                return line
            }
            searched = buffer.count
            if isAtEnd {
                guard start < buffer.count else { return nil }
                let line = buffer[start...]
                start = buffer.count
                return line
            }
            try fill()
        }
    }

    private func fill() throws(CommandFailure) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        let held = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: ClientLineReader.pieceBytes))
        var count = -1
        repeat {
            count = buffer.withUnsafeMutableBytes { bytes in
                read(
                    descriptor, bytes.baseAddress.map { $0 + held }, ClientLineReader.pieceBytes)
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { throw ClientLineReader.failure(name) }
        buffer.removeLast(ClientLineReader.pieceBytes - count)
        isAtEnd = count == 0
    }
}
