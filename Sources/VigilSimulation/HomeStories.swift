// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

extension MonitoringStory {
    /// One of ten kinds of people who measure themselves at home.
    mutating func tellHome() {
        switch index % 10 {
        case 0: tellWeights(gaining: true)
        case 1: tellWeights(gaining: false)
        case 2: tellSaturations(hasTarget: false)
        case 3: tellSaturations(hasTarget: true)
        case 4: tellGlucose(.persistentLow)
        case 5: tellGlucose(.veryLow)
        case 6: tellGlucose(.lostSignal)
        case 7: tellGlucose(.high)
        case 8: tellPressures(isHigh: false)
        default: tellPressures(isHigh: true)
        }
    }

    // MARK: - Weight

    /// A weight each morning with heart failure; in between another's, and one in pounds.
    private mutating func tellWeights(gaining: Bool) {
        send(.condition(.snomed("84114007")), at: moment(day: 0, minute: 5))
        let weight = SentReading.Code.loinc("29463-7")
        let base = 700 + draws.below(200)
        let onset = 5 + index / 10 % 3
        for day in 0..<days {
            let at = moment(day: day, minute: 7 * 60 + draws.below(20))
            var tenths = base + draws.below(7)
            if gaining, day >= onset {
                tenths += 30
                switch day - onset {
                case 0: begin("hf-w2", at: at, "Three kilograms more overnight.")
                case 3: end("hf-w2", at: at)
                default: break
                }
            } else if day % 4 == 3 {
                // 1.9 kg above a morning that may be 0.6 kg higher than the lowest: no more than 2.
                tenths = base + 19
            }
            send(.quantity(weight, MonitoringStory.tenths(tenths), unit: "kg"), at: at)
            if day % 5 == 2 {
                let other = at.adding(milliseconds: 600_000)
                send(.quantity(weight, MonitoringStory.tenths(base - 220), unit: "kg"), at: other)
            }
        }
    }

    // MARK: - Oxygen

    private mutating func tellSaturations(hasTarget: Bool) {
        let code = SentReading.Code.loinc("59408-5")
        if hasTarget {
            let instruction = SentReading.Code.instruction("spo2-target-88-92")
            send(.coded(instruction, value: instruction), at: moment(day: 0, minute: 5))
        }
        for day in 0..<days {
            for time in 0..<3 {
                let at = moment(day: day, minute: 480 + time * 300 + draws.below(30))
                let usual = hasTarget ? draws.within(89...91) : draws.within(95...98)
                let slot = day * 3 + time - 9 - index % 4
                if slot >= 0, slot % 12 == 0 {
                    tellLow(code, at: at, hasTarget: hasTarget, isUrgent: slot % 24 == 0)
                    continue
                }
                send(.quantity(code, String(usual), unit: "%"), at: at)
                end("copd-o2", at: at)
                // A probe that slipped, and one low reading with a better one after it.
                if time == 1 {
                    send(
                        .quantity(code, "41", unit: "%"), at: at.adding(milliseconds: 300_000))
                }
                if hasTarget, slot % 12 == 6 {
                    send(
                        .quantity(code, "87", unit: "%"), at: at.adding(milliseconds: 900_000))
                    send(
                        .quantity(code, "90", unit: "%"), at: at.adding(milliseconds: 1_300_000))
                }
            }
        }
    }

    private mutating func tellLow(
        _ code: SentReading.Code, at: Instant, hasTarget: Bool, isUrgent: Bool
    ) {
        guard hasTarget else {
            send(.quantity(code, isUrgent ? "91" : "94", unit: "%"), at: at)
            begin("copd-o2", at: at, "A low saturation without lung disease.")
            return
        }
        send(.quantity(code, "87", unit: "%"), at: at)
        let second = at.adding(milliseconds: 360_000)
        send(.quantity(code, "86", unit: "%"), at: second)
        begin("copd-o2", at: second, "Two saturations below the target, six minutes apart.")
    }

    // MARK: - Glucose

    private enum Sensor {
        case persistentLow, veryLow, lostSignal, high
    }

    /// A sensor that sends every five minutes.
    private mutating func tellGlucose(_ sensor: Sensor) {
        var skipped = 0
        for number in 0..<days * 288 {
            let (day, slot) = (number / 288, number % 288)
            // Whatever the clock does, a sensor keeps its rhythm.
            let at = moment(day: 0, minute: number * 5)
            var tenths =
                sensor == .high
                ? 90 + (slot / 24 % 6) * 8 + draws.below(5) : 55 + slot % 30 + draws.below(5)
            let episode = slot - 100 - index % 40
            if sensor == .persistentLow && day % 2 == 1 || sensor == .veryLow && day % 4 == 1 {
                switch episode {
                case 0..<6:
                    tenths = sensor == .veryLow ? 28 : 36
                    if episode == 3 { begin("cgm", at: at, "Low for a quarter of an hour.") }
                case 6..<10:
                    tenths = 52
                    if episode == 9 { end("cgm", at: at) }
                // Ten minutes are not fifteen.
                case 40..<43: tenths = 37
                default: break
                }
            }
            if sensor == .lostSignal, day % 3 == 1, (0..<9).contains(episode) {
                skipped += 1
                if skipped == 1 {
                    let last = at.adding(milliseconds: -300_000)
                    begin(
                        "cgm-stale", at: last.adding(milliseconds: 20 * 60_000 + 1),
                        "Forty-five minutes without a reading.")
                }
                continue
            }
            if skipped > 0 { end("cgm-stale", at: at) }
            skipped = 0
            // Once a day two readings are lost, which is no lost signal.
            if slot == 60 || slot == 61, sensor == .lostSignal { continue }
            send(
                .quantity(.loinc("105272-9"), MonitoringStory.tenths(tenths), unit: "mmol/L"),
                at: at)
        }
        // Ten whole days are 70 % of fourteen.
        if sensor == .high, days > 10 {
            plant(
                "cgm-tir", from: moment(day: 10, minute: 0), to: nil,
                "A third of the readings above 10.0 mmol/L.")
        }
    }

    // MARK: - Blood pressure

    /// Two readings a day; in one of two people high all the time, in the other very high once.
    private mutating func tellPressures(isHigh: Bool) {
        for day in 0..<days {
            for (time, hour) in [8, 19].enumerated() {
                let at = moment(day: day, minute: hour * 60 + draws.below(40))
                let systolic = isHigh ? 141 + draws.below(6) : 116 + draws.below(8)
                let diastolic = isHigh ? 86 + draws.below(4) : 68 + draws.below(8)
                if !isHigh, day == 7, time == 1 {
                    send(.pressure(systolic: 186, diastolic: 112), at: at)
                    let second = at.adding(milliseconds: 180_000)
                    send(.pressure(systolic: 184, diastolic: 118), at: second)
                    begin("bp-crisis", at: second, "Twice above 180, three minutes apart.")
                    continue
                }
                if !isHigh, day == 1, time == 0 {
                    // Once above 180, and not when it is repeated; more than a week before the
                    // crisis has passed, or both would raise the average.
                    send(
                        .pressure(systolic: 183, diastolic: 100),
                        at: at.adding(milliseconds: -240_000))
                }
                send(.pressure(systolic: systolic, diastolic: diastolic), at: at)
                end("bp-crisis", at: at)
                // The first of four days with two readings is not counted.
                if isHigh, day == 3, time == 1 {
                    plant("bp-home", from: at, to: nil, "Four days above 135/85.")
                }
            }
        }
    }
}
