// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilClient

@Suite struct WatchMachineTests {
    @Test func historyIsPrintedFirstAndThenWhatIsLive() {
        var bench = WatchBench(from: 0)
        bench.pageSize = 2
        for _ in 0..<5 { bench.output("flag.A1.high.x", isLost: true) }
        bench.heartbeat()
        #expect(bench.printed == [1, 2, 3, 4, 5])
        bench.output("flag.A1.high.x")
        #expect(bench.printed == [1, 2, 3, 4, 5, 6])
    }

    @Test func withoutAnOffsetOnlyWhatIsNewIsPrinted() {
        var bench = WatchBench(from: nil)
        for _ in 0..<3 { bench.output("flag.A1.high.x", isLost: true) }
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.output("flag.A1.high.x")
        #expect(bench.printed == [4, 5])
    }

    @Test func whatComesBeforeTheFirstHeartbeatIsPrintedOnce() {
        var bench = WatchBench(from: 0)
        bench.output("flag.A1.high.x")
        #expect(bench.printed.isEmpty)
        bench.heartbeat()
        #expect(bench.printed == [1])
    }

    @Test func aHoleInATopicIsFilledBeforeWhatShowedIt() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.output("flag.A1.high.x", isLost: true)
        bench.output("flag.A1.high.x")
        #expect(bench.printed == [1, 2, 3])
    }

    @Test func aLostLastEventComesAfterTwoHeartbeats() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.output("flag.A1.high.x", isLost: true)
        bench.heartbeat()
        #expect(bench.printed == [1])
        bench.heartbeat()
        #expect(bench.printed == [1, 2])
    }

    @Test func aLossHiddenByALaterTopicIsFoundByTheRegularReading() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x", isLost: true)
        bench.output("flag.A1.high.y")
        for _ in 0..<20 { bench.heartbeat() }
        #expect(bench.printed.sorted() == [1, 2])
    }

    @Test func liveEventsWaitWhileHistoryIsRead() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.answers = false
        bench.output("flag.A1.high.x", isLost: true)
        bench.output("flag.A1.high.x")
        bench.output("flag.A1.low.z")
        #expect(bench.printed == [1])
        bench.answers = true
        bench.answer()
        #expect(bench.printed == [1, 2, 3, 4])
    }

    @Test func whatWasLostWhileReconnectingIsPrintedBeforeWhatFollows() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.perform(bench.machine.disconnected())
        bench.output("flag.A1.high.x", isLost: true)
        bench.output("alert.A1.low.y")
        #expect(bench.printed == [1])
        bench.heartbeat()
        #expect(bench.printed == [1, 2, 3])
    }

    @Test func afterSilenceNothingIsTrustedBeforeHistoryIsRead() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.output("flag.A1.high.x")
        bench.output("flag.A1.high.y", isLost: true)
        bench.now += 60_000
        bench.output("flag.A1.high.x")
        #expect(bench.printed == [1, 2, 3])
    }

    @Test func aPageThatDoesNotComeIsAskedForAgain() {
        var bench = WatchBench(from: 0)
        bench.answers = false
        bench.output("flag.A1.high.x", isLost: true)
        bench.heartbeat()
        #expect(bench.requests == [0])
        bench.answers = true
        bench.now += WatchMachine.pageLimitMilliseconds
        bench.perform(bench.machine.tick(nowMilliseconds: bench.now))
        #expect(bench.requests == [0, 0])
        #expect(bench.printed == [1])
    }

    @Test func aHistoryThatHasNeverAnsweredEndsTheWatch() {
        var bench = WatchBench(from: nil)
        bench.answers = false
        for _ in 0..<9 { bench.beat() }
        #expect(bench.failures == [] && bench.requests.count == 2)
        for _ in 0..<3 { bench.beat() }
        #expect(bench.failures.first == "unanswered")
    }

    @Test func aHistoryThatFallsSilentIsToldOfOnceAndAskedOn() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        for outage in 1...2 {
            bench.answers = false
            bench.output("flag.A1.high.x", isLost: true)
            for _ in 0..<60 { bench.beat() }
            #expect(bench.told.count == outage)
            bench.answers = true
            for _ in 0..<6 { bench.beat() }
            #expect(bench.printed.count == outage)
        }
        #expect(bench.failures == [])
    }

    @Test func aDaemonThatGoesAwayBeforeItsHistoryAnsweredIsWaitedFor() {
        var bench = WatchBench(from: 0)
        bench.answers = false
        bench.heartbeat()
        for _ in 0..<4 { bench.beat() }
        bench.perform(bench.machine.disconnected())
        bench.perform(bench.machine.disconnected())
        for _ in 0..<60 { bench.beat(isHeard: false) }
        #expect(bench.told.count == 1)
        for _ in 0..<3 { bench.beat() }
        bench.answers = true
        bench.output("flag.A1.high.x")
        for _ in 0..<3 { bench.beat() }
        #expect(bench.failures == [] && bench.printed == [1])
    }

    @Test func aLogThatBecameShorterEndsTheWatch() {
        var bench = WatchBench(from: 0)
        for _ in 0..<3 { bench.output("flag.A1.high.x", isLost: true) }
        bench.heartbeat()
        bench.perform(bench.machine.disconnected())
        bench.log = [:]
        bench.head = 1
        bench.heartbeat()
        #expect(bench.failures.count == 1)
    }

    @Test func aHeartbeatReadLateDoesNotLookLikeAShorterLog() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        bench.head = 50
        bench.output("flag.A1.high.x", isLost: true)
        bench.output("flag.A1.high.x")
        bench.perform(
            bench.machine.heard(Heartbeat(offset: 10, output: nil), nowMilliseconds: bench.now))
        #expect(bench.failures.isEmpty && bench.printed == [51, 52])
    }

    @Test func controlRecordsAndHeartbeatsAreNotPrinted() {
        var bench = WatchBench(from: 0)
        bench.heartbeat()
        for topic in ["system.clock", "system.genesis", "patient.A1", "system.settings"] {
            bench.output(topic)
        }
        bench.output("system.gap.A1")
        bench.heartbeat()
        bench.heartbeat()
        #expect(bench.printed == [5])
    }

    /// Any losses, disconnections and silences: in the end everything is printed once.
    @Test(arguments: 0..<200)
    func nothingIsMissedOrPrintedTwice(seed: UInt64) {
        var random = SplitMix(state: seed)
        var bench = WatchBench(from: 0)
        bench.pageSize = 1 + random.below(7)
        let topics = ["flag.A1.high.x", "flag.A1.low.y", "alert.B2.high.z", "system.gap.A1"]
        for _ in 0..<120 {
            switch random.below(20) {
            case 0: bench.heartbeat()
            case 1: bench.perform(bench.machine.disconnected())
            case 2: bench.answers.toggle()
            case 3: bench.now += Int64(random.below(6000))
            case 4: bench.perform(bench.machine.tick(nowMilliseconds: bench.now))
            case 5: bench.head += 1
            case 6: if !bench.answers { bench.answer() }
            default:
                bench.output(topics[Int(random.below(4))], isLost: random.below(4) == 0)
            }
        }
        bench.answers = true
        for _ in 0..<25 {
            bench.heartbeat()
            bench.now += WatchMachine.pageLimitMilliseconds
            bench.perform(bench.machine.tick(nowMilliseconds: bench.now))
        }
        #expect(bench.failures.isEmpty, "seed \(seed)")
        #expect(bench.printed.sorted() == bench.outputs, "seed \(seed)")
    }
}

/// A generator whose numbers depend on the seed alone: SplitMix64 (Steele and others, 2014).
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return (value ^ (value >> 31)) % bound
    }
}
