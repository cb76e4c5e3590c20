// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilCore
internal import VigilPacks

/// Measures the indicators of every day: each rule of both PINCER packs for each patient, told for
/// all days at once.
struct DaysBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "days",
        abstract: "Measure the indicators of all PINCER rules on every day of some years.",
        discussion: """
            Prints the processor time of the folding of all records before any rule is in force, \
            of the indicators of all days (the median of five runs) and of those of the last day \
            alone, which are compared.
            """)

    private static let runs = 5

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
        let now = ZoneTable.utc.start(of: end)
        var fold = Fold(origin: "vigil/bench", zone: .utc)
        let packs = try ["pincer", "pincer-audit"].map { try BundledPacks.named($0).compile() }
        let folding = Measure.seconds { fill(&fold, from: start, now: now) }
        fold.begin(packs)
        var series: [DailyIndicator] = []
        let times = (0..<Self.runs).map { _ in
            Measure.seconds { series = fold.dailyIndicators(start...end) }
        }
        var single: [Indicator] = []
        let alone = Measure.seconds { single = fold.indicators(at: now) }
        for (indicator, row) in zip(single, series) {
            guard indicator.denominator == row.denominators.last,
                indicator.numerator == row.numerators.last, indicator.unknown == row.unknown.last
            else { throw BenchError(description: "\(row.rule) differs on the last day") }
        }
        let counted = series.reduce(0) { $0 + $1.numerators.reduce(0, +) }
        print(
            #"{"patients":\#(patients),"events":\#(events),"rules":\#(series.count),"#
                + #""days":\#(days),"patientDaysFlagged":\#(counted),"#
                + #""foldingSeconds":\#(Measure.rounded(folding)),"#
                + #""allDaysSeconds":\#(Measure.rounded(Measure.median(times))),"#
                + #""lastDaySeconds":\#(Measure.rounded(alone))}"#)
    }

    /// Takes in every patient's registration and records.
    private func fill(_ fold: inout Fold, from start: CivilDay, now: Instant) {
        let each = (events - patients) / patients
        let rest = events - patients - each * patients
        let cohort = Cohort(start: start, days: days, recordsPerPatient: max(1, each + 1))
        var offset: UInt64 = 0
        for patient in 0..<patients {
            _ = fold.take(cohort.registration(of: patient), offset: offset, now: now)
            offset += 1
            for number in 0..<(each + (patient < rest ? 1 : 0)) {
                _ = fold.take(cohort.record(number, of: patient), offset: offset, now: now)
                offset += 1
            }
        }
    }
}
