// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VigilCore

/// What a result's number is, and what cannot be said.
struct ResultTests {
    private static let units = "'mL/min/{1.73_m2}', 'mL/min'"

    /// A quantity as `value unit`, with a comparator before; a text in quotes.
    private static func value(_ text: String) -> ObservedValue? {
        if text == "-" { return nil }
        if text.hasPrefix("'") { return .text(String(text.dropFirst().dropLast())) }
        let comparators = ["<=", ">=", "<", ">"]
        let comparator = comparators.first { text.hasPrefix($0) }
        let words = text.dropFirst(comparator?.count ?? 0).split(separator: " ")
        return .quantity(
            ObservedQuantity(
                value: String(words[0]), comparator: comparator,
                unit: words.count > 1 ? String(words[1]) : nil))
    }

    /// The rule K on one result: below 45, at least 1, and not said to be more.
    @Test(arguments: [
        ("44.9 mL/min", Truth.yes, true), ("45 mL/min", .no, true),
        ("45.0 mL/min/{1.73_m2}", .no, true), ("44.99999999 mL/min", .yes, true),
        ("44.9999999999999 mL/min", .yes, true), ("4.49e1 mL/min", .yes, true),
        ("1 mL/min", .yes, true), ("0.99 mL/min", .no, true), ("<1 mL/min", .no, true),
        ("<15 mL/min", .yes, true), (">15 mL/min", .no, true), (">=15 mL/min", .no, true),
        ("'>90'", .no, true), ("'<15'", .yes, true), ("' < 15 mL/min '", .yes, true),
        ("'44'", .yes, true), ("'~30'", .no, true),
        // A result that cannot be read is unknown; what is no result is none.
        ("44 mmol/L", .unknown, true), ("44", .unknown, true), ("'44 mmol/L'", .unknown, true),
        ("99999999999 mL/min", .unknown, true),
        ("'haemolysed'", .unknown, false), ("''", .unknown, false),
        ("'> see note'", .unknown, false),
        ("'12/05/2024'", .unknown, false), ("-", .unknown, false),
    ])
    func aResultIsReadSafely(text: String, truth: Truth, isResult: Bool) throws {
        let bench = try Bench(
            """
            define "Latest": Last([MedicationRequest: "NSAID"])
            define "Number": Vigil.Number("Latest", "NSAID", \(Self.units))
            define "Comparator": Vigil.Comparator("Latest", "NSAID")
            define "It": "Number" >= 1 and "Number" < 45
              and ("Comparator" = '>') is not true and ("Comparator" = '>=') is not true
              and ("Comparator" = '~') is not true
              and not ("Number" = 1 and ("Comparator" = '<') is true)
            define "Has": Vigil.HasResult("Latest", "NSAID")
            """)
        var patient = try PatientFacts("nsaid 2024-01-01")
        patient.facts[0].details = FactDetails(value: Self.value(text))
        #expect(try bench.judge("It", patient, on: "2024-03-01").truth == truth)
        #expect(try bench.judge("Has", patient, on: "2024-03-01").truth == (isResult ? .yes : .no))
    }

    @Test func aPanelsResultIsThatOfItsComponentInTheList() throws {
        let bench = try Bench(
            """
            define "It": Vigil.Number(Last([MedicationRequest: "NSAID"]), "NSAID", 'mL/min') = 30
            """)
        var patient = try PatientFacts("nsaid 2024-01-01")
        let components = [("ppi", "50"), ("nsaid", "30"), ("nsaid", "20")].map {
            ObservedComponent(
                codings: [Coding(system: "s", code: $0)],
                value: .quantity(ObservedQuantity(value: $1, unit: "mL/min")))
        }
        patient.facts[0].details = FactDetails(components: components)
        #expect(try bench.judge("It", patient, on: "2024-03-01").truth == .yes)
    }

    @Test(arguments: ["units", "'mL/min', Today()"])
    func aUnitIsAText(units: String) throws {
        #expect(throws: (any Error).self) {
            try Bench("define \"It\": Vigil.Number(null, \"NSAID\", \(units)) < 45")
        }
    }
}
