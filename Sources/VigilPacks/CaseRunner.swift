// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// What became of one of a pack's cases.
package struct CaseResult: Hashable, Sendable {
    package var file: String
    package var line: Int?
    package var name: String
    /// The rules that came out otherwise; none where the case holds.
    package var differences: [Difference]

    /// What a rule was expected to do, and what it did.
    package struct Difference: Hashable, Sendable {
        package var rule: String
        package var expected: [String]
        package var found: [String]
    }
}

extension PackSource {
    /// Checks a pack that is to be put in force: it must compile, and its own cases must come out
    /// as they say.
    ///
    /// Cases speak of the pack's own lists: of a pack whose lists were replaced they are not run.
    ///
    /// - Throws: PackError at the first thing that does not fit.
    package func accept() throws(PackError) -> (pack: CompiledPack, warnings: [PackWarning]) {
        let checked = try check()
        guard replacedLists.isEmpty else { return checked }
        for result in try runCases(of: checked.pack) {
            guard let difference = result.differences.first else { continue }
            throw PackError(
                .failedCase, file: result.file, line: result.line,
                what: "the case \"\(result.name)\" fails: \(difference.rule) was to be "
                    + "\(CaseRunner.shown(difference.expected)), and is "
                    + "\(CaseRunner.shown(difference.found))",
                remedy: "correct the rule or the case; `vigil pack test` tells all of them")
        }
        return checked
    }

    /// Runs the pack's cases.
    ///
    /// - Throws: PackError where a case does not read, or the pack does not compile.
    package func runCases() throws(PackError) -> [CaseResult] {
        try runCases(of: compile())
    }

    private func runCases(of pack: CompiledPack) throws(PackError) -> [CaseResult] {
        var results: [CaseResult] = []
        for file in files where file.name.hasPrefix("cases/") {
            let cases = try CaseFile(file)
            let runner = try CaseRunner(file: file.name, cases: cases, source: self, pack: pack)
            for story in cases.stories { results.append(try runner.run(story)) }
        }
        return results
    }
}

/// Plays the stories of one file against a pack.
private struct CaseRunner {
    private let file: String
    private let pack: CompiledPack
    private let meanings: [String: CaseEvents.Meaning]
    private static let verbs = ["raised", "updated", "resolved"]
    private static let letters = ["d", "N", "-", "?"]

    init(
        file: String, cases: CaseFile, source: PackSource, pack: CompiledPack
    ) throws(PackError) {
        self.file = file
        self.pack = pack
        let manifest = try source.manifest()
        let systems = manifest.systems.map(\.name).sorted()
        var meanings: [String: CaseEvents.Meaning] = [:]
        for list in manifest.lists {
            let name = PackSource.file(ofList: list.name)
            let entries = try CodeListFile(
                source.bytes(of: name) ?? [], name: name, systems: systems
            ).entries
            guard let entry = entries.first(where: { $0.match == .is || $0.match == .under }),
                let uri = manifest.systems.first(where: { $0.name == entry.system })?.uris.first
            else { continue }
            meanings[list.name] = CaseEvents.Meaning(
                coding: Coding(system: uri, code: entry.code), kind: list.kind)
        }
        for (word, code) in cases.codes.sorted(by: { $0.key < $1.key }) {
            guard let uri = manifest.systems.first(where: { $0.name == code.system })?.uris.first
            else {
                throw PackError(
                    .manifest, file: file,
                    what: "`\(word)` is in the system `\(code.system)`, "
                        + "which the manifest does not bind",
                    remedy: "use one of \(systems.joined(separator: ", "))")
            }
            let list = pack.lists.firstIndex { $0.contains(system: uri, code: code.code) }
            meanings[word] = CaseEvents.Meaning(
                coding: Coding(system: uri, code: code.code),
                kind: list.map { manifest.lists[$0].kind } ?? .medicine)
        }
        self.meanings = meanings
    }

    static func shown(_ steps: [String]) -> String {
        steps.isEmpty ? "nothing" : steps.joined(separator: ", ")
    }

    func run(_ story: CaseFile.Story) throws(PackError) -> CaseResult {
        let expected = try story.expected.map { line throws(PackError) in try step(line, story) }
        var play = try Play(story, pack: pack, file: file, meanings: meanings)
        try play.run()
        var differences: [CaseResult.Difference] = []
        for id in story.rules {
            guard let rule = pack.rules.first(where: { $0.id == id }) else {
                throw PackError(
                    .manifest, file: file, line: story.line,
                    what: "the case compares `\(id)`, which is no rule of the pack",
                    remedy: "use \(pack.rules.map(\.id).joined(separator: ", "))")
            }
            let own = expected.filter { $0.rule == id }
            let counts = own.contains { !CaseRunner.verbs.contains($0.verb) }
            var found: [Step] = []
            if rule.emits != .indicators,
                !counts || own.contains(where: { $0.reason != nil })
                    || own.contains(where: { CaseRunner.verbs.contains($0.verb) })
            {
                found += play.flags.filter { $0.rule == id }
            }
            if rule.emits == .indicators || counts { found += play.counts.filter { $0.rule == id } }
            let wanted = own.sorted { $0.sortKey < $1.sortKey }
            let sorted = found.sorted { $0.sortKey < $1.sortKey }
            let fits =
                wanted.count == sorted.count
                && zip(wanted, sorted).allSatisfy { $0.0.allows($0.1) }
            guard !fits else { continue }
            differences.append(
                CaseResult.Difference(
                    rule: id, expected: wanted.map(\.text), found: sorted.map(\.text)))
        }
        return CaseResult(
            file: file, line: story.line, name: story.name, differences: differences)
    }

    private func step(_ line: CaseFile.Line, _ story: CaseFile.Story) throws(PackError) -> Step {
        let words = line.text.split(separator: " ").map(String.init)
        let verb = words.first == "–" ? "-" : words.first ?? ""
        guard (2...3).contains(words.count), (CaseRunner.verbs + CaseRunner.letters).contains(verb),
            story.rules.contains(words[1])
        else {
            throw PackError(
                .manifest, file: file, line: line.line,
                what: "`\(line.text)` is no expectation about a rule that the case compares",
                remedy: "write raised, updated, resolved, d, N, – or ?, the rule, and perhaps the "
                    + "reason")
        }
        return Step(
            day: line.day, verb: verb, rule: words[1], reason: words.count == 3 ? words[2] : nil)
    }
}

/// What happens to a rule on a day.
private struct Step {
    var day: CivilDay
    var verb: String
    var rule: String
    var reason: String?

    /// Counts after flags, and otherwise as they came.
    var sortKey: Int { Int(day.number) * 2 + (["d", "N", "-", "?"].contains(verb) ? 1 : 0) }

    var text: String { "\(day) \(verb)" + (reason.map { " \($0)" } ?? "") }

    /// Whether what was found is what is meant; a reason counts where one is given.
    func allows(_ found: Step) -> Bool {
        day == found.day && verb == found.verb && (reason == nil || reason == found.reason)
    }
}

/// One story as it happens, a local day after the other.
private struct Play {
    private(set) var flags: [Step] = []
    private(set) var counts: [Step] = []
    private let story: CaseFile.Story
    private var fold = Fold(origin: "vigil/case", zone: .utc)
    private var events: CaseEvents
    private var pending: [(day: CivilDay, event: InputEvent)] = []
    private var last: [String: String] = [:]
    private var offset: UInt64 = 0

    init(
        _ story: CaseFile.Story, pack: CompiledPack, file: String,
        meanings: [String: CaseEvents.Meaning]
    ) throws(PackError) {
        self.story = story
        events = CaseEvents(file: file, meanings: meanings)
        let lines = story.events
        let begin = lines.first?.day ?? story.until
        if let first = try events.first(
            story.patient, at: Instant(day: begin, millisecondOfDay: 0), line: story.line)
        {
            pending.append((begin, first))
        }
        var last = begin
        var minute = 0
        for line in lines {
            // Nothing comes before what stands above it.
            let earliest = line.day == last ? minute : 0
            guard line.day >= last, line.minute ?? earliest >= earliest else {
                throw PackError(
                    .manifest, file: file, line: line.line,
                    what: "the events are not in the order of their times",
                    remedy: "put them in order; a record may be `dated` otherwise than it came")
            }
            minute = line.minute ?? max(earliest + 1, 9 * 60)
            last = line.day
            let time = Instant(day: line.day, millisecondOfDay: minute * 60_000)
            pending.append(
                (
                    line.day,
                    try events.event(
                        line.text, at: time, isTimed: line.minute != nil, line: line.line)
                ))
        }
        _ = fold.activate([pack], now: Instant(day: begin, millisecondOfDay: 0))
    }

    mutating func run() throws(PackError) {
        guard var day = pending.first?.day else { return }
        while day <= story.until {
            while let next = pending.first, next.day == day {
                pending.removeFirst()
                advance(to: next.event.time)
                note(
                    fold.take(next.event, offset: offset, now: next.event.time), at: next.event.time
                )
                offset += 1
            }
            let end = Instant(day: day, millisecondOfDay: 86_399_999)
            advance(to: end)
            var next = pending.first?.day ?? CivilDay.last
            for standing in fold.standings(of: CaseEvents.subject, at: end) {
                note(standing, on: day)
                if standing.stableUntil != .never {
                    next = min(next, ZoneTable.utc.day(of: standing.stableUntil))
                }
            }
            guard let following = day.adding(days: 1) else { return }
            day = max(next, following)
        }
        advance(to: Instant(day: story.until, millisecondOfDay: 86_399_999))
    }

    private mutating func advance(to instant: Instant) {
        while let due = fold.nextDue(through: instant) {
            note(fold.workOff(subject: due.subject, instant: due.instant), at: due.instant)
        }
    }

    private mutating func note(_ outputs: [Output], at instant: Instant) {
        for case .flag(let event) in outputs {
            flags.append(
                Step(
                    day: ZoneTable.utc.day(of: instant), verb: event.transition.rawValue,
                    rule: event.rule.id,
                    reason: event.transition == .resolved ? event.reason : nil))
        }
    }

    private mutating func note(_ standing: Standing, on day: CivilDay) {
        let letter =
            switch (standing.denominator, standing.numerator) {
            case (_, .yes): "N"
            case (.no, _): "-"
            case (.yes, .no): "d"
            default: "?"
            }
        guard last[standing.rule, default: "-"] != letter else { return }
        last[standing.rule] = letter
        counts.append(Step(day: day, verb: letter, rule: standing.rule))
    }
}
