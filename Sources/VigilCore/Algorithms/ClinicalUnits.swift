// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a reading measures: its unit here, and what no living patient's reading can be (clinical.md
/// section 3.0).
///
/// Other units convert by the one table of UCUM units, `UnitTable`; what people write in place of
/// UCUM's codes is listed here. UCUM cannot convert between the mass and the amount of a substance:
/// the factors for that are the molar masses that the clinical page fixes.
struct Measurement: Sendable {
    /// How a value becomes one in `unit`.
    private struct Conversion {
        var before: ExactNumber
        var factor: ExactNumber
        var after: ExactNumber

        func callAsFunction(_ value: ExactNumber) -> ExactNumber {
            (value + before) * factor - after
        }
    }

    /// The UCUM code that values are given in, and how people write it.
    let unit: String
    let display: String
    /// UCUM's codes by what people write in their place.
    private let spellings: [String: String]
    /// A unit of mass, and how many `unit` one of it is.
    private let mass: (unit: String, factor: ExactNumber)?
    /// Of the units that come nearly always; nil for one that measures something else.
    private var usual: [String: Conversion?] = [:]
    /// In `unit`, both possible.
    let possible: ClosedRange<ExactNumber>

    /// Why a value is not read.
    enum Problem: String {
        case unknownUnit = "unknown-unit"
        case impossibleValue = "impossible-value"
        case unreadableValue = "unreadable-value"
    }

    init(
        _ unit: String, display: String? = nil, spelled spellings: [String: String] = [:],
        mass: (unit: String, factor: ExactNumber)? = nil, others: [String] = [],
        possible: ClosedRange<Int>
    ) {
        self.unit = unit
        self.display = display ?? unit
        self.spellings = spellings
        self.mass = mass
        self.possible =
            ExactNumber(Int128(possible.lowerBound))...ExactNumber(Int128(possible.upperBound))
        for name in [unit, mass?.unit].compactMap({ $0 }) + spellings.keys + others {
            usual.updateValue(conversion(from: name), forKey: name)
        }
    }

    /// How a value in a unit becomes one in this, by a UCUM code or a spelling of one.
    private func conversion(from name: String) -> Conversion? {
        guard let own = Unit(unit), let other = Unit(spellings[name] ?? name) else { return nil }
        if let found = other.conversion(to: own) {
            return Conversion(before: found.before, factor: found.factor, after: found.after)
        }
        guard let mass, let heavy = Unit(mass.unit), let found = other.conversion(to: heavy) else {
            return nil
        }
        return Conversion(
            before: found.before, factor: found.factor * mass.factor, after: found.after)
    }

    /// The value of a quantity in `unit`; UCUM annotations are no part of a unit.
    func read(_ quantity: ObservedQuantity) -> Result<ExactNumber, MeasurementFailure> {
        guard quantity.comparator == nil, let written = ExactNumber(decimal: quantity.value) else {
            return .failure(MeasurementFailure(problem: .unreadableValue))
        }
        let name = quantity.unit ?? ""
        guard
            let convert = usual[name]
                ?? (conversion(from: name)
                    ?? conversion(from: UnitText.withoutAnnotations(name)))
        else {
            return .failure(MeasurementFailure(problem: .unknownUnit))
        }
        let value = convert(written)
        guard possible.contains(value) else {
            return .failure(MeasurementFailure(problem: .impossibleValue))
        }
        return .success(value)
    }

    /// The value of a fact's quantity; what keeps it from being read is noted as a problem of the
    /// fact.
    func read(
        _ quantity: ObservedQuantity, of fact: Fact, noting problems: inout [DataProblem]
    ) -> ExactNumber? {
        switch read(quantity) {
        case .success(let value): return value
        case .failure(let failure):
            problems.append(DataProblem(offset: fact.offset, code: failure.problem.rawValue))
            return nil
        }
    }
}

/// Why a quantity gives no value.
struct MeasurementFailure: Error {
    var problem: Measurement.Problem
}

extension Measurement {
    /// What people write for a rate.
    private static let rates: [String: String] = Dictionary(
        uniqueKeysWithValues: [
            "1/min", "min-1", "bpm", "per minute", "breaths/min", "breaths/minute",
            "breaths per minute", "beats/min", "beats/minute", "beats per minute",
        ].map { ($0, "/min") })
    private static let litres = ["l/min": "L/min", "LPM": "L/min", "lpm": "L/min"]

    static let respiratoryRate = Measurement("/min", spelled: rates, possible: 0...120)
    static let pulse = Measurement("/min", spelled: rates, possible: 0...350)
    static let oxygenSaturation = Measurement("%", possible: 1...100)
    static let bloodPressure = Measurement(
        "mm[Hg]", display: "mmHg", spelled: ["mmHg": "mm[Hg]", "mm Hg": "mm[Hg]"],
        possible: 10...350)
    static let temperature = Measurement(
        "Cel", spelled: ["°C": "Cel", "degC": "Cel", "C": "Cel", "degF": "[degF]", "°F": "[degF]"],
        possible: 20...46)
    static let oxygenFlow = Measurement("L/min", spelled: litres, possible: 0...100)
    static let inspiredOxygen = Measurement("%", possible: 15...100)
    static let weight = Measurement("kg", spelled: ["lb": "[lb_av]"], possible: 2...500)
    /// Thresholds are compared in the unit received: one unit is never made the other.
    static let glucose = Measurement("mmol/L", others: ["mg/dL"], possible: 0...60)
    static let glucoseInMilligrams = Measurement(
        "mg/dL", others: ["mmol/L", "mmol/l"], possible: 5...1100)
    static let peakFlow = Measurement("L/min", spelled: litres, possible: 50...900)
    /// In a home below 70 % a probe has slipped.
    static let homeSaturation = Measurement("%", possible: 70...100)
    static let creatinine = Measurement(
        "umol/L",
        spelled: [
            "µmol/L": "umol/L", "μmol/L": "umol/L", "µmol/l": "umol/L", "micromol/L": "umol/L",
        ], mass: ("mg/dL", ExactNumber(8842, over: 100)), possible: 1...5000)
    static let eosinophils = Measurement(
        "/uL",
        spelled: [
            "cells/uL": "/uL", "cells/µL": "/uL", "/µL": "/uL", "cells/mm3": "/mm3",
        ], possible: 0...100_000)
    static let exhaledNitricOxide = Measurement(
        "[ppb]", display: "ppb", spelled: ["ppb": "[ppb]"], possible: 0...500)
}
