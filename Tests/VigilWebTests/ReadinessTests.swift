// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilEngine
import VigilWeb

/// When the daemon calls itself ready.
@Suite struct ReadinessTests {
    private func reasons(_ health: EngineHealth, isOpen: Bool = true) -> [String] {
        let report = DaemonReport.example(health: health, status: isOpen ? EngineStatus() : nil)
        let reply = WebReply.answer(method: "GET", path: "/readyz") { report }
        #expect(reply.code == (report.isReady ? 200 : 503))
        let body = String(decoding: reply.body, as: UTF8.self)
        #expect(body.hasPrefix("{\"ready\":\(report.isReady),\"reasons\":["))
        for reason in report.reasons {
            #expect(body.contains("{\"code\":\"\(reason.code)\","))
            #expect(body.contains("\"message\":\"\(reason.message)\"}"))
        }
        return report.reasons.map(\.code)
    }

    @Test func itIsReadyOnceItServes() {
        #expect(reasons(.example()) == [])
    }

    @Test(arguments: [
        (EngineHealth.Phase.recovering, "recovering"), (.stopping, "stopping"),
        (.failed, "log-failed"),
    ])
    func itIsReadyInNoOtherPhase(phase: EngineHealth.Phase, reason: String) {
        #expect(reasons(.example { $0.phase = phase }) == [reason])
    }

    @Test func itIsNotReadyBeforeTheEngineHasComeRoundOnce() {
        #expect(reasons(.example { $0.lastTurn = nil }) == ["recovering"])
        #expect(reasons(.example(), isOpen: false) == ["recovering"])
    }

    @Test func aFullDiskIsTold() {
        let health = EngineHealth.example {
            $0.isDiskFull = true
            $0.freeBytes = 12 << 20
        }
        #expect(reasons(health) == ["disk-full"])
        let report = DaemonReport.example(health: health, status: EngineStatus())
        #expect(report.reasons.first?.message.contains("12 MiB") == true)
    }

    @Test func aCommitMayWaitTenSecondsForTheDisk() {
        let ten = EngineHealth.example { $0.waitingSince = .example - .seconds(10) }
        #expect(reasons(ten) == [])
        let eleven = EngineHealth.example { $0.waitingSince = .example - .seconds(11) }
        #expect(reasons(eleven) == ["log-stalled"])
    }

    @Test func theEngineMayBeAwayForTenSeconds() {
        let ten = EngineHealth.example { $0.lastTurn = .example - .seconds(10) }
        #expect(reasons(ten) == [])
        let eleven = EngineHealth.example {
            $0.lastTurn = .example - .seconds(11)
            $0.isDiskFull = true
        }
        #expect(reasons(eleven) == ["disk-full", "engine-stalled"])
    }
}
