// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension MonitoringStory {
    /// Vital signs of one round; temperature in tenths.
    private struct Round {
        var respiratoryRate = 16
        var saturation = 97
        var isOnOxygen = false
        var systolic = 124
        var pulse = 76
        var isAlert = true
        var temperature: Int? = 368

        /// Seven points or more.
        static let severe = Round(
            respiratoryRate: 26, saturation: 90, isOnOxygen: true, systolic: 98, pulse: 132,
            temperature: 392)
        /// Five points, none of three.
        static let moderate = Round(respiratoryRate: 22, saturation: 93, pulse: 95)
    }

    /// A patient with a round of vital signs every four hours and a creatinine a day.
    mutating func tellWard() {
        for day in 0..<days {
            for round in 0..<6 {
                let minute = 120 + round * 240 + draws.below(30)
                tellRound(of: day, round, at: moment(day: day, minute: minute))
            }
        }
        tellCreatinine()
        tellNoise()
    }

    /// A round's vital signs, at the times that the kind of story asks for.
    private mutating func tellRound(of day: Int, _ round: Int, at moment: Instant) {
        let number = day * 6 + round
        let first = 14 + index % 9
        switch (index % 5, number - first) {
        case (0, 0), (0, 1):
            let last = send(.severe, at: moment)
            if number == first { begin("news2", at: last, "Two rounds of seven points and more.") }
        case (1, 0):
            var drowsy = harmless()
            drowsy.isAlert = false
            let last = send(drowsy, at: moment)
            begin("news2", at: last, "Answers only to voice: a single three.")
        case (2, 0):
            begin("news2", at: send(.moderate, at: moment), "Five points, then more.")
        case (2, 1):
            // It gets worse: the same alert, on another topic.
            send(.severe, at: moment)
        case (3, 0):
            var partial = Round.severe
            partial.temperature = nil
            let last = send(partial, at: moment)
            // What is not whole waits two minutes for the rest.
            begin(
                "news2", at: last.adding(milliseconds: 120_000),
                "Severe, and the temperature not taken.")
        case (_, let past) where past > 0 && isOpen("news2"):
            let last = send(harmless(), at: moment)
            end("news2", at: last)
        default:
            send(harmless(), at: moment)
        }
    }

    /// At most four points, and no three among them.
    private mutating func harmless() -> Round {
        var round = Round(
            respiratoryRate: draws.within(12...20), saturation: draws.within(96...99),
            systolic: draws.within(112...180), pulse: draws.within(52...90),
            temperature: draws.within(362...379))
        switch draws.below(6) {
        case 0: round.saturation = draws.within(94...95)
        case 1: round.isOnOxygen = true
        case 2: (round.pulse, round.temperature) = (104, 384)
        case 3: (round.respiratoryRate, round.systolic) = (22, 106)
        default: break
        }
        return round
    }

    /// Sends a round, a second apart; gives when the last of it is sent.
    @discardableResult
    private mutating func send(_ round: Round, at moment: Instant) -> Instant {
        var contents: [SentReading.Content] = [
            .quantity(.loinc("9279-1"), String(round.respiratoryRate), unit: "/min"),
            .quantity(.loinc("59408-5"), String(round.saturation), unit: "%"),
            .quantity(.loinc("3151-8"), round.isOnOxygen ? "2" : "0", unit: "L/min"),
            .quantity(.loinc("8480-6"), String(round.systolic), unit: "mm[Hg]"),
            .quantity(.loinc("8867-4"), String(round.pulse), unit: "/min"),
            .coded(
                .snomed("1104441000000107"),
                value: .snomed(round.isAlert ? "248234008" : "300202002")),
        ]
        if let temperature = round.temperature {
            contents.append(
                .quantity(
                    .loinc("8310-5"), MonitoringStory.tenths(temperature), unit: "Cel"))
        }
        var last = moment
        for (number, content) in contents.enumerated() {
            let delay = Int64(number + 1) * 1000
            send(content, at: moment, afterMilliseconds: delay)
            last = moment.adding(milliseconds: delay)
        }
        return last
    }

    /// Around 80 µmol/L, and in one of four patients an injury of two stages.
    private mutating func tellCreatinine() {
        for day in 0..<days {
            let at = moment(day: day, minute: 6 * 60 + index % 50)
            var value = 76 + draws.below(9)
            if index % 4 == 1 {
                switch day {
                case 7:
                    value = 130
                    begin("aki", at: at, "Creatinine over 1.5 times the lowest of a week.")
                case 8: value = 190
                case 9:
                    value = 84
                    end("aki", at: at)
                default: break
                }
            } else if index % 4 == 3, day == 7 {
                // 1.3 times, and no more than 26 above the lowest of two days.
                value = 100
            }
            send(.quantity(.snomed("1000731000000107"), String(value), unit: "umol/L"), at: at)
        }
    }

    /// What nobody may be alerted to: a slipped probe, a unit that nobody knows.
    private mutating func tellNoise() {
        for day in stride(from: 1, to: days, by: 3) {
            let at = moment(day: day, minute: 14)
            if index % 2 == 0 {
                send(.quantity(.loinc("59408-5"), "0", unit: "%"), at: at)
            } else {
                send(.quantity(.loinc("8310-5"), "99.1", unit: "warm"), at: at)
            }
        }
    }
}
