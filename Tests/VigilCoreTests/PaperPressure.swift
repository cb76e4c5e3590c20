// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

@testable import VigilCore

/// `HomePressure` over the whole list of readings, from the newest back: slow and plain.
enum PaperPressure {
    private static let apartMilliseconds: Int64 = 60_000
    private static let withinMilliseconds: Int64 = 15 * 60_000
    private static let expiresMilliseconds: Int64 = 24 * 3_600_000
    private static let averagedDays: Int32 = 7
    private static let expiresAfterDays: Int32 = 90

    private struct Reading {
        var facts: [Int]
        var at: Instant
        var systolic: ExactNumber?
        var diastolic: ExactNumber?

        var text: String {
            let parts = [systolic, diastolic].map { $0?.text(places: 0) ?? "?" }
            return parts.joined(separator: "/")
        }

        var isCrisis: Bool {
            (systolic.map { $0 >= ExactNumber(180) } ?? false)
                || (diastolic.map { $0 >= ExactNumber(120) } ?? false)
        }
    }

    // MARK: - Crisis

    static func assessCrisis(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let readings = read(input, days: 3, &result)
        guard let newest = readings.first else { return result }
        let expiresAt = newest.at.adding(milliseconds: expiresMilliseconds)
        guard expiresAt > input.now else {
            result.assessment.ending = "expired"
            return result
        }
        result.assessment.ending = "recovered"
        guard let pair = pair(readings) else { return result }
        result.until = min(result.until, expiresAt)
        let hasSymptom = symptom(near: pair[0].at, input, &result)
        var assessment = Assessment(severity: .high)
        assessment.step = hasSymptom ? 2 : 1
        assessment.isStale = !isTimely(pair, input)
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

    /// The newest two very high readings that are neither too near each other nor too far apart,
    /// the later one with no lower one after it.
    private static func pair(_ readings: [Reading]) -> [Reading]? {
        for (position, later) in readings.enumerated() {
            guard later.isCrisis else { return nil }
            for earlier in readings.dropFirst(position + 1) where earlier.isCrisis {
                let apart = later.at.milliseconds - earlier.at.milliseconds
                if (apartMilliseconds...withinMilliseconds).contains(apart) {
                    return [later, earlier]
                }
            }
        }
        return nil
    }

    private static func isTimely(
        _ pair: [Reading], _ input: borrowing AlgorithmInput
    ) -> Bool {
        pair.allSatisfy { reading in
            reading.facts.allSatisfy {
                input.patient.facts[$0].known
                    <= reading.at.adding(milliseconds: expiresMilliseconds)
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

    static func assessAverage(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        let readings = read(input, days: expiresAfterDays + averagedDays, &result)
        guard let newest = readings.first else { return result }
        let lastDay = input.zone.day(of: newest.at)
        let expiry = CivilDay(number: lastDay.number + expiresAfterDays)
        guard input.today < expiry else {
            result.assessment.ending = "expired"
            return result
        }
        result.until = min(result.until, input.zone.start(of: expiry))
        guard let used = averaged(readings, through: lastDay, input) else { return result }
        let systolic = used.compactMap(\.systolic).mean
        let diastolic = used.compactMap(\.diastolic).mean
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
        assessment.basis = basis(Array(used.prefix(8)), input)
        let mean = [systolic, diastolic].map { $0?.text(places: 1) ?? "?" }.joined(separator: "/")
        assessment.rationale =
            "Home blood pressure \(mean) mmHg, the mean of \(used.count) readings: hypertension "
            + "stage \(stage)."
        assessment.response = "Confirm the diagnosis and discuss treatment."
        result.assessment = assessment
        return result
    }

    /// The readings of at least 4 days with 2 each, without those of the first day.
    private static func averaged(
        _ readings: [Reading], through lastDay: CivilDay, _ input: borrowing AlgorithmInput
    ) -> [Reading]? {
        var days: [(day: Int32, readings: [Reading])] = []
        for reading in readings {
            let day = input.zone.day(of: reading.at).number
            guard day > lastDay.number - averagedDays else { break }
            if days.last?.day != day { days.append((day, [])) }
            days[days.count - 1].readings.append(reading)
        }
        days.removeAll { $0.readings.count < 2 }
        guard days.count >= 4 else { return nil }
        return days.dropLast().flatMap(\.readings)
    }

    // MARK: - Reading

    private static func basis(
        _ readings: [Reading], _ input: borrowing AlgorithmInput
    ) -> [BasisRecord] {
        readings.flatMap { reading in
            reading.facts.map { index in
                let fact = input.patient.facts[index]
                return BasisRecord(
                    offset: fact.offset, at: reading.at, day: fact.day,
                    display: "Blood pressure \(reading.text) mmHg")
            }
        }
    }

    /// The readings of some days, newest first; what was measured at one moment is one.
    private static func read(
        _ input: borrowing AlgorithmInput, days: Int32, _ result: inout AlgorithmResult
    ) -> [Reading] {
        var readings: [Reading] = []
        let from = input.today.number - days
        for index in input.patient.facts.indices.reversed() {
            let fact = input.patient.facts[index]
            guard fact.day.number >= from else { break }
            guard fact.type == .observation, let at = fact.date.instant else { continue }
            let parts = [0, 1].map { role in
                input.contains(fact, role) ? input.quantity(of: fact, role) : nil
            }
            guard parts.contains(where: { $0 != nil }) else { continue }
            guard at <= input.now else {
                result.until = min(result.until, at)
                continue
            }
            let values = parts.map { part in
                part.flatMap {
                    Measurement.bloodPressure.read($0, of: fact, noting: &result.problems)
                }
            }
            if readings.last?.at == at {
                let last = readings.count - 1
                readings[last].systolic = readings[last].systolic ?? values[0]
                readings[last].diastolic = readings[last].diastolic ?? values[1]
                readings[last].facts.append(index)
            } else {
                readings.append(
                    Reading(facts: [index], at: at, systolic: values[0], diastolic: values[1]))
            }
        }
        return readings
    }
}
