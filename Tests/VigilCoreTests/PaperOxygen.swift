// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

@testable import VigilCore

/// `HomeOxygen` over the whole list of readings, from the newest back: slow and plain.
enum PaperOxygen {
    private static let apartMilliseconds: Int64 = 5 * 60_000
    private static let withinMilliseconds: Int64 = 60 * 60_000
    private static let medianDays: Int32 = 14
    private static let staleMilliseconds: Int64 = 12 * 3_600_000
    /// How many readings a median needs to mean anything (ours).
    private static let medianReadings = 5

    private struct Reading {
        var fact: Int
        var at: Instant
        var value: ExactNumber
    }

    private struct Patient {
        var hasTarget = false
        var hasLungDisease = false
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        var patient = Patient()
        let readings = read(input, &patient, &result)
        guard let newest = readings.first,
            input.zone.day(of: newest.at).number >= input.today.number - 30
        else { return result }
        result.assessment.ending = "recovered"
        if patient.hasLungDisease, !patient.hasTarget {
            result.problems.append(
                DataProblem(
                    offset: input.patient.facts[newest.fact].offset, code: "target-missing"))
            return result
        }
        let low = patient.hasTarget ? pair(readings, input) : readings.prefix(1).filter(isLow)
        guard let last = low.first,
            low.allSatisfy({ input.zone.day(of: $0.at).number >= input.today.number - 30 })
        else { return result }
        let staleAt = last.at.adding(milliseconds: staleMilliseconds)
        if staleAt > input.now { result.until = min(result.until, staleAt) }
        let isUrgent = patient.hasTarget || last.value <= ExactNumber(92)
        var assessment = Assessment(severity: isUrgent ? .high : .moderate)
        assessment.step = isUrgent ? 2 : 1
        assessment.isStale = staleAt <= input.now || !isTimely(low, input)
        assessment.at = last.at
        assessment.basis = low.map { reading in
            let fact = input.patient.facts[reading.fact]
            let text = reading.value.text(places: 0)
            return BasisRecord(
                offset: fact.offset, at: reading.at, day: fact.day, value: (text, "%", "%"),
                display: "SpO2 \(text) %")
        }
        let values = low.map { "\($0.value.text(places: 0)) %" }.joined(separator: " and ")
        assessment.rationale =
            patient.hasTarget
            ? "SpO2 \(values), with a target of 88 to 92 %." : "SpO2 \(values)."
        assessment.response =
            isUrgent ? "Urgent assessment the same day." : "Call the patient; repeat the reading."
        result.assessment = assessment
        return result
    }

    private static func isLow(_ reading: Reading) -> Bool { reading.value < ExactNumber(95) }

    /// The newest two low readings that are far enough apart and not too far, the later one with
    /// no better one after it.
    private static func pair(
        _ readings: [Reading], _ input: borrowing AlgorithmInput
    ) -> [Reading] {
        var known: [Int: Bool] = [:]
        func isLow(_ position: Int) -> Bool {
            if let known = known[position] { return known }
            let isLow = isFarBelow(
                readings[position], before: readings[(position + 1)...], input)
            known[position] = isLow
            return isLow
        }
        for position in readings.indices {
            guard isLow(position) else { return [] }
            let later = readings[position]
            for other in readings.indices[(position + 1)...] {
                let earlier = readings[other]
                let apart = later.at.milliseconds - earlier.at.milliseconds
                guard apart <= withinMilliseconds else { break }
                if apart >= apartMilliseconds, isLow(other) { return [later, earlier] }
            }
        }
        return []
    }

    /// Below the target, or 4 points below the median of the fortnight before.
    private static func isFarBelow(
        _ reading: Reading, before: ArraySlice<Reading>, _ input: borrowing AlgorithmInput
    ) -> Bool {
        if reading.value < ExactNumber(88) { return true }
        let earliest = input.zone.day(of: reading.at).number - medianDays
        var known: [ExactNumber] = []
        for other in before where input.zone.day(of: other.at).number >= earliest {
            known.append(other.value)
        }
        // No median is above all of them: that spares most of the sorting.
        let limit = reading.value + ExactNumber(4)
        guard known.count >= medianReadings, known.contains(where: { $0 >= limit }),
            let median = known.median
        else { return false }
        return median - reading.value >= ExactNumber(4)
    }

    private static func isTimely(
        _ readings: [Reading], _ input: borrowing AlgorithmInput
    ) -> Bool {
        readings.allSatisfy { reading in
            input.patient.facts[reading.fact].known
                <= reading.at.adding(milliseconds: staleMilliseconds)
        }
    }

    /// The readings of the last month, newest first.
    private static func read(
        _ input: borrowing AlgorithmInput, _ patient: inout Patient,
        _ result: inout AlgorithmResult
    ) -> [Reading] {
        var readings: [Reading] = []
        // A run and a median may begin before the month that the newest reading is of.
        let from = input.today.number - 60
        for index in input.patient.facts.indices.reversed() {
            let fact = input.patient.facts[index]
            let isTarget = input.says(fact, 1) || input.contains(fact, 2)
            let isDisease = input.contains(fact, 3)
            if isTarget || isDisease {
                guard input.hasCome(fact) else {
                    result.until = min(result.until, input.arrival(of: fact))
                    continue
                }
                if isTarget { patient.hasTarget = true }
                if isDisease { patient.hasLungDisease = true }
            }
            guard fact.day.number >= from, fact.type == .observation, input.contains(fact, 0),
                let at = fact.date.instant, let quantity = input.quantity(of: fact, 0)
            else { continue }
            guard at <= input.now else {
                result.until = min(result.until, at)
                continue
            }
            let value = Measurement.homeSaturation.read(
                quantity, of: fact, noting: &result.problems)
            if let value { readings.append(Reading(fact: index, at: at, value: value)) }
        }
        return readings
    }
}
