// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilClient

@Suite struct PublishMachineTests {
    private static func limits() -> PublishMachine.Limits {
        var limits = PublishMachine.Limits()
        limits.eventsPerRequest = 2
        limits.requests = 3
        return limits
    }

    /// A machine with so many events offered, and the input ended.
    private func machine(events: Int) -> PublishMachine {
        var machine = PublishMachine(limits: PublishMachineTests.limits(), nowMilliseconds: 0)
        for number in 0..<events {
            let origin = EventOrigin(file: "f", position: number + 1, unit: .line)
            machine.offer(
                OutgoingEvent(
                    topic: "patient.A1", event: [UInt8(number)], id: "\(number)", origin: origin))
        }
        machine.inputEnded()
        return machine
    }

    /// What is sent until the machine waits, as numbers of events, and the step that ended it.
    private func sent(
        _ machine: inout PublishMachine, at now: Int64
    ) -> (requests: [[UInt8]], then: PublishMachine.Step) {
        var requests: [[UInt8]] = []
        while true {
            let step = machine.next(nowMilliseconds: now)
            guard case .send(let events) = step else { return (requests, step) }
            requests.append(events.map { $0.event[0] })
        }
    }

    @Test func requestsAreSentUpToTheWindowAndFollowTheReplies() {
        var machine = machine(events: 8)
        #expect(sent(&machine, at: 0).requests == [[0, 1], [2, 3], [4, 5]])
        _ = machine.received([.accepted(offset: 1), .duplicate(offset: 0)], nowMilliseconds: 1)
        #expect(sent(&machine, at: 1).requests == [[6, 7]])
        for _ in 0..<3 {
            _ = machine.received(
                [.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 2)
        }
        #expect(sent(&machine, at: 2).then == .finished)
        #expect(machine.acceptedCount == 7 && machine.duplicateCount == 1)
    }

    @Test func busyEventsAreSentAgainInTheirOrderAfterThePause() {
        var machine = machine(events: 6)
        #expect(sent(&machine, at: 0).requests.count == 3)
        let busy = EventReply.busy(retryAfterMilliseconds: 500)
        _ = machine.received([.accepted(offset: 1), busy], nowMilliseconds: 10)
        #expect(sent(&machine, at: 10).requests.isEmpty)
        _ = machine.received([busy, busy], nowMilliseconds: 11)
        _ = machine.received([busy, busy], nowMilliseconds: 12)
        #expect(sent(&machine, at: 13).then == .wait(untilMilliseconds: 512))
        #expect(sent(&machine, at: 512).requests == [[1], [2, 3], [4, 5]])
    }

    @Test func nothingNewIsSentBeforeBusyEventsAreThrough() {
        var machine = machine(events: 8)
        _ = sent(&machine, at: 0)
        let busy = EventReply.busy(retryAfterMilliseconds: 5)
        _ = machine.received([busy, busy], nowMilliseconds: 0)
        #expect(sent(&machine, at: 100).requests.isEmpty)
        _ = machine.received([busy, busy], nowMilliseconds: 100)
        _ = machine.received([.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 100)
        #expect(sent(&machine, at: 105).requests == [[0, 1], [2, 3], [6, 7]])
    }

    @Test func whatIsUnansweredOnALostConnectionIsSentAgainInItsOrder() {
        var machine = machine(events: 8)
        _ = sent(&machine, at: 0)
        _ = machine.received([.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 1)
        machine.connectionLost()
        #expect(sent(&machine, at: 2).requests == [[2, 3], [4, 5], [6, 7]])
    }

    @Test func aReplyThatDoesNotComeMakesANewConnection() {
        var machine = machine(events: 2)
        _ = sent(&machine, at: 0)
        _ = machine.received([.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 1)
        var second = self.machine(events: 4)
        _ = sent(&second, at: 0)
        _ = second.received([.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 1)
        #expect(second.next(nowMilliseconds: 15_001) == .reconnect)
        #expect(sent(&second, at: 15_001).requests == [[2, 3]])
        #expect(machine.next(nowMilliseconds: 99_999) == .finished)
    }

    @Test func aDaemonThatNeverAnswersIsGivenUpSoonerThanOneThatDid() {
        var machine = machine(events: 2)
        _ = sent(&machine, at: 0)
        #expect(machine.next(nowMilliseconds: 9_999) == .wait(untilMilliseconds: 10_000))
        #expect(machine.next(nowMilliseconds: 10_000) == .giveUp)
        var second = self.machine(events: 4)
        _ = sent(&second, at: 0)
        _ = second.received([.accepted(offset: 1), .accepted(offset: 2)], nowMilliseconds: 0)
        for now in stride(from: Int64(0), to: 60_000, by: 1000) {
            _ = sent(&second, at: now)
        }
        #expect(second.next(nowMilliseconds: 60_000) == .giveUp)
    }

    /// A daemon may be at work that comes before any input, and has all that was sent by then.
    @Test func silenceOnAConnectionThatStandsIsWaitedOutForTenMinutes() {
        var machine = machine(events: 2)
        var renewals: [Int64] = []
        for now in stride(from: Int64(0), to: 600_000, by: 1000) {
            machine.connectionStands(nowMilliseconds: now)
            let step = sent(&machine, at: now).then
            #expect(step != .giveUp)
            if step == .reconnect { renewals.append(now) }
        }
        #expect(renewals == [15_000, 46_000, 107_000, 228_000, 349_000, 470_000, 591_000])
        machine.connectionStands(nowMilliseconds: 600_000)
        #expect(machine.next(nowMilliseconds: 600_000) == .giveUp)
    }

    @Test func aConnectionThatIsGoneEndsThePatience() {
        var machine = machine(events: 2)
        _ = sent(&machine, at: 0)
        #expect(!machine.isDelayed(nowMilliseconds: 9_999))
        #expect(machine.isDelayed(nowMilliseconds: 10_000))
        machine.connectionStands(nowMilliseconds: 14_000)
        #expect(machine.next(nowMilliseconds: 14_000) == .wait(untilMilliseconds: 15_000))
        #expect(machine.next(nowMilliseconds: 15_000) == .reconnect)
        #expect(sent(&machine, at: 15_000).requests == [[0, 1]])
        #expect(machine.next(nowMilliseconds: 23_999) == .wait(untilMilliseconds: 24_000))
        #expect(machine.next(nowMilliseconds: 24_000) == .giveUp)
    }

    @Test func aLossWhileNothingIsUnderWayIsNoSilence() {
        var machine = PublishMachine(limits: PublishMachineTests.limits(), nowMilliseconds: 0)
        func offer(_ number: UInt8) {
            let origin = EventOrigin(file: "f", position: Int(number), unit: .line)
            machine.offer(
                OutgoingEvent(topic: "patient.A1", event: [number], id: "\(number)", origin: origin)
            )
            machine.inputPaused()
        }
        offer(1)
        #expect(sent(&machine, at: 0).requests == [[1]])
        _ = machine.received([.accepted(offset: 1)], nowMilliseconds: 1)
        machine.connectionLost()
        offer(2)
        let later: Int64 = 11 * 60_000
        let (requests, then) = sent(&machine, at: later)
        #expect(requests == [[2]])
        #expect(then != .giveUp)
    }

    @Test func refusalsNameWhereTheEventStood() {
        var machine = machine(events: 2)
        _ = sent(&machine, at: 0)
        let refusals = machine.received(
            [
                .accepted(offset: 1),
                .rejected(code: "not-fhir", message: "no resource", pointer: "/data"),
            ], nowMilliseconds: 1)
        #expect(refusals.map(\.description) == ["f, line 2: not-fhir at /data: no resource"])
        #expect(machine.next(nowMilliseconds: 1) == .finished)
    }

    @Test func oneRefusalOfAWholeRequestIsThatOfEachEvent() {
        var machine = machine(events: 2)
        _ = sent(&machine, at: 0)
        #expect(!machine.expects([.accepted(offset: 1)]))
        let refusal = EventReply.rejected(code: "bad-frames", message: "m", pointer: "")
        #expect(machine.expects([refusal]))
        #expect(machine.received([refusal], nowMilliseconds: 1).count == 2)
    }

    @Test func answersAreThoseToTheOldestRequestWhereTheyNameItsEvents() {
        var machine = machine(events: 4)
        _ = sent(&machine, at: 0)
        let later: [EventReply] = [.accepted(id: "2", offset: 1), .duplicate(id: "3", offset: 2)]
        #expect(!machine.expects(later))
        #expect(machine.received(later, nowMilliseconds: 1).isEmpty)
        #expect(machine.answeredCount == 0)
        #expect(!machine.expects([.accepted(id: "1", offset: 1), .accepted(id: "0", offset: 2)]))
        let unnamed = EventReply.rejected(code: "malformed-json", message: "m", pointer: "")
        #expect(machine.expects([.busy(id: "0", retryAfterMilliseconds: 1), unnamed]))
        // It names an event, so that it is not about a request of two as a whole.
        #expect(
            !machine.expects([.rejected(id: "0", code: "not-fhir", message: "m", pointer: "")]))
        machine.connectionLost()
        #expect(sent(&machine, at: 2).requests == [[0, 1], [2, 3]])
    }
}
