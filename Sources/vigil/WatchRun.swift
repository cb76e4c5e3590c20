// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient
internal import VigilTransport

/// One run of `vigil watch`: does what the machine decides.
final class WatchRun {
    private let topics: [String]
    private let alerts: Endpoint
    private let history: Endpoint
    private let curve: ClientCurve?
    private let stop: StopDescriptor
    private let live: ZMQSocket
    private let monitor: SocketMonitor
    private let pages: ClientConnection
    private let reader = ReplyReader()
    private let message = MessageBuffer(frameLimit: 2)
    private let startMilliseconds = SteadyClock.milliseconds
    private var machine: WatchMachine
    private var isAsking = false
    private var hasEnded = false

    /// Live messages taken before looking at anything else.
    private static let messagesInARow = 1000

    init(
        topics: [String], from: UInt64?, alerts: Endpoint, history: Endpoint,
        curve: ClientCurve?
    ) throws(TransportError) {
        self.topics = topics
        self.alerts = alerts
        self.history = history
        self.curve = curve
        // Before the context, whose threads must not take the signals.
        stop = try StopDescriptor()
        let context = try ZMQContext()
        live = try ZMQSocket(.sub, in: context)
        try live.set(.linger(milliseconds: 0))
        // A slow reader of our output must not make the daemon drop what we could hold.
        try live.set(.receiveHighWater(messages: 0))
        try live.set(.reconnect(milliseconds: 50, upToMilliseconds: 1000))
        try live.set(.heartbeat(everyMilliseconds: 2000, timeoutMilliseconds: 6000))
        for topic in topics { try live.subscribe(toPrefix: Array(topic.utf8)) }
        try live.subscribe(toPrefix: Array(OutputTopics.heartbeat.utf8))
        if let curve { try live.set(curve.option) }
        monitor = try SocketMonitor(of: live)
        try live.connect(to: alerts)
        pages = try ClientConnection(to: history, with: curve, in: context)
        machine = WatchMachine(from: from, nowMilliseconds: startMilliseconds)
    }

    /// Prints until a signal comes, or nobody reads any more.
    ///
    /// - Throws: A `CommandFailure` where the daemon does not answer, or a `TransportError`.
    func untilStopped() throws {
        var poller = Poller()
        var stopSlot = add(to: &poller)
        while !hasEnded {
            _ = try poller.wait(timeoutMilliseconds: 250)
            if poller.events(at: stopSlot).contains(.readable) { return }
            let asked = isAsking
            try takeLosses()
            try takePages()
            try takeLive()
            try perform(machine.tick(nowMilliseconds: SteadyClock.milliseconds))
            if machine.isUnheard,
                SteadyClock.milliseconds - startMilliseconds
                    >= ClientDefaults.patienceMilliseconds
            {
                throw ClientDefaults.unreachable(alerts, option: "--alerts and --history")
            }
            if isAsking || asked {
                // The connection for pages may be another one now.
                poller = Poller()
                stopSlot = add(to: &poller)
            }
        }
    }

    /// - Returns: The slot of the signals.
    private func add(to poller: inout Poller) -> Int {
        _ = poller.add(live)
        _ = poller.add(monitor.socket)
        pages.add(to: poller)
        return poller.add(fileDescriptor: stop.fileDescriptor)
    }

    private func takeLosses() throws {
        var isLost = false
        while let event = try monitor.next() {
            if event == .keyRefused { throw ClientCurve.refused(curve, by: alerts) }
            if case .disconnected = event { isLost = true }
        }
        if isLost { try perform(machine.disconnected()) }
        // What was asked on a lost connection is asked again when its time is over.
        _ = try pages.takeLoss()
    }

    private func takePages() throws {
        while !hasEnded, let frames = try pages.receive() {
            isAsking = false
            switch reader.page(frames) {
            case .success(let page):
                try perform(machine.received(page, nowMilliseconds: SteadyClock.milliseconds))
            case .failure(let failure):
                throw ClientDefaults.refused(failure, by: history, topics: topics)
            }
        }
    }

    private func takeLive() throws {
        for _ in 0..<WatchRun.messagesInARow {
            guard !hasEnded, try live.receive(into: message) else { return }
            guard message.count == 2 else { continue }
            let topic = message.bytes(0)
            let event = message.bytes(1)
            let now = SteadyClock.milliseconds
            if topic == Array(OutputTopics.heartbeat.utf8) {
                guard let heartbeat = reader.heartbeat(event) else { continue }
                try perform(machine.heard(heartbeat, nowMilliseconds: now))
            } else if let item = reader.item(topic: topic, offset: nil, event: event) {
                try perform(machine.received(item, nowMilliseconds: now))
            }
        }
    }

    private func perform(_ actions: [WatchMachine.Action]) throws {
        for action in actions {
            switch action {
            case .print(let item):
                let line = reader.line(item.event)
                let signals = stop.fileDescriptor
                guard Terminal.printLine(line, unlessReadable: signals) else {
                    hasEnded = true
                    return
                }
            case .request(let offset):
                // An answer that is still to come would be taken for this one's.
                if isAsking { try pages.renew() }
                isAsking = true
                _ = try pages.send([OutgoingHistoryRequest.page(from: offset, topics: topics)])
            case .tell(let text): Terminal.say("vigil: " + text)
            case .fail(let text): throw CommandFailure(.log, text)
            case .unanswered: throw pages.unreachable(option: "--history")
            }
        }
    }
}
