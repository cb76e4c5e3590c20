// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Blood pressure at home (clinical.md section 3.4): a crisis by two readings, and the average of
/// some days.
enum HomePressure {
    static let lists = ["systolic", "diastolic", "crisis-symptom"]

    /// How far apart two readings of a crisis are.
    static let apartMilliseconds: ClosedRange<Int64> = 60_000...15 * 60_000
    static let averagedDays: Int32 = 7
    /// How many readings an average shows.
    static let shownMax = 8
    private static let expiresMilliseconds: Int64 = 24 * 3_600_000
    private static let expiresAfterDays: Int32 = 90
    /// How old, in days, the readings of a crisis may be.
    private static let crisisDays: Int32 = 3

    // MARK: - Crisis

    static func assessCrisis(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        let state = track.state(at: input.now, input.zone, &result.until)
        let oldest = input.today.number - crisisDays
        guard let newest = state.newest, input.zone.day(of: newest.at).number >= oldest else {
            return result
        }
        let expiresAt = newest.at.adding(milliseconds: expiresMilliseconds)
        guard expiresAt > input.now else {
            result.assessment.ending = "expired"
            return result
        }
        result.assessment.ending = "recovered"
        let pair = state.pair.filter { input.zone.day(of: $0.at).number >= oldest }
        guard pair.count == 2 else { return result }
        result.until = min(result.until, expiresAt)
        let hasSymptom = symptom(near: pair[0].at, input, &result)
        var assessment = Assessment(severity: .high)
        assessment.step = hasSymptom ? 2 : 1
        // What was known too late raises nothing, and ends nothing either.
        assessment.isStale = !isTimely(pair)
        assessment.at = pair[0].at
        assessment.basis = basis(pair, input)
        assessment.rationale =
            "Blood pressure \(pair[1].text) and \(pair[0].text) mmHg"
            + (hasSymptom ? ", with a symptom of an emergency." : ".")
        assessment.response =
            hasSymptom
            ? "Same-day emergency assessment."
            : "Look for symptoms and signs of damage the same day; repeat the reading."
        result.assessment = assessment
        return result
    }

    private static func isTimely(_ pair: [Moment]) -> Bool {
        pair.allSatisfy { reading in
            reading.records.allSatisfy {
                $0.known <= reading.at.adding(milliseconds: expiresMilliseconds)
            }
        }
    }

    /// Whether a symptom is recorded on the day of the readings or the one before.
    private static func symptom(
        near moment: Instant, _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Bool {
        let day = input.zone.day(of: moment).number
        var isThere = false
        for fact in input.patient.facts where input.says(fact, 2) {
            guard (day - 1...day + 1).contains(fact.day.number) else { continue }
            if input.hasCome(fact) {
                isThere = true
            } else {
                result.until = min(result.until, input.arrival(of: fact))
            }
        }
        return isThere
    }

    // MARK: - Average

    static func assessAverage(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        let state = track.state(at: input.now, input.zone, &result.until)
        guard let newest = state.newest else { return result }
        let lastDay = input.zone.day(of: newest.at)
        guard input.today.number - lastDay.number <= expiresAfterDays + averagedDays else {
            return result
        }
        let expiry = CivilDay(number: lastDay.number + expiresAfterDays)
        guard input.today < expiry else {
            result.assessment.ending = "expired"
            return result
        }
        result.until = min(result.until, input.zone.start(of: expiry))
        guard let used = averaged(state.days) else { return result }
        let systolic = mean(used.map(\.systolic))
        let diastolic = mean(used.map(\.diastolic))
        func reaches(_ high: Int128, _ low: Int128) -> Bool {
            (systolic.map { $0 >= ExactNumber(high) } ?? false)
                || (diastolic.map { $0 >= ExactNumber(low) } ?? false)
        }
        result.assessment.ending = "recovered"
        guard reaches(135, 85) else { return result }
        let stage = reaches(150, 95) ? 2 : 1
        var assessment = Assessment(severity: stage == 2 ? .moderate : .low)
        assessment.step = stage
        assessment.at = newest.at
        assessment.basis = basis(Array(used.flatMap(\.newest).prefix(shownMax)), input)
        let count = used.reduce(0) { $0 + $1.count }
        let mean = [systolic, diastolic].map { $0?.text(places: 1) ?? "?" }.joined(separator: "/")
        assessment.rationale =
            "Home blood pressure \(mean) mmHg, the mean of \(count) readings: hypertension "
            + "stage \(stage)."
        assessment.response = "Confirm the diagnosis and discuss treatment."
        result.assessment = assessment
        return result
    }

    private static func mean(_ sums: [Machine.Sum]) -> ExactNumber? {
        let count = sums.reduce(0) { $0 + $1.count }
        guard count > 0 else { return nil }
        return sums.reduce(ExactNumber(0)) { $0 + $1.total } / ExactNumber(Int128(count))
    }

    /// At least 4 days with 2 readings each, newest first, without the first day.
    private static func averaged(_ days: [Machine.Day]) -> ArraySlice<Machine.Day>? {
        let days = Array(days.reversed()).filter { $0.count >= 2 }
        guard days.count >= 4 else { return nil }
        return days.dropLast()
    }

    // MARK: - Reading

    private static func basis(
        _ readings: [Moment], _ input: borrowing AlgorithmInput
    ) -> [BasisRecord] {
        readings.flatMap { reading in
            reading.records.map { record in
                BasisRecord(
                    offset: record.offset, at: reading.at, day: input.zone.day(of: reading.at),
                    display: "Blood pressure \(reading.text) mmHg")
            }
        }
    }

    static func samples(of fact: Fact, _ reader: ListReader) -> [Sample] {
        var problems: [DataProblem] = []
        guard let at = fact.date.instant,
            let values = values(of: fact, reader, noting: &problems)
        else { return [] }
        return [
            Sample(
                at: at, offset: fact.offset, known: fact.known, systolic: values.systolic,
                diastolic: values.diastolic)
        ]
    }

    /// What of a fact cannot be read.
    static func problems(of fact: Fact, _ reader: ListReader) -> [DataProblem] {
        var problems: [DataProblem] = []
        _ = values(of: fact, reader, noting: &problems)
        return problems
    }

    private static func values(
        of fact: Fact, _ reader: ListReader, noting problems: inout [DataProblem]
    ) -> (systolic: ExactNumber?, diastolic: ExactNumber?)? {
        guard fact.type == .observation, fact.date.instant != nil else { return nil }
        let parts = [0, 1].map { role in
            reader.contains(fact, role) ? reader.quantity(of: fact, role) : nil
        }
        guard parts.contains(where: { $0 != nil }) else { return nil }
        let values = parts.map { part in
            part.flatMap { Measurement.bloodPressure.read($0, of: fact, noting: &problems) }
        }
        return (values[0], values[1])
    }
}
