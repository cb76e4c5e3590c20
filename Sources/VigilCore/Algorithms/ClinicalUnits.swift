// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What a reading measures: its unit here, the other units that convert to it exactly, and what no
/// living patient's reading can be (clinical.md section 3.0).
///
/// UCUM cannot convert between mass and amount of a substance; the factors here are the molar
/// masses that the clinical page fixes.
struct Measurement: Sendable {
    /// The UCUM code that values are given in, and how people write it.
    let unit: String
    let display: String
    /// Each unit's factor to `unit`, and what is taken off before it.
    private let factors: [String: (factor: ExactNumber, offset: ExactNumber)]
    /// In `unit`, both possible.
    let possible: ClosedRange<ExactNumber>

    /// Why a value is not read.
    enum Problem: String {
        case unknownUnit = "unknown-unit"
        case impossibleValue = "impossible-value"
        case unreadableValue = "unreadable-value"
    }

    init(
        _ unit: String, display: String? = nil, also names: [String] = [],
        converting: [String: (factor: ExactNumber, offset: ExactNumber)] = [:],
        possible: ClosedRange<Int>
    ) {
        self.unit = unit
        self.display = display ?? unit
        var factors = converting
        for name in names + [unit] { factors[name] = (ExactNumber(1), ExactNumber(0)) }
        self.factors = factors
        self.possible =
            ExactNumber(Int128(possible.lowerBound))...ExactNumber(Int128(possible.upperBound))
    }

    /// The value of a quantity in `unit`; UCUM annotations are no part of a unit.
    func read(_ quantity: ObservedQuantity) -> Result<ExactNumber, MeasurementFailure> {
        guard quantity.comparator == nil, let written = ExactNumber(decimal: quantity.value) else {
            return .failure(MeasurementFailure(problem: .unreadableValue))
        }
        let name = Measurement.withoutAnnotations(quantity.unit ?? "")
        guard let (factor, offset) = factors[name] else {
            return .failure(MeasurementFailure(problem: .unknownUnit))
        }
        let value = (written - offset) * factor
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

    private static func withoutAnnotations(_ unit: String) -> String {
        var result = ""
        var depth = 0
        for character in unit {
            if character == "{" { depth += 1 }
            if depth == 0 { result.append(character) }
            if character == "}" { depth = max(0, depth - 1) }
        }
        return result
    }
}

/// Why a quantity gives no value.
struct MeasurementFailure: Error {
    var problem: Measurement.Problem
}

extension Measurement {
    private static let zero = ExactNumber(0)
    private static let perMinute = ["/min", "1/min", "min-1", "bpm", "per minute"]

    static let respiratoryRate = Measurement(
        "/min", also: perMinute + ["breaths/min", "breaths/minute", "breaths per minute"],
        possible: 0...120)
    static let pulse = Measurement(
        "/min", also: perMinute + ["beats/min", "beats/minute", "beats per minute"],
        possible: 0...350)
    static let oxygenSaturation = Measurement("%", possible: 1...100)
    static let bloodPressure = Measurement(
        "mm[Hg]", display: "mmHg", also: ["mmHg", "mm Hg"],
        converting: ["kPa": (ExactNumber(750_062, over: 100_000), zero)], possible: 10...350)
    static let temperature = Measurement(
        "Cel", also: ["°C", "degC", "C"],
        converting: [
            "[degF]": (ExactNumber(5, over: 9), ExactNumber(32)),
            "degF": (ExactNumber(5, over: 9), ExactNumber(32)),
            "K": (ExactNumber(1), ExactNumber(27_315, over: 100)),
        ], possible: 20...46)
    static let oxygenFlow = Measurement(
        "L/min", also: ["l/min"],
        converting: ["mL/min": (ExactNumber(1, over: 1000), zero)], possible: 0...100)
    static let inspiredOxygen = Measurement("%", possible: 15...100)
    static let weight = Measurement(
        "kg",
        converting: [
            "g": (ExactNumber(1, over: 1000), zero),
            "[lb_av]": (ExactNumber(45_359_237, over: 100_000_000), zero),
            "lb": (ExactNumber(45_359_237, over: 100_000_000), zero),
        ], possible: 2...500)
    /// Not converted: thresholds are compared in the unit received.
    static let glucose = Measurement("mmol/L", also: ["mmol/l"], possible: 0...60)
    static let glucoseInMilligrams = Measurement("mg/dL", also: ["mg/dl"], possible: 5...1100)
    static let peakFlow = Measurement("L/min", also: ["l/min"], possible: 50...900)
    /// In a home below 70 % a probe has slipped.
    static let homeSaturation = Measurement("%", possible: 70...100)
    static let creatinine = Measurement(
        "umol/L", also: ["µmol/L", "μmol/L", "umol/l", "µmol/l", "micromol/L"],
        converting: [
            "mg/dL": (ExactNumber(8842, over: 100), zero),
            "mmol/L": (ExactNumber(1000), zero),
        ], possible: 1...5000)
    static let eosinophils = Measurement(
        "/uL", also: ["1/uL", "cells/uL", "cells/µL", "/µL", "/mm3", "cells/mm3"],
        converting: [
            "10*9/L": (ExactNumber(1000), zero), "10^9/L": (ExactNumber(1000), zero),
            "10*3/uL": (ExactNumber(1000), zero), "10^3/uL": (ExactNumber(1000), zero),
            "10*6/L": (ExactNumber(1), zero), "10^6/L": (ExactNumber(1), zero),
        ], possible: 0...100_000)
    static let exhaledNitricOxide = Measurement(
        "[ppb]", display: "ppb", also: ["ppb"], possible: 0...500)
}
