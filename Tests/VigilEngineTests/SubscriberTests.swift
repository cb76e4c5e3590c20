// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import VigilTransport

@testable import VigilEngine

/// What is put in force for subscribers, and who of them does not keep up.
struct SubscriberTests {
    private func grants(_ outputs: [String]) throws -> Grants {
        Grants(
            name: "x", sources: [], topics: [], outputs: try outputs.map { try OutputGrant($0) },
            inbound: [])
    }

    @Test(arguments: [
        (["flag.A1"], "flag.", ["flag.A1."]),
        (["flag.A1"], "flag.A1.high", ["flag.A1.high"]),
        (["flag.A1"], "flag.A10", []),
        (["*"], "system.gap", ["system.gap"]),
        (["system"], "", ["system."]),
        // A topic that is granted whole, and none whose name only begins alike.
        (["system.rejected"], "", ["system.rejected.", "system.rejected"]),
        (["system.rejected"], "system.rejected", ["system.rejected.", "system.rejected"]),
        (["system.gap"], "", ["system.gap."]),
        (
            ["system.gap", "system.gap-closed"], "system.g",
            ["system.gap.", "system.gap-closed.", "system.gap", "system.gap-closed"]
        ),
        (["flag.A1.high.x"], "", ["flag.A1.high.x."]),
        (["system.digest.A1"], "", ["system.digest.A1."]),
        (["flag.A1"], "system.heartbeat", ["system.heartbeat"]),
    ])
    func whatIsAskedForIsNarrowedToWhatIsGranted(
        outputs: [String], prefix: String, expected: [String]
    ) throws {
        let inForce = try grants(outputs).subscriptions(for: Array(prefix.utf8))
        #expect(inForce.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    /// Looks until every connection has been looked at so often.
    private func look(_ ledger: inout SubscriberLedger, rounds: Int) -> [String] {
        (0..<(5 * rounds)).flatMap { _ in ledger.look() }
    }

    @Test func whoDoesNotReadIsSlowUntilItReadsOrLeaves() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        var ledger = SubscriberLedger()
        ledger.met(ends[0], of: "tool")
        ledger.met(ends[0], of: "tool")
        #expect(ledger.counts["tool"]?.connected == 1)
        #expect(look(&ledger, rounds: 4).isEmpty)
        var bytes = [UInt8](repeating: 7, count: 100)
        try #require(write(ends[0], bytes, 100) == 100)
        #expect(look(&ledger, rounds: 2).isEmpty)
        #expect(look(&ledger, rounds: 2) == ["tool"])
        #expect(ledger.counts["tool"]?.slow == 1)
        try #require(read(ends[1], &bytes, 100) == 100)
        #expect(look(&ledger, rounds: 1).isEmpty)
        #expect(ledger.counts["tool"]?.slow == 0)
        try #require(write(ends[0], bytes, 100) == 100)
        #expect(look(&ledger, rounds: 3) == ["tool"])
        close(ends[0])
        #expect(look(&ledger, rounds: 1).isEmpty)
        close(ends[1])
        #expect(ledger.counts["tool"]?.connected == 0)
        #expect(ledger.counts["tool"]?.slow == 0)
        #expect(ledger.counts["tool"]?.fallenBehind == 2)
    }

    @Test func aDescriptorThatIsGivenToAnotherIsNotTakenForTheFirst() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        var others: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &others) == 0)
        var ledger = SubscriberLedger()
        ledger.met(ends[0], of: "first")
        try #require(dup2(others[0], ends[0]) == ends[0])
        ledger.met(ends[0], of: "second")
        #expect(ledger.counts["first"]?.connected == 0)
        #expect(ledger.counts["second"]?.connected == 1)
        for descriptor in ends + others { close(descriptor) }
        #expect(look(&ledger, rounds: 1).isEmpty)
        #expect(ledger.counts["second"]?.connected == 0)
        ledger.met(-1, of: "nobody")
        #expect(ledger.counts["nobody"] == nil)
    }

    @Test(arguments: ["tcp://127.0.0.1:*", "ipc://"])
    func aSubscriptionTellsItsConnection(endpoint: String) throws {
        let context = try ZMQContext()
        let publisher = try ZMQSocket(.xpub, in: context)
        let subscriber = try ZMQSocket(.sub, in: context)
        let path = FileManager.default.temporaryDirectory
            .appending(path: "vigil-subscription-\(getpid())").path
        try publisher.bind(to: Endpoint(endpoint == "ipc://" ? endpoint + path : endpoint))
        defer { unlink(path) }
        try subscriber.connect(to: Endpoint(try publisher.lastEndpoint()))
        try subscriber.subscribe(toPrefix: [1])
        let poller = Poller()
        _ = poller.add(publisher)
        let buffer = MessageBuffer(frameLimit: 1)
        try #require(try poller.wait(timeoutMilliseconds: 10_000) == 1)
        try #require(try publisher.receive(into: buffer))
        var ledger = SubscriberLedger()
        ledger.met(try #require(buffer.descriptor), of: "x")
        #expect(ledger.counts["x"]?.connected == 1)
    }
}
