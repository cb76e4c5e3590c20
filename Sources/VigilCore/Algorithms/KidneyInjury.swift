// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The NHS England algorithm for acute kidney injury (clinical.md section 3.2).
///
/// The alert follows the newest sample: a stage raises it while the sample is at most 7 days old,
/// whatever made it count only later; a sample without one ends it, and so do 30 days without a
/// further stage.
enum KidneyInjury {
    static let lists = ["creatinine"]

    private static let raisedWithinDays: Int32 = 7
    private static let expiresAfterDays: Int32 = 30
    private static let priorDays: Int32 = 365
    private static let windowMilliseconds: Int64 = 48 * 3_600_000

    /// A serum creatinine in µmol/L.
    struct Sample {
        var fact: Int
        var day: CivilDay
        var at: Instant?
        var value: ExactNumber
        /// The end of the laboratory's reference range.
        var referenceHigh: ExactNumber?
    }

    /// What a sample amounts to.
    struct Stage: Equatable {
        /// 1 to 3; 0 where nothing earlier is there to compare a high value with.
        var stage: Int
        var comparison: String
    }

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        let from = input.today.adding(days: -Int(priorDays + expiresAfterDays) * 2) ?? .first
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        var samples: [Sample] = []
        for index in input.patient.facts.indices {
            let fact = input.patient.facts[index]
            guard fact.day >= from, fact.type == .observation, input.contains(fact, 0) else {
                continue
            }
            guard input.hasCome(fact) else {
                result.until = min(result.until, input.arrival(of: fact))
                continue
            }
            read(fact, index, input, &samples, &result)
        }
        follow(samples, input, &result)
        return result
    }

    private static func read(
        _ fact: Fact, _ index: Int, _ input: borrowing AlgorithmInput, _ samples: inout [Sample],
        _ result: inout AlgorithmResult
    ) {
        guard let quantity = input.quantity(of: fact, 0),
            let value = Measurement.creatinine.read(quantity, of: fact, noting: &result.problems)
        else { return }
        let high = fact.details.referenceHigh.flatMap { try? Measurement.creatinine.read($0).get() }
        samples.append(
            Sample(
                fact: index, day: fact.day, at: fact.date.instant, value: value,
                referenceHigh: high))
    }

    /// Goes through the samples in their order, and says where they leave the alert.
    private static func follow(
        _ samples: [Sample], _ input: borrowing AlgorithmInput, _ result: inout AlgorithmResult
    ) {
        var standing: (stage: Stage, sample: Int)?
        let first = input.today.number - 2 * expiresAfterDays
        for (position, sample) in samples.enumerated() where sample.day.number >= first {
            if let last = standing, hasExpired(samples[last.sample], on: sample.day) {
                standing = nil
            }
            guard let stage = stage(of: position, in: samples, input) else {
                standing = nil
                result.assessment.ending = "recovered"
                continue
            }
            standing = (stage, position)
        }
        guard let standing else { return }
        let last = samples[standing.sample]
        guard !hasExpired(last, on: input.today) else {
            result.assessment.ending = "expired"
            return
        }
        if let end = last.day.adding(days: Int(expiresAfterDays)) {
            result.until = min(result.until, input.zone.start(of: end))
        }
        result.raises = input.today.number - last.day.number <= raisedWithinDays
        if result.raises, let end = last.day.adding(days: Int(raisedWithinDays) + 1) {
            result.until = min(result.until, input.zone.start(of: end))
        }
        result.assessment = describe(standing.stage, standing.sample, samples, input)
    }

    private static func hasExpired(_ sample: Sample, on day: CivilDay) -> Bool {
        day.number - sample.day.number >= expiresAfterDays
    }

    // MARK: - The algorithm

    static func stage(
        of position: Int, in samples: [Sample], _ input: borrowing AlgorithmInput
    ) -> Stage? {
        let sample = samples[position]
        guard !isNewborn(input, on: sample.day) else { return nil }
        let priors = samples[..<position].filter {
            sample.day.number - $0.day.number <= priorDays
        }
        guard !priors.isEmpty else {
            guard let high = sample.referenceHigh, sample.value > high else { return nil }
            return Stage(
                stage: 0,
                comparison: "above the laboratory's \(high.text(places: 1)), with nothing earlier "
                    + "to compare it with: acute or chronic, repeat")
        }
        let recent = priors.filter { sample.day.number - $0.day.number <= 7 }.map(\.value)
        let older = priors.filter { sample.day.number - $0.day.number >= 8 }.map(\.value)
        var best: (ratio: ExactNumber, against: String)?
        for (reference, name) in [
            (recent.min(), "the lowest of the 7 days before"),
            (older.median, "the median of days 8 to 365"),
        ] {
            guard let reference else { continue }
            let ratio = sample.value / reference
            if best.map({ ratio > $0.ratio }) ?? true {
                best = (ratio, "\(name), \(reference.text(places: 1))")
            }
        }
        guard let best else { return nil }
        guard best.ratio >= ExactNumber(3, over: 2) else { return rise(of: sample, over: priors) }
        let isSevere =
            isChild(input, on: sample.day)
            ? sample.referenceHigh.map { sample.value > $0 * ExactNumber(3) } ?? false
            : sample.value > ExactNumber(354)
        let stage =
            isSevere || best.ratio >= ExactNumber(3) ? 3 : best.ratio >= ExactNumber(2) ? 2 : 1
        return Stage(
            stage: stage, comparison: "\(best.ratio.text(places: 2)) times \(best.against)")
    }

    /// Stage 1 by a rise within 48 hours, which needs the time of both samples.
    private static func rise(of sample: Sample, over priors: [Sample]) -> Stage? {
        guard let at = sample.at else { return nil }
        let earliest = at.adding(milliseconds: -windowMilliseconds)
        let values = priors.filter { $0.at.map { $0 >= earliest } ?? false }.map(\.value)
        guard let least = values.min() else { return nil }
        let rise = sample.value - least
        guard rise > ExactNumber(26) else { return nil }
        return Stage(
            stage: 1,
            comparison: "\(rise.text(places: 1)) more than the lowest of the 48 hours before, "
                + least.text(places: 1))
    }

    private static func isNewborn(_ input: borrowing AlgorithmInput, on day: CivilDay) -> Bool {
        guard let birth = input.patient.birth?.day(in: input.zone) else { return false }
        return day.number - birth.number < 28
    }

    private static func isChild(_ input: borrowing AlgorithmInput, on day: CivilDay) -> Bool {
        guard let birth = input.patient.birth?.day(in: input.zone) else { return false }
        return birth.wholeYears(to: day) < 18
    }

    // MARK: - In words

    private static func describe(
        _ stage: Stage, _ position: Int, _ samples: [Sample],
        _ input: borrowing AlgorithmInput
    ) -> Assessment {
        let sample = samples[position]
        var assessment = Assessment(
            severity: stage.stage == 0 ? .low : stage.stage == 1 ? .moderate : .high)
        assessment.step = stage.stage
        assessment.at = sample.at
        let shown = samples[max(0, position - 4)...position].reversed()
        assessment.basis = shown.map { sample in
            let text = sample.value.text(places: 1)
            return BasisRecord(
                offset: input.patient.facts[sample.fact].offset, at: sample.at, day: sample.day,
                value: (text, "umol/L", "umol/L"), display: "Serum creatinine \(text) umol/L")
        }
        let name = stage.stage == 0 ? "Possible AKI" : "AKI stage \(stage.stage)"
        let value = sample.value.text(places: 1)
        assessment.rationale =
            "\(name): creatinine \(value) umol/L on \(sample.day), \(stage.comparison)."
        let last = samples[max(0, position - 4)..<position].reversed()
        if !last.isEmpty {
            assessment.rationale +=
                " Before it: "
                + last.map { "\($0.value.text(places: 1)) on \($0.day)" }.joined(separator: ", ")
                + "."
        }
        assessment.response =
            stage.stage == 0
            ? "Repeat the creatinine; look for earlier results elsewhere."
            : "Confirm against the clinical picture; look for a cause, review medicines that harm "
                + "the kidney or that it clears, and repeat the creatinine."
        return assessment
    }
}
