// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCore
internal import VigilPacks

/// Measures the indicators of every day: each rule of both PINCER packs for each patient, looked at
/// again only where its last answer may have ceased to stand.
struct DaysBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "days",
        abstract: "Measure the indicators of all PINCER rules on every day of some years.")

    @Option(help: "Patients.")
    var patients = 20_000

    @Option(help: "Records of them all.")
    var events = 468_000

    @Option(help: "Days, from the first record on.")
    var days = 1461

    func validate() throws {
        guard (1...10_000_000).contains(patients), (patients...1_000_000_000).contains(events),
            (1...36_500).contains(days)
        else { throw ValidationError("a number is out of its range; see --help") }
    }

    func run() throws {
        guard let start = CivilDay(year: 2020, month: 1, day: 1),
            let end = start.adding(days: days - 1)
        else { return }
        let each = (events - patients) / patients
        let rest = events - patients - each * patients
        let cohort = Cohort(start: start, days: days, recordsPerPatient: max(1, each + 1))
        var fold = Fold(origin: "vigil/bench", zone: .utc)
        let now = ZoneTable.utc.start(of: end)
        let packs = try ["pincer", "pincer-audit"].map {
            try BundledPacks.named($0).compile()
        }
        var offset: UInt64 = 0
        for patient in 0..<patients {
            _ = fold.take(cohort.registration(of: patient), offset: offset, now: now)
            offset += 1
            for number in 0..<(each + (patient < rest ? 1 : 0)) {
                _ = fold.take(cohort.record(number, of: patient), offset: offset, now: now)
                offset += 1
            }
        }
        fold.begin(packs)
        var series: [DailyIndicator] = []
        let times = (0..<5).map { _ in
            Double(Measure.nanoseconds { series = fold.dailyIndicators(start...end) }) / 1e9
        }
        let counted = series.reduce(0) { $0 + $1.numerators.reduce(0, +) }
        print(
            #"{"patients":\#(patients),"events":\#(offset),"rules":\#(series.count),"#
                + #""days":\#(days),"processorSeconds":\#(Measure.rounded(Measure.median(times))),"#
                + #""patientDaysFlagged":\#(counted)}"#)
    }
}
