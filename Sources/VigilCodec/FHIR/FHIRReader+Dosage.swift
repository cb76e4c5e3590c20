// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// What is kept of directions.
struct DirectionsText {
    /// The text that facts keep; nil where they say nothing.
    var text: String?
    /// Whether a route is by inhalation; nil where none says.
    var isInhaled: Bool?
}

/// Directions: how much of a medicine is taken, and how often.
extension FHIRReader {
    mutating func directions(_ name: MemberName) -> DirectionsText {
        guard let array = element(name, of: resource) else { return DirectionsText() }
        return kept(array, in: directionTexts) { $0.unknownDirections($1) }
    }

    private mutating func unknownDirections(_ array: JSONValue) -> DirectionsText {
        var instructions: [DosageInstruction] = []
        var routes: [Bool?] = []
        for item in objects(array) {
            instructions.append(instruction(item))
            routes.append(isInhaled(item))
        }
        return DirectionsText(
            text: DosageInstruction.text(of: instructions),
            isInhaled: MedicineForm.isInhaled(of: routes))
    }

    /// Whether an instruction's route is by inhalation; nil where it does not say.
    private mutating func isInhaled(_ item: JSONValue) -> Bool? {
        let route = leniently { reader in
            reader.object(.route, of: item).map { reader.concept($0) }
        }
        guard let route else { return nil }
        return MedicineForm.isInhaled(
            of: [MedicineForm.isInhaled(route: route.codings), route.isInhaled])
    }

    private mutating func instruction(_ item: JSONValue) -> DosageInstruction {
        var instruction = DosageInstruction()
        instruction[.wording] = text(.text, of: item).flatMap(DosageWording.frequency)
        instruction[.sequence] = number(.sequence, of: item)
        let isAsNeeded = boolean(.asNeededBoolean, of: item) ?? false
        if isAsNeeded || object(.asNeededCodeableConcept, of: item) != nil {
            instruction[.asNeeded] = "yes"
        }
        if let timing = object(.timing, of: item) { readTiming(timing, into: &instruction) }
        readDose(item, into: &instruction)
        if let most = object(.maxDosePerPeriod, of: item) {
            let dose = quantity(.numerator, of: most)
            let period = quantity(.denominator, of: most)
            instruction[.mostDose] = dose?.value
            instruction[.mostUnit] = dose?.unit
            instruction[.mostPeriod] = period?.value
            instruction[.mostPeriodUnit] = period?.unit
        }
        return instruction
    }

    private mutating func readTiming(
        _ timing: JSONValue, into instruction: inout DosageInstruction
    ) {
        if let code = element(.code, of: timing).map({ concept($0) }) {
            instruction[.code] = code.codings.first?.code
            if instruction[.wording] == nil {
                instruction[.wording] = code.text.flatMap(DosageWording.frequency)
            }
        }
        var days: [String] = []
        for event in values(.event, of: timing) {
            if let day = dateTime(event)?.writtenDay { days.append(String(day.number)) }
        }
        instruction[.eventDays] = days.isEmpty ? nil : days.joined(separator: ",")
        guard let rhythm = object(.repeat, of: timing) else { return }
        for (name, part) in FHIRReader.rhythmParts {
            instruction[part] = number(name, of: rhythm)
        }
        instruction[.periodUnit] = text(.periodUnit, of: rhythm)
        let weekdays = values(.dayOfWeek, of: rhythm).compactMap { text(of: $0) }
        instruction[.weekdays] = weekdays.isEmpty ? nil : weekdays.joined(separator: ",")
        let times =
            values(.timeOfDay, of: rhythm).count + values(.when, of: rhythm).count
        instruction[.timesOfDay] = times > 0 ? String(times) : nil
    }

    private static let rhythmParts: [(MemberName, DosageInstruction.Part)] = [
        (.frequency, .frequency), (.frequencyMax, .frequencyMax), (.period, .period),
        (.periodMax, .periodMax), (.count, .count),
    ]

    /// The first dose: FHIR has more than one where the same is said as ordered and as calculated.
    private mutating func readDose(_ item: JSONValue, into instruction: inout DosageInstruction) {
        let doses = objects(.doseAndRate, of: item)
        guard let said = doses.first else { return }
        var low = quantity(.doseQuantity, of: said)
        var high = low
        if let range = object(.doseRange, of: said) {
            low = quantity(.low, of: range)
            high = quantity(.high, of: range)
        } else if low == nil {
            low = quantity(.rateQuantity, of: said)
            high = low
        }
        guard low?.comparator == nil, high?.comparator == nil,
            low == nil || high == nil || low?.unit == high?.unit
        else { return }
        instruction[.doseLow] = low?.value
        instruction[.doseHigh] = high?.value
        instruction[.doseUnit] = high?.unit ?? low?.unit
    }

    /// The text of a number.
    private mutating func number(_ name: MemberName, of object: JSONValue) -> String? {
        guard let value = element(name, of: object) else { return nil }
        guard value.kind == .number else {
            invalid(value, "\(name) is not a number.")
            return nil
        }
        return texts.text(of: value)
    }

    /// The elements of an array.
    private mutating func values(_ name: MemberName, of object: JSONValue) -> [JSONValue] {
        guard let array = element(name, of: object) else { return [] }
        guard array.kind == .array else {
            invalid(array, "\(name) is not an array.")
            return []
        }
        return Array(array.children)
    }
}
