// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore

@testable import VigilEngine

/// Requests on the history socket, good and bad, and pages of open flags.
struct HistoryRequestTests {
    @Test(arguments: [
        (#"{"from":0}"#, "0 to end of all, 500"),
        (#"{"from": 7, "to": 9, "limit": 1000}"#, "7 to 9 of all, 1000"),
        (
            #"{"from":0,"to":null,"topics":null,"subject":null,"limit":null}"#,
            "0 to end of all, 500"
        ),
        (
            #"{"from":1,"topics":["flag.A81001.",""],"subject":"ann"}"#,
            "1 to end of flag.A81001.,, ann, 500"
        ),
        (#"{"from":18446744073709551615}"#, "18446744073709551615 to end of all, 500"),
        (#"{"open":["flag."]}"#, "open flag. after start, 500"),
        (#"{"open":["flag."],"after":"abc","limit":1}"#, "open flag. after abc, 1"),
        (#"{"open":null}"#, "open all after start, 500"),
        (#"{}"#, "error"),
        (#"{"to":3}"#, "error"),
        (#"{"from":null}"#, "error"),
        (#"{"from":-1}"#, "error"),
        (#"{"from":1.0}"#, "error"),
        (#"{"from":1e3}"#, "error"),
        (#"{"from":"1"}"#, "error"),
        (#"{"from":18446744073709551616}"#, "error"),
        (#"{"from":0,"limit":0}"#, "error"),
        (#"{"from":0,"limit":1001}"#, "error"),
        (#"{"from":0,"topics":[]}"#, "error"),
        (#"{"from":0,"topics":"flag."}"#, "error"),
        (#"{"from":0,"topics":[1]}"#, "error"),
        (#"{"from":0,"subject":1}"#, "error"),
        (#"{"from":0,"subject":""}"#, "error"),
        (#"{"from":0,"form":1}"#, "error"),
        (#"{"from":0,"from":1}"#, "error"),
        (#"{"open":[]}"#, "error"),
        (#"{"open":["flag."],"from":0}"#, "error"),
        (#"{"open":["flag."],"after":1}"#, "error"),
        (#"[]"#, "error"),
        (#""from""#, "error"),
        (#"{"from":0"#, "error"),
        ("", "error"),
    ])
    func aRequestReads(text: String, meaning: String) {
        let found: String
        do throws(HistoryRequest.Refusal) {
            switch try HistoryRequest.read(Array(text.utf8)) {
            case .page(let page):
                let end = page.to.map(String.init) ?? "end"
                let topics = page.topics?.joined(separator: ",") ?? "all"
                let subject = page.subject.map { ", \($0)" } ?? ""
                found = "\(page.from) to \(end) of \(topics)\(subject), \(page.limit)"
            case .open(let page):
                let topics = page.topics?.joined(separator: ",") ?? "all"
                found = "open \(topics) after \(page.after ?? "start"), \(page.limit)"
            }
        } catch {
            #expect(!error.message.isEmpty)
            found = "error"
        }
        #expect(found == meaning)
    }

    @Test(arguments: [
        (1000, 200, true), (1001, 1, false), (1, 201, false), (250_000, 1, false),
    ])
    func prefixesAreBoundedInNumberAndLength(count: Int, length: Int, isTaken: Bool) {
        let prefix = "\"" + String(repeating: "a", count: length) + "\""
        let prefixes = Array(repeating: prefix, count: count).joined(separator: ",")
        for request in ["{\"from\":0,\"topics\":[\(prefixes)]}", "{\"open\":[\(prefixes)]}"] {
            #expect(((try? HistoryRequest.read(Array(request.utf8))) != nil) == isTaken)
        }
    }

    private func change(
        _ flag: String, _ transition: FlagEvent.Transition, _ offset: UInt64,
        topic: String = "flag.A1.high.x"
    ) -> FlagChange {
        FlagChange(flagID: flag, transition: transition, topic: topic, offset: offset)
    }

    @Test func theOpenFlagsAreThoseRaisedAndNotResolvedWithTheirNewestEvents() {
        let open = OpenFlags()
        open.apply(
            [
                change("b", .raised, 1), change("a", .raised, 2), change("c", .raised, 3),
                change("a", .reviewed, 4), change("a", .updated, 5), change("b", .resolved, 6),
                change("d", .raised, 7, topic: "flag.B2.high.x"), change("z", .reviewed, 8),
            ], asOf: 9)
        let all = open.page(prefixes: nil, after: nil)
        #expect(all.asOf == 9)
        #expect(all.entries.map(\.flagID) == ["a", "c", "d"])
        #expect(all.entries.map(\.newest) == [5, 3, 7])
        #expect(all.entries.map(\.review) == [4, nil, nil])
        #expect(open.page(prefixes: nil, after: "a").entries.map(\.flagID) == ["c", "d"])
        #expect(open.page(prefixes: ["flag.B2."], after: nil).entries.map(\.flagID) == ["d"])
        #expect(open.page(prefixes: ["flag.B2.", "flag.A1"], after: "c").entries.count == 1)
        #expect(open.page(prefixes: ["alert."], after: nil).entries.isEmpty)
    }

    @Test func whoSearchesTheOpenFlagsKeepsNobodyFromChangingThem() {
        let open = OpenFlags()
        open.apply([change("a", .raised, 1)], asOf: 1)
        let page = open.page(prefixes: nil, after: nil) { _ in
            open.apply([change("b", .raised, 2)], asOf: 2)
            return true
        }
        #expect(page.asOf == 1)
        #expect(page.entries.map(\.flagID) == ["a"])
        #expect(open.count == 2)
    }
}
