// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

@testable import VigilCore

/// `Glucose` over the whole list of readings, from the newest back: slow and plain.
enum PaperGlucose {
    static let persistMilliseconds: Int64 = 15 * 60_000
    static let silentMilliseconds: Int64 = 20 * 60_000
    private static let sensorMilliseconds: Int64 = 14 * 86_400_000
    private static let expiresMilliseconds: Int64 = 24 * 3_600_000

    struct Reading {
        var fact: Int
        var at: Instant
        var value: ExactNumber
        var isMilligrams: Bool

        func isBelow(_ threshold: Glucose.Threshold) -> Bool {
            value < threshold.value(inMilligrams: isMilligrams)
        }

        func isAbove(_ threshold: Glucose.Threshold) -> Bool {
            value > threshold.value(inMilligrams: isMilligrams)
        }

        var text: String {
            isMilligrams ? "\(value.text(places: 0)) mg/dL" : "\(value.text(places: 1)) mmol/L"
        }
    }

    /// The readings of a span of time, newest first, and what else was found on the way.
    struct Series {
        var readings: [Reading] = []
        var endedAt: Instant?
        var until = Instant.never
        var problems: [DataProblem] = []

        init(_ input: borrowing AlgorithmInput, from earliest: Instant) {
            let day = input.zone.day(of: earliest)
            for index in input.patient.facts.indices.reversed() {
                let fact = input.patient.facts[index]
                guard fact.day >= day else { break }
                guard fact.type == .observation, let at = fact.date.instant, at >= earliest else {
                    continue
                }
                if input.says(fact, 1) {
                    if at <= input.now { endedAt = max(endedAt ?? at, at) }
                    continue
                }
                guard input.contains(fact, 0) else { continue }
                guard at <= input.now else {
                    until = min(until, at)
                    continue
                }
                read(fact, index, at, input)
            }
        }

        private mutating func read(
            _ fact: Fact, _ index: Int, _ at: Instant, _ input: borrowing AlgorithmInput
        ) {
            guard let quantity = input.quantity(of: fact, 0) else { return }
            let milligrams = Measurement.glucoseInMilligrams.read(quantity)
            if case .success(let value) = milligrams {
                readings.append(Reading(fact: index, at: at, value: value, isMilligrams: true))
                return
            }
            if let value = Measurement.glucose.read(quantity, of: fact, noting: &problems) {
                readings.append(Reading(fact: index, at: at, value: value, isMilligrams: false))
            }
        }
    }

    // MARK: - Episodes

    /// Whether readings were last below a threshold, or not, for long enough.
    private struct Level {
        var isLow = false
        /// Whether some run was long enough.
        var isDecided = false
        /// The newest reading of the run that decided.
        var newest = 0
    }

    static func assessEpisode(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let series = Series(input, from: input.now.adding(milliseconds: -8 * expiresMilliseconds))
        let oldest = input.now.adding(milliseconds: -2 * expiresMilliseconds)
        let low = level(.low, series.readings, input)
        let veryLow = level(.veryLow, series.readings, input)
        var result = AlgorithmResult(
            assessment: Assessment(), until: series.until, problems: series.problems)
        guard let newest = series.readings.first, newest.at >= oldest else { return result }
        let expiresAt = newest.at.adding(milliseconds: expiresMilliseconds)
        guard expiresAt > input.now else {
            result.assessment.ending = "expired"
            return result
        }
        guard low.isLow || veryLow.isLow else {
            result.assessment.ending = "recovered"
            return result
        }
        result.until = min(result.until, expiresAt)
        var assessment = Assessment(severity: veryLow.isLow ? .high : .moderate)
        assessment.step = veryLow.isLow ? 2 : 1
        let run = (veryLow.isLow ? veryLow : low).newest
        let shown = Array(series.readings[run..<min(run + 8, series.readings.count)])
        assessment.at = shown.last?.at
        assessment.basis = basis(shown, input)
        let (level, limit) = veryLow.isLow ? ("2", "3.0") : ("1", "3.9")
        assessment.rationale =
            "Low glucose, level \(level): below \(limit) mmol/L for 15 minutes or more, "
            + "\(shown[0].text) at \(clock(shown[0].at, input))."
        assessment.response = "Treat the low glucose; see what brought it about."
        result.assessment = assessment
        return result
    }

    /// The newest run of readings without a gap, all on one side for 15 minutes, decides.
    private static func level(
        _ threshold: Glucose.Threshold, _ readings: [Reading], _ input: borrowing AlgorithmInput
    ) -> Level {
        var start = 0
        var known: Instant?
        for (position, reading) in readings.enumerated() {
            if position > 0 {
                let later = readings[position - 1]
                let gap = later.at.milliseconds - reading.at.milliseconds
                if gap > persistMilliseconds
                    || later.isBelow(threshold) != reading.isBelow(threshold)
                {
                    start = position
                    known = nil
                }
            }
            let newest = readings[start]
            // What was last so two days ago says nothing of now.
            guard newest.at >= input.now.adding(milliseconds: -2 * expiresMilliseconds) else {
                return Level()
            }
            // Something of the run must have been known while it could be acted on.
            let limit = reading.at.adding(milliseconds: silentMilliseconds)
            if input.patient.facts[reading.fact].known <= limit { known = known ?? reading.at }
            guard newest.at.milliseconds - reading.at.milliseconds >= persistMilliseconds else {
                continue
            }
            guard reading.isBelow(threshold) else { return Level(isDecided: true) }
            let decidedAt = reading.at.adding(milliseconds: persistMilliseconds)
            if let known, known >= decidedAt {
                return Level(isLow: true, isDecided: true, newest: start)
            }
        }
        return Level()
    }

    private static func basis(
        _ readings: [Reading], _ input: borrowing AlgorithmInput
    ) -> [BasisRecord] {
        readings.map { reading in
            let fact = input.patient.facts[reading.fact]
            let places = reading.isMilligrams ? 0 : 1
            let unit = reading.isMilligrams ? "mg/dL" : "mmol/L"
            return BasisRecord(
                offset: fact.offset, at: reading.at, day: fact.day,
                value: (reading.value.text(places: places), unit, unit),
                display: "Glucose \(reading.text)")
        }
    }

    private static func clock(_ instant: Instant, _ input: borrowing AlgorithmInput) -> String {
        String(input.zone.describe(instant).dropFirst(11).prefix(5))
    }

    // MARK: - Signal

    static func assessSignal(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let recent = Series(input, from: input.now.adding(milliseconds: -silentMilliseconds))
        var result = AlgorithmResult(assessment: Assessment(), until: recent.until)
        if let last = recent.readings.first, recent.endedAt.map({ $0 < last.at }) ?? true {
            result.until = min(result.until, last.at.adding(milliseconds: silentMilliseconds + 1))
            result.assessment.ending = "recovered"
            return result
        }
        // When the sensor that is worn now began depends on all that were worn before it.
        let series = Series(input, from: input.now.adding(milliseconds: -100 * sensorMilliseconds))
        guard let last = series.readings.first, let oldest = series.readings.last,
            last.at >= input.now.adding(milliseconds: -2 * sensorMilliseconds)
        else { return result }
        var began = oldest.at
        for reading in series.readings.reversed()
        where reading.at.milliseconds - began.milliseconds >= sensorMilliseconds {
            began = reading.at
        }
        let endsAt = began.adding(milliseconds: sensorMilliseconds)
        let isEnded = endsAt <= input.now || series.endedAt.map { $0 >= last.at } ?? false
        guard !isEnded else {
            result.assessment.ending = "expired"
            return result
        }
        result.until = min(result.until, endsAt)
        var assessment = Assessment(severity: .moderate)
        assessment.at = last.at
        assessment.basis = basis([last], input)
        assessment.rationale =
            "Signal lost: no glucose reading for more than 20 minutes, the last "
            + "\(last.text) at \(clock(last.at, input))."
        assessment.response = "See to the sensor and its receiver."
        result.assessment = assessment
        return result
    }

    // MARK: - Time in range

    static func assessRange(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let today = input.today
        let end = input.zone.start(of: today)
        let start = input.zone.start(of: today.adding(days: -14) ?? .first)
        let tomorrow = input.zone.start(of: today.adding(days: 1) ?? .last)
        let series = Series(input, from: start)
        let readings = series.readings.drop { $0.at >= end }
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard !series.readings.isEmpty else { return result }
        result.until = tomorrow
        result.assessment.ending = "expired"
        guard isSufficient(readings) else { return result }
        var shares = Glucose.Shares()
        for reading in readings {
            shares.add(
                Glucose.Sample(
                    at: reading.at, offset: 0, known: reading.at, value: reading.value,
                    isMilligrams: reading.isMilligrams))
        }
        guard !shares.missed.isEmpty else {
            result.assessment.ending = "recovered"
            return result
        }
        let isLow = shares.low * 100 >= 4 * shares.count || shares.veryLow * 100 >= shares.count
        var assessment = Assessment(severity: isLow ? .moderate : .low)
        assessment.step = isLow ? 2 : 1
        assessment.basis = basis(Array(readings.prefix(1)), input)
        assessment.rationale =
            "Glucose off target in the 14 days before \(today): "
            + "\(shares.missed.joined(separator: ", ")), of \(shares.count) readings."
        assessment.response = "Review the treatment at the next contact."
        result.assessment = assessment
        return result
    }

    /// Whether there are 70 % of the readings that a sensor of this rhythm makes in 14 days.
    private static func isSufficient(_ readings: ArraySlice<Reading>) -> Bool {
        let gaps = zip(readings, readings.dropFirst()).map {
            ($0.at.milliseconds - $1.at.milliseconds + 2_500) / 5_000 * 5_000
        }.sorted()
        guard !gaps.isEmpty else { return false }
        let rhythm = min(max(gaps[gaps.count / 2], 60_000), persistMilliseconds)
        let expected = sensorMilliseconds / rhythm
        return Int64(readings.count) * 100 >= expected * 70
    }
}
