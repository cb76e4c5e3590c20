// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

@testable internal import VigilEngine
@testable internal import VigilTransport

/// Carries messages over a socket to what reads them in the daemon.
private final class Wire {
    private let near: ZMQSocket
    private let far: ZMQSocket

    init() {
        do {
            let context = try ZMQContext()
            near = try ZMQSocket(.pair, in: context)
            far = try ZMQSocket(.pair, in: context)
        } catch {
            preconditionFailure("\(error)")
        }
        precondition(zmq_bind(near.handle, "inproc://wire") == 0)
        precondition(zmq_connect(far.handle, "inproc://wire") == 0)
    }

    /// A message as a reader gets it that takes so many frames.
    func carry(_ frames: [[UInt8]], frameLimit: Int) -> MessageBuffer {
        let buffer = MessageBuffer(frameLimit: frameLimit)
        do {
            let outcome = try near.send(frames)
            precondition(outcome == .sent)
            let isThere = try far.receive(into: buffer)
            precondition(isThere && buffer.receivedCount == frames.count)
        } catch {
            preconditionFailure("\(error)")
        }
        return buffer
    }
}

nonisolated(unsafe) private let wire = Wire()

extension FuzzTarget {
    /// The frames of a message, a line feed between two, to each socket that the daemon binds and
    /// to the handler of keys.
    static let frames = FuzzTarget(
        "frames",
        [
            "identity\n\npatient.A81001\n{}", "identity\npatient.A81001\n{}\npatient.A2\n{}",
            "identity\n{\"from\": 0}", "patient.A81001\n{}", "\u{1}flag.A81001.", "\u{0}flag.",
            "1.0\n7\ningest\n127.0.0.1\n\nCURVE\n0123456789abcdef0123456789abcdef",
        ]
    ) { input in
        let frames = input.lines
        takeRequest(frames)
        takeEvent(frames)
        takeQuestion(frames)
        takeSubscription(frames)
        takePeer(frames)
    }

    /// A frame of a subscriber; then, a line each, what it is granted.
    static let subscription = FuzzTarget(
        "subscription",
        [
            "\u{1}flag.A1\nflag.A1", "\u{1}\nflag.A1.high\nalert.A1", "\u{1}system.gap\nsystem.gap",
            "\u{1}system.\nsystem.rejected\nsystem.gap\nsystem.gap-closed", "\u{1}flag.A10\n*",
        ]
    ) { input in
        let lines = input.lines
        let buffer = wire.carry([lines[0]], frameLimit: 4)
        guard let request = Gateway.subscription(in: buffer) else { return }
        let grants = lines.dropFirst().prefix(8).compactMap { try? OutputGrant($0.text) }
        takeSubscription(
            to: request.prefix,
            by: Grants(name: "x", sources: [], topics: [], outputs: grants, inbound: []),
            words: lines.flatMap { $0.split(separator: UInt8(ascii: ".")).map(Array.init) })
    }
}

/// No frame is lost, added or moved, whatever the request is.
private func takeRequest(_ frames: [[UInt8]]) {
    let limit = Gateway.requestFramesMax + 1
    let request = Gateway.request(in: wire.carry(frames, frameLimit: limit), from: .anybody)
    let isPairs = request.arrivals.allSatisfy { if case .pair = $0.frames { true } else { false } }
    let rest = request.arrivals.flatMap { arrival in
        switch arrival.frames {
        case .pair(let topic, let event): [topic, event]
        case .other(let frames): frames
        }
    }
    precondition(request.envelope + rest == Array(frames.prefix(limit)))
    precondition(request.envelope.count == (frames.count > 1 && frames[1].isEmpty ? 2 : 1))
    let count = frames.count - request.envelope.count
    precondition(isPairs == (count % 2 == 0 && (2...2048).contains(count)))
    precondition(isPairs ? request.arrivals.count == count / 2 : request.arrivals.count == 1)
}

private func takeEvent(_ frames: [[UInt8]]) {
    switch Gateway.event(in: wire.carry(frames, frameLimit: Gateway.requestFramesMax + 1)) {
    case .pair(let topic, let event): precondition([topic, event] == frames)
    case .other(let others): precondition(others == frames && frames.count != 2)
    }
}

private func takeQuestion(_ frames: [[UInt8]]) {
    let buffer = wire.carry(frames, frameLimit: 4)
    let count = buffer.envelopeCount
    precondition(buffer.envelope == Array(frames.prefix(count)))
    precondition((buffer.question != nil) == (frames.count == count + 1))
    if let question = buffer.question { precondition(question == frames.last) }
}

private func takeSubscription(_ frames: [[UInt8]]) {
    let request = Gateway.subscription(in: wire.carry(frames, frameLimit: 4))
    let isOne = frames.count == 1 && (frames[0].first ?? 2) <= 1
    precondition((request != nil) == isOne)
    if let request { precondition([request.isWanted ? 1 : 0] + request.prefix == frames[0]) }
}

/// Only who has proved to own a key has one.
private func takePeer(_ frames: [[UInt8]]) {
    guard let peer = Authenticator.peer(in: wire.carry(frames, frameLimit: 16)) else { return }
    precondition(frames.count == 7 && frames[5] == Array("CURVE".utf8))
    var key = [UInt8](repeating: 0, count: 32)
    precondition(zmq_z85_decode(&key, peer.key.text) != nil && key == frames[6])
}

/// Nothing comes that is not granted and asked for; and all that is, but for a topic granted whole
/// that libzmq could not keep apart from others.
private func takeSubscription(to prefix: [UInt8], by grants: Grants, words: [[UInt8]]) {
    let inForce = grants.subscriptions(for: prefix)
    let heartbeat = Array("system.heartbeat".utf8)
    for topic in topics(of: words) {
        let comes = inForce.contains { topic.starts(with: $0) }
        let isMeant = topic.starts(with: prefix) && grants.mayRead(topic: topic, isInput: false)
        if comes, topic != heartbeat { precondition(isMeant, topic.text) }
        let isWhole = grants.outputs.contains { $0.names(topic) }
        if isMeant, !isWhole { precondition(comes, topic.text) }
    }
}

/// Output topics that may be made of some words, and of their neighbours.
private func topics(of words: [[UInt8]]) -> [[UInt8]] {
    let names = ["coverage", "gap", "gap-closed", "rejected", "silent", "heartbeat"]
    var topics = names.map { Array("system.\($0)".utf8) }
    let zero = UInt8(ascii: "0")
    let places = words.prefix(4).flatMap { [$0, $0 + [zero], Array($0.dropLast())] }
        .filter { !$0.isEmpty }.map(\.text)
    for place in places {
        topics.append(Array("system.digest.\(place)".utf8))
        for rule in places {
            topics.append(Array("flag.\(place).high.\(rule)".utf8))
            topics.append(Array("alert.\(place).low.\(rule)".utf8))
        }
    }
    return topics
}
