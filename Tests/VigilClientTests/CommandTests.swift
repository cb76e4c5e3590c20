// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The commands as a user runs them, against a daemon that misbehaves.
@Suite struct CommandTests {
    private func event(_ number: Int) -> String {
        "{\"specversion\":\"1.0\",\"id\":\"\(number)\","
            + "\"type\":\"health.vigil.patient.created.v1\"}"
    }

    private func events(_ numbers: Range<Int>) -> String {
        numbers.map(event).joined(separator: "\n") + "\n"
    }

    private func publish(_ daemon: FakeDaemon, _ more: String...) -> [String] {
        ["publish", "--ingest", daemon.endpoint("ingest"), "--practice", "A1"] + more
    }

    @Test func busyAnswersLoseNothingAndKeepTheOrder() throws {
        var faults = FakeDaemon.Faults()
        faults.busyEvents = [event(0), event(1), event(700), event(2999)]
        let daemon = try FakeDaemon(faults)
        daemon.start()
        defer { daemon.stop() }
        let run = try VigilProcess(publish(daemon, "--json", "-"), input: events(0..<3000))
        #expect(run.exitCode() == 0, "\(run.talk)")
        let isComplete = daemon.accepted.map(\.event) == (0..<3000).map(event)
        #expect(isComplete)
        #expect(daemon.requestCount > 12)
        #expect(daemon.accepted.allSatisfy { $0.topic == "patient.A1" })
        #expect(run.talk.contains("accepted 3000, duplicate 0, rejected 0, skipped 0"))
        #expect(run.lines.first?.contains("\"accepted\":3000") == true)
    }

    @Test func aRestartInTheMiddleLosesNothing() throws {
        var faults = FakeDaemon.Faults()
        faults.silentFromRequest = 3
        let daemon = try FakeDaemon(faults)
        daemon.start()
        let run = try VigilProcess(publish(daemon, "-"), input: events(0..<3000))
        #expect(VigilProcess.wait { daemon.requestCount > 3 })
        daemon.stop()
        daemon.heal()
        daemon.start()
        defer { daemon.stop() }
        #expect(run.exitCode() == 0, "\(run.talk)")
        let isComplete = daemon.accepted.map(\.event) == (0..<3000).map(event)
        #expect(isComplete)
    }

    @Test func refusedEventsAreListedAndTheExitCodeSaysSo() throws {
        let daemon = try FakeDaemon(rejecting: "\"id\":\"7\"")
        daemon.start()
        defer { daemon.stop() }
        let run = try VigilProcess(
            publish(daemon, "-"), input: events(5..<10) + "no json\n" + events(5..<6))
        #expect(run.exitCode() == 65)
        #expect(run.talk.contains("standard input, line 3: not-fhir at /data: no"))
        #expect(run.talk.contains("standard input, line 6: malformed-json"))
        #expect(run.talk.contains("accepted 4, duplicate 1, rejected 2"))
    }

    @Test func theSameResourcesAgainAreAllDuplicates() throws {
        let daemon = try FakeDaemon()
        daemon.start()
        defer { daemon.stop() }
        let folder = NSTemporaryDirectory() + "vigil-" + String(UInt32.random(in: 0 ... .max))
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bundle = """
            {"resourceType": "Bundle", "entry": [
             {"resource": {"resourceType": "Condition", "id": "c", "recordedDate": "2024-02-01",
              "subject": {"reference": "Patient/p"}}},
             {"resource": {"resourceType": "CarePlan", "id": "x"}}]}
            """
        let lines =
            "{\"resourceType\":\"Patient\",\"id\":\"p\"}\n"
            + "{\"resourceType\":\"Patient\",\"id\":\"q\",\"birthDate\":\"2001\"}\n"
        try bundle.write(toFile: folder + "/a.json", atomically: true, encoding: .utf8)
        try lines.write(toFile: folder + "/b.ndjson", atomically: true, encoding: .utf8)
        let arguments = publish(daemon, folder + "/a.json", folder + "/b.ndjson")
        let first = try VigilProcess(arguments)
        #expect(first.exitCode() == 0, "\(first.talk)")
        #expect(first.talk.contains("accepted 3, duplicate 0, rejected 0, skipped 1 (CarePlan 1)"))
        #expect(
            daemon.accepted.map(\.topic) == ["patient.A1", "patient.A1", "condition.A1"])
        let second = try VigilProcess(arguments)
        #expect(second.exitCode() == 0)
        #expect(second.talk.contains("accepted 0, duplicate 3"))
    }

    @Test func watchPrintsEachOutputOnceOverLossesAndARestart() throws {
        let daemon = try FakeDaemon()
        daemon.output("flag.A1.high.x")
        daemon.start()
        let run = try VigilProcess([
            "watch", "--from", "0", "--alerts", daemon.endpoint("alerts"), "--history",
            daemon.endpoint("history"),
        ])
        #expect(VigilProcess.wait { run.lines.count == 1 })
        for number in 0..<50 {
            daemon.output("flag.A1.high.x", isLost: number % 7 == 3)
            daemon.output("alert.A1.low.y", isLost: number % 5 == 2)
        }
        #expect(VigilProcess.wait { run.lines.count == 101 })
        daemon.stop()
        for _ in 0..<3 { daemon.output("flag.A1.high.x") }
        daemon.start()
        daemon.output("system.gap.A1")
        #expect(VigilProcess.wait { run.lines.count == 105 })
        daemon.stop()
        run.terminate()
        #expect(run.exitCode() == 0)
        let offsets = run.lines.compactMap { line in
            line.firstRange(of: "\"id\":\"").flatMap {
                Int(line[$0.upperBound...].prefix { $0 != "\"" })
            }
        }
        #expect(Set(offsets).count == offsets.count)
        #expect(offsets.sorted() == daemon.outputOffsets)
    }

    @Test func watchOfOneTopicBeginsWithWhatIsNew() throws {
        let daemon = try FakeDaemon()
        daemon.output("flag.A1.high.x")
        daemon.start()
        defer { daemon.stop() }
        let run = try VigilProcess([
            "watch", "--topic", "flag.A1.", "--alerts", daemon.endpoint("alerts"), "--history",
            daemon.endpoint("history"),
        ])
        // The first page is asked for at the first heartbeat, when the watch has begun.
        #expect(VigilProcess.wait { daemon.pageCount > 0 })
        daemon.output("flag.A12.high.x")
        daemon.output("flag.A1.high.x")
        #expect(VigilProcess.wait { !run.lines.isEmpty })
        run.terminate()
        #expect(run.exitCode() == 0)
        #expect(run.lines == ["{\"specversion\":\"1.0\",\"id\":\"3\",\"sequence\":\"2\"}"])
    }

    @Test func openReadsAllPages() throws {
        var faults = FakeDaemon.Faults()
        faults.pageLimit = 2
        let daemon = try FakeDaemon(faults)
        for number in 1...5 { daemon.open("flag.A1.high.x", "{\"n\":\n \(number)}") }
        daemon.open("flag.B2.high.x", "{}")
        daemon.start()
        defer { daemon.stop() }
        let run = try VigilProcess([
            "open", "--practice", "A1", "--history", daemon.endpoint("history"),
        ])
        #expect(run.exitCode() == 0)
        #expect(run.lines == (1...5).map { "{\"n\":\($0)}" })
    }

    @Test func aDaemonThatIsNotThereIsNamedWithExitCode69() throws {
        let endpoint = "ipc://" + NSTemporaryDirectory() + "vigil-nobody"
        let commands = [
            ["publish", "-", "--ingest"], ["open", "--history"], ["watch", "--alerts"],
        ]
        let runs = try commands.map {
            try VigilProcess($0 + [endpoint], input: events(0..<1))
        }
        for (command, run) in zip(commands, runs) {
            #expect(run.exitCode() == 69)
            let sentences = run.talk.split(separator: "\n").filter { $0.hasPrefix("vigil: ") }
            #expect(sentences.count == 1)
            #expect(run.talk.contains(endpoint) && run.talk.contains(command[command.count - 1]))
        }
    }

    @Test(arguments: [
        (["publish", "/nonexistent.json"], 66),
        (["publish", "--practice", "a b", "-"], 64), (["open", "--history", "nowhere"], 64),
        (["watch", "--topic", "patient."], 64), (["watch", "--from", "x"], 64),
    ])
    func wrongArgumentsAreRefusedWithTheirExitCode(arguments: [String], code: Int) throws {
        let run = try VigilProcess(arguments, input: "")
        #expect(Int(run.exitCode()) == code)
        #expect(!run.talk.isEmpty && run.lines.isEmpty)
    }
}
