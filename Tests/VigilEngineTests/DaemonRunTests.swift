// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilTransport

/// The daemon as it is deployed: killed, started again, stopped.
struct DaemonRunTests {
    private let directory: DataDirectory

    init() throws {
        directory = try DataDirectory()
    }

    private func endpoint(_ name: String) -> String {
        "ipc://\(directory.path)/\(name).sock"
    }

    private func start(_ arguments: String...) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("vigil")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func serve() throws -> Process {
        try start(
            "serve", "--data", directory.path + "/data", "--clock", "event",
            "--events", endpoint("events"), "--ingest", endpoint("ingest"),
            "--alerts", endpoint("alerts"), "--history", endpoint("history"), "--http", "none")
    }

    /// The frames of the reply to a request, as texts; none after 20 seconds.
    private func ask(_ name: String, _ frames: [[UInt8]]) throws -> [String] {
        let socket = try ZMQSocket(.dealer, in: try ZMQContext())
        try socket.set(.linger(milliseconds: 0))
        try socket.connect(to: try Endpoint(endpoint(name)))
        #expect(try socket.send(frames) == .sent)
        let poller = Poller()
        _ = poller.add(socket)
        guard try poller.wait(timeoutMilliseconds: 20_000) > 0 else { return [] }
        let buffer = MessageBuffer(frameLimit: 64)
        guard try socket.receive(into: buffer) else { return [] }
        return (0..<buffer.count).map { String(decoding: buffer.bytes($0), as: UTF8.self) }
    }

    private func pair(_ topic: String, _ event: [UInt8]) -> [[UInt8]] {
        [Array(topic.utf8), event]
    }

    @Test(.timeLimit(.minutes(2)))
    func whatWasAcknowledgedIsThereAfterAKillAndTheNextEventIsTakenAtOnce() throws {
        let patient = pair("patient.A81001", Events.patient("2024-03-01T09:00:00Z"))
        let naproxen = pair(
            "prescription.A81001", Events.naproxen("2024-03-01T09:05:00Z", id: "1"))
        let first = try serve()
        let replies = try ask("ingest", patient + naproxen + naproxen + pair("x", [0x7B]))
        #expect(replies.count == 4)
        #expect(
            replies.map { $0.split(separator: "\"")[3] } == [
                "accepted", "accepted", "duplicate", "rejected",
            ])
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()

        let second = try serve()
        let again = try ask("ingest", naproxen)
        #expect(again == [#"{"status":"duplicate","id":"1","offset":3}"#])
        let clock = pair("system.clock", Events.clock("2024-03-01T10:00:00Z", id: "c"))
        #expect(try ask("ingest", clock).first?.contains(#""status":"accepted""#) == true)

        let page = try ask("history", [Array(#"{"from":2}"#.utf8)])
        #expect(page.first == #"{"next":8,"head":7,"count":6}"#)
        // What came from outside goes out byte for byte.
        #expect(page.dropFirst().first == "patient.A81001")
        #expect(page.dropFirst(3).first == String(decoding: patient[1], as: UTF8.self))
        let open = try ask("history", [Array(#"{"open":["flag.A81001."]}"#.utf8)])
        #expect(open.first == #"{"asOf":7,"after":null,"count":1}"#)
        #expect(open.dropFirst().first == "flag.A81001.moderate.gi-p3a")

        second.terminate()
        second.waitUntilExit()
        #expect(second.terminationStatus == 0)
        let check = try start("replay", "--data", directory.path + "/data", "--check")
        check.waitUntilExit()
        #expect(check.terminationStatus == 0)
    }
}
