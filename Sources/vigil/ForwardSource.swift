// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import VigilClient
internal import VigilTransport

/// What a source gave, to be put into the outbox.
struct Taken {
    var kind: OutboxItem.Kind
    /// The topic; of what is unreadable the code of the refusal and why, with a space between.
    var topic: [UInt8]
    var event: [UInt8]
    /// How far the source has been read with it.
    var mark = SourceMark()
}

/// Where `vigil forward` has its events from.
protocol ForwardSource: AnyObject {
    /// Whether nothing more will come.
    var isEnded: Bool { get }

    /// What is there now, at most a batch; the same again until it is confirmed.
    ///
    /// - Throws: A `CommandFailure` where the source cannot be read, or a `TransportError`.
    func take() throws -> [Taken]

    /// What was taken last is durable: the source need not keep it.
    ///
    /// - Throws: A `CommandFailure` where the source cannot be read.
    func confirm() throws

    /// Adds what there is to wait for, if there is any.
    ///
    /// - Returns: after how long to look in any case, in milliseconds.
    func wait(in poller: Poller) -> Int
}

/// Lines of a source as what the outbox takes.
struct ForwardLines {
    /// The longest event, and the topic around it.
    static let lineBytesMax = (1 << 20) + 4096
    /// Lines of one batch: each takes some bytes beside its own.
    static let linesMax = 1024
    static let topicBytesMax = 200

    private let reader: CloudEventsReader

    init(practice: String) {
        reader = CloudEventsReader(practice: practice)
    }

    /// What a line is; nil for a blank one, and for records of the daemon's own.
    func item(_ line: ArraySlice<UInt8>, mark: SourceMark) -> Taken? {
        guard line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { return nil }
        guard line.count <= ForwardLines.lineBytesMax else { return tooLong(mark: mark) }
        let text = Array(line)
        let origin = EventOrigin(file: "", position: 0, unit: .line)
        switch reader.line(text, origin: origin) {
        case .event(let event):
            guard event.topic.utf8.count <= ForwardLines.topicBytesMax else {
                return unreadable("topic-mismatch", "a topic has at most 200 bytes", text, mark)
            }
            return Taken(
                kind: .event, topic: Array(event.topic.utf8), event: event.event, mark: mark)
        case .refused(let refusal):
            return unreadable(refusal.code, refusal.message, text, mark)
        case .skipped: return nil
        }
    }

    /// In place of a line that is longer than any event, whose bytes are not kept.
    func tooLong(mark: SourceMark) -> Taken {
        unreadable("too-large", "an event has at most 1 MiB; its bytes were not kept", [], mark)
    }

    private func unreadable(
        _ code: String, _ message: String, _ text: [UInt8], _ mark: SourceMark
    ) -> Taken {
        Taken(kind: .unreadable, topic: Array("\(code) \(message)".utf8), event: text, mark: mark)
    }

    /// Divides bytes into lines.
    ///
    /// - Parameters:
    ///   - bytes: what was read.
    ///   - isLast: whether what follows the last line feed is a line too.
    ///   - mark: the source's place after so many of the bytes.
    /// - Returns: the lines, and how many bytes they are.
    func divide(
        _ bytes: [UInt8], isLast: Bool, mark: (Int) -> SourceMark = { _ in SourceMark() }
    ) -> (items: [Taken], count: Int) {
        var items: [Taken] = []
        var start = 0
        while items.count < ForwardLines.linesMax, start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            guard let stop = end ?? (isLast ? bytes.count : nil) else { break }
            let next = end.map { $0 + 1 } ?? stop
            if let item = item(bytes[start..<stop], mark: mark(next)) { items.append(item) }
            start = next
        }
        return (items, start)
    }
}

/// A file, from where it was left, to its end or on and on as it grows.
final class FileSource: ForwardSource {
    private static let pieceBytes = 256 << 10
    private static let lookMilliseconds = 200
    private static let tailBytes = 4096

    private let path: String
    private let lines: ForwardLines
    private let isFollowing: Bool
    private var descriptor: Int32
    private var mark: SourceMark
    /// Behind what was taken last, and those bytes.
    private var taken: (mark: SourceMark, bytes: ArraySlice<UInt8>)
    /// The last bytes before the mark: who finds others there reads another text.
    private var tail: [UInt8] = []
    /// Within a line that is longer than any event.
    private var isSkipping = false
    private var beginsSkipping = false
    private var isIdle = false
    private(set) var isEnded = false

    /// Opens a file, or takes the one at standard input.
    ///
    /// - Parameters:
    ///   - path: of the file; `-` for standard input.
    ///   - before: how far it was read by an earlier run.
    ///   - isFollowing: whether to wait for more at its end.
    ///   - lines: what reads its lines.
    /// - Throws: A `CommandFailure` where it cannot be read.
    init(
        _ path: String, after before: SourceMark, isFollowing: Bool, lines: ForwardLines
    ) throws(CommandFailure) {
        self.path = path
        self.lines = lines
        self.isFollowing = isFollowing
        (descriptor, mark) = try FileSource.open(path)
        taken = (mark, [])
        guard before.inode != 0 else { return }
        guard try hasBegun(before) else {
            Terminal.say("vigil: \(path) is not what was read before: it is read whole")
            begin()
            return
        }
    }

    /// Puts the mark at the file's beginning.
    private func begin() {
        mark = SourceMark(device: mark.device, inode: mark.inode)
        (taken, tail, isSkipping) = ((mark, []), [], false)
    }

    /// Whether the file begins with all that was read before, of which the mark is then put behind.
    private func hasBegun(_ before: SourceMark) throws(CommandFailure) -> Bool {
        guard before.device == mark.device, before.inode == mark.inode else { return false }
        while mark.position < before.position {
            let left = before.position - mark.position
            let bytes = try read(count: Int(min(left, UInt64(ForwardLines.lineBytesMax))))
            guard !bytes.isEmpty else { return false }
            take(bytes[...])
            confirm()
        }
        return mark.checksum == before.checksum
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    private static func open(_ path: String) throws(CommandFailure) -> (Int32, SourceMark) {
        let descriptor =
            path == "-" ? STDIN_FILENO : Glibc.open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw CommandFailure(
                .missingInput, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return (descriptor, SourceMark(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)))
    }

    /// Begins again where the file was cut short, or written anew.
    private func noteChange() throws(CommandFailure) -> Bool {
        let start = mark.position - UInt64(tail.count)
        guard try read(count: tail.count, at: start) != tail else { return false }
        Terminal.say("vigil: \(path) was written anew: it is read from its beginning")
        begin()
        return true
    }

    func take() throws -> [Taken] {
        taken = (mark, [])
        isIdle = false
        beginsSkipping = false
        // Before the read: what was appended until then is in what it gives.
        let wasReplaced = isReplaced
        var bytes = try read(count: FileSource.pieceBytes)
        var isAtEnd = bytes.count < FileSource.pieceBytes
        var isTooLong = false
        if bytes.count == FileSource.pieceBytes, !bytes.contains(UInt8(ascii: "\n")) {
            bytes = try read(count: ForwardLines.lineBytesMax + 1)
            isAtEnd = bytes.count <= ForwardLines.lineBytesMax
            isTooLong =
                bytes.count > ForwardLines.lineBytesMax && !bytes.contains(UInt8(ascii: "\n"))
        }
        // After what follows was read: before, it could be written anew in between.
        if try noteChange() { return [] }
        if isTooLong { return skip(bytes) }
        let isLast = isAtEnd && (!isFollowing || wasReplaced)
        if isSkipping { return try endSkipping(bytes, isLast: isLast) }
        var reached = (mark: mark, count: 0)
        let (items, count) = lines.divide(bytes, isLast: isLast) { count in
            reached.mark.advance(over: bytes[reached.count..<count])
            reached.count = count
            return reached.mark
        }
        reached.mark.advance(over: bytes[reached.count..<count])
        taken = (reached.mark, bytes[..<count])
        if count == 0, isAtEnd { try reachedEnd(isLast: isLast) }
        return items
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        taken = (mark, bytes)
        taken.mark.advance(over: bytes)
    }

    private func read(count: Int, at place: UInt64? = nil) throws(CommandFailure) -> [UInt8] {
        let start = off_t(place ?? mark.position)
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    descriptor, buffer.baseAddress.map { $0 + done }, count - done,
                    start + off_t(done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else {
                throw CommandFailure(
                    .missingInput,
                    "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// Passes over the beginning of a line that is too long; one word is kept of it.
    private func skip(_ bytes: [UInt8]) -> [Taken] {
        take(bytes[...])
        beginsSkipping = true
        return isSkipping ? [] : [lines.tooLong(mark: taken.mark)]
    }

    private func endSkipping(
        _ bytes: [UInt8], isLast: Bool
    ) throws(CommandFailure) -> [Taken] {
        if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            take(bytes[...end])
            isSkipping = false
        } else {
            take(bytes[...])
            if bytes.isEmpty { try reachedEnd(isLast: isLast) }
        }
        return []
    }

    /// Whether another file has taken this one's name: its writer has closed this one before.
    private var isReplaced: Bool {
        var status = stat()
        guard isFollowing, stat(path, &status) == 0 else { return false }
        return UInt64(status.st_dev) != mark.device || UInt64(status.st_ino) != mark.inode
    }

    private func reachedEnd(isLast: Bool) throws(CommandFailure) {
        guard isFollowing else {
            isEnded = true
            return
        }
        if isLast {
            close(descriptor)
            (descriptor, mark) = try FileSource.open(path)
            begin()
        } else {
            isIdle = true
        }
    }

    func confirm() {
        mark = taken.mark
        let last = taken.bytes.suffix(FileSource.tailBytes)
        tail = Array((tail + last).suffix(FileSource.tailBytes))
        taken.bytes = []
        if beginsSkipping { isSkipping = true }
        beginsSkipping = false
    }

    func wait(in poller: Poller) -> Int {
        isIdle ? FileSource.lookMilliseconds : 0
    }
}

/// Messages of publishers' PUB sockets, taken as they come.
final class SubscriberSource: ForwardSource {
    private static let messagesMax = 512
    private static let bytesMax = 1 << 20
    private static let eventBytesMax = 1 << 20

    let isEnded = false
    private let socket: ZMQSocket
    private let message = MessageBuffer(frameLimit: 3)
    private var held: [Taken] = []
    /// Where it is bound, with the port that the system chose.
    let endpoint: String

    /// Binds a socket on this machine.
    ///
    /// - Throws: A `TransportError` where the endpoint is taken, or open to other machines.
    init(at endpoint: Endpoint, in context: ZMQContext) throws(TransportError) {
        try endpoint.requireLoopback()
        socket = try ZMQSocket(.sub, in: context)
        try socket.set(.linger(milliseconds: 0))
        try socket.set(.maximumFrameBytes(8 << 20))
        try socket.set(.receiveHighWater(messages: 100_000))
        try socket.subscribe(toPrefix: [])
        try socket.bind(to: endpoint)
        self.endpoint = try socket.lastEndpoint()
    }

    func take() throws -> [Taken] {
        guard held.isEmpty else { return held }
        var bytes = 0
        while held.count < SubscriberSource.messagesMax, bytes < SubscriberSource.bytesMax,
            try socket.receive(into: message)
        {
            let item = item()
            bytes += item.event.count
            held.append(item)
        }
        return held
    }

    private func item() -> Taken {
        func unreadable(_ code: String, _ why: String, _ event: [UInt8] = []) -> Taken {
            Taken(kind: .unreadable, topic: Array("\(code) \(why)".utf8), event: event)
        }
        guard message.count == 2, !message.isTruncated else {
            return unreadable("bad-frames", "a message is a topic frame and an event frame")
        }
        let (topic, event) = (message.bytes(0), message.bytes(1))
        guard event.count <= SubscriberSource.eventBytesMax else {
            return unreadable("too-large", "an event has at most 1 MiB; its bytes were not kept")
        }
        guard topic.count <= ForwardLines.topicBytesMax else {
            return unreadable("topic-mismatch", "a topic has at most 200 bytes", event)
        }
        return Taken(kind: .event, topic: topic, event: event)
    }

    func confirm() {
        held = []
    }

    func wait(in poller: Poller) -> Int {
        _ = poller.add(socket)
        return 1000
    }
}
