// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The National Early Warning Score 2 (Royal College of Physicians, 2017; clinical.md section 3.1).
///
/// A set is the latest of each parameter within the hour before the newest of them. One that
/// triggers raises, also incomplete (the score is then a lower bound, and lowers nothing); only a
/// complete one below all triggers ends what was raised. One that is not whole, or mixes moments,
/// waits for the rest of its round first.
enum News2 {
    static let lists = [
        "respiratory-rate", "spo2", "room-air", "on-oxygen", "oxygen-flow", "inspired-oxygen",
        "systolic", "pulse", "alert", "confusion", "voice", "pain", "unresponsive", "temperature",
        "spo2-scale-2", "spo2-scale-1",
    ]

    private enum Role: Int {
        case respiratoryRate, saturation, roomAir, onOxygen, flow, inspired, systolic, pulse
        case alert, confusion, voice, pain, unresponsive, temperature, scale2, scale1
    }

    enum Parameter: Int, CaseIterable {
        case respiratoryRate, saturation, oxygen, systolic, pulse, consciousness, temperature
    }

    static let setMilliseconds: Int64 = 60 * 60_000
    static let staleMilliseconds: Int64 = 12 * 3_600_000
    /// The readings of one round come as separate events: so long is waited for the rest.
    static let roundMilliseconds: Int64 = 2 * 60_000
    /// What one record says of one parameter.
    struct Reading {
        var offset: UInt64
        var at: Instant
        /// The log's time at which it was first known.
        var known: Instant
        /// The value; for air or oxygen 0 or 1, for consciousness 0 where alert.
        var value: ExactNumber
        var display: String
    }

    // MARK: - Assessment

    static func assess(
        _ input: borrowing AlgorithmInput, _ track: ReadingTrack<Machine>?
    ) -> AlgorithmResult {
        var result = AlgorithmResult(assessment: Assessment(), until: .never)
        guard let track else { return result }
        var state = track.state
        // Whether a late reading waits for its round in a set that may have been judged without it.
        var isReopened = false
        for moment in ReadingTrack<Machine>.moments(track.open[...]) {
            guard let at = moment.first?.at, at <= input.now else {
                result.until = min(result.until, moment.first?.at ?? .never)
                break
            }
            if let waitsUntil = Machine.waits(for: moment, now: input.now) {
                state.keep(moment)
                result.until = min(result.until, waitsUntil)
                if moment.contains(where: { !Machine.waits(for: $0, now: input.now) }) {
                    isReopened = true
                }
                continue
            }
            guard let set = state.note(moment) else { continue }
            let roundEnds = Machine.roundEnd(of: set)
            if set.isOneRound || roundEnds <= input.now {
                state.judge(set)
            } else {
                isReopened = true
                result.until = min(result.until, roundEnds)
            }
        }
        if isReopened { result.keepsAfter = state.complete ?? Instant(milliseconds: .min) }
        if state.complete != nil { result.assessment.ending = "recovered" }
        guard state.isRaised, let newest = state.newest, let beginning = state.beginning else {
            return result
        }
        let stalesAt = max(state.complete ?? beginning, beginning)
            .adding(milliseconds: staleMilliseconds)
        result.assessment = newest.assessment(input)
        result.assessment.isStale = stalesAt <= input.now
        if stalesAt > input.now { result.until = min(result.until, stalesAt) }
        return result
    }

    // MARK: - Reading

    /// What a fact says of the score's parameters, or of the scale to be used for SpO2.
    static func samples(of fact: Fact, _ reader: ListReader, zone: ZoneTable) -> [Sample] {
        let isScale2 = reader.says(fact, Role.scale2.rawValue)
        if isScale2 || reader.says(fact, Role.scale1.rawValue) {
            let at = fact.date.instant ?? zone.start(of: fact.day)
            return [Sample(at: at, offset: fact.offset, content: .scale(isScale2: isScale2))]
        }
        guard fact.type == .observation, let at = fact.date.instant else { return [] }
        var samples: [Sample] = []
        func add(_ parameter: Parameter, _ value: ExactNumber, _ display: String) {
            let reading = Reading(
                offset: fact.offset, at: at, known: fact.known, value: value, display: display)
            samples.append(
                Sample(at: at, offset: fact.offset, content: .reading(parameter, reading)))
        }
        var problems: [DataProblem] = []
        for (role, parameter, measurement) in measured where reader.contains(fact, role.rawValue) {
            guard let quantity = reader.quantity(of: fact, role.rawValue),
                let value = measurement.read(quantity, of: fact, noting: &problems)
            else { continue }
            if parameter == .oxygen {
                let limit = ExactNumber(role == .flow ? 0 : 21)
                add(.oxygen, ExactNumber(value > limit ? 1 : 0), oxygenDisplay(value > limit))
            } else {
                add(parameter, rounded(value, of: parameter), "")
            }
        }
        for (role, isOxygen) in [(Role.onOxygen, true), (.roomAir, false)]
        where reader.says(fact, role.rawValue) {
            add(.oxygen, ExactNumber(isOxygen ? 1 : 0), oxygenDisplay(isOxygen))
        }
        for (role, display) in levels where reader.says(fact, role.rawValue) {
            add(.consciousness, ExactNumber(role == .alert ? 0 : 3), display)
        }
        return samples
    }

    /// What of a fact cannot be read.
    static func problems(of fact: Fact, _ reader: ListReader) -> [DataProblem] {
        var problems: [DataProblem] = []
        for (role, _, measurement) in measured where reader.contains(fact, role.rawValue) {
            guard let quantity = reader.quantity(of: fact, role.rawValue) else { continue }
            _ = measurement.read(quantity, of: fact, noting: &problems)
        }
        return problems
    }

    private static let measured: [(Role, Parameter, Measurement)] = [
        (.respiratoryRate, .respiratoryRate, .respiratoryRate),
        (.saturation, .saturation, .oxygenSaturation),
        (.flow, .oxygen, .oxygenFlow), (.inspired, .oxygen, .inspiredOxygen),
        (.systolic, .systolic, .bloodPressure), (.pulse, .pulse, .pulse),
        (.temperature, .temperature, .temperature),
    ]

    private static let levels: [(Role, String)] = [
        (.alert, "Alert"), (.confusion, "New confusion"), (.voice, "Responds to voice"),
        (.pain, "Responds to pain"), (.unresponsive, "Unresponsive"),
    ]

    static func oxygenDisplay(_ isOxygen: Bool) -> String {
        isOxygen ? "Breathing oxygen" : "Breathing room air"
    }

    private static func rounded(_ value: ExactNumber, of parameter: Parameter) -> ExactNumber {
        value.rounded(places: parameter == .temperature ? 1 : 0)
    }
}
