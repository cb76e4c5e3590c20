// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// What a change of packs does to flags, and how facts of one day lie.
struct FoldPackTests {
    private let flagged = """
        2024-03-01 09:00 ann born 1940-01-01
        2024-03-01 09:05 ann naproxen rx1
        2024-03-01 09:30 now
        """

    private func instant(_ day: String) throws -> Instant {
        ZoneTable.utc.start(of: try Ward.day(day))
    }

    @Test func theSamePackAgainRaisesAndResolvesNothing() throws {
        var ward = try Ward()
        _ = try ward.play(flagged + "\n2024-03-01 09:40 bob born 1940-01-01")
        _ = try ward.play("2024-03-01 09:41 bob naproxen rx1")
        ward.activate([try Ward.pincer()], now: try instant("2024-03-01").adding(milliseconds: 1))
        #expect(ward.lines.isEmpty)
        #expect(
            try ward.play("2024-03-01 10:00 now") == "2024-03-01T09:51 gi-p3a raised event")
    }

    @Test func aRuleOfAnotherSeverityTakesItsFlagsToTheOtherTopic() throws {
        var ward = try Ward()
        _ = try ward.play(flagged)
        let flag = try #require(ward.flagEvents.first)
        var pack = try Ward.pincer()
        let rule = try #require(pack.rules.firstIndex { $0.id == "gi-p3a" })
        pack.rules[rule].severity = .high
        pack.version = "2.0.0"
        _ = try ward.play("2024-03-02 09:00 now")
        ward.activate([pack], now: try instant("2024-03-02"))
        let events = ward.flagEvents
        #expect(
            events.map { "\($0.topic) \($0.transition) \($0.reason ?? "") \($0.pack.version)" } == [
                "flag.A81001.moderate.gi-p3a resolved severity-changed 1.0.0",
                "flag.A81001.high.gi-p3a raised rules 2.0.0",
            ])
        #expect(events.allSatisfy { $0.flagID == flag.flagID })
    }

    /// The pack `pincer` with another GI-P3A.
    private func pincer(
        fromAge age: Int = 65, _ change: (inout Rule) -> Void
    ) throws -> CompiledPack {
        let bundled = try BundledPacks.named("pincer")
        var pack = try PackSource(
            files: bundled.files.map { file in
                guard file.name.hasSuffix(".cql") else { return file }
                let text = String(decoding: file.bytes, as: UTF8.self)
                    .replacing("AgeInYears() >= 65", with: "AgeInYears() >= \(age)")
                return PackFile(name: file.name, bytes: Array(text.utf8))
            }
        ).compile()
        let rule = try #require(pack.rules.firstIndex { $0.id == "gi-p3a" })
        change(&pack.rules[rule])
        return pack
    }

    /// A flag that was overridden until December.
    private func overridden() throws -> Ward {
        var ward = try Ward()
        _ = try ward.play(flagged)
        let flag = try #require(ward.flagEvents.first)
        ward.take(
            try Ward.override(flag.flagID.text, on: "2024-03-01", until: "2024-12-01"),
            now: try instant("2024-03-02"))
        _ = try ward.play("2024-03-02 09:00 now")
        return ward
    }

    private func story(_ ward: Ward) -> [String] {
        ward.flagEvents.map {
            "\($0.topic) \($0.transition) \($0.reason ?? "-") \($0.reviewState)"
        }
    }

    @Test(arguments: [(Emission.flags, Emission.alerts), (.alerts, .flags)])
    func aRuleThatEmitsSomethingElseEndsWhatIsOpenAndBeginsAnew(
        before: Emission, after: Emission
    ) throws {
        var ward = try Ward(packs: [try pincer { $0.emits = before }])
        _ = try ward.play(flagged)
        let flag = try #require(ward.flagEvents.first)
        _ = try ward.play("2024-03-02 09:00 now")
        ward.activate([try pincer { $0.emits = after }], now: try instant("2024-03-02"))
        #expect(
            story(ward) == [
                "\(before.topicKind).A81001.moderate.gi-p3a resolved rules open",
                "\(after.topicKind).A81001.moderate.gi-p3a raised rules open",
            ])
        #expect(ward.flagEvents.first?.flagID == flag.flagID)
        #expect(ward.flagEvents.last?.flagID != flag.flagID)
    }

    @Test func aRuleThatOnlyCountsForAWhileCountsItsFlagsOn() throws {
        var ward = try Ward()
        _ = try ward.play(flagged)
        ward.activate([try pincer { $0.emits = .indicators }], now: try instant("2024-03-02"))
        ward.activate([try Ward.pincer()], now: try instant("2024-03-03"))
        #expect(
            ward.flagEvents.last?.flagID
                == FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: 2))
    }

    @Test func whatIsNoLongerTrueOfARuleOfAnotherSeverityEndsAsItWasRaised() throws {
        var ward = try Ward()
        _ = try ward.play(flagged)
        _ = try ward.play("2024-03-02 09:00 now")
        ward.activate(
            [try pincer(fromAge: 90) { $0.severity = .high }], now: try instant("2024-03-02"))
        #expect(story(ward) == ["flag.A81001.moderate.gi-p3a resolved rules open"])
    }

    @Test func aRuleOfAHigherSeverityEndsNoOverride() throws {
        var ward = try overridden()
        ward.activate([try pincer { $0.severity = .high }], now: try instant("2024-03-03"))
        #expect(
            story(ward) == [
                "flag.A81001.moderate.gi-p3a resolved severity-changed overridden",
                "flag.A81001.high.gi-p3a raised rules overridden",
            ])
    }

    @Test func anOverrideOutlivesThePack() throws {
        var ward = try overridden()
        ward.activate([], now: try instant("2024-03-03"))
        ward.activate([try Ward.pincer()], now: try instant("2024-03-04"))
        #expect(
            story(ward) == [
                "flag.A81001.moderate.gi-p3a resolved rules overridden",
                "flag.A81001.moderate.gi-p3a raised rules overridden",
            ])
    }

    @Test func anOverrideOutlivesATrialAndIsNotOfWhatTheTrialFinds() throws {
        var ward = try overridden()
        ward.activate([try pincer { $0.isShadow = true }], now: try instant("2024-03-03"))
        ward.activate([try pincer { $0.emits = .alerts }], now: try instant("2024-03-04"))
        #expect(
            story(ward) == [
                "flag.A81001.moderate.gi-p3a resolved rules overridden",
                "shadow.A81001.moderate.gi-p3a raised rules open",
                "shadow.A81001.moderate.gi-p3a resolved rules open",
                "alert.A81001.moderate.gi-p3a raised rules overridden",
            ])
    }

    @Test func aRuleThatGoesEndsItsFlagsUnderThePackTheyWereRaisedBy() throws {
        var ward = try Ward()
        _ = try ward.play(flagged)
        ward.activate([], now: try instant("2024-03-02"))
        #expect(ward.flagEvents.map(\.reason) == ["event", "rules"])
        #expect(ward.flagEvents.last?.pack.id == "pincer")
        ward.activate([try Ward.pincer()], now: try instant("2024-03-03"))
        ward.activate([], now: try instant("2024-03-04"))
        ward.activate([try Ward.pincer()], now: try instant("2024-03-05"))
        let raised = ward.flagEvents.filter { $0.transition == .raised }
        #expect(
            raised.map(\.flagID)
                == (1...3).map {
                    FlagID(origin: "vigil/test", subject: "ann", rule: "gi-p3a", episode: $0)
                })
    }

    /// Results of one day in the order of the log: the hour of `effective`, the hour of `issued`.
    @Test(arguments: [
        ("10 - | 9 - | 11 -", "1 0 2"),
        ("- 10 | - 9 | - 11", "1 0 2"),
        ("- - | - - | - -", "0 1 2"),
        // What has a time stays sorted by it, whatever lies between.
        ("10 - | - - | 5 -", "2 0 1"),
        ("10 12 | 10 11", "1 0"),
        ("10 - | - 3 | - 2", "0 2 1"),
    ])
    func resultsOfOneDayLieByInstantThenIssuedThenOffset(given: String, order: String) throws {
        var ward = try Ward()
        let midnight = try instant("2024-03-01")
        func hour(_ text: Substring) -> Instant? {
            Int64(text).map { midnight.adding(milliseconds: $0 * 3_600_000) }
        }
        for (number, pair) in given.split(separator: "|").enumerated() {
            let words = pair.split(separator: " ")
            let effective = hour(words[0])
            let date = ClinicalTime(
                writtenDay: try Ward.day("2024-03-01"),
                precision: effective == nil ? .day : .time, instant: effective)
            ward.take(
                InputEvent(
                    kind: .observation, practice: "A81001", id: "\(number)", source: "urn:test",
                    subject: "ann", action: .created, time: midnight,
                    resource: Resource(
                        type: .observation, id: "o\(number)",
                        content: .clinical(
                            ClinicalContent(
                                codings: [Coding(system: "s", code: "c")], date: date,
                                details: FactDetails(issued: hour(words[1])))))), now: midnight)
        }
        let offsets = ward.fold.patients.first?.facts.facts.map { String($0.offset) }
        #expect(offsets?.joined(separator: " ") == order)
    }
}
