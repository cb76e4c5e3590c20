// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilTransport

@testable import VigilEngine

/// Replies, their order, and the index of what came before.
struct PartsTests {
    @Test(arguments: [
        (
            Intake.Outcome.accepted(id: "e\"1", offset: .max),
            #"{"status":"accepted","id":"e\"1","offset":18446744073709551615}"#
        ),
        (.duplicate(id: "é", offset: 0), #"{"status":"duplicate","id":"é","offset":0}"#),
        (
            .rejected(Rejection(.notFHIR, "No\nFHIR.", at: "/data"), id: "e1"),
            #"{"status":"rejected","id":"e1","code":"not-fhir","message":"No\u000aFHIR.","#
                + #""pointer":"/data"}"#
        ),
        (
            .rejected(Rejection(.badFrames, "Bad."), id: nil),
            #"{"status":"rejected","code":"bad-frames","message":"Bad.","pointer":""}"#
        ),
        (.busy(id: nil), #"{"status":"busy","retryAfterMs":1000}"#),
        (.busy(id: "e1"), #"{"status":"busy","id":"e1","retryAfterMs":1000}"#),
    ])
    func aReplyIsJSON(outcome: Intake.Outcome, text: String) {
        #expect(String(decoding: Reply.encode(outcome), as: UTF8.self) == text)
    }

    @Test func repliesLeaveInOrderAndNotBeforeTheyAreTrue() {
        var queue = ReplyQueue()
        for (name, requires) in [("a", 5), ("b", nil), ("c", 3), ("d", 9)] as [(String, UInt64?)] {
            queue.append(
                ReplyQueue.Pending(envelope: [Array(name.utf8)], frames: [], requires: requires))
        }
        func next(_ durable: UInt64?) -> String? {
            let reply = queue.next(durable: durable)
            return reply.map { String(decoding: $0.envelope[0], as: UTF8.self) }
        }
        #expect(next(nil) == nil)
        #expect(next(4) == nil)
        #expect(next(5) == "a")
        #expect(next(nil) == "b")
        #expect(next(nil) == nil)
        #expect(next(8) == "c")
        #expect(next(8) == nil)
        #expect(next(9) == "d")
        #expect(next(.max) == nil)
    }

    @Test func whoIsGivenUpStaysSoHoweverManyOthersAreServed() throws {
        var ledger = ConnectionLedger(heldBytesTotalMax: 0)
        func giveUp(_ identity: [UInt8]) throws {
            ledger.took(1, 1, from: identity)
            let reply = ReplyQueue.Pending(envelope: [identity], frames: [])
            try ledger.deliver(reply) { _ in .wouldBlock }
        }
        try giveUp([1])
        #expect(ledger.room(for: [1]).events == 0)
        for number in 0..<10_001 { ledger.took(1, 1, from: Array("other \(number)".utf8)) }
        try giveUp([2])
        #expect(ledger.room(for: [1]).events == 0)
        #expect(ledger.room(for: [2]).events == 0)
        #expect(ledger.room(for: Array("other 1".utf8)).events > 0)
    }

    @Test func fingerprintsThatCollideGiveEveryCandidateOldestFirst() {
        let index = DuplicateIndex { _, _ in 42 }
        index.insert(source: "a", id: "1", offset: 3)
        index.insert(source: "b", id: "2", offset: 5)
        index.insert(source: "c", id: "3", offset: 8)
        #expect(index.candidates(index.fingerprint("b", "2")) == [3, 5, 8])
        #expect(index.candidates(index.fingerprint("never", "seen")) == [3, 5, 8])
    }

    @Test func aFingerprintTellsWhereTheSourceEnds() {
        let index = DuplicateIndex()
        index.insert(source: "ab", id: "c", offset: 1)
        #expect(index.candidates(index.fingerprint("ab", "c")) == [1])
        #expect(index.candidates(index.fingerprint("a", "bc")) == [])
    }

    @Test func rejectionsAreTakenTogetherBySourceAndCodeAndToldAtTheTurn() {
        var meter = RejectionMeter()
        func tells(_ source: String?, _ code: String) -> Bool {
            meter.tellsSingly(source: source, code: code)
        }
        _ = meter.turn(milliseconds: 5_000)
        for source in ["a", "b"] {
            for _ in 0..<100 {
                #expect(tells(source, "not-fhir"))
            }
        }
        #expect(!tells("a", "not-fhir"))
        #expect(!tells("a", "not-fhir"))
        #expect(!tells("a", "too-large"))
        #expect(!tells("b", "not-fhir"))
        let early = meter.turn(milliseconds: 5_999)
        #expect(early.isEmpty)
        #expect(tells(nil, "malformed-json"))
        let merged = meter.turn(milliseconds: 6_000)
        #expect(
            merged.map { "\($0.source ?? "-") \($0.code) \($0.count)" } == [
                "a not-fhir 2", "a too-large 1", "b not-fhir 1",
            ])
        #expect(tells("a", "not-fhir"))
        let rest = meter.takeMerged()
        #expect(rest.isEmpty)
    }
}
