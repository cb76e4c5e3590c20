// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
internal import Glibc

/// What one run came to.
struct Result {
    var accepted = 0
    var duplicates = 0
    var busy = 0
    var rejected = 0
    /// What the server said of the first event that it rejected.
    var firstRejection: String?
    var seconds = 0.0
    /// From sending a request to having its last reply, in milliseconds, ascending.
    var latenciesMilliseconds: [Double] = []

    /// One line for programs.
    func json(of publishing: PublishingOptions, bytes: Int) -> String {
        let total = accepted + duplicates
        let rate = seconds > 0 ? Double(total) / seconds : 0
        return """
            {"events":\(total),"accepted":\(accepted),"duplicate":\(duplicates),"busy":\(busy),\
            "eventBytesMean":\(total > 0 ? bytes / total : 0),"batch":\(publishing.batch),\
            "window":\(publishing.window),\
            "seconds":\(rounded(seconds)),"eventsPerSecond":\(Int(rate)),"latencyMilliseconds":\
            {"p50":\(percentile(50)),"p90":\(percentile(90)),"p99":\(percentile(99)),\
            "max":\(percentile(100))}}
            """
    }

    /// The latency that so many of a hundred requests did not exceed, in milliseconds.
    func percentile(_ percent: Int) -> Double {
        guard !latenciesMilliseconds.isEmpty else { return 0 }
        let index = (latenciesMilliseconds.count * percent + 99) / 100 - 1
        return rounded(latenciesMilliseconds[max(0, index)])
    }

    private func rounded(_ value: Double) -> Double {
        (value * 1000).rounded() / 1000
    }
}

/// A DEALER that keeps a window of requests in flight.
final class Publisher {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private let batch: Int
    private let window: Int
    private let clock = ContinuousClock()

    private struct Request {
        var messages: Range<Int>
        var sentAt: ContinuousClock.Instant
    }

    init(endpoint: String, batch: Int, window: Int) throws {
        guard let context = zmq_ctx_new(), let socket = zmq_socket(context, ZMQ_DEALER) else {
            throw BenchError(description: "ZeroMQ has no socket to give.")
        }
        self.context = context
        self.socket = socket
        self.batch = batch
        self.window = window
        var none: Int32 = 0
        for option in [ZMQ_SNDHWM, ZMQ_RCVHWM, ZMQ_LINGER] {
            zmq_setsockopt(socket, option, &none, MemoryLayout<Int32>.size)
        }
        guard zmq_connect(socket, endpoint) == 0 else {
            throw BenchError(description: "\(endpoint) is no endpoint to connect to.")
        }
    }

    deinit {
        zmq_close(socket)
        zmq_ctx_term(context)
    }

    /// Sends all and waits for all acknowledgements; what was answered `busy` is sent again.
    ///
    /// - Throws: ``BenchError`` where an event is rejected.
    func publishAccepted(_ messages: Messages) throws -> Result {
        let result = try publish(messages)
        if let text = result.firstRejection {
            throw BenchError(description: "The server refused an event: \(text)")
        }
        return result
    }

    /// Sends all and waits for all replies; what was answered `busy` is sent again.
    func publish(_ messages: Messages) throws -> Result {
        var result = Result()
        var waiting: [Range<Int>] = stride(from: 0, to: messages.messages.count, by: batch).map {
            $0..<min($0 + batch, messages.messages.count)
        }
        waiting.reverse()
        var inFlight: [Request] = []
        let start = clock.now
        while !waiting.isEmpty || !inFlight.isEmpty {
            while inFlight.count < window, let next = waiting.popLast() {
                inFlight.append(Request(messages: next, sentAt: clock.now))
                try send(next, of: messages)
            }
            // Replies to a connection come in the order of its requests (protocol section 4).
            let request = inFlight.removeFirst()
            if let again = try receive(request, into: &result) { waiting.append(again) }
        }
        result.seconds = (clock.now - start) / .seconds(1)
        result.latenciesMilliseconds.sort()
        return result
    }

    private func send(_ range: Range<Int>, of messages: Messages) throws {
        try messages.bytes.withUnsafeBytes { bytes in
            for index in range {
                let message = messages.messages[index]
                let isLast = index == range.upperBound - 1
                try send(bytes[message.topic], more: true)
                try send(bytes[message.event], more: !isLast)
            }
        }
    }

    private func send(_ frame: Slice<UnsafeRawBufferPointer>, more: Bool) throws {
        let bytes = UnsafeRawBufferPointer(rebasing: frame)
        guard zmq_send(socket, bytes.baseAddress, bytes.count, more ? ZMQ_SNDMORE : 0) >= 0 else {
            throw BenchError(description: "Sending failed: \(String(cString: strerror(errno))).")
        }
    }

    /// Takes the reply to a request; what is to be sent again, if anything.
    private func receive(_ request: Request, into result: inout Result) throws -> Range<Int>? {
        var item = zmq_pollitem_t(socket: socket, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        guard zmq_poll(&item, 1, 30_000) > 0 else {
            throw BenchError(description: "No reply within 30 s: is the server running?")
        }
        var replies = 0
        var firstBusy: Int?
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        repeat {
            guard zmq_msg_recv(&message, socket, 0) >= 0 else {
                throw BenchError(description: "Receiving failed.")
            }
            switch Status(of: message) {
            case .accepted: result.accepted += 1
            case .duplicate: result.duplicates += 1
            case .busy:
                result.busy += 1
                firstBusy = firstBusy ?? replies
            case .rejected(let text):
                result.rejected += 1
                result.firstRejection = result.firstRejection ?? text
            }
            replies += 1
        } while zmq_msg_more(&message) != 0
        guard replies == request.messages.count else {
            throw BenchError(
                description: "\(replies) replies to \(request.messages.count) events.")
        }
        let latency = (clock.now - request.sentAt) / .milliseconds(1)
        result.latenciesMilliseconds.append(latency)
        guard let firstBusy else { return nil }
        usleep(10_000)
        return request.messages.lowerBound + firstBusy..<request.messages.upperBound
    }

    /// What a reply says, found by its bytes: reading JSON would measure the client.
    private enum Status {
        case accepted, duplicate, busy
        case rejected(String)

        init(of message: consuming zmq_msg_t) {
            var message = message
            let bytes = UnsafeRawBufferPointer(
                start: zmq_msg_data(&message), count: zmq_msg_size(&message))
            func has(_ text: StaticString) -> Bool {
                guard let start = bytes.baseAddress, bytes.count >= text.utf8CodeUnitCount
                else { return false }
                return (0...bytes.count - text.utf8CodeUnitCount).contains {
                    memcmp(start + $0, text.utf8Start, text.utf8CodeUnitCount) == 0
                }
            }
            if has("\"accepted\"") {
                self = .accepted
            } else if has("\"duplicate\"") {
                self = .duplicate
            } else if has("\"busy\"") {
                self = .busy
            } else {
                self = .rejected(String(decoding: bytes, as: UTF8.self))
            }
        }
    }
}
