// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks
import VigilSimulation

struct PracticeSimulationTests {
    /// Over a leap day and both changes of the clock.
    private func simulation(
        seed: UInt64, patients: Int = 120, days: Int = 400
    ) -> PracticeSimulation {
        PracticeSimulation(
            seed: seed, patients: patients, practice: "A81001", start: day(2023, 6, 1),
            days: days, zone: london)
    }

    /// Whether background or planted, what the rules say is what the simulation says.
    @Test(arguments: [1, 7, 2024] as [UInt64])
    func thePlantedFlagsAreTheExactTruth(seed: UInt64) throws {
        let simulation = simulation(seed: seed)
        var fold = PaperFold(try BundledPacks.named("pincer").compile())
        for event in simulation.events() { _ = try fold.take(event) }
        fold.advance(to: simulation.end)
        let expected = Set(
            simulation.planted.map {
                PaperFold.Flag(
                    rule: $0.rule, subject: $0.subject, raised: $0.raised, resolved: $0.resolved)
            })
        let found = Set(fold.flags)
        #expect(found.count == fold.flags.count && expected.count == simulation.planted.count)
        #expect(
            found.subtracting(expected).map(\.description).sorted() == [],
            "raised and not planted, seed \(seed)")
        #expect(
            expected.subtracting(found).map(\.description).sorted() == [],
            "planted and not raised, seed \(seed)")
    }

    @Test(arguments: ["gi-p3a", "gi-p3d", "hf-p3i"])
    func everyPlantedRuleIsRaisedByEventAndEnds(rule: String) throws {
        let own = simulation(seed: 3).planted.filter { $0.rule == rule }
        #expect(own.contains { $0.resolved != nil })
        let atMidnight = own.filter { london.local($0.raised).millisecondOfDay == 0 }
        #expect(atMidnight.count < own.count)
        #expect(rule == "hf-p3i" || !atMidnight.isEmpty)
    }

    /// With one patient for each kind of episode: 19 raise, 12 come near with an NSAID and do not.
    @Test func everyKindOfEpisodeIsToldAndTheNearMissesAreNear() throws {
        let simulation = simulation(seed: 6, patients: 31)
        let planted = Set(simulation.planted.map(\.subject))
        var prescribed: Set<String> = []
        var fold = PaperFold(try BundledPacks.named("pincer").compile())
        for event in simulation.events() {
            let input = try fold.take(event)
            guard case .clinical(let content) = input.resource.content else { continue }
            if content.codings.contains(where: { $0.code.hasPrefix("100") }) {
                prescribed.insert(input.subject)
            }
        }
        #expect(planted.count == 19)
        #expect(prescribed.subtracting(planted).count == 12)
        #expect(planted.isSubset(of: prescribed))
    }

    @Test func theEventsAreInOrderNumberedAndOfTheirSubject() throws {
        let simulation = simulation(seed: 5, patients: 60, days: 200)
        var fold = PaperFold(try BundledPacks.named("pincer").compile())
        var last = Instant(milliseconds: .min)
        var count: UInt64 = 0
        for event in simulation.events() {
            let input = try fold.take(event)
            count += 1
            #expect(event.time >= last && input.time == event.time)
            #expect(input.sequence == count && input.epoch == 5)
            #expect(input.practice == "A81001")
            last = event.time
        }
        #expect(last == simulation.end)
        #expect(fold.subjects.count == 61)
        #expect(count > 500)
    }

    @Test func theSameSeedGivesTheSameBytesAndAnotherOthers() {
        let first = Array(simulation(seed: 9, patients: 40, days: 60).events())
        let again = Array(simulation(seed: 9, patients: 40, days: 60).events())
        let other = Array(simulation(seed: 10, patients: 40, days: 60).events())
        #expect(first.map(\.bytes) == again.map(\.bytes))
        #expect(Set(first.map(\.bytes)).isDisjoint(with: other.map(\.bytes)))
    }

    @Test func aShortSimulationPlantsOnlyWhatItShows() throws {
        for days in [1, 2, 30, 95] {
            let simulation = simulation(seed: 4, patients: 50, days: days)
            var fold = PaperFold(try BundledPacks.named("pincer").compile())
            for event in simulation.events() { _ = try fold.take(event) }
            fold.advance(to: simulation.end)
            let planted = simulation.planted.map {
                PaperFold.Flag(
                    rule: $0.rule, subject: $0.subject, raised: $0.raised, resolved: $0.resolved)
            }
            #expect(Set(planted) == Set(fold.flags), "\(days) days")
        }
    }
}
