// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Continuous glucose readings (clinical.md section 3.4): persistent low glucose as one alert of
/// two levels, time in range over 14 days, and a sensor that has fallen silent.
enum Glucose {
    static let lists = ["cgm", "cgm-ended"]

    static let persistMilliseconds: Int64 = 15 * 60_000
    static let silentMilliseconds: Int64 = 20 * 60_000
    static let sensorMilliseconds: Int64 = 14 * 86_400_000
    /// A sensor's rhythm is told to so much.
    static let gapStepMilliseconds: Int64 = 5_000
    /// How many whole days the time in range is of.
    static let rangeDays: Int32 = 14
    /// How many readings an alert shows.
    static let shownMax = 8
    private static let expiresMilliseconds: Int64 = 24 * 3_600_000

    /// The consensus thresholds; each is compared in the unit that was received.
    enum Threshold: Int {
        case veryLow, low, high, veryHigh

        func value(inMilligrams: Bool) -> ExactNumber {
            switch self {
            case .veryLow: inMilligrams ? ExactNumber(54) : ExactNumber(3)
            case .low: inMilligrams ? ExactNumber(70) : ExactNumber(39, over: 10)
            case .high: inMilligrams ? ExactNumber(180) : ExactNumber(10)
            case .veryHigh: inMilligrams ? ExactNumber(250) : ExactNumber(139, over: 10)
            }
        }
    }

    /// A reading, or the end of a sensor.
    struct Sample: ReadingSample {
        var at: Instant
        var offset: UInt64
        /// The log's time at which it was first known.
        var known: Instant
        /// Nil of the end of a sensor.
        var value: ExactNumber?
        var isMilligrams = false

        func isBelow(_ threshold: Threshold) -> Bool {
            value.map { $0 < threshold.value(inMilligrams: isMilligrams) } ?? false
        }

        func isAbove(_ threshold: Threshold) -> Bool {
            value.map { $0 > threshold.value(inMilligrams: isMilligrams) } ?? false
        }

        var unit: String { isMilligrams ? "mg/dL" : "mmol/L" }
        var number: String { value?.text(places: isMilligrams ? 0 : 1) ?? "?" }
        var text: String { "\(number) \(unit)" }
    }

    static func samples(of fact: Fact, _ reader: ListReader) -> [Sample] {
        guard fact.type == .observation, let at = fact.date.instant else { return [] }
        var sample = Sample(at: at, offset: fact.offset, known: fact.known)
        guard !reader.says(fact, 1) else { return [sample] }
        guard reader.contains(fact, 0), let quantity = reader.quantity(of: fact, 0) else {
            return []
        }
        sample.isMilligrams = isMass(quantity)
        let measurement = sample.isMilligrams ? Measurement.glucoseInMilligrams : .glucose
        guard case .success(let value) = measurement.read(quantity) else { return [] }
        sample.value = value
        return [sample]
    }

    /// Whether a quantity is of a mass, not of an amount of substance.
    private static func isMass(_ quantity: ObservedQuantity) -> Bool {
        guard case .failure(let failure) = Measurement.glucoseInMilligrams.read(quantity) else {
            return true
        }
        return failure.problem == .impossibleValue
    }

    /// What of a fact cannot be read.
    static func problems(of fact: Fact, _ reader: ListReader) -> [DataProblem] {
        guard fact.type == .observation, fact.date.instant != nil, !reader.says(fact, 1),
            reader.contains(fact, 0), let quantity = reader.quantity(of: fact, 0)
        else { return [] }
        let measurement = isMass(quantity) ? Measurement.glucoseInMilligrams : .glucose
        var problems: [DataProblem] = []
        _ = measurement.read(quantity, of: fact, noting: &problems)
        return problems
    }

    // MARK: - Episodes

    static func assessEpisode(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        let state = track.state(at: input.now, input.zone, &result.until)
        let oldest = input.now.adding(milliseconds: -2 * expiresMilliseconds)
        guard let newest = state.newest, newest.at >= oldest else { return result }
        let expiresAt = newest.at.adding(milliseconds: expiresMilliseconds)
        guard expiresAt > input.now else {
            result.assessment.ending = "expired"
            return result
        }
        let veryLow = state.veryLow.low(since: oldest)
        guard let shown = veryLow ?? state.low.low(since: oldest), let first = shown.first else {
            result.assessment.ending = "recovered"
            return result
        }
        result.until = min(result.until, expiresAt)
        // By then what was last found says nothing of now.
        for decidedAt in [state.low.decidedAt, state.veryLow.decidedAt] {
            let forgottenAt = decidedAt?.adding(milliseconds: 2 * expiresMilliseconds + 1)
            if let forgottenAt, forgottenAt > input.now {
                result.until = min(result.until, forgottenAt)
            }
        }
        var assessment = Assessment(severity: veryLow != nil ? .high : .moderate)
        assessment.step = veryLow != nil ? 2 : 1
        assessment.at = shown.last?.at
        assessment.basis = basis(shown, input)
        let (level, limit) = veryLow != nil ? ("2", "3.0") : ("1", "3.9")
        assessment.rationale =
            "Low glucose, level \(level): below \(limit) mmol/L for 15 minutes or more, "
            + "\(first.text) at \(clock(first.at, input))."
        assessment.response = "Treat the low glucose; see what brought it about."
        result.assessment = assessment
        return result
    }

    private static func basis(
        _ readings: [Sample], _ input: borrowing AlgorithmInput
    ) -> [BasisRecord] {
        readings.map { reading in
            BasisRecord(
                offset: reading.offset, at: reading.at, day: input.zone.day(of: reading.at),
                value: (reading.number, reading.unit, reading.unit),
                display: "Glucose \(reading.text)")
        }
    }

    private static func clock(_ instant: Instant, _ input: borrowing AlgorithmInput) -> String {
        String(input.zone.describe(instant).dropFirst(11).prefix(5))
    }

    // MARK: - Signal

    static func assessSignal(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        let state = track.state(at: input.now, input.zone, &result.until)
        guard let last = state.newest, let began = state.began,
            last.at >= input.now.adding(milliseconds: -2 * sensorMilliseconds)
        else { return result }
        let hasEnded = state.endedAt.map { $0 >= last.at } ?? false
        let silentAt = last.at.adding(milliseconds: silentMilliseconds + 1)
        if silentAt > input.now, !hasEnded {
            result.until = min(result.until, silentAt)
            result.assessment.ending = "recovered"
            return result
        }
        let endsAt = began.adding(milliseconds: sensorMilliseconds)
        guard endsAt > input.now, !hasEnded else {
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

    /// How many readings are where.
    struct Shares {
        var count = 0
        var (veryLow, low, inRange, high, veryHigh) = (0, 0, 0, 0, 0)

        mutating func add(_ reading: Sample) {
            count += 1
            if reading.isBelow(.veryLow) { veryLow += 1 }
            if reading.isBelow(.low) {
                low += 1
            } else if reading.isAbove(.high) {
                high += 1
                if reading.isAbove(.veryHigh) { veryHigh += 1 }
            } else {
                inRange += 1
            }
        }

        mutating func add(_ other: Shares) {
            count += other.count
            veryLow += other.veryLow
            low += other.low
            inRange += other.inRange
            high += other.high
            veryHigh += other.veryHigh
        }

        /// What of the consensus targets for adults is missed.
        var missed: [String] {
            func percent(_ part: Int) -> String {
                ExactNumber(Int128(part * 100), over: Int128(max(1, count))).text(places: 2)
            }
            var missed: [String] = []
            if inRange * 100 <= 70 * count { missed.append("in range \(percent(inRange)) %") }
            if low * 100 >= 4 * count { missed.append("below 3.9 \(percent(low)) %") }
            if veryLow * 100 >= count { missed.append("below 3.0 \(percent(veryLow)) %") }
            if high * 100 >= 25 * count { missed.append("above 10.0 \(percent(high)) %") }
            if veryHigh * 100 >= 5 * count { missed.append("above 13.9 \(percent(veryHigh)) %") }
            return missed
        }
    }

    static func assessRange(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        // Nothing but the midnights and a further reading changes what whole days amount to.
        var nextReading = Instant.never
        let state = track.state(at: input.now, input.zone, &nextReading)
        let today = input.today
        let days = state.days.filter { $0.day >= today.number - rangeDays }
        guard !days.isEmpty else { return result }
        result.until = input.zone.start(of: today.adding(days: 1) ?? .last)
        result.assessment.ending = "expired"
        let whole = days.filter { $0.day < today.number }
        guard let newest = whole.last?.newest, isSufficient(whole) else { return result }
        var shares = Shares()
        for day in whole { shares.add(day.shares) }
        guard !shares.missed.isEmpty else {
            result.assessment.ending = "recovered"
            return result
        }
        let isLow = shares.low * 100 >= 4 * shares.count || shares.veryLow * 100 >= shares.count
        var assessment = Assessment(severity: isLow ? .moderate : .low)
        assessment.step = isLow ? 2 : 1
        assessment.basis = basis([newest], input)
        assessment.rationale =
            "Glucose off target in the 14 days before \(today): "
            + "\(shares.missed.joined(separator: ", ")), of \(shares.count) readings."
        assessment.response = "Review the treatment at the next contact."
        result.assessment = assessment
        return result
    }

    /// Whether there are 70 % of the readings that a sensor of this rhythm makes in 14 days.
    private static func isSufficient(_ days: [Machine.Day]) -> Bool {
        var gaps: [Int16: Int] = [:]
        for day in days {
            for gap in day.gaps { gaps[gap.steps, default: 0] += gap.count }
        }
        // The first reading's gap is to one of another day.
        if let first = days.first?.firstGap { gaps[first, default: 0] -= 1 }
        let sorted = gaps.sorted { $0.key < $1.key }
        let total = sorted.reduce(0) { $0 + $1.value }
        guard total > 0 else { return false }
        var passed = 0
        var rhythm: Int64 = 0
        for (steps, count) in sorted {
            passed += count
            rhythm = Int64(steps) * gapStepMilliseconds
            if passed > total / 2 { break }
        }
        let count = days.reduce(0) { $0 + $1.shares.count }
        return Int64(count) * 100 >= sensorMilliseconds / rhythm * 70
    }
}
