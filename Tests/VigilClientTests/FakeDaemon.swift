// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import VigilTransport

/// A daemon that follows the protocol as far as its clients can see, and misbehaves as told.
///
/// Its log outlives a stop, so that a start is a restart.
final class FakeDaemon: Sendable {
    /// A record of the log.
    struct Record {
        var topic: String
        var event: String
        var isOutput: Bool
    }

    /// How it is to misbehave.
    struct Faults {
        /// Events answered `busy` when first seen, as is all else until they come again.
        var busyEvents: Set<String> = []
        /// After so many requests it takes them but never answers, until it is restarted.
        var silentFromRequest = Int.max
        /// Items a page holds at most.
        var pageLimit = 1000
    }

    private struct State {
        var records: [Record] = []
        var offsets: [String: Int] = [:]
        var sequences: [String: Int] = [:]
        var toPublish: [[String]] = []
        var openItems: [(offset: Int, topic: String, event: String)] = []
        var requestCount = 0
        var pageCount = 0
        var isStopping = false
        var isRunning = false
        var faults = Faults()
        var rejectWord: String?
        /// The event that was answered `busy` first and has not come again.
        var awaited: String?
    }

    private let state = Mutex(State())
    private let folder: String

    init(_ faults: Faults = Faults(), rejecting word: String? = nil) throws {
        folder = NSTemporaryDirectory() + "vigil-" + String(UInt32.random(in: 0 ... .max))
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        state.withLock {
            $0.faults = faults
            $0.rejectWord = word
            $0.records.append(Record(topic: "system.genesis", event: "{}", isOutput: false))
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The endpoint of one of its sockets.
    func endpoint(_ name: String) -> String {
        "ipc://\(folder)/\(name)"
    }

    /// Events accepted so far, in order.
    var accepted: [Record] {
        state.withLock { $0.records.filter { !$0.isOutput }.dropFirst().map { $0 } }
    }

    var requestCount: Int {
        state.withLock { $0.requestCount }
    }

    var pageCount: Int {
        state.withLock { $0.pageCount }
    }

    /// Offsets of output records.
    var outputOffsets: [Int] {
        state.withLock { state in state.records.indices.filter { state.records[$0].isOutput } }
    }

    /// Answers again, after a silence.
    func heal() {
        state.withLock { $0.faults = Faults() }
    }

    /// Appends an output event and publishes it, or loses it on the way.
    func output(_ topic: String, isLost: Bool = false) {
        state.withLock { state in
            let offset = state.records.count
            let sequence = (state.sequences[topic] ?? 0) + 1
            state.sequences[topic] = sequence
            let event =
                "{\"specversion\":\"1.0\",\"id\":\"\(offset)\",\"sequence\":\"\(sequence)\"}"
            state.records.append(Record(topic: topic, event: event, isOutput: true))
            if !isLost { state.toPublish.append([topic, event]) }
        }
    }

    /// Says that this is open now.
    func open(_ topic: String, _ event: String) {
        state.withLock { $0.openItems.append(($0.openItems.count + 1, topic, event)) }
    }

    func start() {
        state.withLock {
            $0.isStopping = false
            $0.isRunning = true
            $0.toPublish = []
        }
        Thread.detachNewThread { [self] in
            do {
                try serve()
            } catch {
                FileHandle.standardError.write(Data("fake daemon: \(error)\n".utf8))
            }
            state.withLock { $0.isRunning = false }
        }
    }

    /// Stops, and returns when its sockets are closed.
    func stop() {
        state.withLock { $0.isStopping = true }
        while state.withLock({ $0.isRunning }) { Thread.sleep(forTimeInterval: 0.005) }
    }

    private func serve() throws {
        let context = try ZMQContext()
        let ingest = try ZMQSocket(.router, in: context)
        let history = try ZMQSocket(.router, in: context)
        let alerts = try ZMQSocket(.xpub, in: context)
        for (socket, name) in [(ingest, "ingest"), (history, "history"), (alerts, "alerts")] {
            try socket.set(.linger(milliseconds: 0))
            try socket.bind(to: Endpoint(endpoint(name)))
        }
        let poller = Poller()
        for socket in [ingest, history, alerts] { _ = poller.add(socket) }
        let message = MessageBuffer(frameLimit: 4096)
        var nextHeartbeat = Date()
        while !state.withLock({ $0.isStopping }) {
            _ = try poller.wait(timeoutMilliseconds: 5)
            while try alerts.receive(into: message) {}
            while try ingest.receive(into: message) {
                let frames = (0..<message.count).map { message.bytes($0) }
                if let reply = answerIngest(frames) { _ = try ingest.send(reply) }
            }
            while try history.receive(into: message) {
                let frames = (0..<message.count).map { message.bytes($0) }
                _ = try history.send(answerHistory(frames))
            }
            let messages = state.withLock { state in
                let messages = state.toPublish
                state.toPublish = []
                return messages
            }
            for message in messages { _ = try alerts.send(message.map { Array($0.utf8) }) }
            if Date() >= nextHeartbeat {
                nextHeartbeat = Date().addingTimeInterval(0.1)
                _ = try alerts.send([Array("system.heartbeat".utf8), heartbeat()])
            }
        }
    }

    private func heartbeat() -> [UInt8] {
        state.withLock { state in
            let output = state.records.lastIndex { $0.isOutput } ?? 0
            return Array("{\"offset\":\(state.records.count - 1),\"output\":\(output)}".utf8)
        }
    }

    private func answerIngest(_ frames: [[UInt8]]) -> [[UInt8]]? {
        state.withLock { state in
            let number = state.requestCount
            state.requestCount += 1
            guard number < state.faults.silentFromRequest else { return nil }
            var replies = [frames[0]]
            var isBusy = false
            for index in stride(from: 1, to: frames.count, by: 2) {
                let topic = String(decoding: frames[index], as: UTF8.self)
                let event = String(decoding: frames[index + 1], as: UTF8.self)
                if event == state.awaited { state.awaited = nil }
                if state.awaited == nil, state.faults.busyEvents.remove(event) != nil {
                    state.awaited = event
                }
                isBusy = isBusy || state.awaited != nil
                let reply: String
                if isBusy {
                    reply = "{\"status\":\"busy\",\"retryAfterMs\":20}"
                } else if let word = state.rejectWord, event.contains(word) {
                    reply =
                        "{\"status\":\"rejected\",\"code\":\"not-fhir\",\"message\":\"no\","
                        + "\"pointer\":\"/data\"}"
                } else if let offset = state.offsets[event] {
                    reply = "{\"status\":\"duplicate\",\"offset\":\(offset)}"
                } else {
                    let offset = state.records.count
                    state.offsets[event] = offset
                    state.records.append(Record(topic: topic, event: event, isOutput: false))
                    reply = "{\"status\":\"accepted\",\"offset\":\(offset)}"
                }
                replies.append(Array(reply.utf8))
            }
            return replies
        }
    }

    private func answerHistory(_ frames: [[UInt8]]) -> [[UInt8]] {
        let request = frames.last.flatMap {
            try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]
        }
        guard let request else { return [frames[0], Array("{}".utf8)] }
        return [frames[0]] + (request["open"] == nil ? page(request) : openPage(request))
    }

    private func page(_ request: [String: Any]) -> [[UInt8]] {
        let from = request["from"] as? Int ?? 0
        let topics = request["topics"] as? [String] ?? [""]
        return state.withLock { state in
            state.pageCount += 1
            var items: [[UInt8]] = []
            var next = from
            while next < state.records.count, items.count < state.faults.pageLimit * 3 {
                let record = state.records[next]
                if topics.contains(where: { record.topic.hasPrefix($0) }) {
                    items += [record.topic, String(next), record.event].map { Array($0.utf8) }
                }
                next += 1
            }
            let header =
                "{\"next\":\(next),\"head\":\(state.records.count - 1),"
                + "\"count\":\(items.count / 3)}"
            return [Array(header.utf8)] + items
        }
    }

    private func openPage(_ request: [String: Any]) -> [[UInt8]] {
        let prefixes = request["open"] as? [String] ?? []
        let after = request["after"] as? Int ?? 0
        return state.withLock { state in
            let matching = state.openItems.filter { item in
                item.offset > after && prefixes.contains { item.topic.hasPrefix($0) }
            }
            let items = matching.prefix(state.faults.pageLimit)
            let cursor = items.count < matching.count ? "\(items.last?.offset ?? 0)" : "null"
            let header = "{\"asOf\":9,\"after\":\(cursor),\"count\":\(items.count)}"
            return [Array(header.utf8)]
                + items.flatMap { item in
                    [item.topic, String(item.offset), item.event].map { Array($0.utf8) }
                }
        }
    }
}
