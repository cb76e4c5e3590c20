// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import VigilCQL

/// The documented subset is what compiles: each operator that its tables name is tried, and each
/// function that there is has its place in them.
struct SubsetTests {
    /// An operator as the document names it, and an expression with it.
    private static let examples = """
        and | true and false
        or | true or false
        xor | true xor false
        implies | true implies false
        not | not true
        is null | 1 is null
        is true | true is true
        is false | true is not false
        = | 1 = 1
        != | 1 != 2
        ~ | 'a' ~ 'A'
        !~ | 'a' !~ 'b'
        < | 1 < 2
        <= | 1.5 <= 2
        > | 'b' > 'a'
        >= | @2024-01-02 >= @2024-01-01
        between | 2 between 1 and 3
        properly between | 2 properly between 1 and 3
        if | if true then 1 else 2
        case | case 1 when 1 then 'a' else 'b' end
        Coalesce | Coalesce(null, 1)
        + - * / div mod ^ | (1 + 2 - 3) * 4 / 5 + 6 div 7 + 8 mod 9 + 2 ^ 3
        - | -(1)
        Abs | Abs(-1)
        Ceiling | Ceiling(1.5)
        Floor | Floor(1.5)
        Truncate | Truncate(1.5)
        Round | Round(1.55, 1)
        Power | Power(2, 0.5)
        Exp | Exp(1)
        Ln | Ln(2)
        Log | Log(8, 2)
        GeometricMean | GeometricMean({2.0, 8.0})
        Precision | Precision(1.50)
        LowBoundary | LowBoundary(1.5, 4)
        HighBoundary | HighBoundary(@2024, 8)
        successor of | successor of 1
        predecessor of | predecessor of @2024-01-01
        minimum | minimum Integer
        maximum | maximum Date
        & | 'a' & null
        Combine | Combine({'a', 'b'}, '-')
        Split | Split('a,b', ',')
        Length | Length('abc')
        Upper | Upper('a')
        Lower | Lower('A')
        Substring | Substring('abc', 1)
        PositionOf | PositionOf('a', 'ba')
        LastPositionOf | LastPositionOf('a', 'aba')
        StartsWith | StartsWith('ab', 'a')
        EndsWith | EndsWith('ab', 'b')
        Indexer | Indexer({1, 2}, 0)
        x[i] | {1, 2}[0]
        Matches | Matches('a', 'a')
        ReplaceMatches | ReplaceMatches('a', 'a', 'b')
        SplitOnMatches | SplitOnMatches('a', 'a')
        is | 1 is Integer
        as | 1 as Integer
        cast … as | cast 1 as Integer
        convert … to | convert 1 to Decimal
        To… | ToString(1)
        ConvertsTo… | ConvertsToInteger('1')
        ConvertQuantity | ConvertQuantity(1 'g', 'mg')
        CanConvertQuantity | CanConvertQuantity(1 'g', 'mg')
        IsNull | IsNull(1)
        IsTrue | IsTrue(true)
        IsFalse | IsFalse(null)
        ToChars | ToChars('ab')
        Children | Children(1)
        Descendents | Descendents(1)
        Message | Message(1, true, '1', 'Warning', 'x')
        + | @2024-01-01 + 1 month
        before | @2024-01-01 before @2024-01-02
        after | @2024-01-01 after day of @2024-01-02T10:00
        same … as | @2024-01-01 same month as @2024-01-02
        same or before | @2024-01-01 same or before @2024-01-02
        on or after | Interval[1, 2] on or after 1
        year of | @2024-01-01 before year of @2025-01-02
        millisecond of | @T10:00:00.000 before millisecond of @T10:00:00.001
        3 days or less before | @2024-01-01 3 days or less before @2024-01-02
        less than 3 days after | @2024-01-01 less than 3 days after @2024-01-02
        more than | @2024-01-01 more than 3 days before @2024-01-02
        or more | @2024-01-01 3 days or more before @2024-01-02
        within 3 days of | @2024-01-01 within 3 days of @2024-01-02
        properly within | @2024-01-01 properly within 3 days of @2024-01-02
        years between | years between @2024-01-01 and @2025-01-01
        milliseconds between | milliseconds between @T10:00:00.000 and @T10:00:00.001
        duration in | duration in months between @2024-01-01 and @2025-01-01
        difference in | difference in weeks between @2024-01-01 and @2025-01-01
        duration in days of | duration in days of Interval[@2024-01-01, @2025-01-01]
        year from | year from @2024-01-01
        millisecond from | millisecond from @T10:00:00.123
        date from | date from @2024-01-01T10:00
        time from | time from @2024-01-01T10:00
        timezoneoffset from | timezoneoffset from @2024-01-01T10:00Z
        DateTime(…) | DateTime(2024, 1, 1)
        Date(…) | Date(2024)
        Time(…) | Time(10, 30)
        Now() | Now()
        Today() | Today()
        TimeOfDay() | TimeOfDay()
        AgeInYears() | AgeInYears()
        AgeInMonths() | AgeInMonths()
        AgeInWeeks() | AgeInWeeks()
        AgeInDays() | AgeInDays()
        …At(date) | AgeInYearsAt(@2024-01-01)
        CalculateAgeIn… | CalculateAgeInYears(@2000-01-01)
        in | 1 in {1}
        contains | Interval[1, 2] contains 1
        during | Interval[1, 2] during Interval[1, 3]
        includes | {1, 2} includes {1}
        included in | {1} included in {1, 2}
        properly … | {1} properly included in {1, 2}
        overlaps | Interval[1, 2] overlaps Interval[2, 3]
        overlaps before | Interval[1, 2] overlaps before Interval[2, 3]
        overlaps after | Interval[1, 2] overlaps after Interval[2, 3]
        meets | Interval[1, 2] meets Interval[3, 4]
        meets before | Interval[1, 2] meets before Interval[3, 4]
        meets after | Interval[1, 2] meets after Interval[3, 4]
        starts | Interval[1, 2] starts Interval[1, 4]
        ends | Interval[3, 4] ends Interval[1, 4]
        union | {1} union {2}
        intersect | Interval[1, 3] intersect Interval[2, 4]
        except | {1, 2} except {2}
        start of | start of Interval[1, 2]
        end of | end of Interval[1, 2]
        point from | point from Interval[1, 1]
        width of | width of Interval[1, 2]
        Size | Size(Interval[1, 2])
        collapse … per | collapse {Interval[1, 2], Interval[4, 5]} per 2
        expand … per | expand {Interval[1, 4]} per 2
        First | First({1})
        Last | Last({1})
        Tail | Tail({1})
        Skip | Skip({1, 2}, 1)
        Take | Take({1, 2}, 1)
        IndexOf | IndexOf({1, 2}, 2)
        distinct | distinct {1, 1}
        flatten | flatten {{1}, {2}}
        singleton from | singleton from {1}
        exists | exists {1}
        Count | Count({1})
        Sum | Sum({1})
        Product | Product({1})
        Min | Min({1})
        Max | Max({1})
        Avg | Avg({1.0})
        Median | Median({1.0})
        Mode | Mode({1})
        Variance | Variance({1.0, 2.0})
        StdDev | StdDev({1.0, 2.0})
        PopulationVariance | PopulationVariance({1.0, 2.0})
        PopulationStdDev | PopulationStdDev({1.0, 2.0})
        AllTrue | AllTrue({true})
        AnyTrue | AnyTrue({true})
        Slice | Slice({1, 2}, 1)
        source alias | ({1}) A
        from a A, b B | from ({1}) A, ({2}) B
        let | ({1}) A let B: A + 1 return B
        with … such that | ({1}) A with ({1}) B such that A = B
        without … such that | ({1}) A without ({1}) B such that A = B
        where | ({1}) A where A > 0
        return | ({1}) A return A
        return all | ({1}) A return all A
        return distinct | ({1}) A return distinct A
        aggregate | ({1}) A aggregate R: Coalesce(R, 0) + A
        all | ({1}) A aggregate all R starting 0: R + A
        distinct | ({1}) A aggregate distinct R starting 0: R + A
        starting | ({1}) A aggregate R starting 0: R + A
        sort asc | ({1}) A sort asc
        sort by element | ({Tuple { a: 1 }}) A sort by a
        sort by expression desc | ({Tuple { a: 1 }}) A sort by a + 1 desc
        """

    /// A row of a table: the operators that it names, and what it says of them.
    private struct Row {
        var terms: [String]
        var isRefused: Bool
    }

    private static func document() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = "Sources/VigilCQL/VigilCQL.docc/Subset.md"
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func rows() throws -> [Row] {
        let sections = ["Operators on values", "Dates and times", "Intervals and lists", "Queries"]
        var section = ""
        var rows: [Row] = []
        for line in try document().split(separator: "\n").map(String.init) {
            if line.hasPrefix("#") {
                section = String(line.drop { $0 == "#" || $0 == " " })
            }
            let cells = line.components(separatedBy: " | ")
            guard sections.contains(section), line.hasPrefix("| "), cells.count == 2,
                !line.hasPrefix("| ---"), !line.hasPrefix("| construct")
            else { continue }
            let parts = cells[0].components(separatedBy: "`")
            let terms = parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }
            rows.append(Row(terms: terms, isRefused: cells[1].hasPrefix("refused")))
        }
        return rows
    }

    private static func examples(of term: String) -> [String] {
        examples.split(separator: "\n").compactMap { line in
            let cells = line.components(separatedBy: " | ")
            return cells[0] == term ? cells[1...].joined(separator: " | ") : nil
        }
    }

    @Test func `each operator in the document's tables does what they say`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 25)
        for row in rows {
            for term in row.terms {
                let examples = Self.examples(of: term)
                #expect(!examples.isEmpty, "no example of \(term)")
                for example in examples {
                    let answer = SpecificationTests.answer(example)
                    #expect(
                        (answer == "!unsupported") == row.isRefused
                            && !answer.hasPrefix("!invalid"),
                        "\(term): \(example) is \(answer)")
                }
            }
        }
    }

    @Test func `each function that there is has its place in the document`() throws {
        let text = try Self.document()
        let names =
            BuiltIn.functions.map(\.key) + BuiltIn.patientDates.map(\.key)
            + BuiltIn.factDates.map(\.key) + BuiltIn.factLists.map(\.key)
            + BuiltIn.resultFunctions.map(\.key)
        // Operators by the reference's names are told of where the operator is.
        let others = [
            "Concatenate": "`&`", "Distinct": "`distinct`", "Flatten": "`flatten`",
            "SingletonFrom": "`singleton from`", "Exists": "`exists`",
        ]
        for name in names.sorted() {
            let isThere =
                text.contains("`\(name)`") || text.contains("`\(name)(")
                || others[name].map(text.contains) == true
            #expect(isThere, "\(name) is not in the document")
        }
    }
}
