// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import VigilCodec
internal import VigilCore
internal import VigilLog
package import VigilTransport

/// Answers the history socket from the disk, on a thread of its own, so that somebody who reads
/// years of it delays nobody who writes.
package final class HistoryService: Sendable {
    /// The endpoint as it was bound.
    package let boundEndpoint: String
    private let wake: WakeDescriptor
    private let isStopping = Mutex(false)
    private let thread = Mutex<OwnThread?>(nil)

    /// Binds the socket and starts answering.
    ///
    /// - Throws: `TransportError` where the endpoint cannot be bound, `LogError` where no thread
    ///   is to be had.
    package init(
        context: ZMQContext, endpoint: Endpoint, directory: String, openFlags: OpenFlags,
        access: AccessControl = AccessControl(), service: AccessService? = nil,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) throws {
        let wake = try WakeDescriptor()
        self.wake = wake
        let socket = try ZMQSocket(.router, in: context)
        try socket.set(.maximumFrameBytes(1 << 20))
        try socket.set(.routerMandatory(true))
        try socket.set(.receiveHighWater(messages: HistoryResponder.requestQueueMax))
        try socket.set(.sendHighWater(messages: HistoryResponder.pageQueueMax))
        try socket.set(.linger(milliseconds: 1000))
        try socket.set(.handshake(milliseconds: 5000))
        if let keys = access.keys {
            try socket.set(.curveServer(keys, domain: "history"))
            try service?.watch(socket, domain: "history")
        }
        try socket.bind(to: endpoint)
        boundEndpoint = try socket.lastEndpoint()
        service?.bound(.init(domain: "history", endpoints: [boundEndpoint], peer: .dealer))
        let reader = LogReader(directory: directory, durableHead: nil)
        // The socket and the reader go over to the thread, which alone uses them from here on.
        nonisolated(unsafe) let responder = HistoryResponder(
            socket: socket, reader: reader, openFlags: openFlags, access: access,
            isStopping: { [self] in isStopping.withLock { $0 } })
        let started = try OwnThread(name: "vigil-history") {
            do {
                try responder.run(wake: wake)
            } catch {
                onFailure(error)
            }
        }
        thread.withLock { $0 = started }
    }

    /// Stops answering and waits until the thread has ended.
    package func stop() {
        isStopping.withLock { $0 = true }
        wake.wake()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}

/// What the history's thread does.
private final class HistoryResponder {
    /// Requests of one client that wait; libzmq takes one of each client in turn.
    static let requestQueueMax = 64
    /// Pages that wait for one client, of up to 4 MiB each, before more are dropped; libzmq learns
    /// of those that were taken in halves of this.
    static let pageQueueMax = 32
    /// A reply's events, in bytes (protocol section 6).
    private static let replyBytesMax = 4 << 20
    /// Records looked at for one reply, so that nobody waits long for a rare topic.
    private static let recordsPerReply = 100_000

    private let socket: ZMQSocket
    private let reader: LogReader
    private let openFlags: OpenFlags
    private let access: AccessControl
    private let isStopping: () -> Bool
    private let buffer = MessageBuffer(frameLimit: 4)

    init(
        socket: ZMQSocket, reader: LogReader, openFlags: OpenFlags, access: AccessControl,
        isStopping: @escaping () -> Bool
    ) {
        self.access = access
        self.isStopping = isStopping
        self.socket = socket
        self.reader = reader
        self.openFlags = openFlags
    }

    func run(wake: WakeDescriptor) throws {
        let poller = Poller()
        _ = poller.add(socket)
        _ = poller.add(fileDescriptor: wake.fileDescriptor)
        while !isStopping() {
            _ = try poller.wait(timeoutMilliseconds: nil)
            while !isStopping(), try socket.receive(into: buffer) { try answer() }
        }
    }

    private func answer() throws {
        let envelope = buffer.envelope
        guard let question = buffer.question else {
            let refusal = HistoryRequest.Refusal(
                code: "bad-frames", message: "A request is one frame of JSON.")
            try send(envelope + [encode(refusal)])
            return
        }
        do throws(HistoryRequest.Refusal) {
            let sender = access.sender(buffer.userID)
            let request = try HistoryRequest.read(question)
            try check(request, of: sender)
            try send(envelope, answering: request, to: sender)
        } catch {
            try send(envelope + [encode(error)])
        }
    }

    /// Refuses what asks for nothing that is granted; of the rest only what is granted is given.
    private func check(
        _ request: HistoryRequest, of sender: Sender
    ) throws(HistoryRequest.Refusal) {
        let asked = request.topics?.map { Array($0.utf8) } ?? [[]]
        guard !asked.contains(where: { sender.mayAsk(for: $0) }) else { return }
        access.refused(.history, "\(sender.name) asked for topics that are not granted")
        throw HistoryRequest.Refusal(
            code: "unauthorised",
            message: "Your key may read nothing of what was asked for.")
    }

    private func send(
        _ envelope: [[UInt8]], answering request: HistoryRequest, to sender: Sender
    ) throws(HistoryRequest.Refusal) {
        do {
            switch request {
            case .page(let page): try send(envelope + reply(to: page, for: sender))
            case .open(let page): try send(envelope + reply(to: page, for: sender))
            }
        } catch {
            throw HistoryRequest.Refusal(
                code: "unreadable", message: "The log cannot be read: see the daemon's log.")
        }
    }

    private func send(_ frames: [[UInt8]]) throws(TransportError) {
        // A client that is gone or does not read asks again.
        guard try socket.send(frames) == .wouldBlock else { return }
        access.refused(.history, "a client asks for pages and does not take them: one was dropped")
    }

    private func reply(
        to page: HistoryRequest.HistoryPage, for sender: Sender
    ) throws -> [[UInt8]] {
        let head = openFlags.asOf
        reader.extend(durableHead: head)
        let prefixes = page.topics?.map { Array($0.utf8) }
        let subject = page.subject.map { Array($0.utf8) }
        let asksForGenesis = prefixes?.contains(Grants.genesis) ?? false
        var frames: [[UInt8]] = []
        var bytes = 0
        var examined = 0
        var next = page.from
        let end = min(page.to ?? .max, head + 1)
        try reader.scan(from: page.from, to: end) { record in
            guard examined < HistoryResponder.recordsPerReply, !isStopping() else { return .stop }
            let matches =
                prefixes?.contains { record.topicBytes.starts(with: $0) } ?? true
                && subject.map { record.subjectBytes.elementsEqual($0) } ?? true
                && (sender.mayRead(topic: record.topicBytes, isInput: record.kind == .input)
                    || asksForGenesis && record.offset == 0)
            if matches {
                let payload = Array(record.payload)
                let isOver = bytes + payload.count > HistoryResponder.replyBytesMax
                if !frames.isEmpty, isOver || frames.count / 3 >= page.limit { return .stop }
                bytes += payload.count
                frames += [Array(record.topicBytes), Array(String(record.offset).utf8), payload]
            }
            examined += 1
            next = record.offset + 1
            return .next
        }
        var header = JSONWriter()
        header.object { json in
            json.number("next", next)
            json.number("head", head)
            json.number("count", frames.count / 3)
        }
        return [header.bytes] + frames
    }

    private func reply(
        to page: HistoryRequest.OpenPage, for sender: Sender
    ) throws -> [[UInt8]] {
        // One more than fits, each being an item at least: so it is seen that there are more.
        let (asOf, entries) = openFlags.page(
            prefixes: page.topics, after: page.after, limit: page.limit + 1
        ) { topic in
            sender.mayRead(topic: topic.utf8, isInput: false)
        }
        reader.extend(durableHead: asOf)
        var frames: [[UInt8]] = []
        var bytes = 0
        var after: String?
        for (index, entry) in entries.enumerated() {
            var items: [[UInt8]] = []
            for offset in [entry.newest, entry.review].compactMap({ $0 }) {
                // A flag that has moved was reviewed on a topic that may not be granted.
                guard let record = try reader.record(at: offset),
                    sender.mayRead(topic: record.entry.topic.utf8, isInput: false)
                else { continue }
                items += [
                    Array(record.entry.topic.utf8), Array(String(offset).utf8), record.payload,
                ]
            }
            let size = items.reduce(0) { $0 + $1.count }
            let isOver =
                bytes + size > HistoryResponder.replyBytesMax
                || (frames.count + items.count) / 3 > page.limit
            if isOver, !frames.isEmpty {
                after = entries[index - 1].flagID.text
                break
            }
            frames += items
            bytes += size
        }
        var header = JSONWriter()
        header.object { json in
            json.number("asOf", asOf)
            if let after {
                json.string("after", after)
            } else {
                json.raw("after", Array("null".utf8))
            }
            json.number("count", frames.count / 3)
        }
        return [header.bytes] + frames
    }

    private func encode(_ refusal: HistoryRequest.Refusal) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.object("error") { json in
                json.string("code", refusal.code)
                json.string("message", refusal.message)
            }
        }
        return json.bytes
    }
}
