// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
private import Glibc
internal import VigilClient
internal import VigilTransport

/// A named pipe: what it holds is taken out of it only once it is durable, so that it is still
/// there for the next run where this one is killed and the writer lives on.
final class PipeSource: ForwardSource {
    /// As much as a process without privileges may ask for.
    private static let pipeBytes: Int32 = 1 << 20
    private static let unfinishedMilliseconds = 20

    /// Held open for writing too: it has no end, writers come and go.
    let isEnded = false
    private let descriptor: Int32
    private let lines: ForwardLines
    private let size: Int
    private var scratch: [Int32] = [-1, -1]
    private var takenCount = 0
    /// The beginning of a line that is longer than the pipe.
    private var carried: [UInt8] = []
    private var isSkipping = false
    private var isUnfinished = false

    /// Opens a named pipe.
    ///
    /// - Throws: A `CommandFailure` where that cannot be.
    init(_ path: String, lines: ForwardLines) throws(CommandFailure) {
        self.lines = lines
        descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0, pipe(&scratch) == 0 else {
            throw CommandFailure(
                .missingInput, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        size = Int(vigil_pipe_resize(descriptor, PipeSource.pipeBytes))
        _ = vigil_pipe_resize(scratch[1], Int32(size))
    }

    deinit {
        for end in scratch + [descriptor] where end >= 0 { close(end) }
    }

    func take() throws -> [Taken] {
        takenCount = 0
        isUnfinished = false
        var bytes = [UInt8](repeating: 0, count: size)
        let count = vigil_pipe_peek(descriptor, scratch, &bytes, bytes.count)
        guard count > 0 else {
            guard count == 0 || errno == EAGAIN || errno == EINTR else {
                throw PipeSource.failure()
            }
            return []
        }
        bytes.removeLast(bytes.count - count)
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            if isFull { try carry(bytes) } else { isUnfinished = true }
            return []
        }
        if isSkipping || !carried.isEmpty { return endLong(bytes[..<end]) }
        let (items, length) = lines.divide(bytes, isLast: false)
        takenCount = length
        return items
    }

    /// Whether its writers wait for room.
    private var isFull: Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&item, 1, 0) == 0
    }

    /// Takes the beginning of a line for which the pipe is too short into memory.
    private func carry(_ bytes: [UInt8]) throws(CommandFailure) {
        if carried.count + bytes.count > ForwardLines.lineBytesMax {
            isSkipping = true
            carried = []
        }
        if !isSkipping { carried += bytes }
        takenCount = bytes.count
        try confirm()
    }

    private func endLong(_ rest: ArraySlice<UInt8>) -> [Taken] {
        takenCount = rest.count + 1
        if isSkipping { return [lines.tooLong(mark: SourceMark())] }
        return [lines.item((carried + rest)[...], mark: SourceMark())].compactMap { $0 }
    }

    func confirm() throws(CommandFailure) {
        guard takenCount > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: takenCount)
        var done = 0
        while done < takenCount {
            let got = read(descriptor, &bytes, takenCount - done)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw PipeSource.failure() }
            done += got
        }
        // What completes a long line has been taken with it.
        if bytes.last == UInt8(ascii: "\n") {
            carried = []
            isSkipping = false
        }
        takenCount = 0
    }

    private static func failure() -> CommandFailure {
        CommandFailure(
            .missingInput, "cannot read the pipe: \(String(cString: strerror(errno)))")
    }

    func wait(in poller: Poller) -> Int {
        // An unfinished line would wake at once, again and again.
        guard !isUnfinished else { return PipeSource.unfinishedMilliseconds }
        _ = poller.add(fileDescriptor: descriptor)
        return 1000
    }
}

/// Standard input where it is no file: what was read and not yet made durable is lost where this
/// process is killed, as the pipe is with it.
final class StreamSource: ForwardSource {
    private static let pieceBytes = 256 << 10

    private let lines: ForwardLines
    private var buffer: [UInt8] = []
    private var takenCount = 0
    private var isAtEnd = false
    /// Within a line that is longer than any event, or so once its beginning is confirmed.
    private var isSkipping = false
    private var beginsSkipping = false
    private(set) var isEnded = false

    init(lines: ForwardLines) {
        self.lines = lines
    }

    func take() throws -> [Taken] {
        if !isAtEnd, !buffer.contains(UInt8(ascii: "\n")) { try fill() }
        if isSkipping {
            guard let end = buffer.firstIndex(of: UInt8(ascii: "\n")) else {
                buffer = []
                isEnded = isAtEnd
                return []
            }
            buffer.removeSubrange(...end)
            isSkipping = false
        }
        if buffer.count > ForwardLines.lineBytesMax, !buffer.contains(UInt8(ascii: "\n")) {
            beginsSkipping = true
            takenCount = buffer.count
            return [lines.tooLong(mark: SourceMark())]
        }
        let (items, count) = lines.divide(buffer, isLast: isAtEnd)
        takenCount = count
        isEnded = isAtEnd && buffer.isEmpty
        return items
    }

    private func fill() throws(CommandFailure) {
        var item = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&item, 1, 0) > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: StreamSource.pieceBytes)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count >= 0 else {
            if errno == EINTR || errno == EAGAIN { return }
            throw CommandFailure(
                .missingInput,
                "cannot read standard input: \(String(cString: strerror(errno)))")
        }
        isAtEnd = count == 0
        buffer += bytes[..<count]
    }

    func confirm() {
        buffer.removeSubrange(..<takenCount)
        takenCount = 0
        if beginsSkipping { isSkipping = true }
        beginsSkipping = false
    }

    func wait(in poller: Poller) -> Int {
        guard !isAtEnd, !buffer.contains(UInt8(ascii: "\n")) else { return 0 }
        _ = poller.add(fileDescriptor: STDIN_FILENO)
        return 1000
    }
}
