// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore
import Yams

/// A file of a pack's cases, `cases/*.yaml`; `schemas/cases.schema.json` is its contract.
struct CaseFile {
    /// A day and what happens or is expected on it.
    struct Line {
        var day: CivilDay
        /// The minute of the day, of what happens at a moment.
        var minute: Int?
        var text: String
        var line: Int?
    }

    /// One patient's story and what must come of it.
    struct Story {
        var name: String
        var line: Int?
        var patient: String
        /// The rules that are compared.
        var rules: [String]
        var events: [Line]
        var until: CivilDay
        var expected: [Line]
    }

    /// The code that a word of the stories stands for.
    struct Code {
        var system: String
        var code: String
    }

    /// How long a story goes on after its last line where it does not say, in months.
    private static let monthsAfter = 24

    private(set) var codes: [String: Code] = [:]
    private(set) var stories: [Story] = []

    /// Reads a file.
    init(_ file: PackFile) throws(PackError) {
        let root = try CaseFile.root(of: file)
        if root.node("codes") != nil {
            for (word, _, node) in try root.mapping("codes", keys: nil).entries {
                let parts = (node.scalar?.string ?? "").split(separator: " ")
                guard parts.count == 2 else {
                    throw root.fault(
                        node, "`\(word)` is given no code",
                        "write a system and a code, such as "
                            + "`atc M01AE02`")
                }
                codes[word] = Code(system: String(parts[0]), code: String(parts[1]))
            }
        }
        let common = try root.texts("rules").map(\.value)
        for node in try root.items("cases") {
            stories.append(try CaseFile.story(node, file: file.name, rules: common))
        }
        guard !stories.isEmpty else {
            throw root.fault(nil, "the file has no case", "add one under `cases`")
        }
    }

    private static func root(of file: PackFile) throws(PackError) -> YAMLMapping {
        do {
            let text = String(decoding: file.bytes, as: UTF8.self)
            guard let node = try Yams.compose(yaml: text, .basic) else {
                throw PackError(
                    .manifest, file: file.name, what: "the file is empty",
                    remedy: "write cases, or take it out")
            }
            return try YAMLMapping(
                node, file: file.name, subject: "the file", keys: ["codes", "rules", "cases"])
        } catch let error as PackError {
            throw error
        } catch {
            throw PackError(notYAML: error, file: file.name)
        }
    }

    private static func story(
        _ node: Yams.Node, file: String, rules common: [String]
    ) throws(PackError) -> Story {
        let mapping = try YAMLMapping(
            node, file: file, subject: "the case",
            keys: ["case", "patient", "rules", "events", "until", "expect"])
        let own = try mapping.texts("rules").map(\.value)
        let events = try lines("events", of: mapping)
        let expected = try lines("expect", of: mapping)
        let rules = own.isEmpty ? common : own
        guard !rules.isEmpty else {
            throw mapping.fault(
                nil, "the case names no rule to compare", "add `rules: [...]` to it or to the file")
        }
        let last = (events + expected).map(\.day).max()
        let until: CivilDay?
        if let text = try mapping.optionalText("until") {
            guard let time = CaseFile.time(text.value), time.precision == .day else {
                throw mapping.fault(
                    mapping.node("until"), "`\(text.value)` is no day", "write it as 2024-04-10")
            }
            until = time.writtenDay
        } else {
            until = last?.adding(months: monthsAfter)
        }
        guard let until else {
            throw mapping.fault(nil, "the case has no event", "add one under `events`")
        }
        return Story(
            name: try mapping.text("case").value, line: mapping.line,
            patient: try mapping.optionalText("patient")?.value ?? "", rules: rules,
            events: events, until: until, expected: expected)
    }

    /// `- 2024-03-01: text`, or a list of texts for one day.
    private static func lines(
        _ key: String, of mapping: YAMLMapping
    ) throws(PackError) -> [Line] {
        var lines: [Line] = []
        for node in try mapping.items(key) {
            guard let pair = node.mapping?.first, node.mapping?.count == 1,
                let written = pair.key.scalar?.string,
                let (day, minute) = moment(written), minute == nil || key == "events"
            else {
                throw mapping.fault(
                    node, "this line of `\(key)` is not a day and a text",
                    "write it as `- 2024-04-10: text`"
                        + (key == "events" ? " or `- 2024-04-10T08:30: text`" : ""))
            }
            let values = pair.value.sequence.map(Array.init) ?? [pair.value]
            for value in values {
                guard let text = value.scalar?.string, !text.isEmpty else {
                    throw mapping.fault(value, "there is no text for this day", "write one")
                }
                lines.append(
                    Line(day: day, minute: minute, text: text, line: value.mark?.line))
            }
        }
        return lines
    }

    /// A day, perhaps with a time: `2024-04-10T08:30`.
    private static func moment(_ text: String) -> (day: CivilDay, minute: Int?)? {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard let day = time(parts[0]), day.precision == .day else { return nil }
        guard parts.count > 1 else { return (day.writtenDay, nil) }
        let numbers = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, numbers.count == 2, numbers.allSatisfy({ $0.count == 2 }),
            let hour = Int(numbers[0]), let minute = Int(numbers[1]),
            (0..<24).contains(hour), (0..<60).contains(minute)
        else { return nil }
        return (day.writtenDay, hour * 60 + minute)
    }

    /// A year, a month or a day.
    static func time(_ text: some StringProtocol) -> ClinicalTime? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        guard (1...3).contains(parts.count), numbers.count == parts.count, parts[0].count == 4,
            parts.dropFirst().allSatisfy({ $0.count == 2 }),
            let day = CivilDay(
                year: numbers[0], month: numbers.count > 1 ? numbers[1] : 1,
                day: numbers.count > 2 ? numbers[2] : 1)
        else { return nil }
        let precision: ClinicalTime.Precision =
            parts.count == 1 ? .year : parts.count == 2 ? .month : .day
        return ClinicalTime(writtenDay: day, precision: precision)
    }
}
