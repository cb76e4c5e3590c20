// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

/// Codes, lists and the days of a zone, as the evaluator reads them.
struct RulesCodingTests {
    @Test func `a code keeps its identifier and identifiers are dense`() {
        var table = CodingTable()
        let first = table.intern(system: "a", code: "1")
        let second = table.intern(system: "b", code: "1")
        #expect(first == CodingID(index: 0))
        #expect(second == CodingID(index: 1))
        #expect(table.intern(system: "a", code: "1") == first)
        #expect(table.count == 2)
        #expect(table[second].system == "b")
        #expect(table[second].code == "1")
    }

    @Test func `membership grows with the codes that appear`() {
        // More lists than one word of bits holds.
        let lists = (0..<70).map { index in
            CodeList(
                name: "\(index)", rows: [.init(system: "s", match: .under, code: "\(index)")])
        }
        var table = CodingTable()
        var membership = ListMembership(lists: lists)
        let early = table.intern(system: "s", code: "690")
        membership.extend(to: table)
        let late = table.intern(system: "s", code: "5")
        membership.extend(to: table)
        #expect(membership.lists(with: early) == [6, 69])
        #expect(membership.lists(with: late) == [5])
        #expect(membership.contains(early, list: 69))
        #expect(!membership.contains(late, list: 69))
    }

    @Test func `an exclusion of a list wins`() {
        let list = CodeList(
            name: "x",
            rows: [
                .init(system: "s", match: .under, code: "10"),
                .init(system: "s", match: .notUnder, code: "101"),
            ])
        var table = CodingTable()
        let inside = table.intern(system: "s", code: "1002")
        let outside = table.intern(system: "s", code: "1012")
        var membership = ListMembership(lists: [list])
        membership.extend(to: table)
        #expect(membership.contains(inside, list: 0))
        #expect(!membership.contains(outside, list: 0))
    }

    @Test(arguments: [
        // The day, and when it begins.
        ("2024-03-31", "2024-03-31T00:00:00.000Z"), ("2024-04-01", "2024-03-31T23:00:00.000Z"),
        ("2024-10-27", "2024-10-26T23:00:00.000Z"), ("2024-10-28", "2024-10-28T00:00:00.000Z"),
        ("1999-01-01", "1999-01-01T00:00:00.000Z"), ("2999-01-01", "2999-01-01T00:00:00.000Z"),
    ])
    func `a day begins at its first instant in the zone`(
        _ day: String, _ expected: String
    ) throws {
        let london = ZoneTable(
            name: "Europe/London", initialOffsetSeconds: 0,
            transitions: [
                .init(unixSeconds: 1_711_846_800, offsetSeconds: 3600),
                .init(unixSeconds: 1_729_990_800, offsetSeconds: 0),
            ])
        #expect(try "\(london.start(of: parse(day)))" == expected)
    }

    @Test func `a day that the zone skips begins with the next`() throws {
        // Samoa left out 2011-12-30.
        let apia = ZoneTable(
            name: "Pacific/Apia", initialOffsetSeconds: -36_000,
            transitions: [.init(unixSeconds: 1_325_239_200, offsetSeconds: 50_400)])
        let skipped = try apia.start(of: parse("2011-12-30"))
        #expect(skipped == (try apia.start(of: parse("2011-12-31"))))
        #expect("\(skipped)" == "2011-12-30T10:00:00.000Z")
    }

    @Test func `a day that has begun stays begun when clocks go back across midnight`() throws {
        // From 00:01 to 23:01 of the day before.
        let zone = ZoneTable(
            name: "America/St_Johns", initialOffsetSeconds: -9000,
            transitions: [.init(unixSeconds: 1_288_492_260, offsetSeconds: -12_600)])
        let day = try parse("2010-10-31")
        let start = zone.start(of: day)
        #expect("\(start)" == "2010-10-31T02:30:00.000Z")
        let repeated = start.adding(milliseconds: 120_000)
        #expect("\(zone.day(of: repeated))" == "2010-10-30")
        #expect(zone.latestDay(begunBy: repeated) == day)
        #expect("\(zone.latestDay(begunBy: start.adding(milliseconds: -1)))" == "2010-10-30")
    }

    private func parse(_ text: String) throws -> CivilDay {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        return try #require(CivilDay(year: parts[0], month: parts[1], day: parts[2]))
    }
}
