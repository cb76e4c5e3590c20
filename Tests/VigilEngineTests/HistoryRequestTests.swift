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

    /// Identities in their order, named by letters.
    private static let identities = Dictionary(
        uniqueKeysWithValues: zip(
            "abcdz",
            (1...5).map { FlagID(origin: "o", subject: "s", rule: "r", episode: $0) }.sorted()))

    private func change(
        _ flag: Character, _ transition: FlagEvent.Transition, _ offset: UInt64,
        topic: String = "flag.A1.high.x"
    ) throws -> FlagChange {
        FlagChange(
            flagID: try #require(Self.identities[flag]), transition: transition, topic: topic,
            offset: offset)
    }

    private func names(_ page: (asOf: UInt64, entries: [OpenFlags.Entry])) -> String {
        String(
            page.entries.compactMap { entry in
                Self.identities.first { $0.value == entry.flagID }?.key
            })
    }

    @Test func theOpenFlagsAreThoseRaisedAndNotResolvedWithTheirNewestEvents() throws {
        let open = OpenFlags()
        try open.apply(
            [
                change("b", .raised, 1), change("a", .raised, 2), change("c", .raised, 3),
                change("a", .reviewed, 4), change("a", .updated, 5), change("b", .resolved, 6),
                change("d", .raised, 7, topic: "flag.B2.high.x"), change("z", .reviewed, 8),
            ], asOf: 9)
        let all = open.page(prefixes: nil, after: nil, limit: 9)
        #expect(all.asOf == 9 && open.count == 3)
        #expect(names(all) == "acd")
        #expect(all.entries.map(\.newest) == [5, 3, 7])
        #expect(all.entries.map(\.review) == [4, nil, nil])
        let first = all.entries[0].flagID.text
        let second = all.entries[1].flagID.text
        func page(_ prefixes: [String]? = nil, after cursor: String?, limit: Int = 9) -> String {
            names(open.page(prefixes: prefixes, after: cursor, limit: limit))
        }
        #expect(page(after: first) == "cd")
        #expect(page(after: first, limit: 1) == "c")
        #expect(page(["flag.B2."], after: nil, limit: 1) == "d")
        #expect(page(["flag.B2.", "flag.A1"], after: second) == "d")
        #expect(page(["alert."], after: nil) == "")
        // A cursor that is no identity is a place among them.
        #expect(page(after: "") == "acd")
        #expect(page(after: String(first.prefix(9))) == "acd")
        #expect(page(after: first + "!") == "cd")
        #expect(page(after: String(repeating: "z", count: 27)) == "")
    }

    @Test func theOpenFlagsOfASnapshotAreThoseItWasTakenOf() throws {
        var table = OpenFlagTable()
        for flag in "zabcd" {
            let topic = flag == "c" ? "shadow.A1.high.x" : "flag.A1.high.\(flag)"
            table.apply(try change(flag, .raised, 1, topic: topic))
        }
        table.apply(try change("a", .reviewed, 2))
        var writer = StateWriter()
        writer.write(table)
        var reader = StateReader(writer.bytes[...], texts: writer.texts.texts)
        let restored = try reader.read(OpenFlagTable.self)
        #expect(restored.entries() == table.entries() && restored.entries().count == 5)
        #expect(restored.count == 4)
    }

    @Test func whoSearchesTheOpenFlagsKeepsNobodyFromChangingThem() throws {
        let open = OpenFlags()
        try open.apply([change("a", .raised, 1)], asOf: 1)
        let more = try change("b", .raised, 2)
        let page = open.page(prefixes: nil, after: nil, limit: 9) { _ in
            open.apply([more], asOf: 2)
            return true
        }
        #expect(page.asOf == 1)
        #expect(names(page) == "a")
        #expect(open.count == 2)
    }
}
