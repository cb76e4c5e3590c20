// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient
internal import VigilCodec
internal import VigilCore

@testable internal import VigilEngine

extension FuzzTarget {
    /// What a client gets of the daemon, a line feed between two frames.
    static let reply = FuzzTarget(
        "reply",
        [
            #"{"status": "accepted", "id": "a", "offset": 7}"#,
            #"{"status": "busy", "retryAfterMs": 1000}"#,
            #"{"status": "rejected", "code": "not-fhir", "message": "m", "pointer": "/data"}"#,
            #"{"offset": 9, "output": 8, "data": {"offset": 9, "output": 8}}"#,
            #"{"next": 9, "head": 9, "count": 1}"# + "\nflag.A1.high.x\n8\n"
                + #"{"id": "8", "sequence": "1", "flagid": "f", "data": {"detail": "d"}}"#,
            #"{"asOf": 9, "after": "f", "count": 1}"# + "\nflag.A1.high.x\n8\n{}",
            #"{"error": {"code": "unauthorised", "message": "m"}}"#,
        ]
    ) { input in
        let frames = input.lines
        takeReply(frames[0])
        takeItem(frames)
        takePages(frames)
    }

    /// What `vigil watch` meets, a byte each: outputs that come or are lost, heartbeats, pages,
    /// broken connections, time that passes.
    static let watch = FuzzTarget(
        "watch",
        [
            [0, 1, 2, 3, 16, 17, 20, 32, 64, 5, 96, 16, 33, 16, 65, 200, 0, 16],
            (0..<64).map { $0 &* 37 }, (0..<200).map { $0 &* 11 },
        ]
    ) { input in
        var bench = WatchBench()
        bench.run(input)
    }
}

nonisolated(unsafe) private let reader = ReplyReader()

/// A reply says what the daemon would have written for it.
private func takeReply(_ text: [UInt8]) {
    if let reply = reader.reply(text) {
        let outcome: Intake.Outcome? =
            switch reply {
            case .accepted(let id, let offset): id.map { .accepted(id: $0, offset: offset) }
            case .duplicate(let id, let offset): id.map { .duplicate(id: $0, offset: offset) }
            case .busy: nil
            case .rejected(let id, let code, let message, let pointer):
                Rejection.Code(rawValue: code).map {
                    .rejected(Rejection($0, message, at: pointer), id: id)
                }
            }
        if let outcome { precondition(reader.reply(Reply.encode(outcome)) == reply) }
    }
    if let heartbeat = reader.heartbeat(text) {
        let again = VigilEngine.Heartbeat.encode(
            origin: "x", now: Instant(milliseconds: 0), offset: heartbeat.offset,
            output: heartbeat.output ?? 0)
        precondition(reader.heartbeat(again)?.offset == heartbeat.offset)
    }
    let line = reader.line(text)
    precondition(line == text || !line.contains(10))
}

/// An event as it is published.
private func takeItem(_ frames: [[UInt8]]) {
    guard frames.count == 2,
        let item = reader.item(topic: frames[0], offset: nil, event: frames[1])
    else { return }
    precondition(Array(item.topic.utf8) == frames[0] && item.event == frames[1])
    _ = reader.clock(ofGenesis: item)
}

/// Nothing of a page is passed over, and its cursor is one that the daemon takes.
private func takePages(_ frames: [[UInt8]]) {
    func check(_ items: [OutputItem]) {
        let again = items.flatMap { [Array($0.topic.utf8), Array("\($0.offset)".utf8), $0.event] }
        let written = frames.dropFirst().enumerated().map { index, frame in
            // The same number may be written with zeros before it.
            index % 3 == 1 ? Array("\(UInt64(frame.text) ?? 0)".utf8) : frame
        }
        precondition(again == written)
    }
    if case .success(let page) = reader.page(frames) { check(page.items) }
    guard case .success(let page) = reader.openPage(frames) else { return }
    check(page.items)
    let request = OutgoingHistoryRequest.open(topics: ["flag."], after: page.after)
    do throws(HistoryRequest.Refusal) {
        guard case .open(let asked) = try HistoryRequest.read(request) else {
            preconditionFailure("a page of what is open is asked for")
        }
        precondition(asked.topics == ["flag."] && (asked.after == nil) == (page.after == nil))
    } catch {
        precondition(page.after?.first != UInt8(ascii: "\""), "a cursor is a string")
    }
}

/// A log that grows, and a watch of it from its beginning.
private struct WatchBench {
    private static let topics = [
        "flag.A1.high.x", "flag.A1.low.y", "alert.B2.high.z", "system.gap",
    ]

    private var machine = WatchMachine(from: 0, nowMilliseconds: 0)
    /// What it may print, in the log's order.
    private var outputs: [OutputItem] = []
    private var head: UInt64 = 0
    private var printed: [UInt64] = []
    private var asked: UInt64?
    private var now: Int64 = 0
    private var hasEnded = false

    init() {}

    /// In the end everything is printed once, and each topic in its order.
    mutating func run(_ input: [UInt8]) {
        for byte in input.prefix(128) where !hasEnded { step(byte) }
        for _ in 0..<30 where !hasEnded {
            step(16)
            for _ in 0..<outputs.count + 2 where asked != nil { step(47) }
            now += WatchMachine.pageLimitMilliseconds
            perform(machine.tick(nowMilliseconds: now))
        }
        guard !hasEnded else { return }
        precondition(printed.sorted() == outputs.map(\.offset))
        for topic in WatchBench.topics {
            let offsets = Set(outputs.lazy.filter { $0.topic == topic }.map(\.offset))
            let mine = printed.filter(offsets.contains)
            precondition(mine == mine.sorted(), topic)
        }
    }

    private mutating func step(_ byte: UInt8) {
        let choice = Int(byte & 15)
        switch byte >> 4 {
        case 0: output(choice, isLost: choice & 8 != 0)
        case 1:
            now += 1000
            let last = outputs.last?.offset
            perform(
                machine.heard(
                    VigilClient.Heartbeat(offset: head, output: last), nowMilliseconds: now))
        case 2: page(limit: choice + 1)
        case 3: perform(machine.disconnected())
        case 4: perform(machine.tick(nowMilliseconds: now))
        case 5: now += Int64(choice) * 500
        case 6: head += 1
        case 7:
            // It comes once more.
            guard !outputs.isEmpty else { return }
            let item = outputs[outputs.count - 1 - choice % outputs.count]
            perform(machine.received(item, nowMilliseconds: now))
        default: output(choice, isLost: byte & 64 != 0)
        }
    }

    private mutating func output(_ number: Int, isLost: Bool) {
        head += 1
        let topic = WatchBench.topics[number % WatchBench.topics.count]
        let sequence = UInt64(outputs.count { $0.topic == topic }) + 1
        let item = OutputItem(topic: topic, offset: head, sequence: sequence, event: [])
        outputs.append(item)
        if !isLost { perform(machine.received(item, nowMilliseconds: now)) }
    }

    private mutating func page(limit: Int) {
        guard let from = asked else { return }
        asked = nil
        let items = outputs.filter { $0.offset >= from }.prefix(limit)
        let isWhole = items.count < limit
        let next = isWhole ? head + 1 : (items.last?.offset ?? head) + 1
        let page = HistoryPage(next: max(from, next), head: head, items: Array(items))
        perform(machine.received(page, nowMilliseconds: now))
    }

    private mutating func perform(_ actions: [WatchMachine.Action]) {
        for action in actions {
            switch action {
            case .print(let item): printed.append(item.offset)
            case .request(let from): asked = from
            case .tell: break
            // History has never answered.
            case .unanswered: hasEnded = true
            case .fail(let text): preconditionFailure(text)
            }
        }
    }
}
