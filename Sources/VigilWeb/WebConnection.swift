// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A descriptor that is closed when it is let go.
final class OwnedDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}

/// A connection: it reads a head of a bounded length, answers, and reads the next one.
final class WebConnection {
    private enum Phase {
        case reading, writing
        /// The answer is out and nothing more is: what still comes is passed over.
        case leaving
        case over
    }

    /// So long a request, and so long an answer, may take.
    private static let patience = Duration.seconds(30)
    /// So long it waits for the other side to close.
    private static let farewell = Duration.seconds(2)
    private static let pieceLength = 4096

    let descriptor: OwnedDescriptor
    /// When it is given up.
    private(set) var deadline = ContinuousClock.now + WebConnection.patience
    private var phase = Phase.reading
    private var input: [UInt8] = []
    /// Before this place of the input no head ends.
    private var searched = 0
    private var output: ArraySlice<UInt8> = []
    private var keepsOpen = true

    init(_ descriptor: OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// What to poll for.
    var events: Int16 { Int16(phase == .writing ? POLLOUT : POLLIN) }

    func isOver(at now: ContinuousClock.Instant) -> Bool {
        phase == .over || deadline <= now
    }

    /// Reads or writes a piece, once it can.
    func goOn(_ report: () -> DaemonReport) {
        switch phase {
        case .reading:
            input += receive()
            answer(report)
        case .writing:
            write()
            // Another request may have come with the one before it.
            answer(report)
        case .leaving: _ = receive()
        case .over: break
        }
    }

    private func enter(_ next: Phase, for time: Duration = WebConnection.patience) {
        phase = next
        deadline = ContinuousClock.now + time
    }

    /// What has come; nothing where nothing has, or where the connection is over.
    private func receive() -> [UInt8] {
        var isOpen = true
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.pieceLength) { buffer, count in
            let got = recv(
                descriptor.number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            isOpen = got > 0 || got < 0 && (errno == EAGAIN || errno == EINTR)
            count = max(0, got)
        }
        if !isOpen { phase = .over }
        return bytes
    }

    private func write() {
        let sent = output.withUnsafeBytes { bytes in
            send(
                descriptor.number, bytes.baseAddress, bytes.count,
                Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
        guard sent >= 0 else {
            if errno != EAGAIN, errno != EINTR { phase = .over }
            return
        }
        output = output.dropFirst(sent)
        guard output.isEmpty else { return }
        if keepsOpen { return enter(.reading) }
        // To close at once would take the answer back where more has come than was read.
        shutdown(descriptor.number, Int32(SHUT_WR))
        enter(.leaving, for: Self.farewell)
    }

    /// Answers the request that has come, if one has as a whole.
    private func answer(_ report: () -> DaemonReport) {
        guard phase == .reading else { return }
        input.removeFirst(input.prefix { $0 == 0x0D || $0 == 0x0A }.count)
        let end = RequestHead.end(in: input, from: searched)
        searched = input.count
        guard let end, end <= RequestHead.lengthMax else {
            if input.count > RequestHead.lengthMax { give(.tooLong, to: nil) }
            return
        }
        let head = RequestHead(input[..<end])
        input.removeFirst(end)
        searched = 0
        guard let head else { return give(.unreadable, to: nil) }
        guard head.isForLoopback else { return give(.misdirected, to: head) }
        give(WebReply.answer(method: head.method, path: head.path, from: report), to: head)
    }

    private func give(_ reply: WebReply, to head: RequestHead?) {
        keepsOpen = head?.keepsConnection ?? false
        output = reply.encoded(withBody: head?.method != "HEAD", keepsOpen: keepsOpen)[...]
        enter(.writing)
    }
}

extension WebReply {
    /// The answer as it goes on the wire.
    fileprivate func encoded(withBody: Bool, keepsOpen: Bool) -> [UInt8] {
        var head = """
            HTTP/1.1 \(code) \(phrase)\r
            Content-Type: \(contentType)\r
            Content-Length: \(body.count)\r
            Cache-Control: no-store\r
            X-Content-Type-Options: nosniff\r

            """
        if let allow { head += "Allow: \(allow)\r\n" }
        if !keepsOpen { head += "Connection: close\r\n" }
        head += "\r\n"
        return Array(head.utf8) + (withBody ? body : [])
    }

    private var phrase: String {
        switch code {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 421: "Misdirected Request"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: ""
        }
    }
}
