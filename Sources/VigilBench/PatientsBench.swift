// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import VigilCore
internal import VigilPacks

/// Measures the memory of a patient and the cost of an event as patients become more.
struct PatientsBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patients",
        abstract: "Measure memory a patient and the cost of an event by the number of patients.")

    @Option(help: "Patients in the end; measured at each power of ten on the way from 10,000.")
    var patients = 1_000_000

    @Option(help: "Records of each.")
    var records = 20

    @Option(help: "Events to measure each time, of patients drawn at random.")
    var events = 50_000

    func validate() throws {
        guard (10_000...60_000_000).contains(patients), (1...1000).contains(records),
            (1...10_000_000).contains(events)
        else { throw ValidationError("a number is out of its range; see --help") }
    }

    func run() throws {
        guard let start = CivilDay(year: 2023, month: 1, day: 1),
            let end = start.adding(days: 365)
        else { return }
        let cohort = Cohort(start: start, days: 365, recordsPerPatient: records)
        var fold = Fold(origin: "vigil/bench", zone: .utc)
        let now = ZoneTable.utc.start(of: end)
        _ = fold.activate([try BundledPacks.named("pincer").compile()], now: now)
        let empty = Measure.residentBytes()
        var offset: UInt64 = 0
        var known = 0
        var base: Double?
        var mark = 10_000
        while known < patients {
            let goal = min(mark, patients)
            let loading = Measure.nanoseconds {
                for patient in known..<goal {
                    _ = fold.take(cohort.registration(of: patient), offset: offset, now: now)
                    offset += 1
                }
                // One record of each patient after the other, as they come in life.
                for number in 0..<records {
                    for patient in known..<goal {
                        _ = fold.take(cohort.record(number, of: patient), offset: offset, now: now)
                        offset += 1
                    }
                }
            }
            let loaded = (goal - known) * (records + 1)
            known = goal
            mark *= 10
            let memory = Measure.residentBytes() - empty
            let cost = measure(&fold, cohort, patients: known, offset: &offset, now: now)
            base = base ?? cost
            print(
                #"{"patients":\#(known),"bytesPerPatient":\#(memory / known),"#
                    + #""loadNanoseconds":\#(loading / Int64(max(1, loaded))),"#
                    + #""eventNanoseconds":\#(Int(cost)),"#
                    + #""ratio":\#(Measure.rounded(cost / (base ?? cost)))}"#)
            fflush(nil)
        }
    }

    /// The processor time of a further event of a patient drawn at random, in nanoseconds.
    private func measure(
        _ fold: inout Fold, _ cohort: Cohort, patients: Int, offset: inout UInt64, now: Instant
    ) -> Double {
        var random = SystemRandomNumberGenerator()
        let further = (0..<events).map { number in
            cohort.record(
                records - 1 - number % 3, of: Int.random(in: 0..<patients, using: &random))
        }
        let time = Measure.nanoseconds {
            for event in further {
                _ = fold.take(event, offset: offset, now: now)
                offset += 1
            }
        }
        return Double(time) / Double(events)
    }
}
