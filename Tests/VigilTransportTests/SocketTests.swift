// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilTransport

@Suite struct SocketTests {
    private let context: ZMQContext

    init() throws {
        context = try ZMQContext()
    }

    private func pair(
        _ first: ZMQSocket.Kind, _ second: ZMQSocket.Kind
    ) throws -> (bound: ZMQSocket, connected: ZMQSocket) {
        let bound = try ZMQSocket(first, in: context)
        let connected = try ZMQSocket(second, in: context)
        try bound.set(.linger(milliseconds: 0))
        try connected.set(.linger(milliseconds: 0))
        try bound.bind(to: Endpoint("tcp://127.0.0.1:*"))
        try connected.connect(to: Endpoint(try bound.lastEndpoint()))
        return (bound, connected)
    }

    private func receive(
        _ socket: ZMQSocket, _ message: MessageBuffer = MessageBuffer(frameLimit: 8)
    ) throws -> [[UInt8]]? {
        let poller = Poller()
        let slot = poller.add(socket)
        guard try poller.wait(timeoutMilliseconds: 5000) == 1 else { return nil }
        #expect(poller.events(at: slot) == .readable)
        guard try socket.receive(into: message) else { return nil }
        return (0..<message.count).map { message.bytes($0) }
    }

    @Test func aMessageArrivesWithItsFramesInOrder() throws {
        let (bound, connected) = try pair(.pair, .pair)
        let long = [UInt8](repeating: 7, count: 300_000)
        #expect(try connected.send([[1], [], long, [2, 3]]) == .sent)
        #expect(try receive(bound) == [[1], [], long, [2, 3]])
        let empty = MessageBuffer(frameLimit: 8)
        #expect(try bound.receive(into: empty) == false)
        #expect(empty.count == 0)
    }

    @Test func framesBeyondTheLimitAreCountedButNotHeld() throws {
        let (bound, connected) = try pair(.pair, .pair)
        #expect(try connected.send((0..<50).map { [UInt8($0)] }) == .sent)
        #expect(try connected.send([[99]]) == .sent)
        let message = MessageBuffer(frameLimit: 3)
        #expect(try receive(bound, message) == [[0], [1], [2]])
        #expect(message.isTruncated && message.receivedCount == 50)
        #expect(try receive(bound, message) == [[99]])
        #expect(!message.isTruncated)
    }

    @Test func aFullSubscriberIsNoticedAndThenPassedOver() throws {
        let publisher = try ZMQSocket(.xpub, in: context)
        let subscriber = try ZMQSocket(.sub, in: context)
        try publisher.set(.linger(milliseconds: 0))
        try publisher.set(.sendHighWater(messages: 4))
        try publisher.set(.dropsWhereFull(false))
        try subscriber.set(.linger(milliseconds: 0))
        try subscriber.set(.receiveHighWater(messages: 4))
        try subscriber.subscribe(toPrefix: [])
        try publisher.bind(to: Endpoint("tcp://127.0.0.1:*"))
        try subscriber.connect(to: Endpoint(try publisher.lastEndpoint()))
        #expect(try receive(publisher) == [[1]])
        let large = [UInt8](repeating: 0, count: 1 << 20)
        var sent = 0
        while sent < 1000, try publisher.send([[7], large]) == .sent { sent += 1 }
        #expect(sent < 1000, "the queue fills")
        #expect(try publisher.send([[8], []]) == .wouldBlock)
        try publisher.set(.dropsWhereFull(true))
        #expect(try publisher.send([[9], []]) == .sent)
        #expect(try receive(subscriber) == [[7], large])
    }

    @Test func aRouterAnswersWhoAskedAndSaysWhenNobodyIsThere() throws {
        let (router, dealer) = try pair(.router, .dealer)
        try router.set(.routerMandatory(true))
        #expect(try dealer.send([[5]]) == .sent)
        let request = try #require(try receive(router))
        #expect(request.count == 2 && request[1] == [5])
        #expect(try router.send([request[0], [6]]) == .sent)
        #expect(try receive(dealer) == [[6]])
        #expect(try router.send([[1, 2, 3], [6]]) == .unreachable)
    }

    @Test func aSocketWithoutAPeerWouldBlockInsteadOfWaiting() throws {
        let dealer = try ZMQSocket(.dealer, in: context)
        #expect(try dealer.send([[1]]) == .wouldBlock)
    }

    @Test func subscriptionsArePrefixesAndLongOnesAreRefused() throws {
        let (publisher, subscriber) = try pair(.xpub, .sub)
        try subscriber.subscribe(toPrefix: Array("flag.A1.".utf8))
        #expect(try receive(publisher) == [[1] + Array("flag.A1.".utf8)])
        #expect(try publisher.send([Array("flag.A12.x".utf8), [0]]) == .sent)
        #expect(try publisher.send([Array("flag.A1.x".utf8), [1]]) == .sent)
        #expect(try receive(subscriber)?.last == [1])
        #expect(throws: TransportError.self) {
            try subscriber.subscribe(toPrefix: [UInt8](repeating: 65, count: 246))
        }
    }

    @Test func anEndpointInUseIsNamedInTheError() throws {
        let first = try ZMQSocket(.router, in: context)
        try first.bind(to: Endpoint("tcp://127.0.0.1:*"))
        let taken = try first.lastEndpoint()
        let second = try ZMQSocket(.router, in: context)
        let error = #expect(throws: TransportError.self) {
            try second.bind(to: Endpoint(taken))
        }
        #expect(error?.code == EADDRINUSE)
        #expect(error?.description.contains(taken) == true)
    }

    @Test func localhostAndIPv6CanBeBound() throws {
        for text in ["tcp://localhost:*", "tcp://[::1]:*"] {
            let socket = try ZMQSocket(.router, in: context)
            try socket.bind(to: Endpoint(text))
            #expect(try Endpoint(try socket.lastEndpoint()).isLoopback)
        }
    }

    @Test func aFrameOverTheLimitEndsTheConnectionAndItsLossIsReported() throws {
        let (bound, connected) = try pair(.router, .dealer)
        let strict = try ZMQSocket(.router, in: context)
        try strict.set(.maximumFrameBytes(1000))
        try strict.bind(to: Endpoint("tcp://127.0.0.1:*"))
        let monitor = try SocketMonitor(of: connected)
        try connected.connect(to: Endpoint(try strict.lastEndpoint()))
        _ = bound
        for _ in 0..<2 {
            #expect(try connected.send([[UInt8](repeating: 1, count: 2000)]) == .sent)
        }
        let poller = Poller()
        _ = poller.add(monitor.socket)
        var isLost = false
        while !isLost, try poller.wait(timeoutMilliseconds: 10_000) > 0 {
            while let event = try monitor.next() {
                if case .disconnected = event { isLost = true }
            }
        }
        #expect(isLost)
    }

    @Test func aWakeFromAnotherThreadEndsAWait() throws {
        let wake = try WakeDescriptor()
        let poller = Poller()
        let slot = poller.add(fileDescriptor: wake.fileDescriptor)
        #expect(try poller.wait(timeoutMilliseconds: 0) == 0)
        Thread.detachNewThread { wake.wake() }
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == 1)
        #expect(poller.events(at: slot).contains(.readable))
        wake.drain()
        #expect(try poller.wait(timeoutMilliseconds: 0) == 0)
    }
}
