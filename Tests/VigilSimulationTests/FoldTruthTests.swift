// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCodec
import VigilCore
import VigilPacks
import VigilSimulation

/// The daemon's own fold on a simulated practice, over an event clock.
struct FoldTruthTests {
    private typealias Flag = PaperFold.Flag

    /// The flags that a fold raises over all events, to the end of the simulation, and the reasons
    /// for which they end.
    private func flags(
        of simulation: PracticeSimulation
    ) throws -> (flags: Set<Flag>, reasons: Set<String>) {
        let decoder = EventDecoder()
        var fold = Fold(origin: "vigil/test", zone: london)
        _ = fold.activate(
            [try BundledPacks.named("pincer").compile()], now: Instant(milliseconds: 0))
        var flags: Set<Flag> = []
        var reasons: Set<String> = []
        func note(_ outputs: [Output]) {
            for case .flag(let event) in outputs {
                var flag = Flag(
                    rule: event.rule.id, subject: event.subject, raised: event.openedAt)
                if event.transition == .resolved {
                    flags.remove(flag)
                    flag.resolved = event.closedAt
                    reasons.insert(event.reason ?? "none")
                }
                flags.insert(flag)
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
        workOff(to: simulation.end)
        return (flags, reasons)
    }

    @Test(arguments: [11, 12] as [UInt64])
    func theFoldRaisesExactlyWhatIsPlanted(seed: UInt64) throws {
        let simulation = PracticeSimulation(
            seed: seed, patients: 150, practice: "A81001", start: day(2023, 9, 1), days: 420,
            zone: london)
        let (found, reasons) = try flags(of: simulation)
        let planted = Set(
            simulation.planted.map {
                Flag(
                    rule: $0.rule, subject: $0.subject, raised: $0.raised, resolved: $0.resolved)
            })
        #expect(
            found.subtracting(planted).map(\.description).sorted() == [],
            "raised and not planted, seed \(seed)")
        #expect(
            planted.subtracting(found).map(\.description).sorted() == [],
            "planted and not raised, seed \(seed)")
        #expect(
            reasons == [
                "hazard-ended", "hazard-stopped", "protection-issued", "corrected", "deceased",
                "deregistered",
            ])
    }
}
