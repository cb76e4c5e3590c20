// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

@testable import VigilCore

/// `News2` over the whole list of readings, from the newest back: slow and plain.
enum PaperNews2 {
    private enum Role: Int {
        case respiratoryRate, saturation, roomAir, onOxygen, flow, inspired, systolic, pulse
        case alert, confusion, voice, pain, unresponsive, temperature, scale2, scale1
    }

    private typealias Parameter = News2.Parameter
    private typealias Reading = News2.Reading
    private typealias ReadingSet = News2.ReadingSet

    /// An instruction to use one scale or the other for SpO2.
    private struct Instruction {
        var at: Instant
        var isScale2: Bool
    }

    /// The readings of a patient, of each parameter the newest first.
    private struct History {
        var readings = Array(repeating: [Reading](), count: Parameter.allCases.count)
        var instructions: [Instruction] = []
        var problems: [DataProblem] = []
        var until = Instant.never

        /// The moments at which something was measured, newest first.
        var moments: [Instant] {
            Set(readings.joined().map(\.at)).sorted(by: >)
        }

        func set(at moment: Instant) -> ReadingSet {
            let earliest = moment.adding(milliseconds: -News2.setMilliseconds)
            var set = ReadingSet(at: moment)
            for (parameter, known) in readings.enumerated() {
                guard let first = known.first(where: { $0.at <= moment }), first.at >= earliest
                else { continue }
                // Whoever is said to be on oxygen and on air at once is on oxygen.
                set.readings[parameter] =
                    parameter == Parameter.oxygen.rawValue
                    ? known.first { $0.at == first.at && $0.value != ExactNumber(0) } ?? first
                    : first
            }
            set.usesScale2 =
                instructions.first { $0.at <= moment }?.isScale2 ?? false
            return set
        }
    }

    // MARK: - Assessment

    static func assess(_ input: borrowing AlgorithmInput) -> AlgorithmResult {
        assess(read(input, from: .first), input, isWhole: true)
            ?? AlgorithmResult(assessment: Assessment(), until: .never)
    }

    /// Nil where older readings have to decide.
    private static func assess(
        _ history: History, _ input: borrowing AlgorithmInput, isWhole: Bool
    ) -> AlgorithmResult? {
        var newest: ReadingSet?
        var isRaised = false
        var complete: Instant?
        var beginning: Instant?
        var isDecided = false
        // Whether what was before the newest complete set no longer counts.
        var isSettled = false
        var waitsUntil = history.until
        for moment in history.moments {
            let set = history.set(at: moment)
            let roundEnds = set.isOneRound ? input.now : roundEnd(of: set, input)
            guard roundEnds <= input.now else {
                waitsUntil = min(waitsUntil, roundEnds)
                continue
            }
            if set.triggers {
                // Going back: a part of a set stands unless what was before it came to more.
                if let shown = newest {
                    if !isSettled, set.step > shown.step { newest = set }
                } else {
                    newest = set
                }
                if set.isComplete { isSettled = true }
                beginning = moment
                if wasTimely(set, history, input) { isRaised = true }
            }
            guard set.isComplete else { continue }
            complete = complete ?? moment
            isDecided = isRaised || !set.triggers
            if isDecided { break }
        }
        guard isDecided || isWhole else { return nil }
        var result = AlgorithmResult(
            assessment: Assessment(ending: complete == nil ? nil : "recovered"),
            until: waitsUntil, problems: history.problems)
        guard isRaised, let newest, let beginning else { return result }
        let stalesAt = max(complete ?? beginning, beginning)
            .adding(milliseconds: News2.staleMilliseconds)
        result.assessment = newest.assessment(input)
        result.assessment.isStale = stalesAt <= input.now
        if stalesAt > input.now { result.until = min(result.until, stalesAt) }
        return result
    }

    /// When no more is waited for of a set that is not of one moment.
    private static func roundEnd(
        of set: ReadingSet, _ input: borrowing AlgorithmInput
    ) -> Instant {
        let known = set.readings.compactMap { $0?.known }
        return (known.max() ?? input.now).adding(milliseconds: News2.roundMilliseconds)
    }

    /// Whether the newest readings of a set were known while they could be acted on.
    private static func wasTimely(
        _ set: ReadingSet, _ history: History, _ input: borrowing AlgorithmInput
    ) -> Bool {
        for reading in set.readings {
            guard let reading, reading.at == set.at else { continue }
            if reading.known <= reading.at.adding(milliseconds: News2.staleMilliseconds) {
                return true
            }
        }
        return false
    }

    // MARK: - Reading

    private static func read(_ input: borrowing AlgorithmInput, from day: CivilDay) -> History {
        var history = History()
        for index in input.patient.facts.indices.reversed() {
            let fact = input.patient.facts[index]
            let isInstruction = note(fact, input, &history)
            guard fact.day >= day, !isInstruction, fact.type == .observation else { continue }
            guard let at = fact.date.instant else { continue }
            guard at <= input.now else {
                history.until = min(history.until, at)
                continue
            }
            read(fact, index, at: at, input, &history)
        }
        return history
    }

    private static func note(
        _ fact: Fact, _ input: borrowing AlgorithmInput, _ history: inout History
    ) -> Bool {
        let isScale2 = input.says(fact, Role.scale2.rawValue)
        guard isScale2 || input.says(fact, Role.scale1.rawValue) else { return false }
        let at = fact.date.instant ?? input.zone.start(of: fact.day)
        if at > input.now {
            history.until = min(history.until, at)
        } else {
            history.instructions.append(Instruction(at: at, isScale2: isScale2))
        }
        return true
    }

    private static func read(
        _ fact: Fact, _ index: Int, at: Instant, _ input: borrowing AlgorithmInput,
        _ history: inout History
    ) {
        func add(_ parameter: Parameter, _ value: ExactNumber, _ display: String) {
            history.readings[parameter.rawValue].append(
                Reading(
                    offset: fact.offset, at: at, known: fact.known, value: value, display: display))
        }
        for (role, parameter, measurement) in measured where input.contains(fact, role.rawValue) {
            guard let quantity = input.quantity(of: fact, role.rawValue),
                let value = measurement.read(quantity, of: fact, noting: &history.problems)
            else { continue }
            if parameter == .oxygen {
                let limit = ExactNumber(role == .flow ? 0 : 21)
                add(.oxygen, ExactNumber(value > limit ? 1 : 0), News2.oxygenDisplay(value > limit))
            } else {
                add(parameter, rounded(value, of: parameter), "")
            }
        }
        for (role, isOxygen) in [(Role.onOxygen, true), (.roomAir, false)]
        where input.says(fact, role.rawValue) {
            add(.oxygen, ExactNumber(isOxygen ? 1 : 0), News2.oxygenDisplay(isOxygen))
        }
        for (role, display) in levels where input.says(fact, role.rawValue) {
            add(.consciousness, ExactNumber(role == .alert ? 0 : 3), display)
        }
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

    private static func rounded(_ value: ExactNumber, of parameter: Parameter) -> ExactNumber {
        value.rounded(places: parameter == .temperature ? 1 : 0)
    }
}
