// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Oxygen saturation at home (clinical.md section 3.4).
///
/// Without chronic lung disease the newest reading decides. With a target of 88 to 92 % it takes
/// two low readings, at least 5 and at most 60 minutes apart, whatever was read between; a better
/// one after them ends it. With chronic lung disease and no target nothing is said but that the
/// target is missing, once a day.
enum HomeOxygen {
    static let lists = ["spo2", "spo2-target-88-92", "hypercapnia", "lung-disease"]

    /// How far apart two low readings are.
    static let apartMilliseconds: ClosedRange<Int64> = 5 * 60_000...60 * 60_000
    /// A median is of the readings since so many local days before.
    static let medianDays: Int32 = 14
    /// How old, in days, the newest reading may be.
    private static let readDays: Int32 = 30
    private static let staleMilliseconds: Int64 = 12 * 3_600_000
    /// How many readings a median needs to mean anything (ours).
    static let medianReadings = 5

    /// A reading of a probe.
    struct Sample: ReadingSample {
        var at: Instant
        var offset: UInt64
        /// The log's time at which it was first known.
        var known: Instant
        var value: ExactNumber
    }

    private struct Patient {
        var hasTarget = false
        var hasLungDisease = false
    }

    static func assess(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        let patient = patient(input, &result)
        let state = track.state(at: input.now, input.zone, &result.until)
        let oldest = input.today.number - readDays
        guard let newest = state.newest, input.zone.day(of: newest.at).number >= oldest else {
            return result
        }
        result.assessment.ending = "recovered"
        if patient.hasLungDisease, !patient.hasTarget {
            if state.isFirstOfDay {
                result.problems.append(DataProblem(offset: newest.offset, code: "target-missing"))
            }
            return result
        }
        let pair = state.pair.filter { input.zone.day(of: $0.at).number >= oldest }
        let low = patient.hasTarget ? (pair.count == 2 ? pair : []) : [newest].filter(isLow)
        guard let last = low.first else { return result }
        let staleAt = last.at.adding(milliseconds: staleMilliseconds)
        if staleAt > input.now { result.until = min(result.until, staleAt) }
        let isUrgent = patient.hasTarget || last.value <= ExactNumber(92)
        var assessment = Assessment(severity: isUrgent ? .high : .moderate)
        assessment.step = isUrgent ? 2 : 1
        // What was known too late raises nothing, and ends nothing either.
        assessment.isStale = staleAt <= input.now || !isTimely(low)
        assessment.at = last.at
        assessment.basis = low.map { reading in
            let text = reading.value.text(places: 0)
            return BasisRecord(
                offset: reading.offset, at: reading.at, day: input.zone.day(of: reading.at),
                value: (text, "%", "%"), display: "SpO2 \(text) %")
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

    private static func isLow(_ reading: Sample) -> Bool { reading.value < ExactNumber(95) }

    private static func isTimely(_ readings: [Sample]) -> Bool {
        readings.allSatisfy {
            $0.known <= $0.at.adding(milliseconds: staleMilliseconds)
        }
    }

    /// What is known of the patient's lungs by now.
    private static func patient(
        _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) -> Patient {
        var patient = Patient()
        for fact in input.patient.facts {
            let isTarget = input.says(fact, 1) || input.contains(fact, 2)
            let isDisease = input.contains(fact, 3)
            guard isTarget || isDisease else { continue }
            guard input.hasCome(fact) else {
                result.until = min(result.until, input.arrival(of: fact))
                continue
            }
            if isTarget { patient.hasTarget = true }
            if isDisease { patient.hasLungDisease = true }
        }
        return patient
    }

    static func samples(of fact: Fact, _ reader: ListReader) -> [Sample] {
        var problems: [DataProblem] = []
        guard let at = fact.date.instant,
            let value = value(of: fact, reader, noting: &problems)
        else { return [] }
        return [Sample(at: at, offset: fact.offset, known: fact.known, value: value)]
    }

    /// What of a fact cannot be read.
    static func problems(of fact: Fact, _ reader: ListReader) -> [DataProblem] {
        var problems: [DataProblem] = []
        _ = value(of: fact, reader, noting: &problems)
        return problems
    }

    private static func value(
        of fact: Fact, _ reader: ListReader, noting problems: inout [DataProblem]
    ) -> ExactNumber? {
        guard fact.type == .observation, reader.contains(fact, 0), fact.date.instant != nil,
            let quantity = reader.quantity(of: fact, 0)
        else { return nil }
        return Measurement.homeSaturation.read(quantity, of: fact, noting: &problems)
    }
}
