// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilTransport

/// What is outstanding on each connection of the ingest socket: taken in and not yet answered, or
/// answered to a client that does not take its replies.
///
/// Replies go to a connection in the order of its requests or not at all: a client counts them.
struct ConnectionLedger {
    /// Below these nobody is answered `busy` for what is outstanding (protocol section 4).
    static let eventsMax = 8192
    static let bytesMax = 16 << 20
    /// Replies that wait for one client, in bytes, before no more are kept for it.
    private static let heldBytesMax = 16 << 20
    /// Connections that are given up and remembered as such.
    private static let abandonedMax = 10_000

    private struct Account {
        var events = 0
        var bytes = 0
        var held: ArraySlice<ReplyQueue.Pending> = []
        var heldBytes = 0
        /// It gets no replies any more, and nothing of it is taken.
        var isAbandoned = false
    }

    /// What all that waits may hold together, in bytes.
    private let heldBytesTotalMax: Int
    private var accounts: [[UInt8]: Account] = [:]
    private(set) var heldBytes = 0
    /// Connections that were given up since the start.
    private(set) var abandonedCount: UInt64 = 0

    init(heldBytesTotalMax: Int) {
        self.heldBytesTotalMax = heldBytesTotalMax
    }

    /// Whether replies wait for room in a client's queue.
    var isHolding: Bool { heldBytes > 0 }

    /// Whether a connection is given up.
    private func isAbandoned(_ identity: [UInt8]) -> Bool {
        accounts[identity]?.isAbandoned ?? false
    }

    /// What a connection may still send before it is answered `busy`: nothing once it is given up.
    func room(for identity: [UInt8]) -> (events: Int, bytes: Int) {
        let account = accounts[identity] ?? Account()
        guard !account.isAbandoned else { return (0, 0) }
        return (
            ConnectionLedger.eventsMax - account.events, ConnectionLedger.bytesMax - account.bytes
        )
    }

    /// Takes note of events that were taken in, and of their bytes.
    mutating func took(_ events: Int, _ byteCount: Int, from identity: [UInt8]) {
        accounts[identity, default: Account()].events += events
        accounts[identity, default: Account()].bytes += byteCount
    }

    /// Sends a reply, or keeps it where the client's queue is full.
    mutating func deliver(
        _ reply: ReplyQueue.Pending,
        send: (ReplyQueue.Pending) throws(TransportError) -> ZMQSocket.SendOutcome
    ) throws(TransportError) {
        let identity = reply.envelope.first ?? []
        guard !isAbandoned(identity) else { return }
        if accounts[identity]?.held.isEmpty ?? true {
            switch try send(reply) {
            case .sent: settle(reply, of: identity)
            case .unreachable: forget(identity)
            case .wouldBlock: hold(reply, of: identity)
            }
        } else {
            hold(reply, of: identity)
        }
    }

    /// Sends what waits, as far as there is room now.
    mutating func retry(
        send: (ReplyQueue.Pending) throws(TransportError) -> ZMQSocket.SendOutcome
    ) throws(TransportError) {
        guard isHolding else { return }
        for identity in accounts.filter({ !$0.value.held.isEmpty }).map(\.key) {
            while let reply = accounts[identity]?.held.first {
                let outcome = try send(reply)
                guard outcome != .wouldBlock else { break }
                guard outcome == .sent else {
                    forget(identity)
                    break
                }
                accounts[identity]?.held.removeFirst()
                accounts[identity]?.heldBytes -= reply.byteCount
                heldBytes -= reply.byteCount
                settle(reply, of: identity)
            }
        }
    }

    private mutating func settle(_ reply: ReplyQueue.Pending, of identity: [UInt8]) {
        guard var account = accounts[identity] else { return }
        account.events -= reply.eventCount
        account.bytes -= reply.eventBytes
        accounts[identity] = account.events == 0 && account.held.isEmpty ? nil : account
    }

    private mutating func forget(_ identity: [UInt8]) {
        heldBytes -= accounts[identity]?.heldBytes ?? 0
        accounts[identity] = nil
    }

    private mutating func hold(_ reply: ReplyQueue.Pending, of identity: [UInt8]) {
        accounts[identity, default: Account()].held.append(reply)
        accounts[identity, default: Account()].heldBytes += reply.byteCount
        heldBytes += reply.byteCount
        if accounts[identity]?.heldBytes ?? 0 > ConnectionLedger.heldBytesMax { abandon(identity) }
        while heldBytes > heldBytesTotalMax,
            let most = accounts.max(by: { $0.value.heldBytes < $1.value.heldBytes })
        {
            abandon(most.key)
        }
    }

    /// Gives a connection up: with one reply missing the others would be taken for it.
    private mutating func abandon(_ identity: [UInt8]) {
        heldBytes -= accounts[identity]?.heldBytes ?? 0
        abandonedCount += 1
        // To be forgotten is to get replies again: not for the sake of those who take theirs.
        if accounts.count(where: { $0.value.isAbandoned }) >= ConnectionLedger.abandonedMax {
            accounts = accounts.filter { !$0.value.isAbandoned }
        }
        accounts[identity] = Account(isAbandoned: true)
    }
}
