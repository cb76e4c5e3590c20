// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks
import VigilSimulation

/// The daemon's own fold on a simulated ward and on simulated homes: all that is planted is found,
/// to the millisecond, and nothing else.
struct MonitoringTests {
    private struct Alert: Hashable, CustomStringConvertible {
        var rule: String
        var subject: String
        var raised: Instant
        var resolved: Instant?

        var description: String {
            "\(rule) \(subject) \(raised) to \(resolved.map(\.description) ?? "open")"
        }
    }

    /// What a fold finds, and how often it could not read what.
    private func fold(
        _ simulation: MonitoringSimulation, packs: [String]
    ) throws -> (alerts: Set<Alert>, problems: [String: Int], eventCount: Int) {
        let decoder = EventDecoder()
        var fold = Fold(origin: "vigil/test", zone: london)
        _ = fold.activate(
            try packs.map { try BundledPacks.named($0).compile() },
            now: Instant(milliseconds: 0))
        var alerts: [FlagID: Alert] = [:]
        var problems: [String: Int] = [:]
        func note(_ outputs: [Output]) {
            for output in outputs {
                if case .dataQuality(let quality) = output {
                    problems[quality.why, default: 0] += 1
                }
                guard case .flag(let event) = output else { continue }
                var alert = Alert(
                    rule: event.rule.id, subject: event.subject, raised: event.openedAt)
                if event.transition == .resolved, event.reason != "severity-changed" {
                    alert.resolved = event.closedAt
                }
                alerts[event.flagID] = alert
            }
        }
        func workOff(to limit: Instant) {
            while let due = fold.nextDue(through: limit) {
                note(fold.workOff(subject: due.subject, instant: due.instant))
            }
        }
        var offset: UInt64 = 0
        for event in simulation.events() {
            workOff(to: event.time)
            let envelope = try decoder.readEnvelope(event.bytes, maximumBytes: 65_536)
            let decoded = try decoder.readResource(envelope, topic: Array(event.topic.utf8))
            guard case .input(let input) = decoded else { throw PaperFault.notAnInput }
            note(fold.take(input, offset: offset, now: event.time))
            offset += 1
        }
        return (Set(alerts.values), problems, Int(offset))
    }

    private func planted(_ simulation: MonitoringSimulation) -> Set<Alert> {
        Set(
            simulation.planted.map {
                Alert(
                    rule: $0.rule, subject: $0.subject, raised: $0.raised, resolved: $0.resolved)
            })
    }

    private func counts(_ alerts: Set<Alert>) -> [String: Int] {
        Dictionary(grouping: alerts, by: \.rule).mapValues(\.count)
    }

    @Test(arguments: [21] as [UInt64])
    func aWardsDeteriorationsAreAllFoundAndNothingElse(seed: UInt64) throws {
        let simulation = MonitoringSimulation(
            of: .ward, seed: seed, patients: 20, practice: "RTH08", start: day(2024, 1, 8),
            days: 12, zone: london)
        let (found, problems, eventCount) = try fold(
            simulation, packs: ["deterioration", "kidney"])
        let expected = planted(simulation)
        #expect(found.subtracting(expected).isEmpty, "seed \(seed): found and not planted")
        #expect(expected.subtracting(found).isEmpty, "seed \(seed): planted and not found")
        #expect(counts(expected) == ["news2": 16, "aki": 5])
        #expect(problems == ["impossible-value": 40, "unknown-unit": 40])
        #expect(eventCount > 10_000)
    }

    @Test(arguments: [31] as [UInt64])
    func whatHappensAtHomeIsAllFoundAndNothingElse(seed: UInt64) throws {
        let simulation = MonitoringSimulation(
            of: .home, seed: seed, patients: 10, practice: "A81001", start: day(2024, 1, 8),
            days: 12, zone: london)
        let (found, problems, eventCount) = try fold(simulation, packs: ["home-monitoring"])
        let expected = planted(simulation)
        #expect(found.subtracting(expected).isEmpty, "seed \(seed): found and not planted")
        #expect(expected.subtracting(found).isEmpty, "seed \(seed): planted and not found")
        #expect(
            counts(expected) == [
                "hf-w2": 1, "copd-o2": 5, "cgm": 9, "cgm-stale": 4, "cgm-tir": 1,
                "bp-crisis": 1, "bp-home": 1,
            ])
        #expect(problems["wrong-person"] == 4)
        #expect((problems["impossible-value"] ?? 0) > 10)
        #expect(eventCount > 10_000)
    }
}
