// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks

@testable import VigilEngine

/// What is configurable and can influence an output, as records of the log.
struct SettingsTests {
    private let identity = Desk.identity(.event)
    private let now: Instant
    private let directory: DataDirectory

    init() throws {
        now = try at("2024-03-01T08:00:00Z")
        directory = try DataDirectory()
    }

    /// The pack `pincer` with the age of GI-P3A as a parameter; Ann is 84.
    private static func source() throws -> PackSource {
        let bundled = try BundledPacks.named("pincer")
        return try PackSource(
            files: bundled.files.map { file in
                guard file.name.hasSuffix(".cql") else { return file }
                let text = String(decoding: file.bytes, as: UTF8.self)
                    .replacing(
                        "context Patient",
                        with: "parameter \"Age threshold\" Integer default 65\n\ncontext Patient",
                        maxReplacements: 1
                    )
                    .replacing("AgeInYears() >= 65", with: "AgeInYears() >= \"Age threshold\"")
                return PackFile(name: file.name, bytes: Array(text.utf8))
            })
    }

    private static func settings(_ age: String, pack: String = "pincer") -> FoldSettings {
        FoldSettings(
            sources: [],
            parameters: [
                FoldSettings.Parameter(pack: pack, name: "Age threshold", value: age)
            ], coverage: [])
    }

    private func open(_ settings: FoldSettings) throws -> OpenedLog {
        try directory.open(identity, packs: [Self.source()], settings: settings, now: now)
    }

    private func begin() throws {
        var log = try open(FoldSettings())
        _ = log.send(
            Events.patient("2024-03-01T09:00:00Z"), topic: "patient.A81001", wall: now)
        _ = log.send(
            Events.naproxen("2024-03-01T09:05:00Z", id: "1"), topic: "prescription.A81001",
            wall: now)
        _ = log.send(
            Events.clock("2024-03-01T10:00:00Z", id: "c"), topic: "system.clock", wall: now)
        #expect(try log.finish().contains { $0.entry.topic == "flag.A81001.moderate.gi-p3a" })
    }

    @Test func aThresholdThatIsSetAnewResolvesAndRaisesAsRules() throws {
        try begin()
        var higher = try open(Self.settings("85"))
        let changed = try higher.finish()
        #expect(
            changed.map(\.entry.topic) == [
                "system.settings", "system.step", "flag.A81001.moderate.gi-p3a",
            ])
        let event = String(decoding: try #require(changed.last).payload, as: UTF8.self)
        #expect(event.contains(#""type":"health.vigil.flag.resolved.v1""#))
        #expect(event.contains(#""reason":"rules""#))
        // The same again writes nothing; the default again raises what it had resolved.
        var again = try open(Self.settings("85"))
        #expect(try again.finish().isEmpty)
        var lower = try open(FoldSettings())
        #expect(
            try lower.finish().map(\.entry.topic) == [
                "system.settings", "system.step", "flag.A81001.moderate.gi-p3a",
            ])
        var check = Replay.Options()
        check.comparison = .bytes
        #expect(try Replay(directory: directory.path, options: check).run().openFlagCount == 1)
    }

    /// What is set, and what the refusal must name.
    @Test(arguments: [
        ("Age threshold", "old", "Integer"),
        ("Age threshold", "65.5", "Integer"),
        ("Age threshold", "AgeInYears()", "Integer"),
        ("Age treshold", "70", "\"Age threshold\""),
    ])
    func aValueThatDoesNotFitIsRefusedAndTheLogLeftAsItWas(
        name: String, value: String, says: String
    ) throws {
        try begin()
        let settings = FoldSettings(
            sources: [],
            parameters: [FoldSettings.Parameter(pack: "pincer", name: name, value: value)],
            coverage: [])
        let error = #expect(throws: PackError.self) { try open(settings) }
        let text = error?.description ?? ""
        #expect(text.contains("pincer") && text.contains(name) && text.contains(says))
        var log = try open(FoldSettings())
        #expect(try log.finish().isEmpty)
    }

    @Test func everySettingReadsBackFromItsRecordInOneOrder() throws {
        var sources = ["urn:b", "urn:a"].map { FoldSettings.Source(source: $0) }
        sources[0].subjects = .mapped
        sources[0].registration = .implied
        sources[0].zone = .utc
        sources[1].rhythmMilliseconds = 90 * 60_000
        sources[1].zone = ZoneTable(
            name: "Europe/Paris", initialOffsetSeconds: 561,
            transitions: [ZoneTable.Transition(unixSeconds: -1_855_958_961, offsetSeconds: 0)])
        let coverage = [
            FoldSettings.Coverage(
                practice: "B82002", kind: .prescription,
                from: try #require(CivilDay(year: 2015, month: 4, day: 1))),
            FoldSettings.Coverage(
                practice: "A81001", kind: .observation,
                from: try #require(CivilDay(year: 2016, month: 2, day: 29))),
        ]
        let parameters = Self.settings("70").parameters
        let budgets = [
            FoldSettings.Budget(practice: "A81001", severity: .moderate, raisesPerDay: 20),
            FoldSettings.Budget(practice: nil, severity: .low, raisesPerDay: 0),
        ]
        let settings = FoldSettings(
            sources: sources, parameters: parameters, coverage: coverage, budgets: budgets)
        #expect(
            settings
                == FoldSettings(
                    sources: sources.reversed(), parameters: parameters,
                    coverage: coverage.reversed(), budgets: budgets.reversed()))
        var log = try open(settings)
        let record = try #require(
            try log.finish().first { $0.entry.topic == "system.settings" })
        #expect(FoldSettings(record: record.payload) == settings)
        // A later version may know more of a source, and more settings.
        let later = String(decoding: record.payload, as: UTF8.self)
            .replacing(#""subjects":"mapped""#, with: #""subjects":"mapped","trust":"low""#)
            .replacing(#""coverage":["#, with: #""retention":{"days":5},"coverage":["#)
        #expect(FoldSettings(record: Array(later.utf8)) == settings)
        #expect(settings.source("urn:b").subjects == .mapped)
        #expect(settings.source("urn:other").registration == .explicit)
        var again = try open(settings)
        #expect(try again.finish().isEmpty)
    }
}
