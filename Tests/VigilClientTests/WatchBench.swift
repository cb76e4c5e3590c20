// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilClient

/// Runs a `WatchMachine` against a log that the test writes, and keeps what it prints.
struct WatchBench {
    var machine: WatchMachine
    /// Topic and sequence of each output, by offset; other offsets are inputs.
    var log: [UInt64: OutputItem] = [:]
    var head: UInt64 = 0
    var printed: [UInt64] = []
    var requests: [UInt64] = []
    var failures: [String] = []
    var told: [String] = []
    var now: Int64 = 0
    /// Whether requests are answered at once.
    var answers = true
    var pageSize: UInt64 = 1000

    init(from: UInt64?) {
        machine = WatchMachine(from: from, nowMilliseconds: 0)
    }

    /// Appends an output event and delivers it, or loses it.
    mutating func output(_ topic: String, isLost: Bool = false) {
        head += 1
        let sequence = UInt64(log.values.count { $0.topic == topic }) + 1
        let item = OutputItem(
            topic: topic, offset: head, sequence: sequence, event: Array("\(head)".utf8))
        log[head] = item
        if !isLost { perform(machine.received(item, nowMilliseconds: now)) }
    }

    mutating func heartbeat(afterMilliseconds: Int64 = 1000) {
        now += afterMilliseconds
        let output = log.keys.max()
        perform(
            machine.heard(Heartbeat(offset: head, output: output), nowMilliseconds: now))
    }

    /// A second goes by, with a heartbeat or without one.
    mutating func beat(isHeard: Bool = true) {
        if isHeard { heartbeat() } else { now += 1000 }
        perform(machine.tick(nowMilliseconds: now))
    }

    mutating func answer() {
        guard let from = requests.last else { return }
        let end = min(from + pageSize, head + 1)
        let items = from < end ? (from..<end).compactMap { log[$0] } : []
        let page = HistoryPage(next: max(from, end), head: head, items: items)
        perform(machine.received(page, nowMilliseconds: now))
    }

    mutating func perform(_ actions: [WatchMachine.Action]) {
        for action in actions {
            switch action {
            case .print(let item): printed.append(item.offset)
            case .request(let from):
                requests.append(from)
                if answers { answer() }
            case .tell(let text): told.append(text)
            case .unanswered: failures.append("unanswered")
            case .fail(let text): failures.append(text)
            }
        }
    }

    /// The offsets of all outputs, in order.
    var outputs: [UInt64] {
        log.keys.sorted()
    }
}
