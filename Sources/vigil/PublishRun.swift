// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import VigilClient
internal import VigilCodec
internal import VigilTransport

/// One run of `vigil publish`: does what the machine decides.
final class PublishRun {
    private let feed: any EventFeed
    private let connection: ClientConnection
    private let endpoint: Endpoint
    private let reader = ReplyReader()
    private let startMilliseconds = SteadyClock.milliseconds
    private var machine: PublishMachine
    private var progress: Progress
    private var summary = PublishSummary()
    private var poller = Poller()

    /// The wait before the next connection, while nothing answers: who takes none would be asked as
    /// fast as the machine can.
    private var renewalPauseMilliseconds = PublishRun.renewalPauseMin
    private static let renewalPauseMin: useconds_t = 50
    private static let renewalPauseMax: useconds_t = 1000

    /// The feed has nothing before this moment.
    private var pauseEnd: Int64 = 0

    private var isDelayTold = false
    /// Answers in a row that were about other events, each on a connection of its own.
    private var strangeCount = 0
    private static let strangeMax = 3

    /// The most refusals that are listed one by one.
    private static let listedLimit = 50

    init(_ feed: any EventFeed, _ connection: ClientConnection, _ endpoint: Endpoint) {
        self.feed = feed
        self.connection = connection
        self.endpoint = endpoint
        machine = PublishMachine(nowMilliseconds: startMilliseconds)
        progress = Progress(nowMilliseconds: startMilliseconds)
    }

    /// Sends everything and waits for all answers.
    ///
    /// - Throws: A `CommandFailure` where the daemon or an input fails, or a `TransportError`.
    func finish() throws -> PublishSummary {
        connection.add(to: poller)
        while true {
            lookAfterSilence()
            switch machine.next(nowMilliseconds: SteadyClock.milliseconds) {
            case .read:
                let left = pauseEnd - SteadyClock.milliseconds
                if left > 0 {
                    _ = try poller.wait(timeoutMilliseconds: Int(left))
                    try takeReplies()
                } else {
                    try read()
                }
            case .send(let events):
                let isSent = try connection.send(
                    events.flatMap { [Array($0.topic.utf8), $0.event] })
                try takeReplies(isLost: !isSent)
            case .wait(let deadline):
                let left = deadline - SteadyClock.milliseconds
                // Looks up now and then to show progress.
                _ = try poller.wait(timeoutMilliseconds: Int(min(max(left, 1), 100)))
                try takeReplies()
            case .reconnect: try renew()
            case .giveUp: throw unreachable()
            case .finished:
                progress.clear()
                if summary.rejectedCount > PublishRun.listedLimit {
                    let more = summary.rejectedCount - PublishRun.listedLimit
                    Terminal.say("and \(more) more rejected")
                }
                summary.acceptedCount = machine.acceptedCount
                summary.duplicateCount = machine.duplicateCount
                summary.milliseconds = SteadyClock.milliseconds - startMilliseconds
                return summary
            }
        }
    }

    /// A daemon that is there is waited for: it may be at work that comes before any input.
    private func lookAfterSilence() {
        guard connection.isStanding else { return }
        let now = SteadyClock.milliseconds
        machine.connectionStands(nowMilliseconds: now)
        guard !isDelayTold, machine.isDelayed(nowMilliseconds: now) else { return }
        isDelayTold = true
        progress.clear()
        Terminal.say("vigil: the daemon at \(endpoint) is there and does not answer yet")
    }

    private func read() throws {
        switch try feed.next() {
        case .event(let event): machine.offer(event)
        case .refused(let refusal): try list(refusal)
        case .skipped(let type, let count): summary.skip(type, count)
        case .pause(let milliseconds):
            machine.inputPaused()
            pauseEnd = SteadyClock.milliseconds + milliseconds
        case nil: machine.inputEnded()
        }
    }

    private func takeReplies(isLost: Bool = false) throws {
        var isLost = isLost
        while !isLost, let arrival = try connection.next() {
            switch arrival {
            case .reply(let frames): isLost = try !take(frames)
            case .loss: isLost = true
            }
        }
        progress.update(
            done: machine.answeredCount, total: feed.total,
            nowMilliseconds: SteadyClock.milliseconds)
        guard isLost else { return }
        machine.connectionLost()
        try renew()
    }

    /// Takes the answers to a request.
    ///
    /// - Returns: false where they are not about the oldest that is under way.
    private func take(_ frames: [[UInt8]]) throws -> Bool {
        let replies = frames.compactMap { reader.reply($0) }
        let isExpected = machine.expects(replies)
        strangeCount = isExpected ? 0 : strangeCount + 1
        guard replies.count == frames.count, strangeCount < PublishRun.strangeMax else {
            throw CommandFailure(
                .internalFault,
                "what answers at \(endpoint) does not follow the protocol; "
                    + "is it the daemon's ingest endpoint?")
        }
        guard isExpected else { return false }
        isDelayTold = false
        renewalPauseMilliseconds = PublishRun.renewalPauseMin
        let now = SteadyClock.milliseconds
        for refusal in machine.received(replies, nowMilliseconds: now) { try list(refusal) }
        return true
    }

    private func renew() throws {
        usleep(renewalPauseMilliseconds * 1000)
        renewalPauseMilliseconds = min(
            2 * renewalPauseMilliseconds, PublishRun.renewalPauseMax)
        try connection.renew()
        poller = Poller()
        connection.add(to: poller)
    }

    private func list(_ refusal: Refusal) throws {
        guard refusal.origin.file != BaselineBrackets.name else {
            throw CommandFailure(
                .badData, "the daemon takes no baseline load: \(refusal.message)")
        }
        summary.rejectedCount += 1
        guard summary.rejectedCount <= PublishRun.listedLimit else { return }
        progress.clear()
        Terminal.say(refusal.description)
    }

    private func unreachable() -> CommandFailure {
        progress.clear()
        guard machine.hasBeenAnswered else {
            return connection.unreachable(option: "--ingest")
        }
        return CommandFailure(
            .unreachable,
            "the daemon at \(endpoint) no longer answers, after \(machine.answeredCount) events; "
                + "publish the same again when it is back: what it has will be duplicates")
    }
}

/// What became of the inputs of `vigil publish`.
struct PublishSummary {
    var acceptedCount = 0
    var duplicateCount = 0
    var rejectedCount = 0
    var milliseconds: Int64 = 0
    private var skipped: [String: Int] = [:]

    /// Counts resources left out.
    mutating func skip(_ type: String, _ count: Int) {
        skipped[type, default: 0] += count
    }

    private var skippedTypes: [(key: String, value: Int)] {
        skipped.sorted { $0.key < $1.key }
    }

    private var seconds: String {
        let hundredths = (milliseconds + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100)." + (rest < 10 ? "0" : "") + "\(rest)"
    }

    /// For people.
    var sentence: String {
        let count = skipped.values.reduce(0, +)
        let types = skippedTypes.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return "accepted \(acceptedCount), duplicate \(duplicateCount), "
            + "rejected \(rejectedCount), skipped \(count)"
            + (types.isEmpty ? "" : " (\(types))") + ", \(seconds) s"
    }

    /// For programs.
    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.number("accepted", acceptedCount)
            json.number("duplicate", duplicateCount)
            json.number("rejected", rejectedCount)
            json.object("skipped") { json in
                for (type, count) in skippedTypes { json.number(type, count) }
            }
            json.raw("seconds", Array(seconds.utf8))
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
