// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension News2 {
    /// One set of readings and its score.
    struct ReadingSet {
        var at: Instant
        /// One of each parameter, in the order of `Parameter`.
        var readings = [Reading?](repeating: nil, count: Parameter.allCases.count)
        var usesScale2 = false

        init(at: Instant) {
            self.at = at
        }

        subscript(_ parameter: Parameter) -> Reading? { readings[parameter.rawValue] }

        var isComplete: Bool { readings.allSatisfy { $0 != nil } }

        /// Whether all of it was measured at one moment.
        var isOneRound: Bool { readings.allSatisfy { $0?.at == at } }

        /// The score of each parameter that is known.
        var scores: [Int?] {
            Parameter.allCases.map { parameter in
                self[parameter].map { score(parameter, $0.value) }
            }
        }

        var total: Int { scores.reduce(0) { $0 + ($1 ?? 0) } }

        var hasRedScore: Bool { scores.contains(3) }

        var triggers: Bool { step > 0 }

        /// How urgent a response its score asks for: 3 for 7 or more, 2 for 5 and 6, 1 for a single
        /// 3; 0 for none.
        var step: Int {
            let total = total
            return total >= 7 ? 3 : total >= 5 ? 2 : hasRedScore ? 1 : 0
        }

        private func score(_ parameter: Parameter, _ value: ExactNumber) -> Int {
            switch parameter {
            case .respiratoryRate:
                return band(value, [(8, 3), (11, 1), (20, 0), (24, 2)], above: 3)
            case .saturation where usesScale2:
                let low = band(value, [(83, 3), (85, 2), (87, 1)], above: 0)
                guard self[.oxygen]?.value == ExactNumber(1), value > ExactNumber(92) else {
                    return low
                }
                return band(value, [(94, 1), (96, 2)], above: 3)
            case .saturation: return band(value, [(91, 3), (93, 2), (95, 1)], above: 0)
            case .oxygen: return value == ExactNumber(0) ? 0 : 2
            case .systolic: return band(value, [(90, 3), (100, 2), (110, 1), (219, 0)], above: 3)
            case .pulse:
                return band(value, [(40, 3), (50, 1), (90, 0), (110, 1), (130, 2)], above: 3)
            case .consciousness: return value == ExactNumber(0) ? 0 : 3
            case .temperature:
                let tenths = value * ExactNumber(10)
                return band(tenths, [(350, 3), (360, 1), (380, 0), (390, 1)], above: 2)
            }
        }

        /// The score of the first band that ends at or above a value.
        private func band(
            _ value: ExactNumber, _ bands: [(end: Int128, score: Int)], above: Int
        ) -> Int {
            bands.first { value <= ExactNumber($0.end) }?.score ?? above
        }
    }
}

// MARK: - In words

extension News2.ReadingSet {
    private static let code = Coding(
        system: "http://snomed.info/sct", code: "1104051000000101",
        display:
            "Royal College of Physicians NEWS2 (National Early Warning Score 2) total score")

    func assessment(_ input: borrowing AlgorithmInput) -> Assessment {
        let total = total
        var assessment = Assessment(severity: step == 3 ? .high : .moderate)
        assessment.step = step
        assessment.isComplete = isComplete
        assessment.at = at
        assessment.score = ScoreObservation(
            id: "news2", code: News2.ReadingSet.code, at: at, total: total, parts: parts)
        assessment.basis = basis(input)
        assessment.rationale = rationale(input)
        assessment.response =
            switch assessment.step {
            case 3:
                "RCP response for 7 or more: emergency assessment by a team with critical-care "
                    + "competencies; continuous monitoring."
            case 2:
                "RCP response for 5 or 6: urgent assessment by a clinician competent in acute "
                    + "illness; monitoring at least hourly."
            default:
                "RCP response for a single parameter of 3: urgent ward-based review; monitoring "
                    + "at least hourly."
            }
        return assessment
    }

    private var parts: [ScoreObservation.Part] {
        let texts: [(String, String)] = [
            ("1104301000000104", "respiration rate score"),
            usesScale2
                ? ("1104321000000108", "oxygen saturation scale 2 score")
                : ("1104311000000102", "oxygen saturation scale 1 score"),
            ("1104331000000105", "air or oxygen score"),
            ("1104341000000101", "systolic blood pressure score"),
            ("1104351000000103", "pulse score"), ("1104361000000100", "consciousness score"),
            ("1104371000000107", "temperature score"),
        ]
        return zip(texts, scores).compactMap { text, score in
            score.map { ScoreObservation.Part(code: text.0, text: text.1, score: $0) }
        }
    }

    /// How the oxygen saturation was taken: `on air, scale 1`.
    private var circumstances: String {
        let scale = "scale \(usesScale2 ? 2 : 1)"
        guard let oxygen = self[.oxygen] else { return scale }
        return (oxygen.value == ExactNumber(0) ? "on air, " : "on oxygen, ") + scale
    }

    private func basis(_ input: borrowing AlgorithmInput) -> [BasisRecord] {
        var records: [BasisRecord] = []
        for parameter in News2.Parameter.allCases {
            guard let reading = self[parameter] else { continue }
            let text = reading.value.text(places: 1)
            var value: (text: String, unit: String, display: String)?
            let display: String
            switch parameter {
            case .respiratoryRate:
                value = (text, "/min", "/min")
                display = "Respiratory rate \(text)/min"
            case .saturation:
                value = (text, "%", "%")
                let circumstances =
                    self[.oxygen] == nil ? ", \(circumstances)" : " \(circumstances)"
                display = "SpO2 \(text) %" + circumstances
            case .systolic:
                value = (text, "mm[Hg]", "mmHg")
                display = "Systolic blood pressure \(text) mmHg"
            case .pulse:
                value = (text, "/min", "/min")
                display = "Pulse \(text)/min"
            case .temperature:
                value = (text, "Cel", "Cel")
                display = "Temperature \(text) Cel"
            case .oxygen, .consciousness: display = reading.display
            }
            records.append(
                BasisRecord(
                    offset: reading.offset, at: reading.at, day: input.zone.day(of: reading.at),
                    value: value, display: display))
        }
        return records
    }

    private func rationale(_ input: borrowing AlgorithmInput) -> String {
        let scores = scores
        let shown: [(News2.Parameter, String)] = [
            (.respiratoryRate, "respiratory rate #"), (.saturation, "SpO2 # %"),
            (.systolic, "systolic #"), (.pulse, "pulse #"), (.temperature, "temperature #"),
            (.consciousness, ""), (.oxygen, "oxygen"),
        ]
        var items: [String] = []
        for (parameter, template) in shown {
            guard let reading = self[parameter], let score = scores[parameter.rawValue] else {
                continue
            }
            if parameter == .oxygen, score == 0 { continue }
            var text =
                parameter == .consciousness
                ? News2.ReadingSet.lowercased(reading.display)
                : template.split(separator: "#", omittingEmptySubsequences: false)
                    .joined(separator: reading.value.text(places: 1))
            if parameter == .saturation {
                text += (self[.oxygen] == nil ? ", " : " ") + circumstances
            }
            items.append("\(text) (\(score))")
        }
        let band = total >= 7 ? "high" : total >= 5 ? "medium" : "low-medium"
        return "NEWS2 \(total), \(band): \(items.joined(separator: ", ")). \(extent(input))"
    }

    private static func lowercased(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }

    /// How much of a set it is, and when it was taken.
    private func extent(_ input: borrowing AlgorithmInput) -> String {
        let moments = readings.compactMap { $0?.at }
        let times = (moments.min() ?? at, moments.max() ?? at)
        func clock(_ instant: Instant) -> String {
            String(input.zone.describe(instant).dropFirst(11).prefix(5))
        }
        let when =
            times.0 == times.1
            ? "at \(clock(times.1))" : "between \(clock(times.0)) and \(clock(times.1))"
        guard !isComplete else { return "All seven parameters \(when)." }
        return "\(moments.count) of seven parameters \(when): the score is at least this."
    }
}
